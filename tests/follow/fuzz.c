/* fuzz.c [SEED [ROUNDS]]: the follower on damaged traces, for a sanitizer build: any word of any array may be
 * anything. Checks what must hold even then: no wild access, answers within the trace, and an end. */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

static uint32_t any(struct rng *r, uint32_t npos)
{
	switch (rng_below(r, 5)) {
	case 0: return rng_below(r, 8);
	case 1: return 0xFFFFFFFFu - rng_below(r, 8);
	case 2: return npos + rng_below(r, 3) - 1;
	case 3: return (uint32_t)rng_next(r);
	default: return rng_below(r, npos + 1);
	}
}

static void damage(const void *words, size_t bytes, double chance, uint32_t npos, struct rng *r)
{
	uint32_t *w = (uint32_t *)words;
	for (size_t i = 0; i < bytes / 4; i++)
		if (rng_unit(r) < chance)
			w[i] = any(r, npos);
}

static void one(struct rng *r)
{
	static const double chances[] = { .001, .05, 1 };
	struct plan p = { 1 + rng_below(r, 400), 1 + rng_below(r, 3), 1 + rng_below(r, 40), rng_below(r, 9),
			  0, 0, rng_below(r, 3), rng_below(r, 2) * 50, 0 };
	struct trace t;
	struct job j = { 0 };
	struct run *run[64] = { 0 };
	p.ranks = 1 + rng_below(r, 3);
	p.world = p.ranks + rng_below(r, 2);
	plan_make(&t, &p, r);
	job_trace(&j, &t, 0, &(struct style){ .workers = rng_below(r, 9), .prefetch = 2 }, r);
	const struct trace_header *h = t.h;
	/* All sections, or some of them; the lengths in the header are what trace_open() has checked. */
	uint32_t which = rng_below(r, 4) ? 1u << rng_below(r, 7) : 127;
	double chance = chances[rng_below(r, 3)];
	if (which & 1)
		damage(t.streams, h->nstreams * sizeof *t.streams, chance, h->npos, r);
	if (which & 2)
		damage(t.segments, h->nsegments * sizeof *t.segments, chance, h->npos, r);
	if (which & 4)
		damage(t.batch_start, h->nbatches * 4, chance, h->npos, r);
	if (which & 8)
		damage(t.batch_count, h->nbatches * 4, chance, h->npos, r);
	if (which & 16)
		damage(t.order, h->npos * 4, chance, h->npos, r);
	if (which & 32)
		damage(t.next, h->npos * 4, chance, h->npos, r);
	if (which & 64)
		damage(t.first, h->nfiles * 4, chance, h->npos, r);

	struct follow f = { &t, calloc(follow_bytes(&t), 1) };
	for (size_t i = 0; i < j.n; i++) {
		const struct event *e = &j.e[i];
		uint32_t next, pos, segment, batch, w = e->worker % 64, before = f.sh->horizon;
		if (e->kind == LEAVE) {
			follow_leave(&f, run[w]);
			run[w] = NULL;
			continue;
		}
		if (!run[w])
			run[w] = follow_join(&f, w);
		uint32_t file = rng_below(r, 20) ? e->file : any(r, h->nfiles);
		uint32_t expected = follow_expected(&f, run[w]);
		pos = follow_access(&f, run[w], file, &next);
		bool fine = (expected == FILE_NONE || expected < h->nfiles) && (pos == POS_UNKNOWN || (pos < h->npos && t.order[pos] == file)) &&
			    (next == POS_NEVER || next == POS_UNKNOWN || (next < h->npos && next >= f.sh->horizon)) &&
			    f.sh->horizon >= before && f.sh->horizon <= h->npos && f.sh->front <= h->npos &&
			    f.sh->ratio <= 65536 && follow_next(&f, file) == next;
		if (follow_locate(&t, any(r, h->npos), &segment, &batch) && segment >= h->nsegments)
			fine = false;
		if (!fine) {
			printf("access %zu of file %u: position %u next %u horizon %u front %u of %u positions\n", i, file,
			       pos, next, f.sh->horizon, f.sh->front, h->npos);
			exit(1);
		}
	}
	free(f.sh);
	job_free(&j);
	plan_free(&t);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261121;
	int rounds = argc > 2 ? atoi(argv[2]) : 300;
	for (int i = 0; i < rounds; i++) {
		struct rng r = { seed + (uint64_t)i };
		printf("seed %llu\n", (unsigned long long)(seed + (uint64_t)i));
		one(&r);
	}
	printf("%d damaged traces\n", rounds);
	return rounds < 1;
}
