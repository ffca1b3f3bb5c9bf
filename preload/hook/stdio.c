/* stdio.c - fopen and its family. stdio's own reads never reach us, so a stream is fetched for when it is made, or where its
 * file is large when stream.c says that its reader goes on. */
#include "grow.h"
#include "open.h"
#include "stream.h"
#include "swap.h"

#include <string.h>

static bool reads_only(const char *mode)
{
	return mode[0] == 'r' && !strchr(mode, '+');
}

static int open_flags(const char *mode)
{
	return O_RDONLY | (strchr(mode, 'e') ? O_CLOEXEC : 0);
}

/* Object of record rec as a descriptor, fetched if need be, and if not, a hint; or the original, opened and counted; or -1. */
static int stream_fd(uint32_t rec, const char *path, int flags, bool may_wait)
{
	struct cached c;
	int fd = session_open(rec, AT_FDCWD, path, flags, &c);

	if (fd >= 0 && !session_readable(&c, fd)) {
		next.close(fd);
		return next.open(path, flags);
	}
	if (fd >= 0) {
		session_touch(&c);
		fd_install(fd, FD_OBJECT, &c, 0, false);
		return fd;
	}
	if (fd != -ENOENT && fd != -ESTALE)
		return -1;
	fd = next.open(path, flags);
	if (fd < 0 || session_hint(rec, fd, &c))
		return fd;
	struct fd_entry e = { .kind = FD_HINT, .c = c };
	if (may_wait && fd < FD_MAX && fd_absent(&e, SESSION_SMALL)) {
		fd_install(fd, FD_HINT, &c, 0, true);
		return fd;
	}
	int obj = session_fetch(fd, flags | O_CLOEXEC, &c);
	if (obj < 0)
		return fd;
	/* Under the original's number: the lowest free one, as the program may expect. */
	if (next.dup3(obj, fd, flags & O_CLOEXEC) == fd)
		fd_install(fd, FD_OBJECT, &c, 0, false);
	next.close(obj);
	return fd;
}

static __attribute__((noinline)) FILE *fopen_slow(const char *path, const char *mode, FILE *(*down)(const char *, const char *))
{
	struct where w;
	enum path_kind kind = path_where(AT_FDCWD, path, &w);
	uint32_t rec = REC_NONE;
	int fd = -1;

	if (kind == PATH_OTHER) {
		if (!open_proc(path, reads_only(mode) ? O_RDONLY : O_RDWR)) {
			FILE *f = down(path, mode);
			if (f && open_watched() && reads_only(mode))
				open_elsewhere(fileno(f), AT_FDCWD, path);
			return f;
		}
		kind = PATH_ASK;
	}
	if (kind == PATH_ROOT) {
		struct guard g = hook_enter();
		rec = opened_record_of(&w, reads_only(mode));
		if (rec != REC_NONE && reads_only(mode))
			fd = stream_fd(rec, path, open_flags(mode), !strchr(mode, 'm'));
		hook_leave(g);
	}
	if (fd >= 0) {
		FILE *f = next.fdopen(fd, mode);
		if (f) {
			stream_on(fd, mode);
			return f;
		}
		fd_clear(fd);
		next.close(fd);
	}
	FILE *f = down(path, mode);
	if (!f)
		return f;
	if (kind == PATH_ASK) {
		int n = fileno(f);
		open_asked(n, reads_only(mode) ? O_RDONLY : O_RDWR);
		stream_on(n, mode);
	} else if (rec != REC_NONE && !reads_only(mode)) {
		open_writer(fileno(f), rec);
	}
	return f;
}

static inline __attribute__((always_inline)) bool look(const char *path, const char *mode)
{
	if (!hook_on || !mode)
		return false;
	if (path_may(path))
		return !hook_inside();
	return unlikely(session_dev && path && path_proc_fd(path) >= 0) && !hook_inside();
}

EXPORT FILE *fopen(const char *path, const char *mode)
{
	OPAQUE(path);
	OPAQUE(mode);
	if (unlikely(look(path, mode)))
		return fopen_slow(path, mode, next.fopen);
	return grow_stream(next.fopen(path, mode), path, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode)
{
	OPAQUE(path);
	OPAQUE(mode);
	if (unlikely(look(path, mode)))
		return fopen_slow(path, mode, next.fopen64);
	return grow_stream(next.fopen64(path, mode), path, mode);
}

/* The stream's descriptor leaves what it was on; the stream reads nothing before we have looked at the new one. */
static FILE *reopened(const char *path, const char *mode, FILE *f, FILE *(*down)(const char *, const char *, FILE *))
{
	struct where w;
	int fd = fileno(f);

	if (path)
		open_proc(path, reads_only(mode) ? O_RDONLY : O_RDWR);
	if (fd >= 0 && !path)
		fd_original(fd); /* another mode for the same file: the C library opens it by /proc/self/fd */
	if (fd >= 0)
		fd_clear(fd);
	f = down(path, mode, f);
	if (!f || (path ? !path_may(path) || path_where(AT_FDCWD, path, &w) == PATH_OTHER : reads_only(mode)))
		return f;
	fd = fileno(f);
	open_asked(fd, reads_only(mode) ? O_RDONLY : O_RDWR);
	stream_on(fd, mode);
	return f;
}

EXPORT FILE *freopen(const char *path, const char *mode, FILE *f)
{
	OPAQUE(path);
	if (!hook_on || hook_inside())
		return next.freopen(path, mode, f);
	return reopened(path, mode, f, next.freopen);
}

EXPORT FILE *freopen64(const char *path, const char *mode, FILE *f)
{
	OPAQUE(path);
	if (!hook_on || hook_inside())
		return next.freopen64(path, mode, f);
	return reopened(path, mode, f, next.freopen64);
}

EXPORT FILE *fdopen(int fd, const char *mode)
{
	if (unlikely(fd_is(fd, FD_PENDING)))
		stream_on(fd, mode);
	return next.fdopen(fd, mode);
}

EXPORT int fclose(FILE *f)
{
	FILE *given = f;
	OPAQUE(given);
	int err = errno;
	int fd = given && hook_on ? fileno(given) : -1;

	errno = err;            /* of a stream without a descriptor */
	if (!fd_is(fd, FD_OURS))
		return next.fclose(f);
	uint32_t rec = fd_take_writer(fd);
	fd_clear(fd);
	int r = next.fclose(f);
	fd_writer_closed(rec);  /* what was buffered is written only now */
	return r;
}
