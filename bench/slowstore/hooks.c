/* hooks.c - the calls that reach file contents. Each asks the store, calls the next definition in the
 * preload chain and charges what came back. Built without _FORTIFY_SOURCE. */
#include "store.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HOOK __attribute__((visibility("default")))
/* Looked up at the first call: other preloads' constructors run before ours. */
#define NEXT(f) ({                                                               \
	static __typeof__(&f) next_;                                             \
	if (!next_)                                                              \
		next_ = (__typeof__(&f))dlsym(RTLD_NEXT, #f);                    \
	next_;                                                                   \
})

int __open_2(const char *, int);
int __open64_2(const char *, int);
int __openat_2(int, const char *, int);
int __openat64_2(int, const char *, int);
ssize_t __read_chk(int, void *, size_t, size_t);
ssize_t __pread_chk(int, void *, size_t, off_t, size_t);
ssize_t __pread64_chk(int, void *, size_t, off64_t, size_t);

static int opened(int fd)
{
	if (fd < 0 || !store_active())
		return fd;
	int err = store_opened(fd);
	if (!err)
		return fd;
	syscall(SYS_close, fd);
	errno = err;
	return -1;
}

#define MODE(flags, last) ({                                                     \
	mode_t mode_ = 0;                                                        \
	if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) {           \
		va_list ap_;                                                     \
		va_start(ap_, last);                                             \
		mode_ = va_arg(ap_, mode_t);                                     \
		va_end(ap_);                                                     \
	}                                                                        \
	mode_;                                                                   \
})

HOOK int open(const char *path, int flags, ...)
{
	return opened(NEXT(open)(path, flags, MODE(flags, flags)));
}
HOOK int open64(const char *path, int flags, ...)
{
	return opened(NEXT(open64)(path, flags, MODE(flags, flags)));
}
HOOK int openat(int dir, const char *path, int flags, ...)
{
	return opened(NEXT(openat)(dir, path, flags, MODE(flags, flags)));
}
HOOK int openat64(int dir, const char *path, int flags, ...)
{
	return opened(NEXT(openat64)(dir, path, flags, MODE(flags, flags)));
}
HOOK int __open_2(const char *path, int flags) { return opened(NEXT(__open_2)(path, flags)); }
HOOK int __open64_2(const char *path, int flags) { return opened(NEXT(__open64_2)(path, flags)); }
HOOK int __openat_2(int dir, const char *path, int flags) { return opened(NEXT(__openat_2)(dir, path, flags)); }
HOOK int __openat64_2(int dir, const char *path, int flags) { return opened(NEXT(__openat64_2)(dir, path, flags)); }

/* stdio reads by calls of its own that nobody sees: the whole file is charged when the stream is made. */
static FILE *stream(FILE *f, const char *mode)
{
	if (!f || !store_active())
		return f;
	int err = store_opened(fileno(f));
	if (!err && (*mode == 'r' || strchr(mode, '+')) && store_whole(fileno(f)) < 0)
		err = errno;
	if (!err)
		return f;
	fclose(f);
	errno = err;
	return NULL;
}
HOOK FILE *fopen(const char *path, const char *mode) { return stream(NEXT(fopen)(path, mode), mode); }
HOOK FILE *fopen64(const char *path, const char *mode) { return stream(NEXT(fopen64)(path, mode), mode); }
HOOK FILE *freopen(const char *p, const char *m, FILE *f) { return stream(NEXT(freopen)(p, m, f), m); }
HOOK FILE *freopen64(const char *p, const char *m, FILE *f) { return stream(NEXT(freopen64)(p, m, f), m); }
HOOK FILE *fdopen(int fd, const char *mode)
{
	if (store_active() && store_whole(fd) < 0)
		return NULL;
	return NEXT(fdopen)(fd, mode);
}

/* A number that now means something else is looked at anew when it is read. */
static int renumbered(int fd)
{
	store_forget(fd);
	return fd;
}
HOOK int close(int fd) { store_forget(fd); return NEXT(close)(fd); }
HOOK int dup(int fd) { return renumbered(NEXT(dup)(fd)); }
HOOK int dup2(int fd, int to) { return renumbered(NEXT(dup2)(fd, to)); }
HOOK int dup3(int fd, int to, int flags) { return renumbered(NEXT(dup3)(fd, to, flags)); }

