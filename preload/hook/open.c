/* open.c - open and its family. */
#include "child.h"
#include "grow.h"
#include "open.h"
#include "swap.h"

#include <stdarg.h>
#include <string.h>

enum opener { OPEN, OPEN64, OPENAT, OPENAT64, OPEN_2, OPEN64_2, OPENAT_2, OPENAT64_2, CREAT, CREAT64 };

static int down(enum opener which, int dirfd, const char *path, int flags, mode_t mode)
{
	switch (which) {
	case OPEN:       return next.open(path, flags, mode);
	case OPEN64:     return next.open64(path, flags, mode);
	case OPENAT:     return next.openat(dirfd, path, flags, mode);
	case OPENAT64:   return next.openat64(dirfd, path, flags, mode);
	case OPEN_2:     return next.__open_2(path, flags);
	case OPEN64_2:   return next.__open64_2(path, flags);
	case OPENAT_2:   return next.__openat_2(dirfd, path, flags);
	case OPENAT64_2: return next.__openat64_2(dirfd, path, flags);
	case CREAT:      return next.creat(path, mode);
	case CREAT64:    return next.creat64(path, mode);
	}
	__builtin_unreachable();
}

void open_hinted(int fd, uint32_t rec)
{
	struct cached c;
	struct guard g = hook_enter();

	if (session_hint(rec, fd, &c) == 0)
		fd_install(fd, FD_HINT, &c, 0, true);
	hook_leave(g);
}

void open_writer(int fd, uint32_t rec)
{
	struct cached c = { .rec = rec };
	struct stat st;
	bool known = next.fstat(fd, &st) == 0;

	/* What this process has open of it must see the writes. */
	fd_original_all(rec, known ? &st : NULL);
	struct guard g = hook_enter();
	c.rec = session_writes(rec, known ? &st : NULL);
	fd_install(fd, FD_WRITER, &c, 0, false);
	hook_leave(g);
}

void open_asked(int fd, int flags)
{
	struct where w;
	uint32_t rec = REC_NONE;

	if (path_of_fd(fd, &w) == PATH_ROOT) {
		struct guard g = hook_enter();
		rec = opened_record_of(&w, !opens_to_write(flags));
		hook_leave(g);
	} else if (open_watched() && !opens_to_write(flags)) {
		open_elsewhere(fd, AT_FDCWD, NULL);
	}
	if (rec == REC_NONE)
		return;
	if (opens_to_write(flags))
		open_writer(fd, rec);
	else if (!(flags & OPEN_PLAIN_NOT))
		open_hinted(fd, rec);
}

void open_elsewhere(int fd, int dirfd, const char *path)
{
	char buf[PATH_ROOM];
	struct guard g = hook_enter();
	bool plain = path && !strstr(path, "//") && !strstr(path, "/.") && path[0] != '.';

	if (plain && path[0] == '/') {
		live_stranger(path, strlen(path));
	} else if (plain && dirfd == AT_FDCWD && getcwd(buf, sizeof(buf)) && strlen(buf) + strlen(path) + 2 < sizeof(buf)) {
		strcat(strcat(buf, "/"), path);    /* by its own name, which may be a link's */
		live_stranger(buf, strlen(buf));
	} else {
		live_stranger(buf, path_name_of_fd(fd, buf));
	}
	child_look();
	hook_leave(g);
}

void open_proc_fd(int fd, int flags)
{
	if (opens_to_write(flags) || (flags & OPEN_PLAIN_NOT))
		fd_original(fd);
	else
		fd_strangers();
}

/* The path may be a dataset file's. */
static __attribute__((noinline)) int open_slow(enum opener which, int dirfd, const char *path, int flags, mode_t mode)
{
	struct where w;
	struct cached c;
	uint32_t rec = REC_NONE;
	bool write = opens_to_write(flags);
	int fd, r = -1;

	enum path_kind kind = path_where(dirfd, path, &w);
	if (kind == PATH_OTHER) {
		/* for good: so not where a folder may become a root yet */
		if (dirfd != AT_FDCWD && path[0] != '/' && !fd_is(dirfd, FD_OURS) && !conf_may_learn() && path_dir_elsewhere(dirfd))
			fd_set_elsewhere(dirfd);
		if (!open_proc(path, flags)) {
			fd = down(which, dirfd, path, flags, mode);
			if (open_watched() && fd >= 0 && !write)
				open_elsewhere(fd, dirfd, path);
			return fd;
		}
		kind = PATH_ASK;
	}
	if (kind == PATH_ASK) {
		fd = down(which, dirfd, path, flags, mode);
		if (fd >= 0)
			open_asked(fd, flags);
		return fd;
	}

	struct guard g = hook_enter();
	rec = opened_record_of(&w, !write);
	if (rec != REC_NONE && !write && !(flags & OPEN_PLAIN_NOT)) {
		r = session_open(rec, dirfd, path, flags, &c);
		if (r >= FD_MAX) {      /* too high to be tracked */
			next.close(r);
			r = -1;
		}
		if (r >= 0)
			fd_install(r, FD_OBJECT, &c, 0, true);
	}
	hook_leave(g);
	if (r >= 0)
		return r;

	fd = down(which, dirfd, path, flags, mode);
	if (fd < 0 || rec == REC_NONE)
		return fd;
	if (write)
		open_writer(fd, rec);
	else if (r == -ENOENT || r == -ESTALE)
		open_hinted(fd, rec);
	return fd;
}

