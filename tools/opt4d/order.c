/* order.c - opt4d --order: one epoch's order, replayed outside the training process. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "../../preload/live/live.h"
#include "opt4d.h"
#include "replay.h"

#define PATIENCE 120               /* seconds for the dataset's files to be named: from the second batch on */

static int wait_for_names(const struct live_epoch *e)
{
	for (int i = 0; i < PATIENCE * 20; i++) {
		if (live_known(e->dataset, e->samples))
			return 0;
		if (atomic_load(&view.h->gone) || !index_live())
			break;
		nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
	return -ETIMEDOUT;
}

/* r[0], and where n is 2 the next epoch's. */
static int replay(struct live_epoch *e, const struct replay *r, size_t n)
{
	size_t take = r->take;
	uint32_t *to = malloc(n * take * sizeof(*to) + 1);
	int rc = to ? replay_order(r, to) : -ENOMEM;
	if (rc == 0 && n == 2 && r[1].take == take && replay_order(r + 1, to + take) == 0)
		e->then = to + take;
	if (rc == 0) {
		e->n = r->take;
		e->order = to;
		rc = live_publish(e);
	}
	free(to);
	return rc;
}

/* The order itself was spooled, and how many samples each batch has. */
static int given(struct live_epoch *e, const uint32_t *what)
{
	uint64_t sum = 0;
	e->order = what;
	e->counts = what + e->n;
	for (uint32_t b = 0; b < e->nbatches; b++)
		sum += e->counts[b];
	return sum == e->n ? live_publish(e) : -EINVAL;
}

static int publish(const char *spool)
{
	struct live_epoch e;
	void *what;
	ssize_t bytes = live_unspool(spool, &e, &what);
	int rc = bytes < 0 ? (int)bytes : wait_for_names(&e);
	/* the job's trace may have this order already */
	for (uint32_t n = 0; rc == 0 && conf.have_trace && n < view.h->nplans; n++)
		if (view.h->plans[n].trace_id == conf.trace.h->id)
			orders.own_plan = n + 1;
	if (rc == 0 && e.n)
		rc = (size_t)bytes == 4 * ((size_t)e.n + e.nbatches) ? given(&e, what) : -EINVAL;
	else if (rc == 0)
		rc = bytes == sizeof(struct replay) || bytes == 2 * sizeof(struct replay) ? replay(&e, what, (size_t)bytes / sizeof(struct replay)) : -EINVAL;
	free(what);
	return rc;
}

int order(const char *dir, const char *spool)
{
	conf_load();
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 10);   /* the workers that start now come first */
	if (chdir("/") < 0)
		return 1;
	int rc = keeper_visit(dir, 2);
	if (rc == 0) {
		atomic_store(&view.attached, true);
		rc = publish(spool);
	}
	keeper_detach();
	if (rc < 0)
		fprintf(stderr, "opt4d: %s: %s; this epoch's order stays unknown\n", spool, strerror(-rc));
	return rc < 0;
}
