/* map.c - data accesses that are no reads: mmap, sendfile, splice, copy_file_range. */
#include "swap.h"

/* What can't be read of a mapping is a SIGBUS. */
static bool readable(int fd, const struct fd_entry *e)
{
	struct guard g = hook_enter();
	bool is = session_readable(&e->c, fd);
	hook_leave(g);
	return is;
}

/* What a mapping of fd means: a first access, or a writer whose end nobody will tell. A descriptor on an object
 * that is to be executed goes back to the original, for /dev/shm is often mounted noexec. */
static void mapped(int fd, size_t n, int prot, int flags)
{
	struct fd_entry e;

	if (flags & MAP_ANONYMOUS)
		return;
	if (fd_is(fd, FD_PENDING) && !fd_slice(fd, n))
		fd_demand(fd);
	if (hook_inside() || !fd_get(fd, &e))
		return;
	if (e.kind == FD_WRITER && (flags & MAP_TYPE) != MAP_PRIVATE)
		fd_forget(fd);  /* also if it is read only as yet: mprotect may change that */
	else if (e.kind == FD_OBJECT && ((prot & PROT_EXEC) || !readable(fd, &e)))
		fd_original(fd);
}

EXPORT void *mmap(void *addr, size_t n, int prot, int flags, int fd, off_t off)
{
	if (unlikely(fd_is(fd, FD_OURS)))
		mapped(fd, n, prot, flags);
	return next.mmap(addr, n, prot, flags, fd, off);
}

EXPORT void *mmap64(void *addr, size_t n, int prot, int flags, int fd, off64_t off)
{
	if (unlikely(fd_is(fd, FD_OURS)))
		mapped(fd, n, prot, flags);
	return next.mmap64(addr, n, prot, flags, fd, off);
}

EXPORT ssize_t sendfile(int out, int in, off_t *off, size_t n)
{
	if (unlikely(fd_is(in, FD_PENDING)))
		fd_demand(in);
	return next.sendfile(out, in, off, n);
}

EXPORT ssize_t sendfile64(int out, int in, off64_t *off, size_t n)
{
	if (unlikely(fd_is(in, FD_PENDING)))
		fd_demand(in);
	return next.sendfile64(out, in, off, n);
}

EXPORT ssize_t splice(int in, off64_t *in_off, int out, off64_t *out_off, size_t n, unsigned flags)
{
	if (unlikely(fd_is(in, FD_PENDING)))
		fd_demand(in);
	return next.splice(in, in_off, out, out_off, n, flags);
}

/* The original and its copy lie on different file systems, so what worked between originals may not work now. */
EXPORT ssize_t copy_file_range(int in, off64_t *in_off, int out, off64_t *out_off, size_t n, unsigned flags)
{
	int err = errno;

	if (unlikely(fd_is(in, FD_PENDING)))
		fd_demand(in);
	ssize_t r = next.copy_file_range(in, in_off, out, out_off, n, flags);
	if (unlikely(r < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP)) && fd_left_object(in, err))
		r = next.copy_file_range(in, in_off, out, out_off, n, flags);
	return r;
}
