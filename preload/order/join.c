/* join.c - a trace joins the session; the policy's state is made anew for it. Rare: once a job. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "order.h"

static int policy_file(uint32_t gen, const struct policy_shape *shape)
{
	char name[24];
	const struct policy *ops = policy_find(view.h->policy);
	size_t bytes = ops ? policy_bytes(ops, shape) : 0;
	if (!ops)
		return -EINVAL;
	snprintf(name, sizeof(name), "policy.%u", gen);
	void *p = plan_map_file(name, &bytes, true);
	if (!p)
		return -errno;
	munmap(p, bytes);
	return 0;
}

static void entry_from(struct plan_entry *e, const struct trace *t, bool identity)
{
	e->nfiles = t->h->nfiles;
	e->npos = t->h->npos;
	e->identity = identity;
	e->trace_id = t->h->id;
	strcpy(e->path, conf.trace_path);
}

int plan_first(void)
{
	struct index_header *h = view.h;
	if (conf.have_trace) {
		size_t map_at, rmap_at, bytes = plan_bytes(&conf.trace, true, &map_at, &rmap_at);
		void *p = plan_map_file("plan.0", &bytes, true);
		if (!p)
			return -errno;
		munmap(p, bytes);
		entry_from(&h->plans[0], &conf.trace, true);
		h->nplans = h->shape.naxes = 1;
		h->shape.npos[0] = conf.trace.h->npos;
	}
	h->policy_gen = 1;
	atomic_store(&h->policy_seq, 1);
	return policy_file(1, &h->shape);
}

/* The residents as the policy would evict them, first to last: inserted in this order into a fresh state, lru and fifo
 * are where they were (lfu keeps the order, not the counts). NULL where the order follows from the uses (opt), or
 * for want of memory. Not malloc: a signal handler may have come here out of malloc. Under the lock. */
static uint32_t *eviction_order(uint32_t *n, size_t *bytes)
{
	struct victim v = { .file = FILE_NONE };
	*n = 0;
	*bytes = (size_t)view.h->account[TIER_RAM].resident * 4;
	if (orders.pol.ops->soonest || !*bytes)
		return NULL;
	uint32_t *order = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (order == MAP_FAILED)
		return NULL;
	while (*n < *bytes / 4 && (v = orders.pol.ops->victim(&orders.pol, FILE_NONE, (struct use){ 0, 0 }, v)).file != FILE_NONE)
		order[(*n)++] = v.file;
	return order;
}

static void refill_in_order(uint32_t *order, uint32_t n, size_t bytes)
{
	if (order && n == view.h->account[TIER_RAM].resident) {
		view.h->filing++;
		plans_fronts();
		for (uint32_t i = 0; i < n; i++)
			filing_put(order[i], plans_use(order[i]));
	} else {
		filing_anew();
	}
	if (order)
		munmap(order, bytes);
}

int policy_carry(const struct policy_shape *shape, uint32_t gen)
{
	uint32_t n;
	size_t bytes;
	uint32_t *order = eviction_order(&n, &bytes);
	view.h->shape = *shape;
	view.h->policy_gen = gen;
	int rc = plans_refresh();
	if (rc == 0)
		rc = policy_refresh();
	if (rc == 0)
		refill_in_order(order, n, bytes);
	else if (order)
		munmap(order, bytes);
	return rc;
}

