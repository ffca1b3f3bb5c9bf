/* room.c - the budget and the floors: what may be filled, and what is charged. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "store.h"

#define MIB (1ull << 20)

void room_default(const char *dir, uint64_t dataset_bytes, struct room *r)
{
	struct statvfs fs;
	uint64_t limit, avail, total, shm = 0;
	if (statvfs(dir, &fs) == 0)
		shm = fs.f_bavail * fs.f_frsize;
	r->budget = shm / 2;
	r->shared = false;
	snprintf(r->why, sizeof(r->why), "%llu MiB free in /dev/shm; make it larger (docker: --shm-size) or set OPT4_CACHE",
		 (unsigned long long)(shm / MIB));
	if (memory_available(&limit, &avail) && avail / 2 < r->budget) {
		r->budget = avail / 2;
		snprintf(r->why, sizeof(r->why), "%llu MiB left in the memory cgroup; raise its limit or set OPT4_CACHE",
			 (unsigned long long)(avail / MIB));
	}
	if (memory_machine(&total, &avail) && avail / 2 < r->budget) {
		r->budget = avail / 2;
		snprintf(r->why, sizeof(r->why), "%llu MiB of memory available; free some or set OPT4_CACHE", (unsigned long long)(avail / MIB));
	}
	if (memory_shared() && r->budget > 64 * MIB) {
		r->budget = r->budget / 4 > 64 * MIB ? r->budget / 4 : 64 * MIB;
		r->shared = !dataset_bytes || dataset_bytes > r->budget;
	}
	bool small = r->budget < 64 * MIB;
	if (dataset_bytes && dataset_bytes < r->budget)
		r->budget = dataset_bytes, small = false;
	if (small)
		r->budget = 0;
	r->maxfile = r->budget / 8 < 64 * MIB ? r->budget / 8 : 64 * MIB;
	r->floor = 0;
}

/* An eighth of what the tiers hold together. What goes to the SSD goes through memory, and must not take more than half of that. */
void room_limits(struct index_header *h, uint64_t least)
{
	uint64_t ram = h->account[TIER_RAM].budget * PAGE, part = (ram + h->account[TIER_SSD].budget * PAGE) / 8;
	part = part < ram / 2 ? part : ram / 2;
	h->maxfile_own = conf.maxfile ? conf.maxfile : part > least ? part : least;
	h->maxfile = conf.maxfile || h->maxfile_own < 64 * MIB ? h->maxfile_own : 64 * MIB;
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
	if (memory_machine(&limit, &avail)) {
		int64_t l = above(avail, memory_floor(limit));
		left = l < left ? l : left;
	}
	return left;
}

void room_look(void)
{
	uint64_t now = now_coarse(), last = atomic_load(&view.h->room_checked);
	if ((last && now - last < 100000000) || !atomic_compare_exchange_strong(&view.h->room_checked, &last, now))
		return;
	atomic_store(&view.h->room_left, room_above(view.dir, view.h->floor_bytes) - room_wanted(false));
}

/* Charges, within the budget, so many pages more, and so many less that are free now. False: they would not fit; then only
 * the freed ones are taken off. */
static bool charge(uint32_t tier, uint64_t freed, uint64_t pages)
{
	struct tier_account *a = &view.h->account[tier];
	uint64_t was = atomic_load(&a->charged), now;
	bool fits;
	do {
		now = was - freed;
		fits = pages && now + pages <= a->budget;
		if (fits)
			now += pages;
	} while (!atomic_compare_exchange_weak(&a->charged, &was, now));
	if (tier == TIER_RAM)
		atomic_fetch_add(&view.h->room_left, (int64_t)(freed * PAGE) - (fits ? (int64_t)(pages * PAGE) : 0));
	raise_to(&a->peak, now);
	return fits;
}

bool room_evict_reserve(const uint32_t *victims, int n, uint32_t into, uint64_t pages)
{
	struct index_header *h = view.h;
	uint64_t freed[TIERS] = { 0 }, lingering = 0;
	for (int i = 0; i < n; i++) {
		struct record *r = &view.rec[victims[i]];
		uint64_t held = r->pages;
		uint32_t tier = r->tier < TIERS ? r->tier : TIER_RAM;
		int rc = tiers[tier]->evict(view.slot, &r->key);
		COUNT(h->n.evictions, 1);
		COUNT(h->n.evicted_bytes, r->st.size);
		COUNT(h->account[tier].evictions, 1);
		/* The mark first: who dies before has it finished by others, who dies after has charged too much. */
		inflight_del(victims[i]);
		rec_set(victims[i], REC_ABSENT);
		if (rc == 0) {
			atomic_fetch_add(&h->account[tier].lingering, held);
			lingering += tier == into ? held : 0;
		} else {           /* gone now, or somebody had removed it: its charge is ours to give back */
			freed[tier] += held;
		}
	}
	if (pages && lingering)
		tiers[into]->reap(true);
	for (uint32_t t = 0; t < TIERS; t++)
		if (t != into && freed[t])
			charge(t, freed[t], 0);
	return charge(into, freed[into], pages);
}

void room_release(uint32_t tier, uint64_t pages)
{
	atomic_fetch_sub(&view.h->account[tier].charged, pages);
	if (tier == TIER_RAM)
		atomic_fetch_add(&view.h->room_left, (int64_t)(pages * PAGE));
}

bool room_for(uint32_t pages)
{
	return atomic_load(&view.h->account[TIER_RAM].charged) + pages <= view.h->account[TIER_RAM].budget &&
	       atomic_load(&view.h->room_left) >= (int64_t)pages * (int64_t)PAGE;
}
