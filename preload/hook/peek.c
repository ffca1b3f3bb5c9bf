/* peek.c - reads of a header, and of slices: they are not their file's access. A file is fetched when its reader goes on:
 * reads beyond the header, and then again; or at once most of it. Files that are small, resident or on their way are not
 * looked at here. */
#include "swap.h"

#include <errno.h>
#include <limits.h>

size_t fd_bytes(const struct iovec *v, int n)
{
	size_t sum = 0;
	for (int i = 0; v && i < n && i < IOV_MAX; i++)
		sum += v[i].iov_len;
	return sum;
}

bool fd_absent(const struct fd_entry *e, uint64_t larger)
{
	return e->kind == FD_HINT && e->c.size > larger && session_absent(e->c.rec);
}

/* The read of [at, at + n) as what came before it on this descriptor tells: does its reader go on? */
static bool goes_on(const struct fd_entry *e, uint64_t at, uint64_t n)
{
	uint64_t most = e->c.size / 4 > SESSION_HEADER ? e->c.size / 4 : SESSION_HEADER, end = at + n;
	if (at == e->at)           /* in sequence: beyond the header for the second time, or most of it at once */
		return end > SESSION_HEADER && (at > SESSION_HEADER || end >= most);
	return e->sum + n > most;  /* here and there: when it comes to a quarter of the file */
}

bool fd_peek(int fd, size_t n, off64_t at, uint32_t *claim)
{
	struct fd_entry e;

	if (hook_inside() || !fd_get(fd, &e))
		return false;
	if (fd_absent(&e, SESSION_SMALL)) {
		int err = errno;
		off64_t from = at < 0 ? next.lseek(fd, 0, SEEK_CUR) : at;
		errno = err;       /* a pipe may have taken the number, unseen */
		if (from >= 0 && !goes_on(&e, (uint64_t)from, n)) {
			fd_peeked(fd, &e, (uint64_t)from, n);
			/* The offset is not to be moved in the middle of a swap. */
			return fd_hold(fd, claim);
		}
	}
	fd_demand(fd);
	return false;
}

bool fd_slice(int fd, size_t n)
{
	struct fd_entry e;

	if (hook_inside() || !fd_get(fd, &e) || !fd_absent(&e, SESSION_SMALL))
		return false;
	if (e.c.size > SESSION_MAPPED) {
		fd_peeked(fd, &e, 0, 0);
		fd_forget_all(fd);   /* pages may be read for ever, and nobody tells us */
		return true;
	}
	if (n > e.c.size / 4)
		return false;
	fd_peeked(fd, &e, 0, n);
	return true;
}

bool fd_copies(int fd)
{
	struct fd_entry e;

	return !hook_inside() && fd_get(fd, &e) && fd_absent(&e, SESSION_SMALL);
}
