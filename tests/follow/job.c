/* job.c - what DataLoader workers open, and when: batches are dealt round robin, prefetch * workers of them
 * at the start, then one for each that the main process has taken, in order. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>

static void push(struct job *j, struct event e)
{
	if (j->n == j->room) {
		j->room = j->room ? 2 * j->room : 4096;
		j->e = realloc(j->e, j->room * sizeof *j->e);
		if (!j->e) {
			fprintf(stderr, "model: out of memory\n");
			exit(1);
		}
	}
	j->e[j->n++] = e;
}

static int by_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->worker != y->worker ? (x->worker < y->worker ? -1 : 1) : (x->pos > y->pos) - (x->pos < y->pos);
}

/* Mostly 1 ms, now and then a slow file or a worker that is not scheduled. */
static double cost(struct rng *r)
{
	double x = rng_unit(r);
	return x < .001 ? .2 : x < .02 ? .02 : .0005 + rng_unit(r) * .001;
}

/* One batch in one worker, from `start`; returns when it is done. */
static double one_batch(struct job *j, const struct style *s, uint32_t *who, const uint32_t *files, uint32_t pos,
			uint32_t n, double start, struct rng *r)
{
	uint32_t dies = s->die > 0 && rng_unit(r) < s->die ? rng_below(r, n) : NO_POS;
	double t = start;
	for (uint32_t i = 0; i < n; i++) {
		t += cost(r);
		if (i == dies) {             /* the rest of its batch is lost with it */
			push(j, (struct event){ t, 0, NO_POS, *who, LEAVE, false });
			*who = j->workers++;
			return t + .01;
		}
		push(j, (struct event){ t, files[i], pos == NO_POS ? NO_POS : pos + i, *who, ACCESS, false });
	}
	return t;
}

/* One rank's loader in one epoch: batch b is files[start[b] .. +count[b]]. */
struct loader {
	const uint32_t *files, *start, *count;
	uint32_t nbatches;
	bool traced;
	uint32_t *who;                       /* the process that is worker w now */
	double *freed;                       /* when worker w is through with what it has */
};

/* The loaders of all ranks; a step is over when the slowest rank has taken its batch. Returns when the main
 * processes leave the epoch early; 1e300 if they do not. */
static double epoch(struct job *j, const struct style *s, struct loader *ld, uint32_t n, struct rng *r)
{
	uint32_t w = s->workers ? s->workers : 1, ahead = s->workers ? s->prefetch * w : 1, most = 0;
	for (uint32_t i = 0; i < n; i++) {
		most = ld[i].nbatches > most ? ld[i].nbatches : most;
		ld[i].freed = calloc(w, sizeof(double));
		for (uint32_t k = 0; k < w; k++)
			ld[i].freed[k] = rng_unit(r) * .05;      /* they do not start at once */
	}
	uint32_t limit = s->limit && s->limit < most ? s->limit : most;
	uint32_t sent = limit + (limit < most && s->workers ? ahead : 0);
	double *taken = calloc(most + 1, sizeof *taken), end;
	for (uint32_t b = 0; b < sent && b < most; b++) {
		taken[b] = b ? taken[b - 1] + .002 : 0;
		for (uint32_t i = 0; i < n; i++) {
			struct loader *l = &ld[i];
			uint32_t k = b % w;
			if (b >= l->nbatches)
				continue;
			if (s->in_any_order && b >= ahead)
				for (uint32_t x = 0; x < w; x++)
					k = l->freed[x] < l->freed[k] ? x : k;
			double at = b < ahead ? 0 : taken[b - ahead];
			at = at > l->freed[k] ? at : l->freed[k];
			l->freed[k] = one_batch(j, s, &l->who[k], l->files + l->start[b],
						l->traced ? l->start[b] : NO_POS, l->count[b], at, r);
			taken[b] = l->freed[k] > taken[b] ? l->freed[k] : taken[b];
		}
	}
	end = limit < most ? taken[limit - 1] : 1e300;
	for (uint32_t i = 0; i < n; i++)
		free(ld[i].freed);
	free(taken);
	return end;
}

/* The workers of one group of loaders: new ones, or those that stayed. */
static uint32_t *workers(struct job *j, uint32_t n, bool standing)
{
	uint32_t *who = calloc(n, sizeof *who);
	bool old = standing && j->standing;
	uint32_t first = old ? j->standing - 1 : j->workers;
	for (uint32_t i = 0; i < n; i++)
		who[i] = first + i;
	if (!old)
		j->workers += n;
	if (standing)
		j->standing = first + 1;
	return who;
}

/* In order of time; what comes after the end is not opened. Workers leave there unless they stay. */
static void settle(struct job *j, size_t from, double end, const uint32_t *who, uint32_t n, bool standing)
{
	size_t kept = from;
	qsort(j->e + from, j->n - from, sizeof *j->e, by_time);
	for (size_t i = from; i < j->n; i++)
		if (j->e[i].kind != ACCESS || j->e[i].at <= end)
			j->e[kept++] = j->e[i];
	j->n = kept;
	if (!standing)
		for (uint32_t i = 0; i < n; i++)
			push(j, (struct event){ end, 0, NO_POS, who[i], LEAVE, false });
}

