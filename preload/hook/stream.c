/* stream.c - reads by streams. The C library reads a stream's file by itself, past our read(); so a stream on a large file
 * that is not resident waits here for its reader to go on, as a descriptor does in peek.c. What reads a stream by other calls
 * (fscanf, wide characters) reads the original: a miss that is not counted. */
#include "stream.h"
#include "swap.h"

#include <string.h>

static _Atomic bool waiting;      /* there was one, ever: until then a call here costs this look */

void stream_on(int fd, const char *mode)
{
	struct fd_entry e;

	if (!fd_is(fd, FD_PENDING))
		return;
	if (!strchr(mode, 'm') && !hook_inside() && fd_get(fd, &e) && fd_absent(&e, SESSION_SMALL))
		waiting = true;
	else
		fd_demand(fd);
}

struct held { int fd; uint32_t claim; };

/* n bytes are about to be read. Other threads that read the stream move the offset as well: locked, where the call locks it. */
static __attribute__((noinline)) struct held begin(FILE *f, size_t n, bool locks)
{
	struct held h = { .fd = -1 };
	int err = errno, fd = fileno(f);

	errno = err;
	if (!fd_is(fd, FD_PENDING))
		return h;
	if (locks)
		flockfile(f);
	if (fd_peek(fd, n, -1, &h.claim))
		h.fd = fd;
	else if (locks)
		funlockfile(f);
	return h;
}

static __attribute__((noinline)) void end(FILE *f, const struct held *h, bool locks)
{
	int err = errno;
	off64_t at = next.lseek(h->fd, 0, SEEK_CUR);

	if (at >= 0)
		fd_stands(h->fd, (uint64_t)at);    /* a stream reads more than is asked of it, or nothing */
	fd_release(h->fd, h->claim);
	if (locks)
		funlockfile(f);
	errno = err;
}

#define READER(ret, name, params, f, n, locks, ...) \
	EXPORT ret name params \
	{ \
		struct held h = { .fd = -1 }; \
		if (unlikely(atomic_load_explicit(&waiting, memory_order_relaxed))) \
			h = begin(f, n, locks); \
		ret r = next.name(__VA_ARGS__); \
		if (unlikely(h.fd >= 0)) \
			end(f, &h, locks); \
		return r; \
	}

READER(size_t, fread, (void *p, size_t size, size_t n, FILE *f), f, size * n, true, p, size, n, f)
READER(size_t, fread_unlocked, (void *p, size_t size, size_t n, FILE *f), f, size * n, false, p, size, n, f)
READER(size_t, __fread_chk, (void *p, size_t room, size_t size, size_t n, FILE *f), f, size * n, true, p, room, size, n, f)
READER(size_t, __fread_unlocked_chk, (void *p, size_t room, size_t size, size_t n, FILE *f), f, size * n, false, p, room, size, n, f)
READER(char *, fgets, (char *p, int n, FILE *f), f, 1, true, p, n, f)
READER(char *, __fgets_chk, (char *p, size_t room, int n, FILE *f), f, 1, true, p, room, n, f)
READER(int, fgetc, (FILE *f), f, 1, true, f)
READER(int, getc, (FILE *f), f, 1, true, f)
READER(int, _IO_getc, (FILE *f), f, 1, true, f)
READER(ssize_t, getline, (char **line, size_t *room, FILE *f), f, 1, true, line, room, f)
READER(ssize_t, getdelim, (char **line, size_t *room, int end_of, FILE *f), f, 1, true, line, room, end_of, f)
READER(ssize_t, __getdelim, (char **line, size_t *room, int end_of, FILE *f), f, 1, true, line, room, end_of, f)
