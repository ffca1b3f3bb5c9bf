/* stat.c - identity: stat of an object answers as for its original. Only a result on the session's tmpfs is looked
 * at, so that every other stat costs one comparison. */
#include "swap.h"
#include "path.h"

#include <sys/sysmacros.h>

/* struct stat64 is struct stat here: one fill serves both. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "x86_64 and other 64-bit ABIs");

/* st is the real stat of descriptor fd, on the session's tmpfs. 0: st (or stx) is what the program is to see;
 * 1: fd is the original again, ask once more. */
static __attribute__((noinline)) int identity(int fd, uint64_t ino, struct stat *st, unsigned mask, struct statx *stx)
{
	struct fd_entry e;
	int r = 0;

	if (hook_inside())
		return 0;
	struct guard g = hook_enter();
	if (fd_object(fd, ino, &e)) {
		uint64_t checked = e.c.checked;
		r = st ? session_stat(&e.c, st) : session_statx(&e.c, mask, stx);
		if (e.c.checked != checked && fd_is(fd, FD_OURS))
			fd_set_checked(fd, &e.c);
	}
	hook_leave(g);
	return r == -ESTALE && fd_original(fd);
}

#define ON_SESSION(st) unlikely(session_on((st)->st_dev))

#define FSTAT(name, args, params, call) \
	static __attribute__((noinline)) int name##_ours params \
	{ \
		return identity(fd, st->st_ino, (struct stat *)st, 0, NULL) ? call : 0; \
	} \
	EXPORT int name params \
	{ \
		int r = call; \
		if (r == 0 && ON_SESSION(st)) \
			return name##_ours FSTAT_##args; \
		return r; \
	}
#define FSTAT_fd (fd, st)
#define FSTAT_ver (ver, fd, st)

FSTAT(fstat, fd, (int fd, struct stat *st), next.fstat(fd, st))
FSTAT(fstat64, fd, (int fd, struct stat64 *st), next.fstat64(fd, st))
FSTAT(__fxstat, ver, (int ver, int fd, struct stat *st), next.__fxstat(ver, fd, st))
FSTAT(__fxstat64, ver, (int ver, int fd, struct stat64 *st), next.__fxstat64(ver, fd, st))

/* Which descriptor of ours does (dirfd, path, flags) name? -1: none, or it cannot be told. The kernel takes no path for
 * an empty one. */
static int named(int dirfd, const char *path, int flags)
{
	OPAQUE(path);
	if (!path || !*path)
		return flags & AT_EMPTY_PATH ? dirfd : -1;
	if (flags & AT_SYMLINK_NOFOLLOW)
		return -1;
	return path_proc_fd(path);
}

#define STAT_AT(name, params, dirfd, path, flags, call) \
	EXPORT int name params \
	{ \
		int r = call; \
		if (r == 0 && ON_SESSION(st)) { \
			int fd = named(dirfd, path, flags); \
			if (fd >= 0 && identity(fd, st->st_ino, (struct stat *)st, 0, NULL)) \
				r = call; \
		} \
		return r; \
	}

STAT_AT(fstatat, (int dirfd, const char *path, struct stat *st, int flags), dirfd, path, flags, next.fstatat(dirfd, path, st, flags))
STAT_AT(fstatat64, (int dirfd, const char *path, struct stat64 *st, int flags), dirfd, path, flags, next.fstatat64(dirfd, path, st, flags))
STAT_AT(__fxstatat, (int ver, int dirfd, const char *path, struct stat *st, int flags), dirfd, path, flags,
	next.__fxstatat(ver, dirfd, path, st, flags))
STAT_AT(__fxstatat64, (int ver, int dirfd, const char *path, struct stat64 *st, int flags), dirfd, path, flags,
	next.__fxstatat64(ver, dirfd, path, st, flags))
STAT_AT(stat, (const char *path, struct stat *st), -1, path, 0, next.stat(path, st))
STAT_AT(stat64, (const char *path, struct stat64 *st), -1, path, 0, next.stat64(path, st))
STAT_AT(__xstat, (int ver, const char *path, struct stat *st), -1, path, 0, next.__xstat(ver, path, st))
STAT_AT(__xstat64, (int ver, const char *path, struct stat64 *st), -1, path, 0, next.__xstat64(ver, path, st))

EXPORT int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *stx)
{
	/* The inode number is needed to know an object. */
	int r = next.statx(dirfd, path, flags, mask | STATX_INO, stx);
	if (r == 0 && unlikely(session_on(makedev(stx->stx_dev_major, stx->stx_dev_minor)))) {
		int fd = named(dirfd, path, flags);
		if (fd >= 0 && identity(fd, stx->stx_ino, NULL, mask, stx))
			r = next.statx(dirfd, path, flags, mask, stx);
	}
	return r;
}