void job_group(struct job *j, const struct trace *t, uint32_t segment, const struct style *s, struct rng *r)
{
	const struct trace_segment *g = t->segments;
	uint32_t w = s->workers ? s->workers : 1, n = 1, phase = t->streams[g[segment].stream].phase;
	while (segment && g[segment - 1].epoch == g[segment].epoch && t->streams[g[segment - 1].stream].phase == phase)
		segment--;
	while (segment + n < t->h->nsegments && g[segment + n].epoch == g[segment].epoch &&
	       t->streams[g[segment + n].stream].phase == phase)
		n++;
	/* The main process itself stays; persistent workers of a first loader too. */
	bool standing = !s->workers || (s->persistent && !phase);
	size_t from = j->n;
	uint32_t *who = workers(j, n * w, standing);
	struct loader *ld = calloc(n, sizeof *ld);
	for (uint32_t i = 0; i < n; i++)
		ld[i] = (struct loader){ t->order, t->batch_start + g[segment + i].first_batch,
			t->batch_count + g[segment + i].first_batch, g[segment + i].nbatches, true, who + i * w, NULL };
	double end = epoch(j, s, ld, n, r);
	free(ld);
	settle(j, from, end, who, n * w, standing);
	free(who);
}

void job_trace(struct job *j, const struct trace *t, uint32_t from_epoch, const struct style *s, struct rng *r)
{
	for (uint32_t i = 0; i < t->h->nsegments; i++)
		if (t->segments[i].epoch >= from_epoch && t->streams[t->segments[i].stream].rank == 0)
			job_group(j, t, i, s, r);
}

void job_pass(struct job *j, const uint32_t *files, uint32_t n, uint32_t batch, const struct style *s, struct rng *r)
{
	uint32_t nbatches = (n + batch - 1) / batch, w = s->workers ? s->workers : 1;
	uint32_t *start = calloc(nbatches, 4), *count = calloc(nbatches, 4);
	for (uint32_t b = 0; b < nbatches; b++) {
		start[b] = b * batch;
		count[b] = n - start[b] < batch ? n - start[b] : batch;
	}
	size_t from = j->n;
	bool standing = !s->workers;
	uint32_t *who = workers(j, w, standing);
	struct loader ld = { files, start, count, nbatches, false, who, NULL };
	double end = epoch(j, s, &ld, 1, r);
	settle(j, from, end, who, w, standing);
	free(who);
	free(start);
	free(count);
}

void job_wrong(struct job *j, enum wrong how, double fraction, uint32_t files, struct rng *r)
{
	struct job out = { .workers = j->workers, .standing = j->standing };
	for (size_t i = 0; i < j->n; i++) {
		struct event e = j->e[i];
		if (e.kind == ACCESS && rng_unit(r) < fraction) {
			if (how == SKIP)
				continue;
			struct event wrong = { e.at, rng_below(r, files), NO_POS, e.worker, ACCESS, false };
			push(&out, wrong);
			if (how == SUBSTITUTE)
				continue;
		}
		push(&out, e);
	}
	free(j->e);
	*j = out;
}

void job_partners(struct job *j, uint32_t partners, uint32_t files, struct rng *r)
{
	struct job out = { .workers = j->workers, .standing = j->standing };
	for (size_t i = 0; i < j->n; i++) {
		uint32_t own = rng_below(r, partners + 1);
		for (uint32_t k = 0; j->e[i].kind == ACCESS && k <= partners; k++) {
			struct event other = { j->e[i].at, rng_below(r, files), NO_POS, j->e[i].worker, ACCESS, false };
			if (k == own) {
				other = j->e[i];
				other.own = true;
			}
			push(&out, other);
		}
		if (j->e[i].kind != ACCESS)
			push(&out, j->e[i]);
	}
	free(j->e);
	*j = out;
}

void job_merge(struct job *out, struct job *j, struct job *other)
{
	*out = (struct job){ .workers = j->workers + other->workers };
	for (size_t i = 0; i < j->n || i < other->n; i++) {
		if (i < j->n)
			push(out, j->e[i]);
		if (i < other->n) {
			struct event e = other->e[i];
			e.worker += j->workers;
			e.pos = NO_POS;
			push(out, e);
		}
	}
	job_free(j);
	job_free(other);
}

void job_end(struct job *j)
{
	uint8_t *here = calloc(j->workers, 1);
	for (size_t i = 0; i < j->n; i++)
		here[j->e[i].worker] = j->e[i].kind == ACCESS;
	for (uint32_t w = 0; w < j->workers; w++)
		if (here[w])
			push(j, (struct event){ 1e300, 0, NO_POS, w, LEAVE, false });
	free(here);
}

void job_free(struct job *j)
{
	free(j->e);
	*j = (struct job){ 0 };
}
