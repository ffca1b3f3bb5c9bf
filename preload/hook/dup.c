/* dup.c - descriptors that are copied, handed on and closed. */
#include "grow.h"
#include "swap.h"

#include <linux/fs.h>
#include <stdarg.h>
#include <string.h>

/* A hint must be decided before it is copied: a swap afterwards would leave the copies with another offset. */
static inline void settle(int fd)
{
	if (unlikely(fd_is(fd, FD_PENDING)))
		fd_demand(fd);
}

#ifndef CLOSE_RANGE_CLOEXEC   /* glibc 2.34 and Linux 5.11 name it */
#define CLOSE_RANGE_CLOEXEC (1u << 2)
#endif

/* The same, where the copies may wait together: np.load() maps by a copy, np.fromfile() reads by one. */
static inline void settle_copy(int fd)
{
	if (unlikely(fd_is(fd, FD_PENDING)) && !fd_copies(fd))
		fd_demand(fd);
}

/* What a number stood for before a copy was put there, if it matters. */
struct before { bool known, pending; struct fd_entry e; };

/* `to` is about to become something else: no thread that fetches for what it is may put that under it afterwards. */
static inline void replace(int from, int to, struct before *b)
{
	b->known = unlikely(fd_is(to, FD_OURS)) && from != to && !hook_inside() && fd_get(to, &b->e) && b->e.kind != FD_WRITER;
	if (b->known) {
		b->pending = fd_is(to, FD_PENDING);
		fd_forget(to);
	}
}

/* It did not: an object that nobody knows of would keep its bytes when this process writes to the file. */
static inline void not_replaced(int to, const struct before *b)
{
	if (b->known)
		fd_install(to, b->e.kind, &b->e.c, b->e.group, b->pending);
}

/* `to` has just become a copy of `from`. */
static inline void copied(int from, int to)
{
	if (unlikely(to >= 0 && (fd_is(from, FD_OURS | FD_GROWS) || fd_is(to, FD_NOT_NONE))))
		fd_duplicate(from, to);
}

EXPORT int dup(int fd)
{
	settle_copy(fd);
	int to = next.dup(fd);
	copied(fd, to);
	return to;
}

EXPORT int dup2(int fd, int to)
{
	struct before b;
	settle(fd);
	replace(fd, to, &b);
	int r = next.dup2(fd, to);
	if (r < 0)
		not_replaced(to, &b);
	else if (fd != to)
		copied(fd, r);
	return r;
}

EXPORT int dup3(int fd, int to, int flags)
{
	struct before b;
	settle(fd);
	replace(fd, to, &b);
	int r = next.dup3(fd, to, flags);
	if (r < 0)
		not_replaced(to, &b);
	copied(fd, r);
	return r;
}

/* What a fcntl() on one of ours needs before it is made. */
static void before_fcntl(int fd, int cmd, unsigned long arg)
{
	struct fd_entry e;

	switch (cmd) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		settle_copy(fd);
		return;
	case F_GETFD:
	case F_SETFD:
	case F_GETFL:
		return;
	case F_SETFL:
		if (!(arg & O_DIRECT))
			return;
		break;
	default:
		break;
	}
	/* Locks, leases, owners: of the file itself. A writer is on it, and somebody who locks a file means to
	 * share it with those who write. */
	if (fd_get(fd, &e) && e.kind != FD_WRITER)
		fd_original(fd);
}

static bool is_lock(int cmd)
{
	return cmd == F_SETLK || cmd == F_SETLKW || cmd == F_GETLK || cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW ||
	       cmd == F_OFD_GETLK || cmd == F_SETLEASE;
}

#define FCNTL(name) \
	EXPORT int name(int fd, int cmd, ...) \
	{ \
		va_list ap; \
		va_start(ap, cmd); \
		unsigned long arg = va_arg(ap, unsigned long); \
		va_end(ap); \
		if (unlikely(fd_is(fd, FD_OURS)) && !hook_inside()) \
			before_fcntl(fd, cmd, arg); \
		else if (unlikely(session_dev && is_lock(cmd)) && !hook_inside()) \
			fd_original(fd); /* an object that we know nothing of, after exec */ \
		int r = next.name(fd, cmd, arg); \
		if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC) \
			copied(fd, r); \
		return r; \
	}

FCNTL(fcntl)
FCNTL(fcntl64)

static COLD int close_known(int fd)
{
	/* Before: afterwards the number may be another thread's. */
	uint32_t rec = fd_take_writer(fd);
	if (fd_is(fd, FD_GROWS))
		grow_closing(fd);
	fd_clear(fd);
	int r = next.close(fd);
	int err = errno;
	fd_writer_closed(rec);
	errno = err;
	return r;
}

EXPORT int close(int fd)
{
	if (unlikely(fd_is(fd, FD_NOT_NONE)))
		return close_known(fd);
	return next.close(fd);
}

EXPORT int close_range(unsigned first, unsigned last, int flags)
{
	/* A vfork child closes what it will not need; its parent goes on using it. A call that will fail closes nothing: asked of
	 * a range in which there is nothing. */
	if (!((unsigned)flags & CLOSE_RANGE_CLOEXEC) && fd_highest() >= 0 && getpid() == hook_pid &&
	    next.close_range(~0u, ~0u, flags) == 0)
		fd_clear_range(first, last);
	return next.close_range(first, last, flags);
}

EXPORT void closefrom(int low)
{
	if (fd_highest() >= 0 && getpid() == hook_pid)
		fd_clear_range(low < 0 ? 0 : (unsigned)low, ~0u);
	next.closefrom(low);
}

static void each_passed(const struct msghdr *m, void (*fn)(int fd))
{
	struct msghdr *h = (struct msghdr *)m; /* CMSG_NXTHDR takes no const */

	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || c->cmsg_len < CMSG_LEN(0))
			continue;
		for (size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), i = 0; i < n; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			fn(fd);
		}
	}
}

/* What is being sent shares its offset with what arrives. */
static void sent(int fd)
{
	struct fd_entry e;

	settle(fd);
	if (fd_is(fd, FD_OURS) && fd_get(fd, &e) && e.kind == FD_WRITER)
		fd_forget(fd); /* the receiver may write for as long as it likes */
}

/* What arrives may be on an object. What is remembered of its number is another's, who was closed behind our back. */
static void arrived(int fd)
{
	if (unlikely(fd_is(fd, FD_NOT_NONE)))
		fd_forget(fd);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	OPAQUE(m);
	if (unlikely(hook_on && m && m->msg_control && m->msg_controllen))
		each_passed(m, sent);
	return next.sendmsg(fd, m, flags);
}

EXPORT int sendmmsg(int fd, struct mmsghdr *v, unsigned n, int flags)
{
	OPAQUE(v);
	for (unsigned i = 0; hook_on && v && i < n; i++)
		if (unlikely(v[i].msg_hdr.msg_control && v[i].msg_hdr.msg_controllen))
			each_passed(&v[i].msg_hdr, sent);
	return next.sendmmsg(fd, v, n, flags);
}

EXPORT ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	ssize_t r = next.recvmsg(fd, m, flags);
	if (unlikely(session_dev && r >= 0 && m->msg_controllen)) {
		each_passed(m, arrived);
		fd_strangers();
	}
	return r;
}

EXPORT int recvmmsg(int fd, struct mmsghdr *v, unsigned n, int flags, struct timespec *limit)
{
	int r = next.recvmmsg(fd, v, n, flags, limit);
	if (unlikely(session_dev && r > 0)) {
		for (int i = 0; i < r; i++)
			each_passed(&v[i].msg_hdr, arrived);
		fd_strangers();
	}
	return r;
}
