/* run.c - the cells of a plan on all processors. */
#include "plan.h"

#include "../common/common.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One pass of LRU's distances costs about as much as so many simulations (bench/policy). */
#define LRU_PASS 3

struct task {
	struct plan_cell *cell[PLAN_SIZES];   /* one; or LRU's that go in one pass, by rising size */
	unsigned n;
};

struct work {
	struct plan *plan;
	struct task *task;
	unsigned ntasks;
	_Atomic unsigned next;
	_Atomic uint64_t done;            /* positions */
	_Atomic int error;
	pthread_mutex_t lock;             /* of `running` */
	pthread_cond_t left;
	unsigned running;
};

static int run_task(struct work *w, const struct task *t)
{
	const struct plan *p = w->plan;
	struct sim_count *epochs = calloc((size_t)t->n * p->in.nepochs + 1, sizeof(*epochs));
	uint64_t cache[PLAN_SIZES];
	int r = -ENOMEM;

	if (epochs && t->n == 1) {
		r = plan_simulate(p, t->cell[0], epochs, &w->done);
	} else if (epochs) {
		for (unsigned k = 0; k < t->n; k++)
			cache[k] = t->cell[k]->cache;
		r = plan_lru(p, cache, t->n, epochs, &w->done);
		for (unsigned k = 0; !r && k < t->n; k++)
			plan_fill(p, t->cell[k], epochs + (size_t)k * p->in.nepochs);
	}
	free(epochs);
	return r;
}

static void *worker(void *arg)
{
	struct work *w = arg;
	unsigned i;

	while (!w->error && (i = atomic_fetch_add(&w->next, 1)) < w->ntasks) {
		int r = run_task(w, &w->task[i]);

		if (r)
			w->error = r;
	}
	pthread_mutex_lock(&w->lock);
	w->running--;
	pthread_cond_signal(&w->left);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int by_cache(const void *a, const void *b)
{
	const struct plan_cell *x = *(struct plan_cell *const *)a, *y = *(struct plan_cell *const *)b;

	return (x->cache > y->cache) - (x->cache < y->cache);
}

/* LRU's cells of policy number i: those that bypass the same files in one pass, if that saves time. */
static void lru_tasks(struct work *w, unsigned i)
{
	const struct plan *p = w->plan;
	struct plan_cell *cell[PLAN_SIZES];
	uint32_t takes[PLAN_SIZES];

	for (unsigned k = 0; k < p->nsizes; k++)
		cell[k] = plan_at(p, i, k);
	qsort(cell, p->nsizes, sizeof(*cell), by_cache);
	for (unsigned k = 0; k < p->nsizes; k++)
		takes[k] = plan_takes(p, cell[k]->cache);
	for (unsigned k = 0, end; k < p->nsizes; k = end) {
		for (end = k + 1; end < p->nsizes && takes[end] == takes[k]; end++)
			;
		if (end - k <= LRU_PASS)
			end = k + 1;
		struct task *t = &w->task[w->ntasks++];

		t->n = end - k;
		memcpy(t->cell, cell + k, t->n * sizeof(*cell));
	}
}

/* Waits until no worker is left, with the bar. */
static void wait_for(struct work *w, uint64_t total, const char *name)
{
	struct timespec wake;
	struct progress bar;

	progress_begin(&bar, name);
	pthread_mutex_lock(&w->lock);
	while (w->running) {
		clock_gettime(CLOCK_REALTIME, &wake);
		wake.tv_nsec += 200000000;
		wake.tv_sec += wake.tv_nsec / 1000000000;
		wake.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&w->left, &w->lock, &wake);
		if (w->running)
			progress_at(&bar, total ? (double)w->done / (double)total : 1);
	}
	pthread_mutex_unlock(&w->lock);
	progress_end(&bar);
}

int plan_run(struct plan *p, const char *bar)
{
	struct work w = { .plan = p, .lock = PTHREAD_MUTEX_INITIALIZER, .left = PTHREAD_COND_INITIALIZER };
	unsigned threads = 1, started = 0;
	pthread_t id[64];
	cpu_set_t cpus;

	w.task = calloc((size_t)p->npolicies * p->nsizes + 1, sizeof(*w.task));
	if (!w.task)
		return -ENOMEM;
	for (unsigned i = 0; i < p->npolicies; i++)   /* the longest first */
		if (p->policies[i] == &policy_lru)
			lru_tasks(&w, i);
	for (unsigned k = 0; k < p->nsizes; k++)
		for (unsigned i = 0; i < p->npolicies; i++)
			if (p->policies[i] != &policy_lru) {
				w.task[w.ntasks].n = 1;
				w.task[w.ntasks++].cell[0] = plan_at(p, i, k);
			}
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		threads = (unsigned)CPU_COUNT(&cpus);
	if (threads > w.ntasks)
		threads = w.ntasks;
	if (threads > 64)
		threads = 64;
	pthread_mutex_lock(&w.lock);
	while (started < threads && !pthread_create(&id[started], NULL, worker, &w))
		w.running = ++started;
	pthread_mutex_unlock(&w.lock);
	if (!started)
		w.error = -EAGAIN;
	wait_for(&w, (uint64_t)w.ntasks * p->in.npos, bar);
	while (started)
		pthread_join(id[--started], NULL);
	free(w.task);
	return w.error;
}
