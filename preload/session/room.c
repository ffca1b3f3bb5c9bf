/* room.c - the budget and the floors: what may be filled, and who goes for it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "memory.h"
#include "view.h"

#define MIB (1ull << 20)

void room_default(const char *dir, uint64_t dataset_bytes, struct room *r)
{
	struct statvfs fs;
	uint64_t limit, avail, shm = 0;
	if (statvfs(dir, &fs) == 0)
		shm = fs.f_bavail * fs.f_frsize;
	r->budget = shm / 2;
	snprintf(r->why, sizeof(r->why), "%llu MiB free in /dev/shm; make it larger (docker: --shm-size) or set OPT4_CACHE",
		 (unsigned long long)(shm / MIB));
	if (memory_available(&limit, &avail) && avail / 2 < r->budget) {
		r->budget = avail / 2;
		snprintf(r->why, sizeof(r->why), "%llu MiB left in the memory cgroup; raise its limit or set OPT4_CACHE",
			 (unsigned long long)(avail / MIB));
	}
	bool small = r->budget < 64 * MIB;
	if (dataset_bytes && dataset_bytes < r->budget)
		r->budget = dataset_bytes, small = false;
	if (small)
		r->budget = 0;
	r->maxfile = r->budget / 8 < 64 * MIB ? r->budget / 8 : 64 * MIB;
	r->floor = 0;
}

/* A damaged index may want any floor. */
static int64_t above(uint64_t have, uint64_t floor)
{
	return (int64_t)have - (int64_t)(floor < INT64_MAX ? floor : INT64_MAX);
}

int64_t room_above(const char *dir, uint64_t floor)
{
	struct statvfs fs;
	uint64_t limit, avail;
	int64_t left = INT64_MAX / 2;
	if (statvfs(dir, &fs) == 0) {
		uint64_t least = fs.f_blocks * fs.f_frsize / 10;
		least = floor ? floor : least > 64 * MIB ? least : 64 * MIB;
		left = above(fs.f_bavail * fs.f_frsize, least);
	}
	if (memory_available(&limit, &avail)) {
		uint64_t least = limit / 10;
		least = floor ? floor : least > 256 * MIB ? least : 256 * MIB;
		int64_t l = above(avail, least);
		left = l < left ? l : left;
	}
	return left;
}

void room_look(void)
{
	uint64_t now = now_coarse(), last = atomic_load(&view.h->room_checked);
	if ((last && now - last < 100000000) || !atomic_compare_exchange_strong(&view.h->room_checked, &last, now))
		return;
	atomic_store(&view.h->room_left, room_above(view.dir, view.h->floor_bytes));
}

/* For nobody in particular, when the policy gives up none (`keep`): any resident, going round. */
static uint32_t any_resident(void)
{
	static uint32_t at;
	uint32_t n = index_files(), words = (n + 63) / 64;
	for (uint32_t i = 0; i <= words; i++) {
		uint32_t w = (at + i) % (words ? words : 1);
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec < n && rec < view.shape.nfiles && rec_state(rec) == REC_RESIDENT) {
				at = w;
				return rec;
			}
		}
	}
	return FILE_NONE;
}

static void mark_victim(uint32_t rec)
{
	struct record *r = &view.rec[rec];
	filing_take(rec);
	inflight_add(rec, r->pages);
	rec_set(rec, REC_EVICTING);
	if (r->prefetched)
		COUNT(view.h->n.prefetch_wasted, 1);
	r->prefetched = 0;
	view.h->resident--;
}

int room_victims(uint64_t pages, uint32_t cand, struct use use, uint32_t *victims, int max)
{
	struct index_header *h = view.h;
	uint64_t charged = atomic_load(&h->charged_pages);
	int64_t free = charged < h->budget_pages ? (int64_t)((h->budget_pages - charged) & INT64_MAX) : 0;
	int64_t left = atomic_load(&h->room_left) / (int64_t)PAGE;
	int64_t lack = (int64_t)pages - (left < free ? left : free), got = 0;
	struct victim v = { .file = FILE_NONE };
	int n = 0;
	if (cand != FILE_NONE && pages > h->budget_pages)
		return -1;
	plans_fronts();
	for (uint32_t looked = 0; got < lack; looked++) {
		if (looked > view.shape.nfiles)
			return -1; /* the policy's state is damaged: it goes round */
		v = view.pol.ops->victim(&view.pol, cand, use, v);
		if (v.file == FILE_NONE && cand == FILE_NONE)
			break;     /* see below */
		if (v.file == FILE_NONE || n == max || v.file >= view.shape.nfiles)
			return -1;
		if (rec_state(v.file) != REC_RESIDENT)
			continue;
		victims[n++] = v.file;
		got += view.rec[v.file].pages;
	}
	if (n && inflight_room() < (uint32_t)n + 1)
		return -1;
	for (int i = 0; i < n; i++)
		mark_victim(victims[i]);
	while (cand == FILE_NONE && got < lack && n < max && inflight_room() > 1) {
		uint32_t rec = any_resident();
		if (rec == FILE_NONE)
			break;
		got += view.rec[rec].pages;
		mark_victim(victims[n++] = rec);
	}
	return n;
}

bool room_evict_reserve(const uint32_t *victims, int n, uint64_t pages)
{
	struct index_header *h = view.h;
	uint64_t freed = 0, lingering = 0;
	for (int i = 0; i < n; i++) {
		struct record *r = &view.rec[victims[i]];
		uint64_t held = r->pages;
		int rc = object_evict(&r->key);
		COUNT(h->n.evictions, 1);
		COUNT(h->n.evicted_bytes, r->st.size);
		/* The mark first: who dies before has it finished by others, who dies after has charged too much. */
		inflight_del(victims[i]);
		rec_set(victims[i], REC_ABSENT);
		if (rc == 0) {
			atomic_fetch_add(&h->lingering_pages, held);
			lingering += held;
		} else {           /* gone now, or somebody had removed it: its charge is ours to give back */
			freed += held;
		}
	}
	if (pages && lingering)
		object_reap(true);
	uint64_t was = atomic_load(&h->charged_pages), now;
	bool fits;
	do {
		now = was - freed;
		fits = pages && now + pages <= h->budget_pages;
		if (fits)
			now += pages;
	} while (!atomic_compare_exchange_weak(&h->charged_pages, &was, now));
	atomic_fetch_add(&h->room_left, (int64_t)(freed * PAGE) - (fits ? (int64_t)(pages * PAGE) : 0));
	for (uint64_t peak = atomic_load(&h->peak_pages); peak < now && !atomic_compare_exchange_weak(&h->peak_pages, &peak, now);)
		;
	return fits;
}

void room_release(uint64_t pages)
{
	atomic_fetch_sub(&view.h->charged_pages, pages);
	atomic_fetch_add(&view.h->room_left, (int64_t)(pages * PAGE));
}

void room_shrink(void)
{
	uint32_t victims[VICTIMS_MAX];
	struct calm calm;
	calm_begin(&calm);
	room_look();
	for (int round = 0; round < 1000 && atomic_load(&view.h->room_left) < 0; round++) {
		if (!session_lock())
			break;
		int n = room_victims(0, FILE_NONE, (struct use){ 0, 0 }, victims, VICTIMS_MAX);
		session_unlock();
		if (n <= 0)
			break;
		room_evict_reserve(victims, n, 0);
	}
	calm_end(&calm);
}
