/* object.c - a resident's bytes, in whichever tier they lie: see parts.h. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <string.h>
#include <unistd.h>
#include "parts.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* What an earlier session left on the SSD is read once, here or by the keeper, and must hash to what was written: a disk that
 * lost power may give zeros for what it said it had. It is about to be read anyway, and is in the page cache then. */
int object_check(uint32_t rec, int fd)
{
	struct record *r = &view.rec[rec];
	struct stat st;
	struct hash h;
	int which = -1;
	if (!(atomic_load_explicit(&r->ssd, memory_order_acquire) & SSD_UNCHECKED))
		return 0;
	uint64_t want = r->hash, size = r->st.size;
	char *buf = fill_buffer(&which);
	if (!buf)
		return -ENOMEM;
	hash_begin(&h);
	ssize_t got = -1;
	for (uint64_t at = 0; (got = pread(fd, buf, FILL_BUFFER, (off_t)at)) > 0; at += (uint64_t)got)
		hash_add(&h, buf, (size_t)got);
	int err = errno;
	fill_buffer_done(which);
	if (got == 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size == size && hash_end(&h) == want) {
		r->obj_ino = st.st_ino;    /* it was not known: the log tells names */
		atomic_fetch_and(&r->ssd, ~SSD_UNCHECKED);
		return 0;
	}
	if (got < 0 && err == EINTR)
		return -EINTR;
	object_spoilt(rec, got < 0 ? err : 0);
	return -EIO;
}

void object_spoilt(uint32_t rec, int err)
{
	static bool said;
	char path[PATH_BYTES];
	size_t n = record_path(rec, path, sizeof(path));
	COUNT(view.h->n.errors, 1);
	if (!said)
		opt4_log("opt4: OPT4_SSD: %.60s: the copy of %.*s %s; dropped, the original is read; look at the disk's health", view.ssd_dir,
			 n < 150 ? (int)n : 150, path, err ? strerror(err) : "is not what was written");
	said = true;
	record_drop(rec);
}

int object_open(uint32_t rec, struct resident *r, int flags)
{
	int fd = -ENOENT;
	for (int i = 0; i < 3; i++) {
		uint32_t tier = r->tier;
		fd = tier_at(tier)->open(&r->key, flags);
		/* moved to the other tier since the record was read? */
		if (fd != -ENOENT || !record_read(rec, r) || r->tier == tier)
			break;
	}
	if (r->tier != TIER_SSD)
		return fd;
	if (fd >= 0) {
		int rc = object_check(rec, fd);
		if (rc < 0) {
			close(fd);
			return rc;
		}
		r->obj_ino = r->obj_ino ? r->obj_ino : view.rec[rec].obj_ino;
	} else if (fd == -EIO || fd == -EROFS || fd == -ESTALE || fd == -EUCLEAN) {
		object_spoilt(rec, -fd);
	} else if (fd == -ENODEV) {
		record_drop(rec);  /* the tier is gone: memory may have it */
		fd = -ENOENT;
	} else if (fd == -ENOENT && access(view.ssd_dir, F_OK) < 0) {
		ssd_fail("the folder has been removed");
	}
	return fd;
}

bool object_seen(uint32_t rec, struct resident *r, const struct stat *st)
{
	struct origin now;
	bool same = false;
	origin_from(&now, st);
	if (!(atomic_load(&view.rec[rec].ssd) & SSD_UNSEEN))
		return origin_same(&r->st, st);   /* numbers that are invented: the caller's */
	if (now.size != r->st.size || now.mtime != r->st.mtime || now.ctime != r->st.ctime || !session_lock())
		return false;
	struct record *is = &view.rec[rec];
	if (rec_state(rec) == REC_RESIDENT && is->key.path == r->key.path && is->key.stat == r->key.stat) {
		if (atomic_load(&is->ssd) & SSD_UNSEEN) {
			is->st = now;
			atomic_store_explicit(&is->same, origin_same_as(&now), memory_order_relaxed);
			links_put(rec, origin_inode(&now));
		}
		rec_set(rec, REC_RESIDENT);   /* whoever reads it just now reads it once more */
		atomic_fetch_and(&is->ssd, ~SSD_UNSEEN);
		same = origin_same(&is->st, st);
	}
	session_unlock();
	return same && record_read(rec, r);
}

static bool on_ssd(const struct cached *c, struct resident *r)
{
	return view.h && c->rec < view.ncap && record_read(record_twin(c->rec), r) && r->tier == TIER_SSD && r->obj_ino == c->obj_ino;
}

void session_failed(const struct cached *c)
{
	struct resident r;
	if (on_ssd(c, &r))
		object_spoilt(record_twin(c->rec), EIO);
}

bool session_readable(const struct cached *c, int fd)
{
	struct resident r;
	if (!on_ssd(c, &r) || !r.st.size || r.st.size > SESSION_MAPPED)
		return true;
	void *p = mmap(NULL, r.st.size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return true;
	/* before Linux 5.14 nobody can ask: as with any file */
	bool ok = madvise(p, r.st.size, MADV_POPULATE_READ) == 0 || errno != EFAULT;
	munmap(p, r.st.size);
	if (!ok)
		object_spoilt(record_twin(c->rec), EIO);
	return ok;
}
