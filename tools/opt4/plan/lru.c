/* lru.c - LRU at many sizes in one pass over the order.
 *
 * What LRU holds is always the longest run of most recently used files that fits the cache (it evicts
 * from the far end only, and no more than it must), whatever the files' sizes. So an access hits iff the
 * pages of all files used since its last use, its own included, fit: one distance answers for all sizes.
 * Files that are bypassed take no part, so the sizes done together must bypass the same files.
 *
 * Uses lie in slots in order of time; a file's pages stand in the slot of its last use. The sum from a
 * slot to the end is taken over a tree of 64-fold sums: at most 63 additions a level over neighbouring
 * words, four levels for 1.28M files. When the slots are full, those still in use move together.
 */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEVELS 6
#define REPORT_EVERY (1u << 16)

struct stack {
	uint64_t *sum[LEVELS];            /* [0]: pages a slot; [k + 1][i]: the 64 words of [k] from 64 i on */
	unsigned levels;
	uint32_t *file_at;                /* [slots] file + 1, or 0 */
	uint32_t *slot_of;                /* [nfiles] slot + 1, or 0: not used yet */
	uint32_t slots, used;
};

static void stack_free(struct stack *s)
{
	for (unsigned k = 0; k < LEVELS; k++)
		free(s->sum[k]);
	free(s->file_at);
	free(s->slot_of);
}

static int stack_init(struct stack *s, uint32_t nfiles)
{
	uint64_t n = (uint64_t)nfiles * 2 + 64;

	memset(s, 0, sizeof(*s));
	s->slots = n < 0xFFFFFF00u ? (uint32_t)n : 0xFFFFFF00u;
	s->file_at = calloc(s->slots, sizeof(*s->file_at));
	s->slot_of = calloc((size_t)nfiles + 1, sizeof(*s->slot_of));
	bool ok = s->file_at && s->slot_of;
	n = s->slots;
	do {
		n = (n + 63) / 64 * 64;   /* whole groups: the loop below runs to their ends */
		ok &= (s->sum[s->levels++] = calloc(n, sizeof(uint64_t))) != NULL;
		n /= 64;
	} while (n > 1);
	if (ok)
		return 0;
	stack_free(s);
	return -ENOMEM;
}

static void add(struct stack *s, uint32_t slot, uint64_t pages)
{
	for (unsigned k = 0; k < s->levels; k++, slot /= 64)
		s->sum[k][slot] += pages;     /* taking away is adding the negative, modulo 2^64 */
}

/* Pages in `slot` and all after it. */
static uint64_t from(const struct stack *s, uint32_t slot)
{
	uint64_t total = s->sum[0][slot];

	for (unsigned k = 0; k < s->levels; k++, slot /= 64)
		for (uint32_t i = slot + 1; i < (slot | 63) + 1; i++)
			total += s->sum[k][i];
	return total;
}

static void compact(struct stack *s)
{
	uint32_t n = 0, words = s->slots;

	for (uint32_t i = 0; i < s->used; i++) {
		uint32_t file = s->file_at[i];

		if (!file)
			continue;
		s->file_at[n] = file;
		s->sum[0][n] = s->sum[0][i];
		s->slot_of[file - 1] = ++n;
	}
	memset(s->file_at + n, 0, (s->used - n) * sizeof(*s->file_at));
	memset(s->sum[0] + n, 0, (s->used - n) * sizeof(uint64_t));
	s->used = n;
	for (unsigned k = 1; k < s->levels; k++) {
		words = (words + 63) / 64;
		for (uint32_t i = 0; i < words; i++) {
			uint64_t total = 0;

			for (uint32_t j = 0; j < 64; j++)
				total += s->sum[k - 1][i * 64 + j];
			s->sum[k][i] = total;
		}
	}
}

/* Makes the file the most recently used one. Returns the distance to its last use in pages, its own
 * included, or UINT64_MAX if this is the first. */
static uint64_t use(struct stack *s, uint32_t file, uint64_t pages)
{
	uint64_t distance = UINT64_MAX;
	uint32_t slot;

	if (s->slot_of[file]) {
		slot = s->slot_of[file] - 1;
		distance = from(s, slot);
		add(s, slot, -pages);
		s->file_at[slot] = 0;
	}
	if (s->used == s->slots) {
		s->slot_of[file] = 0;
		compact(s);
	}
	slot = s->used++;
	s->file_at[slot] = file + 1;
	s->slot_of[file] = slot + 1;
	add(s, slot, pages);
	return distance;
}

/* One epoch's accesses from `pos` on. least[k]: hits and their bytes that need cache[k] at least. */
static void epoch(const struct plan *p, struct stack *s, const uint64_t *cache, unsigned n, uint32_t pos,
		  uint32_t end, uint64_t maxfile, struct sim_count *all, struct sim_count *least)
{
	for (; pos < end; pos++) {
		uint32_t file = p->in.order[pos], bytes;
		uint64_t distance;

		all->accesses++;
		if (file >= p->in.nfiles)
			continue;
		bytes = p->in.sizes[file];
		all->origin_bytes += bytes;
		if (!sim_takes(bytes, cache[0], maxfile)) {
			all->bypassed++;
			continue;
		}
		distance = use(s, file, sim_pages(bytes));
		if (distance > (cache[n - 1] >> page_shift))
			continue;
		unsigned k = 0;
		while (distance > (cache[k] >> page_shift))
			k++;
		least[k].hits++;
		least[k].hit_bytes += bytes;
	}
}

int plan_lru(const struct plan *p, const uint64_t *cache, unsigned n, struct sim_count *epochs,
	     _Atomic uint64_t *progress)
{
	struct stack s;
	uint64_t maxfile = plan_maxfile(p, cache[0], 0);
	uint32_t pos = 0;

	if (stack_init(&s, p->in.nfiles))
		return -ENOMEM;
	for (uint32_t e = 0; e < p->in.nepochs; e++) {
		struct sim_count all = { 0 }, least[PLAN_SIZES] = { { 0 } }, sum = { 0 };

		while (pos < p->in.epoch_end[e]) {
			uint32_t end = p->in.epoch_end[e];

			if (end - pos > REPORT_EVERY)
				end = pos + REPORT_EVERY;
			epoch(p, &s, cache, n, pos, end, maxfile, &all, least);
			if (progress)
				atomic_fetch_add_explicit(progress, end - pos, memory_order_relaxed);
			pos = end;
		}
		for (unsigned k = 0; k < n; k++) {
			struct sim_count *c = &epochs[(size_t)k * p->in.nepochs + e];

			sim_add(&sum, &least[k]);
			*c = all;
			c->hits = sum.hits;
			c->hit_bytes = sum.hit_bytes;
			c->origin_bytes -= sum.hit_bytes;
		}
	}
	stack_free(&s);
	return 0;
}
