/* sim.c - what other policies, and other sizes of the cache, would have made of the job's order. */
#include "page.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct policy *const policies[REPORT_POLICIES] = { &policy_opt, &policy_keep, &policy_lru };

#define LONG_ORDER (20u << 20)    /* positions from which on the sweep takes every other size only */

static int no(struct report *r, int rc, const char *trace, const char *why, const char *mend)
{
	snprintf(r->why_not, sizeof(r->why_not), "%.200s: %s; %s", trace, why, mend);
	return rc;
}

/* The trace's epochs by number: first[i] = index among plan.in's epochs of the job's ith, or UINT32_MAX. */
static uint32_t epoch_index(const struct report *r, uint32_t number)
{
	const struct trace *t = &r->plan.trace;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->h->nsegments; i++) {
		if (i && t->segments[i].epoch != t->segments[i - 1].epoch)
			n++;
		if (t->segments[i].epoch == number)
			return n;
	}
	return UINT32_MAX;
}

/* Cuts the order to the epochs that the job ran, the last to its length: what came before or would have
 * come after has no part in what was possible. */
static int window(struct report *r, const char *trace)
{
	struct plan *p = &r->plan;
	struct sim_input *in = &p->in;
	uint32_t from = epoch_index(r, r->epochs[0].epoch), to = epoch_index(r, r->epochs[r->nepochs - 1].epoch);

	if (from == UINT32_MAX || to == UINT32_MAX || to - from + 1 != r->nepochs)
		return no(r, -EINVAL, trace, "it does not hold the epochs that the job ran",
			  "give the job's own trace with --trace");
	uint32_t start = from ? p->epoch_end[from - 1] : 0, last = to ? p->epoch_end[to - 1] : 0;
	uint64_t ran = r->epochs[r->nepochs - 1].accesses;

	in->nepochs = r->nepochs;
	in->order += start;
	in->npos = p->epoch_end[to] - start;
	if (ran < p->epoch_end[to] - last) {
		in->npos = last - start + (uint32_t)ran;
		r->partial = true;
	}
	for (uint32_t e = 0; e < in->nepochs; e++)
		p->epoch_end[e] = p->epoch_end[from + e] - start;
	p->epoch_end[in->nepochs - 1] = in->npos;
	if (!start)
		return 0;
	uint32_t *scratch = calloc((size_t)in->nfiles + 1, sizeof(*scratch));
	r->next = calloc((size_t)in->npos + 1, sizeof(*r->next));
	if (scratch && r->next)
		sim_next(in->order, in->npos, in->nfiles, r->next, scratch);
	in->next = r->next;
	free(scratch);
	return scratch && r->next ? 0 : no(r, -ENOMEM, trace, strerror(ENOMEM), "free some memory");
}

struct one { const struct report *r; unsigned policy; struct sim_count *epochs; _Atomic uint64_t *done; int rc; };

/* One policy at the job's own size, epoch by epoch. */
static void *simulate_one(void *arg)
{
	struct one *o = arg;
	struct sim_params params = {
		.policy = policies[o->policy], .budget = o->r->budget,
		.maxfile = plan_maxfile(&o->r->plan, o->r->budget, 0), .seed = 42, .progress = o->done,
	};

	o->rc = simulate(&o->r->plan.in, &params, o->epochs);
	return NULL;
}

/* Waits for a thread, with the bar. done: positions of all threads together, total of them in the end. */
static void join(pthread_t thread, struct progress *bar, _Atomic uint64_t *done, uint64_t total)
{
	struct timespec wake;

	do {
		progress_at(bar, (double)*done / (double)total);
		clock_gettime(CLOCK_REALTIME, &wake);
		wake.tv_nsec += 200000000;
		wake.tv_sec += wake.tv_nsec / 1000000000;
		wake.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(thread, NULL, &wake) == ETIMEDOUT);
}

static int by_epoch(struct report *r)
{
	struct sim_count *counts = calloc((size_t)REPORT_POLICIES * r->nepochs, sizeof(*counts));
	struct one job[REPORT_POLICIES];
	pthread_t thread[REPORT_POLICIES];
	bool started[REPORT_POLICIES];
	_Atomic uint64_t done = 0;
	struct progress bar;
	int rc = counts ? 0 : -ENOMEM;

	progress_begin(&bar, "report");
	for (unsigned i = 0; counts && i < REPORT_POLICIES; i++) {
		job[i] = (struct one){ r, i, counts + (size_t)i * r->nepochs, &done, 0 };
		started[i] = !pthread_create(&thread[i], NULL, simulate_one, &job[i]);
		if (!started[i])
			simulate_one(&job[i]);
	}
	for (unsigned i = 0; counts && i < REPORT_POLICIES; i++) {
		if (started[i])
			join(thread[i], &bar, &done, (uint64_t)REPORT_POLICIES * r->plan.in.npos + 1);
		rc = rc ? rc : job[i].rc;
		for (uint32_t e = 0; e < r->nepochs; e++)
			r->epochs[e].sim[i] = job[i].epochs[e];
	}
	progress_end(&bar);
	free(counts);
	return rc;
}

/* Every policy at 5, 10 .. 100 % of the dataset. */
static int by_size(struct report *r)
{
	struct plan *p = &r->plan;
	unsigned step = p->in.npos > LONG_ORDER ? 10 : 5;

	p->npolicies = REPORT_POLICIES;
	memcpy(p->policies, policies, sizeof(policies));
	for (unsigned percent = step; percent <= 100; percent += step)
		p->sizes[p->nsizes++] = p->dataset / 100 * percent;
	p->cells = calloc((size_t)p->npolicies * p->nsizes, sizeof(*p->cells));
	if (!p->cells)
		return -ENOMEM;
	for (unsigned i = 0; i < p->npolicies; i++)
		for (unsigned k = 0; k < p->nsizes; k++)
			*plan_at(p, i, k) = (struct plan_cell){ .policy = p->policies[i], .cache = p->sizes[k] };
	return plan_run(p, "report");
}

int report_simulate(struct report *r, const char *trace)
{
	struct plan *p = &r->plan;
	char err[256];
	int rc;

	if (!r->nepochs)
		return no(r, -ENODATA, trace, "the job read no file of the dataset", "let it run first");
	if (trace_open(&p->trace, trace, err) < 0) {
		p->trace.h = NULL;
		return no(r, -EINVAL, trace, err, "give the job's own trace with --trace");
	}
	/* A limit that is the default for the job's cache is the default for other sizes too. */
	p->maxfile = r->maxfile && r->maxfile != sim_maxfile(r->budget) ? r->maxfile : 0;
	if (plan_epochs(p) < 0)
		return no(r, -ENOMEM, trace, strerror(ENOMEM), "free some memory");
	if ((rc = window(r, trace)) < 0)
		return rc;
	p->dataset = sim_dataset(&p->in);
	rc = by_epoch(r);
	if (!rc)
		rc = by_size(r);
	if (rc)
		return no(r, rc, trace, strerror(-rc), "free some memory");
	r->simulated = true;
	return 0;
}