/* The number is a new file's now. */
static COLD void renumbered(int fd) { fd_clear(fd); }

static inline int opened(int fd, const char *path, int flags)
{
	if (unlikely(fd_is(fd, FD_ELSEWHERE | FD_GROWS)))
		renumbered(fd);
	if (unlikely(flags & (O_WRONLY | O_RDWR)) && fd >= 0)
		grow_opened(fd, path);
	return fd;
}

/* May it be a dataset file's name? Not below a folder that is known to lie elsewhere. Inlined, so that it costs open() nothing. */
static inline __attribute__((always_inline)) bool may(int dirfd, const char *path)
{
	return path_may(path) && (!fd_is(dirfd, FD_ELSEWHERE) || path[0] == '/' || path[0] == '.');
}

/* By a name that may be. frame: the hook's own, for hook_inside(). */
static __attribute__((noinline)) int open_named(enum opener which, int dirfd, const char *path, int flags, const char *frame)
{
	if (hook_inside_from(frame))
		return down(which, dirfd, path, flags, 0);
	int fd = open_slow(which, dirfd, path, flags, 0);
	if (unlikely(fd_is(fd, FD_ELSEWHERE | FD_GROWS)))
		renumbered(fd);
	return fd;
}

/* Opens that are not plain, or not by a name that is nobody's. */
static COLD int open_odd(enum opener which, int dirfd, const char *path, int flags, mode_t mode, const char *frame)
{
	bool ours = false;
	if (hook_on && !(flags & OPEN_NEVER) && path_may(path))
		ours = opens_to_write(flags) || may(dirfd, path);
	else if (hook_on)
		ours = session_dev && path && path_proc_fd(path) >= 0;
	if (ours && !hook_inside_from(frame))
		return opened(open_slow(which, dirfd, path, flags, mode), path, flags);
	return opened(down(which, dirfd, path, flags, mode), path, flags);
}

/* Flags of opens that take longer: they write, or make the file, or may be OPEN_NEVER. (O_TMPFILE has O_DIRECTORY's bit.) */
#define OPEN_ODD (O_ACCMODE | O_TRUNC | O_CREAT | OPEN_NEVER)
#define NEEDS_MODE(flags) (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE)

#define ODD(path, flags) (unlikely((flags) & OPEN_ODD) || (session_dev && path && unlikely(path_proc_like(path))))

/* An open that is not ours costs what is here: a look at its flags, and at its path's last byte and first. */
#define OPENER(name, which, params, dirfd, call) \
	EXPORT int name params \
	{ \
		OPAQUE(path); \
		if (ODD(path, flags)) { \
			mode_t mode = 0; \
			if (NEEDS_MODE(flags)) { \
				va_list ap; \
				va_start(ap, flags); \
				mode = va_arg(ap, mode_t); \
				va_end(ap); \
			} \
			return open_odd(which, dirfd, path, flags, mode, __builtin_frame_address(0)); \
		} \
		if (hook_on && may(dirfd, path)) \
			return open_named(which, dirfd, path, flags, __builtin_frame_address(0)); \
		return opened(call, path, 0); \
	}

OPENER(open, OPEN, (const char *path, int flags, ...), AT_FDCWD, next.open(path, flags))
OPENER(open64, OPEN64, (const char *path, int flags, ...), AT_FDCWD, next.open64(path, flags))
OPENER(openat, OPENAT, (int dirfd, const char *path, int flags, ...), dirfd, next.openat(dirfd, path, flags))
OPENER(openat64, OPENAT64, (int dirfd, const char *path, int flags, ...), dirfd, next.openat64(dirfd, path, flags))

/* (What needs a mode these refuse themselves.) */
#define OPENER_2(name, which, params, dirfd, call) \
	EXPORT int name params \
	{ \
		OPAQUE(path); \
		if (NEEDS_MODE(flags)) \
			return call; \
		if (ODD(path, flags)) \
			return open_odd(which, dirfd, path, flags, 0, __builtin_frame_address(0)); \
		if (hook_on && may(dirfd, path)) \
			return open_named(which, dirfd, path, flags, __builtin_frame_address(0)); \
		return opened(call, path, 0); \
	}

OPENER_2(__open_2, OPEN_2, (const char *path, int flags), AT_FDCWD, next.__open_2(path, flags))
OPENER_2(__open64_2, OPEN64_2, (const char *path, int flags), AT_FDCWD, next.__open64_2(path, flags))
OPENER_2(__openat_2, OPENAT_2, (int dirfd, const char *path, int flags), dirfd, next.__openat_2(dirfd, path, flags))
OPENER_2(__openat64_2, OPENAT64_2, (int dirfd, const char *path, int flags), dirfd, next.__openat64_2(dirfd, path, flags))

#define CREATOR(name, which) \
	EXPORT int name(const char *path, mode_t mode) \
	{ \
		OPAQUE(path); \
		return open_odd(which, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode, __builtin_frame_address(0)); \
	}

CREATOR(creat, CREAT)
CREATOR(creat64, CREAT64)
