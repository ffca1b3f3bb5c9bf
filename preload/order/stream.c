/* stream.c - processes and the live orders that they follow. A stream is a loader over its epochs; its order of one epoch is
 * a plan that the next epoch's replaces. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include "order.h"

void stream_unmap(struct plan *p)
{
	if (p->before.block)
		munmap(p->before.block, p->before.bytes);
	if (p->before.trace.h)
		trace_close(&p->before.trace);
	memset(&p->before, 0, sizeof(p->before));
}

/* The next epoch's order, where its file has it. */
static void map_then(struct plan *p)
{
	const struct trace_section *s = &p->trace.h->section[TRACE_META];
	const struct order_then *t = (const void *)((const char *)p->trace.h + s->offset);
	uint64_t npos = p->trace.h->npos;
	if (s->bytes == sizeof(*t) + (npos + p->trace.h->nfiles) * 4 && t->known)
		p->then = t->order + npos;
}

/* The files are named by the generation only, so that what is mapped is that generation or nothing. */
static int map_gen(uint32_t n, uint32_t gen)
{
	struct plan *p = &orders.plans[n], fresh = { .gen = gen };
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
		stream_unmap(p);
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
	map_then(p);               /* the axis gets it where it counts: rounds_look() */
	orders.axes[n] = (struct axis){ .order = p->trace.order, .npos = p->trace.h->npos, .scale = 1 };
	return 0;
}

int stream_map(uint32_t n)
{
	struct plan_entry *e = &view.h->plans[n];
	uint32_t gen = atomic_load(&e->gen);
	if (orders.plans[n].mapped && orders.plans[n].gen == gen)
		return 0;
	int rc = map_gen(n, gen);
	return rc < 0 && atomic_load(&e->gen) != gen ? -EAGAIN : rc;
}

static uint32_t loader_at(uint64_t key)
{
	uint32_t i = 0;
	while (i < LOADERS_MAX && view.h->loaders[i].key != key)
		i++;
	return i;
}

void stream_loader(uint64_t key, uint64_t dataset, uint32_t epoch)
{
	uint32_t i = loader_at(key);
	if (i == LOADERS_MAX)
		i = loader_at(0);
	if (i == LOADERS_MAX)
		i = view.h->live_next++ % LOADERS_MAX;
	view.h->loaders[i] = (struct live_loader){ .key = key, .dataset = dataset, .epoch = epoch };
}

uint64_t stream_dataset(uint64_t loader)
{
	uint32_t i = loader ? loader_at(loader) : LOADERS_MAX;
	return i < LOADERS_MAX ? view.h->loaders[i].dataset : 0;
}

bool stream_epoch(uint32_t *epoch)
{
	uint32_t i = orders.live_loader ? loader_at(orders.live_loader) : LOADERS_MAX;
	if (i < LOADERS_MAX)
		*epoch = view.h->loaders[i].epoch;
	return i < LOADERS_MAX;
}

static uint32_t plan_with(uint64_t loader, uint32_t ended)
{
	for (uint32_t n = 0; loader && n < index_plans(); n++)
		if (atomic_load_explicit(&view.h->plans[n].loader, memory_order_acquire) == loader && view.h->plans[n].ended == ended)
			return n;
	return PLANS_MAX;
}

/* What is over does not count: another iterator may have got the same key since. */
static uint32_t plan_of(uint64_t loader) { return plan_with(loader, 0); }

/* Readers that are no children of who told the order (actors, servers): they read by it while it is the only one. */
static uint32_t told_plan(void)
{
	uint32_t found = PLANS_MAX;
	for (uint32_t n = 0; n < index_plans(); n++)
		if (view.h->plans[n].told && !view.h->plans[n].ended) {
			if (found < PLANS_MAX)
				return PLANS_MAX;
			found = n;
		}
	return found;
}

void stream_end(uint64_t key)
{
	uint32_t n = plan_of(key), i = loader_at(key);
	if (n == PLANS_MAX)
		n = plan_with(key, ROUND_LIED);
	if (n < PLANS_MAX) {
		round_end(n);
		view.h->plans[n].ended = 1;
	}
	if (i < LOADERS_MAX)
		view.h->loaders[i] = (struct live_loader){ .key = 0 };   /* an order still to come is too late */
}

void stream_lied(uint64_t key)
{
	uint32_t n = plan_of(key);
	if (n < PLANS_MAX)
		view.h->plans[n].ended = ROUND_LIED;
}

bool stream_distrusted(uint32_t n)
{
	if (view.h->plans[n].ended)
		return true;
	if (!orders.plans[n].follow.sh->gate_shut)
		return false;
	for (uint32_t o = 0; o < orders.shape.naxes; o++)
		if (o != n && !view.h->plans[o].ended && !orders.plans[o].follow.sh->gate_shut)
			return true;
	return false;
}

struct plan *stream_plan(void)
{
	if (!view.h->live_epochs)
		return NULL;
	struct slot *s = &view.slots[view.slot];
	uint32_t n = orders.live_loader ? plan_of(orders.live_loader) : told_plan();
	if (n >= orders.shape.naxes || !orders.plans[n].mapped) {
		orders.live_run = NULL;
		if (orders.live_plan)
			orders.live_plan = s->live_plan = s->live_run = 0;
		return NULL;
	}
	struct plan *p = &orders.plans[n];
	if (orders.live_plan != n + 1 || orders.live_gen != p->gen) {
		/* who reads two loaders in turn comes back to its place in each */
		if (!p->run || p->run->owner != view.slot + 1)
			p->run = follow_join(&p->follow, view.slot);
		orders.live_run = p->run;
		s->joined = 1;
		orders.live_plan = s->live_plan = n + 1;
		orders.live_gen = s->live_gen = p->gen;
		s->live_run = orders.live_run ? (uint32_t)(orders.live_run - p->follow.sh->runs) + 1 : 0;
	}
	return p;
}

void stream_leave(uint32_t slot)
{
	for (uint32_t n = 0; n < index_plans(); n++) {
		struct plan *p = &orders.plans[n];
		uint32_t runs = p->mapped ? p->follow.sh->runs_hi : 0;
		for (uint32_t i = 0; i < runs && i < RUNS_MAX; i++)
			if (p->follow.sh->runs[i].owner == slot + 1)
				follow_leave(&p->follow, &p->follow.sh->runs[i]);
	}
}
