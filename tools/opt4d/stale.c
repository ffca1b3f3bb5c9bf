/* stale.c - originals that are due for a look are looked at ahead of the reader, whose open then goes without the round
 * trip. Where every open looks for itself (OPT4_REVALIDATE=always, local file systems) there is nothing to do. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include "opt4d.h"

#define EARLY 2u                   /* after this part of the time that a look holds; .. */
#define AHEAD 4u                   /* .. for what is read within this part of it */

#define LEFT_LOOKS 1024u
static uint32_t left_word = UINT32_MAX;    /* of this word of records those have been looked at: */
static uint64_t left_bits;

static uint32_t at[PLANS_MAX], gen[PLANS_MAX];

static uint64_t holds(void)
{
	return conf.revalidate_set ? conf.revalidate_ns : view.h->revalidate_ns;
}

static bool due(uint32_t rec, uint64_t now)
{
	struct resident r;
	if (!ahead_touched(rec) || !record_read(rec, &r))
		return false;
	return !r.checked || (holds() != UINT64_MAX && now - r.checked > holds() / EARLY);
}

bool stale_next(uint32_t *rec)
{
	uint64_t now = now_coarse(), bytes;
	for (uint32_t n = 0; holds() && n < ahead_count(); n++) {
		uint32_t end = ahead_end(n, holds() / AHEAD), old = ahead_oldest(n);
		if (gen[n] != orders.plans[n].gen)
			at[n] = 0;
		gen[n] = orders.plans[n].gen;
		for (at[n] = at[n] > old ? at[n] : old; at[n] < end;) {
			uint32_t pos = at[n]++;
			if (ahead_read_at(n, pos, rec, &bytes) && due(*rec, now))
				return true;
		}
	}
	return false;
}

void stale_look(uint32_t rec)
{
	char path[PATH_BYTES];
	struct resident r;
	struct stat st;
	uint64_t now = now_coarse();
	if (!record_read(rec, &r) || !record_path(rec, path, sizeof(path)))
		return;
	COUNT(view.h->n.revalidations, 1);
	bool there = fstatat(AT_FDCWD, path, &st, 0) == 0;
	pthread_mutex_lock(&keeper_lock);
	struct resident is;
	if (record_read(rec, &is) && is.obj_ino == r.obj_ino) { /* still the object that was looked at */
		if (there && object_seen(rec, &r, &st))
			atomic_store_explicit(&view.rec[rec].checked, now, memory_order_relaxed);
		else
			session_invalidate(rec);
	}
	pthread_mutex_unlock(&keeper_lock);
}

bool stale_left(uint32_t *rec)
{
	static uint32_t from;
	uint32_t words = (index_files() + 63) / 64;
	for (uint32_t looked = 0; looked < LEFT_LOOKS && from < words; looked++, from++)
		for (uint64_t bits = view.touched[from]; bits; bits &= bits - 1) {
			*rec = from * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[*rec];
			if (*rec < index_files() && rec_state(*rec) == REC_RESIDENT && r->tier == TIER_SSD && atomic_load(&r->ssd) & SSD_UNSEEN &&
			    !(left_word == from && left_bits >> (*rec & 63) & 1)) {
				left_bits = (left_word == from ? left_bits : 0) | 1ull << (*rec & 63);
				left_word = from;
				return true;
			}
		}
	return false;
}

void stale_left_look(uint32_t rec)
{
	char path[PATH_BYTES];
	struct resident r;
	struct stat st;
	if (!record_read(rec, &r) || !record_path(rec, path, sizeof(path)))
		return;
	bool there = fstatat(AT_FDCWD, path, &st, 0) == 0;
	if (!there && errno != ENOENT && errno != ENOTDIR)
		return;            /* the store is not there just now: that says nothing */
	pthread_mutex_lock(&keeper_lock);
	struct resident is;
	if (record_read(rec, &is) && is.key.path == r.key.path && is.key.stat == r.key.stat && is.tier == TIER_SSD &&
	    (!there || st.st_size != (off_t)r.st.size || !object_seen(rec, &is, &st)))
		session_invalidate(rec);
	pthread_mutex_unlock(&keeper_lock);
}