static int control(__typeof__(&fcntl) next, int fd, int cmd, void *arg)
{
	int r = next(fd, cmd, arg);
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC ? renumbered(r) : r;
}
#define ARG(last) ({ va_list ap_; va_start(ap_, last); void *arg_ = va_arg(ap_, void *); va_end(ap_); arg_; })
HOOK int fcntl(int fd, int cmd, ...) { return control(NEXT(fcntl), fd, cmd, ARG(cmd)); }
HOOK int fcntl64(int fd, int cmd, ...) { return control(NEXT(fcntl64), fd, cmd, ARG(cmd)); }

/* `len` is shortened where the store returns short; `call` is the next definition's. */
#define CHARGED(fd, len, end, call) ({                                                \
	int ours_ = store_active() ? store_begin(fd) : 0;                        \
	ssize_t n_ = -1;                                                         \
	if (ours_ == 0) {                                                        \
		n_ = (call);                                                     \
	} else if (ours_ > 0) {                                                  \
		len = store_cap(fd, len);                                        \
		n_ = (call);                                                     \
		if (n_ >= 0)                                                     \
			store_bytes(fd, end, (uint64_t)n_);                      \
	}                                                                        \
	n_;                                                                      \
})
#define BEHIND(at) ((at) < 0 ? STORE_HERE : (uint64_t)(at) + (uint64_t)n_)
#define MOVED(at) ((at) ? (uint64_t)*(at) : STORE_HERE)

HOOK ssize_t read(int fd, void *buf, size_t len) { return CHARGED(fd, len, STORE_HERE, NEXT(read)(fd, buf, len)); }
HOOK ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	return CHARGED(fd, len, BEHIND(at), NEXT(pread)(fd, buf, len, at));
}
HOOK ssize_t pread64(int fd, void *buf, size_t len, off64_t at)
{
	return CHARGED(fd, len, BEHIND(at), NEXT(pread64)(fd, buf, len, at));
}
HOOK ssize_t __read_chk(int fd, void *buf, size_t len, size_t room)
{
	return CHARGED(fd, len, STORE_HERE, NEXT(__read_chk)(fd, buf, len, room));
}
HOOK ssize_t __pread_chk(int fd, void *buf, size_t len, off_t at, size_t room)
{
	return CHARGED(fd, len, BEHIND(at), NEXT(__pread_chk)(fd, buf, len, at, room));
}
HOOK ssize_t __pread64_chk(int fd, void *buf, size_t len, off64_t at, size_t room)
{
	return CHARGED(fd, len, BEHIND(at), NEXT(__pread64_chk)(fd, buf, len, at, room));
}

/* A short vectored read fills less of the first buffer and none of the others. */
#define VECTORED(fd, iov, count, end, call) ({                                        \
	struct iovec one_ = count > 0 ? *iov : (struct iovec){ 0 };              \
	size_t len_ = one_.iov_len;                                              \
	int ours_ = store_active() ? store_begin(fd) : 0;                        \
	ssize_t n_ = -1;                                                         \
	if (ours_ > 0 && count > 0 && (len_ = store_cap(fd, len_)) < one_.iov_len) { \
		one_.iov_len = len_;                                             \
		iov = &one_;                                                     \
		count = 1;                                                       \
	}                                                                        \
	if (ours_ >= 0)                                                          \
		n_ = (call);                                                     \
	if (ours_ > 0 && n_ >= 0)                                                \
		store_bytes(fd, end, (uint64_t)n_);                              \
	n_;                                                                      \
})

HOOK ssize_t readv(int fd, const struct iovec *v, int n) { return VECTORED(fd, v, n, STORE_HERE, NEXT(readv)(fd, v, n)); }
HOOK ssize_t preadv(int fd, const struct iovec *v, int n, off_t at)
{
	return VECTORED(fd, v, n, BEHIND(at), NEXT(preadv)(fd, v, n, at));
}
HOOK ssize_t preadv64(int fd, const struct iovec *v, int n, off64_t at)
{
	return VECTORED(fd, v, n, BEHIND(at), NEXT(preadv64)(fd, v, n, at));
}

/* "Only what is at hand": of a store without a cache, nothing is. */
static bool refused(int fd, int flags)
{
	if (!(flags & RWF_NOWAIT) || !store_active() || !store_is(fd))
		return false;
	errno = EAGAIN;
	return true;
}
HOOK ssize_t preadv2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
	return refused(fd, flags) ? -1 : VECTORED(fd, v, n, BEHIND(at), NEXT(preadv2)(fd, v, n, at, flags));
}
HOOK ssize_t preadv64v2(int fd, const struct iovec *v, int n, off64_t at, int flags)
{
	return refused(fd, flags) ? -1 : VECTORED(fd, v, n, BEHIND(at), NEXT(preadv64v2)(fd, v, n, at, flags));
}

