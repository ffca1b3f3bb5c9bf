/* smallest.c - the smallest cache with which the job does not wait for the store. */
#include "plan.h"

#include <stdlib.h>

uint64_t plan_smallest(const struct plan *p, unsigned i)
{
	uint64_t enough = UINT64_MAX, less = 0;
	struct plan_cell cell = { .policy = p->policies[i] };
	struct sim_count *epochs = calloc((size_t)p->in.nepochs + 1, sizeof(*epochs));

	for (unsigned k = 0; k < p->nsizes; k++)
		if (plan_compute_bound(p, plan_at(p, i, k)) && p->sizes[k] < enough)
			enough = p->sizes[k];
	for (unsigned k = 0; k < p->nsizes; k++)
		if (p->sizes[k] < enough && p->sizes[k] > less)
			less = p->sizes[k];
	if (less == 0 && enough != UINT64_MAX && epochs && !plan_simulate(p, &cell, epochs, NULL)
	    && plan_compute_bound(p, &cell))
		enough = 0;
	while (epochs && enough != UINT64_MAX && enough - less > p->dataset / 100 && enough > less) {
		cell.cache = less + (enough - less) / 2;
		if (plan_simulate(p, &cell, epochs, NULL))
			break;
		if (plan_compute_bound(p, &cell))
			enough = cell.cache;
		else
			less = cell.cache;
	}
	free(epochs);
	return enough;
}