int policy_rebuild(uint32_t nfiles, uint32_t naxes, uint32_t npos_of_last)
{
	for (int tries = 0; tries < 5; tries++) {
		struct policy_shape shape;
		uint32_t gen = view.h->policy_gen, fresh = atomic_fetch_add(&view.h->policy_seq, 1) + 1;
		char old[PATH_BYTES + 32];
		if (!index_shape(&shape) || naxes > AXES_MAX)
			return -ESTALE;
		if (shape.nfiles < nfiles)
			shape.nfiles = nfiles;
		if (shape.naxes < naxes) {
			shape.naxes = naxes;
			shape.npos[naxes - 1] = npos_of_last;
		}
		/* the file first, without the lock, under a number that nobody else has */
		int rc = policy_file(fresh, &shape);
		if (rc == 0 && !session_lock())
			rc = -ETIMEDOUT;
		snprintf(old, sizeof(old), "%s/policy.%u", view.dir, fresh);
		if (rc < 0) {
			unlink(old);
			return rc;
		}
		if (gen != view.h->policy_gen) {
			session_unlock();  /* another was faster: see whether its shape will do */
			unlink(old);
			if (view.h->shape.nfiles >= nfiles && view.h->shape.naxes >= naxes)
				return 0;
			continue;
		}
		snprintf(old, sizeof(old), "%s/policy.%u", view.dir, gen);
		bool alone = plans_guard();
		rc = policy_carry(&shape, fresh);
		if (alone)
			plans_unguard();
		session_unlock();
		unlink(old);
		return rc;
	}
	return -EAGAIN;
}

/* The records of the trace's files: the first trace's by name, else the table's. Takes the lock in
 * shares of 256 files, so that nobody waits for a million. */
static int map_files(const struct trace *t, uint32_t *map, uint32_t *rmap, const uint8_t *session_root)
{
	for (uint32_t f = 0; f < t->h->nfiles;) {
		uint32_t end = f + 256 < t->h->nfiles ? f + 256 : t->h->nfiles;
		if (!session_lock())
			return -ETIMEDOUT;
		for (; f < end; f++) {
			size_t len;
			uint32_t root, rec = REC_NONE;
			const char *rel = trace_path(t, f, &len, &root);
			map[f] = FILE_NONE;
			if (!rel || root >= CONF_ROOTS || !session_root[root])
				continue;
			root = session_root[root] - 1;
			if (index_plans() && view.h->plans[0].identity && orders.plan_root[0][root])
				rec = trace_find(&orders.plans[0].trace, orders.plan_root[0][root] - 1, rel, len);
			if (rec == REC_NONE)
				rec = names_add(root, rel, len);
			if (rec != REC_NONE && index_reserve(&view.rec[rec], sizeof(struct record))) {
				map[f] = rec;
				rmap[rec] = f + 1;
			}
		}
		session_unlock();
	}
	return 0;
}

int plan_join(void)
{
	struct index_header *h = view.h;
	orders.own_plan = 0;
	if (!conf.have_trace)
		return 0;
	for (uint32_t n = 0; n < index_plans(); n++)
		if (h->plans[n].trace_id == conf.trace.h->id) {
			/* who joined it may have found no room, or its end, before the policy knew of it */
			for (uint32_t axes = h->shape.naxes; axes <= n; axes++) {
				int rc = policy_rebuild(0, axes + 1, h->plans[axes].npos);
				if (rc < 0)
					return rc;
			}
			orders.own_plan = n + 1;
			return 0;
		}
	uint32_t n = index_plans();
	if (n >= PLANS_MAX) {
		opt4_log("opt4: trace: %d traces have joined this session already; this job's files are cached without its future", PLANS_MAX);
		return 0;
	}
	char name[16];
	size_t map_at, rmap_at, bytes = plan_bytes(&conf.trace, false, &map_at, &rmap_at);
	snprintf(name, sizeof(name), "plan.%u", n);
	char *m = plan_map_file(name, &bytes, true);
	if (!m)
		return -errno;
	int rc = map_files(&conf.trace, (void *)(m + map_at), (void *)(m + rmap_at), view.root_of);
	munmap(m, bytes);
	if (rc < 0)
		return rc;
	entry_from(&h->plans[n], &conf.trace, false);
	h->nplans = n + 1;         /* sequentially consistent: who sees it sees the entry */
	rc = plans_refresh();
	if (rc == 0)
		rc = policy_rebuild(index_files() + 4096, n + 1, conf.trace.h->npos);
	if (rc == 0)
		orders.own_plan = n + 1;
	opt4_log("opt4: %.180s: joined as the session's plan %u", conf.trace_path, n);
	return rc;
}