/* Page faults cannot be seen: a mapping pays for all it covers when it is made. */
static void *mapped(__typeof__(&mmap) next, void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	if (!next)   /* called by an allocator while our own look-up of it allocates */
		return (void *)syscall(SYS_mmap, addr, len, prot, flags, fd, at);
	int ours = store_active() && !(flags & MAP_ANONYMOUS) ? store_begin(fd) : 0;
	if (ours < 0)
		return MAP_FAILED;
	void *p = next(addr, len, prot, flags, fd, at);
	if (ours > 0 && p != MAP_FAILED)
		store_bytes(fd, (uint64_t)at + store_covered(fd, (uint64_t)at, len), store_covered(fd, (uint64_t)at, len));
	return p;
}
static _Thread_local bool resolving;
#define NEXT_MMAP(f) ({                                                          \
	__typeof__(&mmap) p_ = NULL;                                             \
	if (!resolving) {                                                        \
		resolving = true;                                                \
		p_ = NEXT(f);                                                    \
		resolving = false;                                               \
	}                                                                        \
	p_;                                                                      \
})
HOOK void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t at)
{
	return mapped(NEXT_MMAP(mmap), addr, len, prot, flags, fd, at);
}
HOOK void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t at)
{
	return mapped(NEXT_MMAP(mmap64), addr, len, prot, flags, fd, at);
}

/* From a descriptor to another: the one pays for reading, the other for writing. */
#define PASSED(in, len, inend, out, outend, call) ({                             \
	int to_ = store_active() ? store_write_begin(out) : 0;                   \
	ssize_t sent_ = CHARGED(in, len, inend, call);                           \
	if (to_ > 0 && sent_ > 0)                                                \
		store_written(out, outend, (uint64_t)sent_);                     \
	sent_;                                                                   \
})
HOOK ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
	return PASSED(in, len, MOVED(at), out, STORE_HERE, NEXT(sendfile)(out, in, at, len));
}
HOOK ssize_t sendfile64(int out, int in, off64_t *at, size_t len)
{
	return PASSED(in, len, MOVED(at), out, STORE_HERE, NEXT(sendfile64)(out, in, at, len));
}
HOOK ssize_t copy_file_range(int in, off64_t *inat, int out, off64_t *outat, size_t len, unsigned flags)
{
	return PASSED(in, len, MOVED(inat), out, MOVED(outat), NEXT(copy_file_range)(in, inat, out, outat, len, flags));
}
HOOK ssize_t splice(int in, off64_t *inat, int out, off64_t *outat, size_t len, unsigned flags)
{
	return PASSED(in, len, MOVED(inat), out, MOVED(outat), NEXT(splice)(in, inat, out, outat, len, flags));
}

/* Writes cost where the store is a disk. What stdio writes, and stores into a mapping, cannot be seen. */
#define WRITTEN(fd, end, call) ({                                                \
	int ours_ = store_active() ? store_write_begin(fd) : 0;                  \
	ssize_t n_ = (call);                                                     \
	if (ours_ > 0 && n_ > 0)                                                 \
		store_written(fd, end, (uint64_t)n_);                            \
	n_;                                                                      \
})
HOOK ssize_t write(int fd, const void *p, size_t len) { return WRITTEN(fd, STORE_HERE, NEXT(write)(fd, p, len)); }
HOOK ssize_t pwrite(int fd, const void *p, size_t len, off_t at)
{
	return WRITTEN(fd, BEHIND(at), NEXT(pwrite)(fd, p, len, at));
}
HOOK ssize_t pwrite64(int fd, const void *p, size_t len, off64_t at)
{
	return WRITTEN(fd, BEHIND(at), NEXT(pwrite64)(fd, p, len, at));
}
HOOK ssize_t writev(int fd, const struct iovec *v, int n) { return WRITTEN(fd, STORE_HERE, NEXT(writev)(fd, v, n)); }
HOOK ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
	return WRITTEN(fd, BEHIND(at), NEXT(pwritev)(fd, v, n, at));
}
HOOK ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
	return WRITTEN(fd, BEHIND(at), NEXT(pwritev64)(fd, v, n, at));
}
