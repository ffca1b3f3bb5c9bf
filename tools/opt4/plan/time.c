/* time.c - the time of a later epoch, from what it reads from the store.
 *
 * compute = batches of the rank that has most, times seconds a batch
 * store   = the longer of bytes / bandwidth and files * latency / reads in flight
 * epoch   = the longer of the two, since the keeper reads ahead while the job computes; stall = epoch - compute
 *
 * This is the bound that reading ahead comes close to. A policy without a future (no trace at run time)
 * has no reading ahead: then each worker waits for its own reads, and an epoch is longer.
 */
#include "plan.h"

#include <stdlib.h>

#define IN_FLIGHT 32              /* reads that the keeper has in flight at a time */

void plan_compute(struct plan *p)
{
	const struct trace *t = &p->trace;
	uint32_t first = p->in.nepochs > 1, ranks = 0;
	double *batches, most = 0;

	p->store.epoch_compute = 0;
	for (uint32_t i = 0; i < t->h->nstreams; i++)
		if (t->streams[i].rank >= ranks && t->streams[i].rank < 1u << 20)
			ranks = t->streams[i].rank + 1;
	batches = calloc((size_t)ranks + 1, sizeof(*batches));
	if (!batches)
		return;
	for (uint32_t i = 0; i < t->h->nsegments; i++) {
		const struct trace_segment *s = &t->segments[i];

		if (s->stream < t->h->nstreams && t->streams[s->stream].rank < ranks
		    && (s->epoch != t->segments[0].epoch || !first))
			batches[t->streams[s->stream].rank] += s->nbatches;
	}
	for (uint32_t r = 0; r < ranks; r++)
		if (batches[r] > most)
			most = batches[r];
	free(batches);
	if (p->in.nepochs > first)
		p->store.epoch_compute = most / (p->in.nepochs - first) * p->store.compute;
}

void plan_time(const struct plan *p, struct plan_cell *cell)
{
	double store = p->store.bandwidth > 0 ? cell->later_bytes / p->store.bandwidth : 0;
	double waits = cell->later_files * p->store.latency / IN_FLIGHT;

	if (store < waits)
		store = waits;
	cell->seconds = store > p->store.epoch_compute ? store : p->store.epoch_compute;
	cell->stall = cell->seconds - p->store.epoch_compute;
}

bool plan_compute_bound(const struct plan *p, const struct plan_cell *cell)
{
	return p->store.epoch_compute > 0 && cell->stall <= 0;
}
