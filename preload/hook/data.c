/* data.c - the read families. A descriptor that is not pending costs one test. */
#include "swap.h"

/* at -1: where fd stands. Two functions, so that the quick one has nothing to do but its test and a jump. */
#define READER(name, params, n, at, ...) \
	static __attribute__((noinline)) ssize_t name##_pending params \
	{ \
		uint32_t claim; \
		int err = errno; \
		bool peek = fd_is(fd, FD_PENDING) && fd_peek(fd, n, at, &claim); \
		ssize_t r = next.name(__VA_ARGS__); \
		if (peek) \
			fd_release(fd, claim); \
		return r < 0 && errno == EIO && fd_failed(fd, err) ? next.name(__VA_ARGS__) : r; \
	} \
	EXPORT ssize_t name params \
	{ \
		if (unlikely(fd_is(fd, FD_PENDING | FD_DISK))) \
			return name##_pending(__VA_ARGS__); \
		return next.name(__VA_ARGS__); \
	}

READER(read, (int fd, void *buf, size_t n), n, -1, fd, buf, n)
READER(__read_chk, (int fd, void *buf, size_t n, size_t room), n, -1, fd, buf, n, room)
READER(pread, (int fd, void *buf, size_t n, off_t off), n, off, fd, buf, n, off)
READER(pread64, (int fd, void *buf, size_t n, off64_t off), n, off, fd, buf, n, off)
READER(__pread_chk, (int fd, void *buf, size_t n, off_t off, size_t room), n, off, fd, buf, n, off, room)
READER(__pread64_chk, (int fd, void *buf, size_t n, off64_t off, size_t room), n, off, fd, buf, n, off, room)
READER(readv, (int fd, const struct iovec *v, int n), fd_bytes(v, n), -1, fd, v, n)
READER(preadv, (int fd, const struct iovec *v, int n, off_t off), fd_bytes(v, n), off, fd, v, n, off)
READER(preadv64, (int fd, const struct iovec *v, int n, off64_t off), fd_bytes(v, n), off, fd, v, n, off)

/* With flags that the original's file system knows, and tmpfs may not (RWF_NOWAIT). */
#define READER_FLAGS(name, off_type) \
	EXPORT ssize_t name(int fd, const struct iovec *v, int n, off_type off, int flags) \
	{ \
		int err = errno; \
		uint32_t claim; \
		bool peek = unlikely(fd_is(fd, FD_PENDING)) && fd_peek(fd, fd_bytes(v, n), off, &claim); \
		ssize_t r = next.name(fd, v, n, off, flags); \
		if (unlikely(peek)) \
			fd_release(fd, claim); \
		if (unlikely(r < 0) && ((errno == EOPNOTSUPP && flags && fd_left_object(fd, err)) || (errno == EIO && fd_failed(fd, err)))) \
			r = next.name(fd, v, n, off, flags); \
		return r; \
	}

READER_FLAGS(preadv2, off_t)
READER_FLAGS(preadv64v2, off64_t)
