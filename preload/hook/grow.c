/* grow.c - calls that make a file larger. On the tmpfs of sessions the cache gives way to it first (session_grow()), in every
 * process that the library is in, whether or not it reads a dataset. Elsewhere they cost an fstat, a write one bit test. */
#include "grow.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>

/* OPT4_DISABLE, which conf_load() looks at only where there is a dataset. */
static bool off(void)
{
	static int disabled = -1;
	if (disabled < 0) {
		const char *s = getenv("OPT4_DISABLE");
		disabled = s && s[0] == '1' && !s[1];
	}
	return disabled;
}

/* The call that follows will leave fd's file with bytes in [from, to); `later`: they come after it, or some of them. */
static void grow(int fd, off64_t from, off64_t to, bool later)
{
	struct stat st;
	if (hook_inside() || from < 0 || to <= from || !next_resolved() || off() || (hook_on && getpid() != hook_pid))
		return;
	struct guard g = hook_enter();
	if (next.fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == session_tmpfs())
		session_grow(fd, &st, (uint64_t)from, (uint64_t)to, later);
	hook_leave(g);
}

/* ---- by size ---- */

/* Only a descriptor that is open for writing can be truncated: its file is not cached as long as it is, but for
 * what was filled before the writer was seen. */
static void truncated(int fd)
{
	struct fd_entry e;

	if (hook_inside() || !fd_get(fd, &e) || e.kind != FD_WRITER)
		return;
	struct guard g = hook_enter();
	session_invalidate(e.c.rec);
	hook_leave(g);
}

#define TRUNCATER(name, off_type) \
	EXPORT int name(int fd, off_type n) \
	{ \
		if (unlikely(fd_is(fd, FD_OURS))) { \
			int r = next.name(fd, n); \
			truncated(fd); \
			return r; \
		} \
		grow(fd, 0, n, true); \
		return next.name(fd, n); \
	}

TRUNCATER(ftruncate, off_t)
TRUNCATER(ftruncate64, off64_t)

/* A fill may have taken what was free: once more. Of modes that add nothing the kernel says what it thinks. */
EXPORT int fallocate(int fd, int mode, off_t at, off_t n)
{
	int r = -1;
	for (int i = 0; i < 3 && r < 0 && (!i || errno == ENOSPC); i++) {
		if (!(mode & ~1))
			grow(fd, at, at + n, false);
		r = next.fallocate(fd, mode, at, n);
	}
	return r;
}

EXPORT int fallocate64(int fd, int mode, off64_t at, off64_t n) { return fallocate(fd, mode, at, n); }

EXPORT int posix_fallocate(int fd, off_t at, off_t n)
{
	int r = ENOSPC;
	for (int i = 0; i < 3 && r == ENOSPC; i++) {
		grow(fd, at, at + n, false);
		r = next.posix_fallocate(fd, at, n);
	}
	return r;
}

EXPORT int posix_fallocate64(int fd, off64_t at, off64_t n) { return posix_fallocate(fd, at, n); }

/* ---- by writing ---- */

bool grow_any;

void grow_opened_shm(int fd)
{
	grow_any = true;
	if (!fd_is(fd, FD_OURS) && !hook_inside())
		fd_set_grows(fd);
}

void grow_closing(int fd)
{
	int err = errno;
	if (hook_inside() || getpid() != hook_pid)
		return;
	struct guard g = hook_enter();
	session_grown(fd);
	hook_leave(g);
	errno = err;
}

EXPORT int shm_open(const char *name, int flags, mode_t mode)
{
	int fd = next.shm_open(name, flags, mode);
	if (fd >= 0 && (flags & O_RDWR))
		grow_opened_shm(fd);
	return fd;
}

static size_t total(const struct iovec *v, int n)
{
	size_t sum = 0;
	for (int i = 0; i < n && i < IOV_MAX; i++)
		sum += v[i].iov_len;
	return sum;
}

/* at -1: where fd stands. Behind a hole room is made for that too: it is how numpy makes the files that it maps. */
static void writes(int fd, size_t n, off64_t at)
{
	struct stat st;
	int err = errno;

	if (next.fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != session_tmpfs()) {
		fd_clear(fd);   /* another file's number by now */
	} else if (n) {
		if (next.fcntl(fd, F_GETFL) & O_APPEND)
			at = st.st_size;
		else if (at < 0)
			at = next.lseek(fd, 0, SEEK_CUR);
		if (at > st.st_size)
			grow(fd, 0, at + (off64_t)n, true);
		else if (at >= 0 && at + (off64_t)n > (off64_t)st.st_blocks * 512)
			grow(fd, at, at + (off64_t)n, false);
	}
	errno = err;
}

#define WRITER(name, params, bytes, at, ...) \
	static __attribute__((noinline)) ssize_t name##_grows params \
	{ \
		if (!hook_inside()) \
			writes(fd, bytes, at); \
		return next.name(__VA_ARGS__); \
	} \
	EXPORT ssize_t name params \
	{ \
		if (unlikely(fd_is(fd, FD_GROWS))) \
			return name##_grows(__VA_ARGS__); \
		return next.name(__VA_ARGS__); \
	}

WRITER(write, (int fd, const void *buf, size_t n), n, -1, fd, buf, n)
WRITER(pwrite, (int fd, const void *buf, size_t n, off_t at), n, at, fd, buf, n, at)
WRITER(pwrite64, (int fd, const void *buf, size_t n, off64_t at), n, at, fd, buf, n, at)
WRITER(writev, (int fd, const struct iovec *v, int n), total(v, n), -1, fd, v, n)
WRITER(pwritev, (int fd, const struct iovec *v, int n, off_t at), total(v, n), at, fd, v, n, at)
WRITER(pwritev64, (int fd, const struct iovec *v, int n, off64_t at), total(v, n), at, fd, v, n, at)

/* stdio writes by calls of its own. */
EXPORT size_t fwrite(const void *p, size_t size, size_t n, FILE *f)
{
	OPAQUE(f);
	if (unlikely(grow_any) && f && fd_is(fileno(f), FD_GROWS) && !hook_inside())
		writes(fileno(f), size * n, -1);
	return next.fwrite(p, size, n, f);
}

EXPORT size_t fwrite_unlocked(const void *p, size_t size, size_t n, FILE *f)
{
	OPAQUE(f);
	if (unlikely(grow_any) && f && fd_is(fileno(f), FD_GROWS) && !hook_inside())
		writes(fileno(f), size * n, -1);
	return next.fwrite_unlocked(p, size, n, f);
}
