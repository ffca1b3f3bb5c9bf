/* data.c - the read families. A descriptor that is not pending costs one test. */
#include "swap.h"

#define READER(name, params, ...) \
	EXPORT ssize_t name params \
	{ \
		if (unlikely(fd_is(fd, FD_PENDING))) \
			fd_demand(fd); \
		return next.name(__VA_ARGS__); \
	}

READER(read, (int fd, void *buf, size_t n), fd, buf, n)
READER(__read_chk, (int fd, void *buf, size_t n, size_t room), fd, buf, n, room)
READER(pread, (int fd, void *buf, size_t n, off_t off), fd, buf, n, off)
READER(pread64, (int fd, void *buf, size_t n, off64_t off), fd, buf, n, off)
READER(__pread_chk, (int fd, void *buf, size_t n, off_t off, size_t room), fd, buf, n, off, room)
READER(__pread64_chk, (int fd, void *buf, size_t n, off64_t off, size_t room), fd, buf, n, off, room)
READER(readv, (int fd, const struct iovec *v, int n), fd, v, n)
READER(preadv, (int fd, const struct iovec *v, int n, off_t off), fd, v, n, off)
READER(preadv64, (int fd, const struct iovec *v, int n, off64_t off), fd, v, n, off)

/* With flags that the original's file system knows, and tmpfs may not (RWF_NOWAIT). */
#define READER_FLAGS(name, off_type) \
	EXPORT ssize_t name(int fd, const struct iovec *v, int n, off_type off, int flags) \
	{ \
		int err = errno; \
		if (unlikely(fd_is(fd, FD_PENDING))) \
			fd_demand(fd); \
		ssize_t r = next.name(fd, v, n, off, flags); \
		if (unlikely(r < 0) && errno == EOPNOTSUPP && flags && fd_left_object(fd, err)) \
			r = next.name(fd, v, n, off, flags); \
		return r; \
	}

READER_FLAGS(preadv2, off_t)
READER_FLAGS(preadv64v2, off64_t)
