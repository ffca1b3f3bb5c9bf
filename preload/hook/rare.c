/* rare.c - calls that must reach the original itself: locks, and changes of what is not content. */
#include "swap.h"
#include "path.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdarg.h>

/* An object may also be one that we know nothing of (after exec, SCM_RIGHTS): where a session is attached these
 * calls pay for an fstat. */
static inline void to_original(int fd)
{
	if (unlikely((session_dev || fd_is(fd, FD_OURS)) && !hook_inside()))
		fd_original(fd);
}

#define RARE(ret, name, params, call) \
	EXPORT ret name params \
	{ \
		to_original(fd); \
		return call; \
	}

RARE(int, flock, (int fd, int op), next.flock(fd, op))
RARE(int, lockf, (int fd, int op, off_t n), next.lockf(fd, op, n))
RARE(int, lockf64, (int fd, int op, off64_t n), next.lockf64(fd, op, n))
/* It lies on another file system. */
RARE(int, fstatfs, (int fd, struct statfs *st), next.fstatfs(fd, st))
RARE(int, fstatfs64, (int fd, struct statfs64 *st), next.fstatfs64(fd, st))
RARE(int, fstatvfs, (int fd, struct statvfs *st), next.fstatvfs(fd, st))
RARE(int, fstatvfs64, (int fd, struct statvfs64 *st), next.fstatvfs64(fd, st))
/* The object has none of the original's attributes. */
RARE(ssize_t, fgetxattr, (int fd, const char *key, void *v, size_t n), next.fgetxattr(fd, key, v, n))
RARE(ssize_t, flistxattr, (int fd, char *v, size_t n), next.flistxattr(fd, v, n))

/* Owner, mode, times or attributes of fd's file are about to be changed. Returns whose it is: by its path, for an
 * entry may be stale. *st: the file itself, for it may be open by another name. */
static uint32_t meta_before(int fd, struct stat *st)
{
	struct where w;
	uint32_t rec = REC_NONE;

	if (hook_inside() || (!session_dev && !fd_is(fd, FD_OURS)))
		return REC_NONE;
	fd_original(fd);
	if (path_of_fd(fd, &w) == PATH_ROOT) {
		struct guard g = hook_enter();
		rec = session_record(w.root, w.rel, w.len);
		hook_leave(g);
	}
	return rec == REC_NONE || next.fstat(fd, st) ? REC_NONE : rec;
}

/* Other descriptors of ours must show the change at once. */
static void meta_after(uint32_t rec, const struct stat *st)
{
	if (rec == REC_NONE)
		return;
	fd_original_all(rec, st);
	struct guard g = hook_enter();
	session_invalidate(rec);
	hook_leave(g);
}

#define META(name, params, call) \
	EXPORT int name params \
	{ \
		struct stat st; \
		uint32_t rec = meta_before(fd, &st); \
		int r = call; \
		meta_after(rec, &st); \
		return r; \
	}

META(fchmod, (int fd, mode_t mode), next.fchmod(fd, mode))
META(fchown, (int fd, uid_t uid, gid_t gid), next.fchown(fd, uid, gid))
META(futimens, (int fd, const struct timespec t[2]), next.futimens(fd, t))
META(futimes, (int fd, const struct timeval t[2]), next.futimes(fd, t))
META(fsetxattr, (int fd, const char *key, const void *v, size_t n, int flags), next.fsetxattr(fd, key, v, n, flags))
META(fremovexattr, (int fd, const char *key), next.fremovexattr(fd, key))

/* Only requests that read or change the file's own flags: isatty() asks TCGETS of everything that Python opens. */
static bool of_the_file(unsigned long req)
{
	return req == FS_IOC_SETFLAGS || req == FS_IOC_GETFLAGS || req == FS_IOC_FSSETXATTR || req == FS_IOC_FSGETXATTR ||
	       req == FS_IOC32_SETFLAGS || req == FS_IOC32_GETFLAGS || req == FS_IOC_FIEMAP || req == FIBMAP ||
	       req == FS_IOC_GETVERSION;
}

EXPORT int ioctl(int fd, unsigned long req, ...)
{
	va_list ap;

	va_start(ap, req);
	unsigned long arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (unlikely(of_the_file(req)))
		to_original(fd);
	else if (unlikely(req == FICLONE))
		to_original((int)arg);
	else if (unlikely(req == FICLONERANGE))
		to_original((int)((struct file_clone_range *)arg)->src_fd);
	return next.ioctl(fd, req, arg);
}
