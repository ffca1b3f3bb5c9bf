/* budget.c - how much a session may hold: as asked for, or a part of the dataset, which may turn out to be larger than was said. */
#include <string.h>
#include "store.h"

#define MAXFILE (64ull << 20)      /* larger files are left alone, where nobody says otherwise and the dataset's own are not like that */

/* What the dataset takes on tmpfs, from the trace's sizes, else as the loader told; 0 unknown. 1.28M files: 1 ms. */
static uint64_t dataset_bytes(void)
{
	uint64_t sum = conf.have_trace ? 0 : conf.live_bytes;
	for (uint32_t i = 0; conf.have_trace && i < conf.trace.h->nfiles; i++)
		sum += pages_of(conf.trace.sizes[i]) * PAGE;
	return sum;
}

uint64_t index_maxfile(void)
{
	const struct index_header *h = view.h;
	uint64_t n = h->n.accesses, typical = n ? (h->n.hit_bytes + h->n.miss_bytes) / n : 0;
	if (!n && h->nfiles)
		typical = h->dataset_bytes / h->nfiles;
	return typical > h->maxfile / 2 || (!n && !h->nfiles) ? h->maxfile_own : h->maxfile;
}

#define POOL_PART  10u             /* of what a session would take by default it takes with a pool .. */
#define POOL_LEAST (256ull << 20)  /* .. but not less than this */

#define WHOLE (1ull << 52)         /* of which a part is exact */

/* 0: it is a size, or a trace tells of what */
static double part_of(const char *text)
{
	uint64_t of = 0;
	return !conf.have_trace && strchr(text, '%') && parse_size(text, WHOLE, &of) == 0 ? (double)of / WHOLE : 0;
}

void index_budget(struct index_header *h, const char *dir)
{
	struct room r;
	uint64_t bytes;
	h->dataset_bytes = dataset_bytes();
	room_default(dir, h->dataset_bytes, &r);
	if (h->dataset_bytes) {
		h->part[TIER_RAM] = part_of(conf.cache);
		h->part[TIER_SSD] = *conf.ssd ? part_of(conf.ssd_size) : 0;
		h->size_guessed = conf.live_guess && (h->part[TIER_RAM] > 0 || h->part[TIER_SSD] > 0);
	}
	if (*conf.cache && parse_size(conf.cache, h->dataset_bytes, &bytes) == 0) {
		r.budget = bytes;
		r.floor = 32u << 20;
		if (!conf.maxfile)
			r.maxfile = bytes / 8 < MAXFILE ? bytes / 8 : MAXFILE;
		int64_t most = room_above(dir, r.floor);
		uint64_t asked = h->dataset_bytes && h->dataset_bytes < bytes ? h->dataset_bytes : bytes;
		if (most < 0 || (uint64_t)most < asked)
			note_reason("opt4: OPT4_CACHE: room for %lld of %llu MiB, 32 left to others; the cache stays smaller; enlarge %.100s "
				 "(docker: --shm-size) or the memory cgroup", most > 0 ? (long long)most >> 20 : 0,
				 (unsigned long long)asked >> 20, dir);
	} else if (*conf.cache) {
		note_reason("opt4: OPT4_CACHE: %s of an unknown whole: no trace names the dataset's files; give a size", conf.cache);
	}
	if (!*conf.cache && r.shared && r.budget)
		note_reason("opt4: cache: %llu MiB, an eighth of what is free, in a container without a memory limit; set a limit, or OPT4_CACHE",
			    (unsigned long long)r.budget >> 20);
	if (*conf.pool && !*conf.cache) {  /* it holds what comes next; the rest of memory is the pool's */
		uint64_t part = r.budget / POOL_PART > POOL_LEAST ? r.budget / POOL_PART : POOL_LEAST;
		r.budget = part < r.budget ? part : r.budget;
	}
	h->account[TIER_RAM].budget = r.budget / PAGE;
	room_limits(h, r.maxfile);
	h->floor_bytes = r.floor;
	if (!h->account[TIER_RAM].budget)
		note_reason("opt4: no cache: %s", r.why);
}

void index_resize(uint64_t bytes)
{
	static struct index_header fresh;  /* too much for a stack */
	uint64_t seen = atomic_load(&view.h->seen_bytes);
	bytes = bytes > seen ? bytes : seen;
	conf_set_size(bytes, false);
	fresh.account[TIER_SSD].budget = ssd_resized(bytes);
	index_budget(&fresh, view.dir);
	for (int i = 0; i < 100 && view.h->size_guessed; i++) {
		if (!session_lock())
			continue;
		struct index_header *h = view.h;
		if (atomic_exchange(&h->size_guessed, 0)) {
			uint64_t charged = atomic_load(&h->account[TIER_RAM].charged), budget = fresh.account[TIER_RAM].budget;
			h->account[TIER_RAM].budget = budget > charged ? budget : charged;   /* nothing is put out for a guess */
			charged = atomic_load(&h->account[TIER_SSD].charged);
			budget = fresh.account[TIER_SSD].budget;
			h->account[TIER_SSD].budget = budget > charged ? budget : charged;
			h->dataset_bytes = fresh.dataset_bytes;
			h->maxfile = fresh.maxfile;
			h->maxfile_own = fresh.maxfile_own;
		}
		session_unlock();
	}
}

/* A tier that is not there stays so. */
static bool grow(uint32_t tier, uint64_t dataset)
{
	uint64_t pages = (uint64_t)(view.h->part[tier] * (double)dataset) / PAGE, was = __atomic_load_n(&view.h->account[tier].budget, __ATOMIC_RELAXED);
	while (was && pages > was && !__atomic_compare_exchange_n(&view.h->account[tier].budget, &was, pages, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return was && pages > was;
}

void index_seen(uint64_t bytes)
{
	struct index_header *h = view.h;
	if ((h->part[TIER_RAM] <= 0 && h->part[TIER_SSD] <= 0) || (bytes > MAXFILE && bytes > index_maxfile()))   /* an archive is no sample */
		return;
	uint64_t seen = atomic_fetch_add_explicit(&h->seen_bytes, pages_of(bytes) * PAGE, memory_order_relaxed) + pages_of(bytes) * PAGE;
	if (!raise_to(&h->dataset_bytes, seen))
		return;
	bool grew = grow(TIER_RAM, seen);
	if (grow(TIER_SSD, seen) || grew)
		room_limits(h, h->maxfile);
}
