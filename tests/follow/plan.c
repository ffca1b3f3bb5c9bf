/* plan.c - a trace in memory, made the simplest way. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t rng_next(struct rng *r)         /* splitmix64 */
{
	uint64_t z = r->s += 0x9E3779B97F4A7C15u;
	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return z ^ z >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n)
{
	return (uint32_t)((rng_next(r) >> 32) * n >> 32);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) / 9007199254740992.0;
}

static void *get(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (!p) {
		fprintf(stderr, "model: out of memory\n");
		exit(1);
	}
	return p;
}

static uint32_t samples(const struct plan *p) { return p->files * (p->times ? p->times : 1); }

/* The sampler of one epoch and phase: n files. */
static void sample(uint32_t *out, uint32_t n, const struct plan *p, bool val, struct rng *r)
{
	for (uint32_t i = 0; i < n; i++)
		out[i] = val ? p->files + i : p->kind == REPLACEMENT ? rng_below(r, p->files) : i % p->files;
	if (!val && p->kind == SHUFFLE)
		for (uint32_t i = n; i > 1; i--) {
			uint32_t k = rng_below(r, i), x = out[k];
			out[k] = out[i - 1];
			out[i - 1] = x;
		}
}

struct building {
	struct trace_stream *streams;
	struct trace_segment *segments;
	uint32_t *start, *count, *order;
	uint32_t npos, nsegments, nbatches;
};

/* One group: each rank takes every world-th sample, short ones padded from the head; batch by batch. */
static void group(struct building *b, const struct plan *p, uint32_t epoch, uint32_t phase, uint32_t *s, struct rng *r)
{
	uint32_t n = phase ? p->val_files : samples(p), each = (n + p->world - 1) / p->world;
	uint32_t batches = (each + p->batch - 1) / p->batch, first = b->npos;
	sample(s, n, p, phase, r);
	for (uint32_t rank = 0; rank < p->ranks; rank++)
		b->segments[b->nsegments + rank] = (struct trace_segment){
			.stream = phase * p->ranks + rank, .epoch = epoch,
			.first_batch = b->nbatches + rank * batches, .nbatches = batches, .first_pos = first };
	for (uint32_t k = 0; k < batches; k++)
		for (uint32_t rank = 0; rank < p->ranks; rank++) {
			uint32_t lo = k * p->batch, hi = lo + p->batch < each ? lo + p->batch : each;
			struct trace_segment *g = &b->segments[b->nsegments + rank];
			if (!k)
				g->first_pos = b->npos;
			b->start[g->first_batch + k] = b->npos;
			b->count[g->first_batch + k] = hi - lo;
			for (uint32_t i = lo; i < hi; i++)
				b->order[b->npos++] = s[((uint64_t)i * p->world + rank) % n];
			g->end_pos = b->npos;
		}
	b->nsegments += p->ranks;
	b->nbatches += p->ranks * batches;
}

void plan_make(struct trace *t, const struct plan *p, struct rng *r)
{
	uint32_t phases = p->val_files ? 2 : 1, nfiles = p->files + p->val_files;
	uint64_t each = ((uint64_t)samples(p) + p->val_files) / p->world + 2 * p->world;
	struct trace_header *h = get(1, sizeof *h);
	struct building b = {
		.streams = get(phases * p->ranks, sizeof *b.streams),
		.segments = get(p->epochs * phases * p->ranks, sizeof *b.segments),
		.start = get(p->epochs * p->ranks * (each / p->batch + 4), 4),
		.count = get(p->epochs * p->ranks * (each / p->batch + 4), 4),
		.order = get(p->epochs * p->ranks * each, 4),
	};
	uint32_t *s = get((uint64_t)samples(p) + p->val_files, 4), *first = get(nfiles, 4), *next;

	for (uint32_t i = 0; i < phases * p->ranks; i++)
		b.streams[i] = (struct trace_stream){ .rank = i % p->ranks, .phase = i / p->ranks,
			.workers = p->workers, .batch_size = p->batch };
	for (uint32_t e = 0; e < p->epochs; e++)
		for (uint32_t phase = 0; phase < phases; phase++)
			group(&b, p, e, phase, s, r);
	next = get(b.npos, 4);
	for (uint32_t i = 0; i < nfiles; i++)
		first[i] = TRACE_NEVER;
	for (uint32_t i = b.npos; i-- > 0; ) {
		next[i] = first[b.order[i]];
		first[b.order[i]] = i;
	}
	free(s);
	*h = (struct trace_header){ .nfiles = nfiles, .npos = b.npos, .nstreams = phases * p->ranks,
		.nsegments = b.nsegments, .nbatches = b.nbatches, .nroots = 1 };
	*t = (struct trace){ .h = h, .streams = b.streams, .segments = b.segments, .batch_start = b.start,
		.batch_count = b.count, .order = b.order, .next = next, .first = first };
}

void plan_free(struct trace *t)
{
	free((void *)t->streams);
	free((void *)t->segments);
	free((void *)t->batch_start);
	free((void *)t->batch_count);
	free((void *)t->order);
	free((void *)t->next);
	free((void *)t->first);
	free((void *)t->h);
}
