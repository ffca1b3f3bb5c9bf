/* late.c [SEED [CASES]]: an order that becomes known in the middle of its epoch, as one that another process replays does: each worker's
 * first accesses are missing, and it must find its place by those that follow. Files that the order names once, and such that it names
 * hundreds of times. Random cases, a line each; exit 1 if any does not hold.
 *
 * The oracle is brute force: of all positions of the order those that a worker's last accesses lead to. Where there is but one the
 * follower must know it. */
#include "play.h"
#include "cache.h"

#include <stdio.h>
#include <stdlib.h>

#define LAST   8u                  /* accesses that the oracle goes by */
#define LONGER 16u                 /* .. and that the follower may take longer, each time */

struct lately { uint32_t n, file[LAST], missed; };   /* a worker's last accesses, the latest first */

static uint32_t *batch_of;         /* [npos] */

/* The position before this one for a worker that has every step-th batch; NO_POS: none. */
static uint32_t before(const struct trace *t, uint32_t pos, uint32_t step)
{
	uint32_t b = batch_of[pos];
	if (pos > t->batch_start[b])
		return pos - 1;
	return b >= step ? t->batch_start[b - step] + t->batch_count[b - step] - 1 : NO_POS;
}

/* The one position that these accesses end at; NO_POS: none, or several. */
static uint32_t align(const struct trace *t, const struct lately *l, uint32_t step)
{
	uint32_t found = NO_POS;
	for (uint32_t pos = 0; pos < t->h->npos; pos++) {
		uint32_t p = pos, i = 0;
		while (i < LAST && p != NO_POS && t->order[p] == l->file[i]) {
			p = before(t, p, step);
			i++;
		}
		if (i < LAST)
			continue;
		if (found != NO_POS)
			return NO_POS;
		found = pos;
	}
	return found;
}

static bool one(uint64_t seed)
{
	static const uint32_t all_files[] = { 40, 400, 2000 }, all_workers[] = { 0, 1, 2, 4, 16 }, all_batches[] = { 1, 4, 16, 64 };
	struct rng r = { seed };
	struct trace t;
	struct job j = { 0 };
	uint32_t files = all_files[rng_below(&r, 3)], most = 6000 / files, times = rng_below(&r, 3) ? 1 + rng_below(&r, most) : 1;
	uint32_t workers = all_workers[rng_below(&r, 5)], batch = all_batches[rng_below(&r, 4)], step = workers ? workers : 1;
	uint64_t due = 0, exact = 0, shut = 0, accesses = 0;
	uint32_t in_a_row = 0;

	plan_make(&t, &(struct plan){ files, 1, batch, workers, 1, 1, SHUFFLE, 0, times }, &r);
	job_trace(&j, &t, 0, &(struct style){ .workers = workers, .prefetch = 2 }, &r);
	job_end(&j);
	size_t from = (size_t)(.7 * rng_unit(&r) * (double)j.n);
	struct follow f = { &t, cache_get(follow_bytes(&t), 1) };
	struct run **run = cache_get(j.workers, sizeof *run);
	struct lately *lately = cache_get(j.workers, sizeof *lately);
	batch_of = cache_get(t.h->npos, 4);
	for (uint32_t b = 0; b < t.h->nbatches; b++)
		for (uint32_t i = 0; i < t.batch_count[b]; i++)
			batch_of[t.batch_start[b] + i] = b;
	for (size_t i = from; i < j.n; i++) {
		const struct event *e = &j.e[i];
		struct lately *l = &lately[e->worker];
		uint32_t next;
		if (!play_comes(&f, run, e))
			continue;
		for (uint32_t k = LAST - 1; k > 0; k--)
			l->file[k] = l->file[k - 1];
		l->file[0] = e->file;
		l->n++;
		run[e->worker]->whose = seed & 1 ? FOLLOW_OWN : FOLLOW_ANYBODYS;   /* whether it is told that this is the sample's own */
		uint32_t pos = follow_access(&f, run[e->worker], e->file, &next);
		uint32_t known = l->n >= LAST ? align(&t, l, step) : NO_POS;
		accesses++;
		shut += f.sh->gate_shut;
		l->missed = pos == e->pos ? 0 : l->missed + 1;
		if (known == NO_POS)
			continue;
		if (known != e->pos)
			exit(fprintf(stderr, "late: the oracle says %u where it is %u\n", known, e->pos));
		due++;
		exact += pos == e->pos;
		in_a_row = l->missed > in_a_row ? l->missed : in_a_row;
	}
	bool open = !f.sh->gate_shut, ok = exact + due / 100 >= due && in_a_row <= LAST + LONGER && open && shut <= accesses / 20 + LAST * step;
	printf("seed %llu: %4u files %4u times, workers %2u batch %2u, known from %4.2f on: %5llu accesses, %5llu that the oracle knows, of them not known %4llu,"
	       " in a row at most %3u, gate shut %llu%s%s\n", (unsigned long long)seed, files, times, workers, batch, (double)from / (double)j.n,
	       (unsigned long long)accesses, (unsigned long long)due, (unsigned long long)(due - exact), in_a_row, (unsigned long long)shut,
	       open ? "" : " at the end", ok ? "" : "  NOT SO");
	free(f.sh);
	free(run);
	free(lately);
	free(batch_of);
	job_free(&j);
	plan_free(&t);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 20261128;
	int cases = argc > 2 ? atoi(argv[2]) : 60, bad = 0;
	for (int i = 0; i < cases; i++)
		bad += !one(seed + (uint64_t)i);
	printf("%d of %d do not hold\n", bad, cases);
	return bad != 0;
}
