/* copy.c - see copy.h.
 *
 * One copy through a buffer, as `cat` does it: reading into a mapping of the object would fault and clear every page
 * first, and splice() would get round the preloads that a job may have below us. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "parts.h"

#define NBUFFERS  4
#define INTERRUPTS 100           /* of one copy: then the original will do */

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* Transfer buffers: a few a process, made at first use. */
static struct { _Atomic int busy; char *p; } buffers[NBUFFERS];

char *fill_buffer(int *which)
{
	for (int i = 0; i < NBUFFERS; i++) {
		int idle = 0;
		if (!atomic_compare_exchange_strong(&buffers[i].busy, &idle, 1))
			continue;
		if (!buffers[i].p) {
			char *p = mmap(NULL, FILL_BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			buffers[i].p = p == MAP_FAILED ? NULL : p;
		}
		if (buffers[i].p) {
			*which = i;
			return buffers[i].p;
		}
		atomic_store(&buffers[i].busy, 0);
	}
	return NULL;
}

void fill_buffer_done(int which)
{
	if (which >= 0)
		atomic_store(&buffers[which].busy, 0);
}

void fill_after_fork(void)
{
	for (int i = 0; i < NBUFFERS; i++)  /* taken by threads that the child does not have */
		atomic_store(&buffers[i].busy, 0);
}

/* Is the page at `at` in the page cache? (mincore would say yes to everything of another user's file.) */
static bool page_cached(int fd, off_t at)
{
	char byte;
	struct iovec v = { &byte, 1 };
	return preadv2(fd, &v, 1, at, RWF_NOWAIT) == 1;
}

/* Pages of fd in the page cache by cachestat(2); -1: the kernel can't say. preadv2(RWF_NOWAIT) would start to read
 * what it does not find: wasted before an O_DIRECT read. */
static int64_t pages_cached(int fd)
{
	struct { uint64_t off, len; } range = { 0, 0 };
	struct { uint64_t cache, dirty, writeback, evicted, recently_evicted; } st;
	return syscall(SYS_cachestat, fd, &range, &st, 0) == 0 ? (int64_t)st.cache : -1;
}

static bool set_direct(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);
	return flags >= 0 && fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT) == 0;
}

int fill_put(int to, const char *buf, size_t n, uint64_t at)
{
	int interrupted = 0;
	while (n) {
		ssize_t did = pwrite(to, buf, n, (off_t)at);
		if (did < 0 && errno == EINTR && interrupted++ < INTERRUPTS)
			continue;
		if (did <= 0)
			return did < 0 ? -errno : -EIO;
		buf += did;
		at += (uint64_t)did;
		n -= (size_t)did;
	}
	return 0;
}

static int copy(int from, int to, uint64_t size, char *buf, size_t room, bool direct)
{
	int interrupted = 0;
	for (uint64_t at = 0; at < size;) {
		uint64_t want = size - at < room ? size - at : room;
		if (direct && at % PAGE == 0)
			want = pages_of(want) * PAGE;
		ssize_t got = pread(from, buf, want, (off_t)at);
		if (got < 0 && errno == EINTR && interrupted++ < INTERRUPTS)
			continue;
		if (got < 0 && errno == EINVAL && direct) {
			direct = false; /* the file system promised more than it holds, or a short read left us unaligned */
			if (set_direct(from, false))
				continue;
		}
		if (got <= 0)
			return got < 0 ? -errno : -ESTALE; /* it has become shorter */
		if ((uint64_t)got > size - at)
			return -ESTALE;                    /* longer: asked for whole pages, it gave more than its size */
		int rc = fill_put(to, buf, (size_t)got, at);
		if (rc < 0)
			return rc;
		at += (uint64_t)got;
	}
	return 0;
}

int fill_dress(int obj, const struct origin *o)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { o->mtime / 1000000000, o->mtime % 1000000000 } };
	return fchmod(obj, o->mode & 0777) < 0 || futimens(obj, times) < 0 ? -errno : 0;
}

int fill_copy(int fd, const struct origin *o, const struct transfer *own)
{
	struct stat st;
	bool direct = false, was_cached;
	int which = -1, obj, rc;
	if (own && own->direct) {
		int64_t pages = pages_cached(fd);
		was_cached = pages >= (int64_t)pages_of(o->size);
		if (own->direct > 0 || (pages >= 0 && !was_cached))
			direct = set_direct(fd, true);
		if (pages < 0 && !direct)
			was_cached = page_cached(fd, 0);
	} else {
		was_cached = page_cached(fd, 0) && page_cached(fd, (off_t)(o->size / 2));
	}
	char *buf = own ? own->p : fill_buffer(&which);
	if (!buf)
		return -ENOMEM;
	obj = tier_tmpfs.create(o->size);
	rc = obj < 0 ? obj : copy(fd, obj, o->size, buf, own ? own->bytes : FILL_BUFFER, direct);
	fill_buffer_done(which);
	if (obj < 0)
		return obj;
	if (rc == 0 && (fstat(fd, &st) < 0 || !origin_same(o, &st)))
		rc = -ESTALE;
	if (!was_cached)           /* not kept twice; what others had brought in stays theirs */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (rc == 0)
		rc = fill_dress(obj, o);
	if (rc < 0) {
		tier_tmpfs.close(obj);
		return rc;
	}
	return obj;
}
