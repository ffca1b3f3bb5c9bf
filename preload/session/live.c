/* live.c - processes and the live orders that they follow. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "keeper.h"
#include "live.h"

void live_unmap(struct plan *p)
{
	if (p->before.block)
		munmap(p->before.block, p->before.bytes);
	if (p->before.trace.h)
		trace_close(&p->before.trace);
	memset(&p->before, 0, sizeof(p->before));
}

/* The files are named by the generation only, so that what is mapped is that generation or nothing. */
static int map_gen(uint32_t n, uint32_t gen)
{
	struct plan *p = &view.plans[n], fresh = { .gen = gen };
	char name[32], path[PATH_BYTES + 32], err[256];
	size_t map_at, rmap_at;
	snprintf(path, sizeof(path), "%s/live.%u.order", view.dir, gen);
	snprintf(name, sizeof(name), "live.%u.plan", gen);
	if (trace_open(&fresh.trace, path, err) < 0)
		return -ENOENT;
	fresh.file_bytes = plan_bytes(&fresh.trace, true, &map_at, &rmap_at);
	if (!(fresh.follow.sh = plan_map_file(name, &fresh.file_bytes, false))) {
		trace_close(&fresh.trace);
		return -ENOENT;
	}
	if (p->mapped) {
		live_unmap(p);
		p->before.trace = p->trace;
		p->before.block = p->follow.sh;
		p->before.bytes = p->file_bytes;
	}
	fresh.before.trace = p->before.trace;
	fresh.before.block = p->before.block;
	fresh.before.bytes = p->before.bytes;
	fresh.mapped = true;
	*p = fresh;
	p->follow.t = &p->trace;
	view.axes[n] = (struct axis){ .order = p->trace.order, .npos = p->trace.h->npos, .scale = 1 };
	return 0;
}

int live_map(uint32_t n)
{
	struct plan_entry *e = &view.h->plans[n];
	uint32_t gen = atomic_load(&e->gen);
	if (view.plans[n].mapped && view.plans[n].gen == gen)
		return 0;
	int rc = map_gen(n, gen);
	return rc < 0 && atomic_load(&e->gen) != gen ? -EAGAIN : rc;
}

void live_ready(void)
{
	if (!session_attach())
		return;
	atomic_store(&view.h->loader_made, 1);
	keeper_check();
}

void live_follow(uint64_t key)
{
	view.live_loader = key;
}

static uint32_t loader_at(uint64_t key)
{
	uint32_t i = 0;
	while (i < LOADERS_MAX && view.h->loaders[i].key != key)
		i++;
	return i;
}

void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch)
{
	bool locked = false;
	live_follow(key);
	for (int tries = 0; tries < 3 && !locked && session_attach(); tries++)
		locked = session_lock();   /* no order comes of a loader that is not known */
	if (!locked)
		return;
	uint32_t i = loader_at(key);
	if (i == LOADERS_MAX)
		i = loader_at(0);
	if (i == LOADERS_MAX)
		i = view.h->live_next++ % LOADERS_MAX;
	view.h->loaders[i] = (struct live_loader){ .key = key, .dataset = dataset, .epoch = epoch };
	session_unlock();
}

uint64_t live_dataset(uint64_t loader)
{
	uint32_t i = loader ? loader_at(loader) : LOADERS_MAX;
	return i < LOADERS_MAX ? view.h->loaders[i].dataset : 0;
}

bool live_epoch_now(uint32_t *epoch)
{
	uint32_t i = view.live_loader ? loader_at(view.live_loader) : LOADERS_MAX;
	if (i < LOADERS_MAX)
		*epoch = view.h->loaders[i].epoch;
	return i < LOADERS_MAX;
}

/* What is over does not count: another iterator may have got the same key since. */
static uint32_t plan_of(uint64_t loader)
{
	for (uint32_t n = 0; loader && n < index_plans(); n++)
		if (atomic_load_explicit(&view.h->plans[n].loader, memory_order_relaxed) == loader && !view.h->plans[n].ended)
			return n;
	return PLANS_MAX;
}

void live_end(uint64_t key)
{
	if (!view.h || !session_lock())
		return;
	uint32_t n = plan_of(key), i = loader_at(key);
	if (n < PLANS_MAX)
		view.h->plans[n].ended = 1;
	if (i < LOADERS_MAX)
		view.h->loaders[i] = (struct live_loader){ .key = 0 };   /* an order still to come is too late */
	session_unlock();
}

bool live_distrusted(uint32_t n)
{
	if (view.h->plans[n].ended)
		return true;
	if (!view.plans[n].follow.sh->gate_shut)
		return false;
	for (uint32_t o = 0; o < view.shape.naxes; o++)
		if (o != n && !view.h->plans[o].ended && !view.plans[o].follow.sh->gate_shut)
			return true;
	return false;
}

static void forget_run(void)
{
	struct slot *s = &view.slots[view.slot];
	if (view.live_run && view.live_plan && view.plans[view.live_plan - 1].gen == view.live_gen)
		follow_leave(&view.plans[view.live_plan - 1].follow, view.live_run);
	view.live_run = NULL;
	view.live_plan = s->live_plan = s->live_run = 0;
}

struct plan *live_plan(void)
{
	if (!view.live_loader || !view.h->live_epochs)
		return NULL;
	uint32_t n = plan_of(view.live_loader);
	if (n >= view.shape.naxes || !view.plans[n].mapped) {
		if (view.live_plan)
			forget_run();
		return NULL;
	}
	struct plan *p = &view.plans[n];
	if (view.live_plan != n + 1 || view.live_gen != p->gen) {
		struct slot *s = &view.slots[view.slot];
		forget_run();
		view.live_run = follow_join(&p->follow, view.slot);
		view.live_plan = s->live_plan = n + 1;
		view.live_gen = s->live_gen = p->gen;
		s->live_run = view.live_run ? (uint32_t)(view.live_run - p->follow.sh->runs) + 1 : 0;
	}
	return p;
}

void live_leave(void)
{
	if (!view.live_plan || !session_lock())
		return;
	forget_run();
	session_unlock();
}

void live_bury(struct slot *s)
{
	uint32_t n = s->live_plan - 1, run = s->live_run - 1;
	if (view.slot >= SLOTS_MAX || n >= PLANS_MAX || run >= RUNS_MAX || !session_lock())
		return;
	struct plan *p = &view.plans[n];
	if (p->mapped && p->gen == s->live_gen && p->follow.sh->runs[run].owner == (uint32_t)(s - view.slots) + 1)
		follow_leave(&p->follow, &p->follow.sh->runs[run]);
	session_unlock();
}
