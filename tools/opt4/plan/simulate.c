/* simulate.c - one policy, one budget, one order: see simulate.h. */
#include "simulate.h"

#include "../../../policy/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define REPORT_EVERY (1u << 16)
#define AHEAD 16                  /* accesses: what one touches is fetched so long before */
#define NEAR 8
#define PAGES_MANY 255
#define HUGE ((size_t)2 << 20)

struct block { void *map; size_t bytes; };

struct sim {
	const struct sim_input *in;
	struct policy_ctx ctx;
	uint64_t *resident;               /* a bit a file: 160 KB for 1.28M files, so it stays in L2 */
	uint8_t *pages;                   /* of each file; PAGES_MANY: see sizes. A quarter of sizes' cache misses */
	struct victim *victims;           /* of one candidate, until it is known that they suffice */
	uint64_t used, budget, maxfile;   /* bytes, in whole pages */
};

/* Zeroed memory. A policy touches its state at random: in huge pages a simulation over 1.28M files takes
 * two thirds of the time (fewer TLB misses). What is not touched costs nothing. NULL: none left. */
static void *zeroed(struct block *b, size_t bytes)
{
	b->bytes = bytes + HUGE;
	b->map = mmap(NULL, b->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->map == MAP_FAILED)
		return NULL;
	char *at = (char *)(((uintptr_t)b->map + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
	if (bytes >= HUGE)
		madvise(at, bytes, MADV_HUGEPAGE);
	return at;
}

static void release(const struct block *b)
{
	if (b->map != MAP_FAILED)
		munmap(b->map, b->bytes);
}

uint64_t sim_maxfile(uint64_t budget)
{
	return budget / 8 < SIM_MAXFILE ? budget / 8 : SIM_MAXFILE;
}

uint64_t sim_dataset(const struct sim_input *in)
{
	uint64_t total = 0;

	for (uint32_t f = 0; f < in->nfiles; f++)
		total += sim_pages(in->sizes[f]) * SIM_PAGE;
	return total;
}

void sim_next(const uint32_t *order, uint32_t npos, uint32_t nfiles, uint32_t *next, uint32_t *last)
{
	for (uint32_t f = 0; f < nfiles; f++)
		last[f] = POS_NEVER;
	for (uint32_t p = npos; p--; ) {
		next[p] = POS_NEVER;
		if (order[p] < nfiles) {
			next[p] = last[order[p]];
			last[order[p]] = p;
		}
	}
}

void sim_add(struct sim_count *a, const struct sim_count *b)
{
	a->accesses += b->accesses;
	a->hits += b->hits;
	a->bypassed += b->bypassed;
	a->evictions += b->evictions;
	a->hit_bytes += b->hit_bytes;
	a->origin_bytes += b->origin_bytes;
}

/* A damaged trace may make a policy name a file that is not there: not a victim then. */
static struct victim next_victim(const struct sim *s, uint32_t cand, struct use use, struct victim v)
{
	do
		v = s->ctx.ops->victim(&s->ctx, cand, use, v);
	while (v.file != FILE_NONE && !bits_test(s->resident, v.file));
	return v;
}

static inline uint64_t space_of(const struct sim *s, uint32_t file)
{
	uint8_t pages = s->pages[file];

	return (pages < PAGES_MANY ? pages : sim_pages(s->in->sizes[file])) * SIM_PAGE;
}

/* Makes `need` bytes of room for the candidate, or changes nothing and returns false. */
static bool make_room(struct sim *s, uint32_t cand, struct use use, uint64_t need, struct sim_count *n)
{
	struct victim v = { .file = FILE_NONE };
	uint64_t free = s->budget - s->used;
	size_t count = 0;

	while (free < need) {
		v = next_victim(s, cand, use, v);
		if (v.file == FILE_NONE)
			return false;
		free += space_of(s, v.file);
		s->victims[count++] = v;
		if (v.coming < s->in->nfiles)
			__builtin_prefetch(&s->pages[v.coming]);
	}
	for (size_t i = 0; i < count; i++) {
		s->ctx.ops->remove(&s->ctx, s->victims[i].file, s->victims[i].use);
		bits_clear(s->resident, s->in->nfiles, s->victims[i].file);
	}
	s->used = s->budget - free;
	n->evictions += count;
	return true;
}

/* The access at position p: true if it is a hit. */
static bool step(struct sim *s, uint32_t p, struct sim_count *n)
{
	const struct sim_input *in = s->in;
	uint32_t file = in->order[p], next = in->next[p], bytes;
	struct use now = { next > p && next < in->npos ? next : POS_NEVER, 0 };

	n->accesses++;
	if (file >= in->nfiles)
		return false;
	bytes = in->sizes[file];
	if (bits_test(s->resident, file)) {
		n->hits++;
		n->hit_bytes += bytes;
		s->ctx.ops->hit(&s->ctx, file, (struct use){ p, 0 }, now);
		return true;
	}
	n->origin_bytes += bytes;
	uint64_t space = sim_pages(bytes) * SIM_PAGE;
	if (!sim_takes(bytes, s->budget, s->maxfile) || !make_room(s, file, now, space, n)) {
		n->bypassed++;
		return false;
	}
	s->used += space;
	s->ctx.ops->insert(&s->ctx, file, now);
	bits_set(s->resident, in->nfiles, file);
	return false;
}

/* Sizes are read at random too, but which is known: at 115 million positions that is a third of the time. */
static inline void look_ahead(const struct sim *s, uint32_t pos)
{
	const struct sim_input *in = s->in;

	if (in->npos - pos <= AHEAD || in->order[pos + AHEAD] >= in->nfiles)
		return;
	__builtin_prefetch(&in->sizes[in->order[pos + AHEAD]]);
	if (s->ctx.ops->soon)
		s->ctx.ops->soon(&s->ctx, in->order[pos + AHEAD], in->order[pos + NEAR]);
}

static void run(struct sim *s, const struct sim_params *p, struct sim_count *epochs)
{
	uint32_t pos = 0;

	for (uint32_t e = 0; e < s->in->nepochs; e++) {
		struct sim_count n = { 0 };

		while (pos < s->in->epoch_end[e]) {
			uint32_t from = pos, stop = s->in->epoch_end[e];

			if (stop - pos > REPORT_EVERY)
				stop = pos + REPORT_EVERY;
			for (; pos < stop; pos++) {
				look_ahead(s, pos);
				bool hit = step(s, pos, &n);

				if (p->hit)
					p->hit[pos] = hit;
			}
			if (p->progress)
				atomic_fetch_add_explicit(p->progress, pos - from, memory_order_relaxed);
		}
		epochs[e] = n;
	}
}

int simulate(const struct sim_input *in, const struct sim_params *p, struct sim_count *epochs)
{
	struct policy_shape shape = { .nfiles = in->nfiles, .naxes = 1, .npos = { in->npos }, .seed = p->seed };
	struct axis axis = { .order = in->order, .npos = in->npos, .scale = 1 };
	struct sim s = { .in = in, .budget = p->budget };
	struct block state, resident;
	size_t most;
	int r = -ENOMEM;

	s.maxfile = p->maxfile ? p->maxfile : sim_maxfile(p->budget);
	/* A victim frees a page at least: no file needs more of them than it has pages. */
	most = (s.maxfile < s.budget ? s.maxfile : s.budget) / SIM_PAGE + 1;
	if (most > in->nfiles)
		most = in->nfiles;
	s.ctx = (struct policy_ctx){ .ops = p->policy, .shape = &shape, .state = zeroed(&state, p->policy->bytes(&shape)), .axes = &axis };
	s.resident = zeroed(&resident, bits_bytes(in->nfiles));
	s.victims = calloc(most + 1, sizeof(*s.victims));
	s.pages = calloc(in->nfiles + 1, 1);
	if (s.ctx.state && s.resident && s.victims && s.pages) {
		for (uint32_t f = 0; f < in->nfiles; f++) {
			uint64_t pages = sim_pages(in->sizes[f]);

			s.pages[f] = pages < PAGES_MANY ? (uint8_t)pages : PAGES_MANY;
		}
		run(&s, p, epochs);
		r = 0;
	}
	release(&state);
	release(&resident);
	free(s.victims);
	free(s.pages);
	return r;
}
