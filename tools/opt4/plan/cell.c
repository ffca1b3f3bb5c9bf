/* cell.c - one policy at one size. */
#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Segments are ordered by epoch. Whatever a damaged trace says, the ends rise and the last is the
 * trace's end. */
int plan_epochs(struct plan *p)
{
	const struct trace *t = &p->trace;
	uint32_t n = 0, end = 0, npos = t->h->npos;

	p->epoch_end = calloc((size_t)t->h->nsegments + 1, sizeof(*p->epoch_end));
	if (!p->epoch_end)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->h->nsegments; i++) {
		const struct trace_segment *s = &t->segments[i];

		if (i && s->epoch != t->segments[i - 1].epoch)
			n++;
		if (s->end_pos > end && s->end_pos <= npos)
			end = s->end_pos;
		p->epoch_end[n] = end;
	}
	p->epoch_end[n] = npos;
	p->in = (struct sim_input){ t->order, t->next, t->sizes, p->epoch_end, npos, t->h->nfiles, n + 1 };
	return 0;
}

uint32_t plan_takes(const struct plan *p, uint64_t cache)
{
	uint64_t maxfile = plan_maxfile(p, cache, 0);
	uint32_t n = 0;

	for (uint32_t f = 0; f < p->in.nfiles; f++)
		n += sim_takes(p->in.sizes[f], cache, maxfile);
	return n;
}

void plan_fill(const struct plan *p, struct plan_cell *cell, const struct sim_count *epochs)
{
	struct sim_count later = { 0 };
	uint32_t n = p->in.nepochs, first = n > 1;

	memset(&cell->total, 0, sizeof(cell->total));
	for (uint32_t e = 0; e < n; e++) {
		sim_add(&cell->total, &epochs[e]);
		if (e >= first)
			sim_add(&later, &epochs[e]);
	}
	n -= first;
	cell->later_accesses = n ? (double)later.accesses / n : 0;
	cell->later_files = n ? (double)(later.accesses - later.hits) / n : 0;
	cell->later_bytes = n ? (double)later.origin_bytes / n : 0;
	plan_time(p, cell);
}

int plan_simulate(const struct plan *p, struct plan_cell *cell, struct sim_count *epochs,
		  _Atomic uint64_t *progress)
{
	struct sim_params params = {
		.policy = cell->policy, .budget = cell->cache, .maxfile = plan_maxfile(p, cell->cache, cell->ssd),
		.seed = 42,               /* the library's */
		.progress = progress,
	};
	int r = simulate(&p->in, &params, epochs);

	if (!r)
		plan_fill(p, cell, epochs);
	return r;
}
