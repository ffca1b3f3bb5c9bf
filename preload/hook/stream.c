/* stream.c - reads by streams. The C library reads a stream's file by itself, past our read(); so a stream on a large file
 * that is not resident waits here for its reader to go on, as a descriptor does in peek.c. */
#define __NO_INLINE__ 1    /* no definitions of getline() and the like by the headers */
#include "stream.h"
#include "swap.h"

#include <stdarg.h>
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

#define ONE 0                     /* byte or character: of a stream that has read ahead nothing is read for it */

/* n bytes are about to be read. Other threads that read the stream move the offset as well: locked, where the call locks it. */
static __attribute__((noinline)) struct held begin(FILE *f, size_t n, bool locks)
{
	struct held h = { .fd = -1 };
	if (n == ONE && f->_IO_read_ptr < f->_IO_read_end)
		return h;
	int err = errno, fd = fileno(f);

	errno = err;
	if (!fd_is(fd, FD_PENDING))
		return h;
	n = n ? n : 1;
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
READER(int, fgetc, (FILE *f), f, ONE, true, f)
READER(int, getc, (FILE *f), f, ONE, true, f)
READER(int, _IO_getc, (FILE *f), f, ONE, true, f)
READER(ssize_t, getline, (char **line, size_t *room, FILE *f), f, 1, true, line, room, f)
READER(ssize_t, getdelim, (char **line, size_t *room, int end_of, FILE *f), f, 1, true, line, room, end_of, f)
READER(ssize_t, __getdelim, (char **line, size_t *room, int end_of, FILE *f), f, 1, true, line, room, end_of, f)
READER(int, getw, (FILE *f), f, 1, true, f)
READER(int, getc_unlocked, (FILE *f), f, ONE, false, f)
READER(int, fgetc_unlocked, (FILE *f), f, ONE, false, f)
READER(int, __uflow, (FILE *f), f, ONE, false, f)
READER(int, __underflow, (FILE *f), f, ONE, false, f)
READER(char *, fgets_unlocked, (char *p, int n, FILE *f), f, 1, false, p, n, f)
READER(char *, __fgets_unlocked_chk, (char *p, size_t room, int n, FILE *f), f, 1, false, p, room, n, f)
READER(wint_t, fgetwc, (FILE *f), f, ONE, true, f)
READER(wint_t, getwc, (FILE *f), f, ONE, true, f)
READER(wint_t, fgetwc_unlocked, (FILE *f), f, ONE, false, f)
READER(wint_t, getwc_unlocked, (FILE *f), f, ONE, false, f)
READER(wchar_t *, fgetws, (wchar_t *p, int n, FILE *f), f, 1, true, p, n, f)
READER(wchar_t *, fgetws_unlocked, (wchar_t *p, int n, FILE *f), f, 1, false, p, n, f)
READER(wchar_t *, __fgetws_chk, (wchar_t *p, size_t room, int n, FILE *f), f, 1, true, p, room, n, f)
READER(wchar_t *, __fgetws_unlocked_chk, (wchar_t *p, size_t room, int n, FILE *f), f, 1, false, p, room, n, f)

/* By their names in the library: headers give some of them another's. */
#define SCANNER(name, vname, type) \
	EXPORT int own_##vname(FILE *f, const type *how, va_list ap) __asm__(#vname); \
	EXPORT int own_##name(FILE *f, const type *how, ...) __asm__(#name); \
	int own_##vname(FILE *f, const type *how, va_list ap) \
	{ \
		struct held h = { .fd = -1 }; \
		if (unlikely(atomic_load_explicit(&waiting, memory_order_relaxed))) \
			h = begin(f, 1, true); \
		int r = next.vname(f, how, ap); \
		if (unlikely(h.fd >= 0)) \
			end(f, &h, true); \
		return r; \
	} \
	int own_##name(FILE *f, const type *how, ...) \
	{ \
		va_list ap; \
		va_start(ap, how); \
		int r = own_##vname(f, how, ap); \
		va_end(ap); \
		return r; \
	}

SCANNER(fscanf, vfscanf, char)
SCANNER(__isoc99_fscanf, __isoc99_vfscanf, char)
SCANNER(__isoc23_fscanf, __isoc23_vfscanf, char)
SCANNER(fwscanf, vfwscanf, wchar_t)
SCANNER(__isoc99_fwscanf, __isoc99_vfwscanf, wchar_t)
SCANNER(__isoc23_fwscanf, __isoc23_vfwscanf, wchar_t)
