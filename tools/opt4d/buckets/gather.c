/* gather.c - what goes to the chunks: files that are evicted, and originals that are gathered. See rebucket.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../opt4d.h"
#include "rebucket.h"

void rebucket_keep(uint32_t rec)
{
	static char buf[65536];
	const struct record *r = &view.rec[rec];
	struct put p;
	ssize_t got = 0;
	if (!rebucket_on(copies_plan()) || r->tier != TIER_RAM || r->use.axis != copies_plan() || r->use.pos >= POS_MAX || bucket_has(rec))
		return;
	int fd = tier_tmpfs.open(&r->key, O_CLOEXEC);
	if (fd < 0)
		return;
	if (bucket_reserve(&p, rec, r->use.pos, r->st.size)) {
		for (uint64_t at = 0; at < p.bytes && (got = pread(fd, buf, p.bytes - at < sizeof(buf) ? p.bytes - at : sizeof(buf), (off_t)at)) > 0; at += (uint64_t)got)
			bucket_put(&p, buf, (size_t)got);
		bucket_file(&p, &r->st, got > 0);
	}
	close(fd);
}

/* The original's bytes, O_DIRECT where that goes. 0 or -errno */
static int read_all(int fd, const struct origin *o, struct put *p, const struct transfer *own)
{
	struct stat st;
	bool direct = own->direct && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_DIRECT) == 0;
	for (uint64_t at = 0; at < o->size;) {
		ssize_t got = pread(fd, own->p, own->bytes, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EINVAL && direct) {
			direct = false;
			if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_DIRECT) == 0)
				continue;
		}
		if (got <= 0 || (uint64_t)got > o->size - at)
			return got < 0 ? -errno : -ESTALE;
		bucket_put(p, own->p, (size_t)got);
		at += (uint64_t)got;
	}
	if (!direct)
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return fstat(fd, &st) < 0 || !origin_same(o, &st) ? -ESTALE : 0;
}

bool gather(const struct next *n, const struct transfer *own)
{
	struct origin o;
	struct put p;
	int rc = -ENOMEM, fd = original_open(n->rec, &o);
	pthread_mutex_lock(&keeper_lock);
	bool room = fd >= 0 && rebucket_on(n->plan) && o.size <= index_maxfile() && bucket_reserve(&p, n->rec, n->pos, o.size);
	if (fd < 0)
		skip_failed(n->rec);
	bool full = fd >= 0 && !room && chunks_free() < o.size + PAGE;
	pthread_mutex_unlock(&keeper_lock);
	turn_wait(n->turn);
	if (room)
		rc = read_all(fd, &o, &p, own);
	turn_over(n->turn);
	if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&keeper_lock);
	if (room) {
		bucket_file(&p, &o, rc == 0);
		COUNT(view.h->n.origin_bytes, rc == 0 ? o.size : 0);
		if (rc < 0)
			skip_failed(n->rec);
	}
	COUNT(view.h->n.origin_opens, 1);
	pthread_mutex_unlock(&keeper_lock);
	return !full;
}
