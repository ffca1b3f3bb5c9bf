/* plans.c - joined traces (plans), the policy's state file, and where a file is needed next.
 *
 * plan.N holds a follower's shared block and, but for the first whose files are records 0 .. nfiles-1, the
 * two maps between the trace's files and the records. policy.G holds the policy's state for the axes
 * joined so far; a join writes policy.G+1 and fills it anew from the records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include "follow_walk.h"
#include "order.h"

#define NAMES_LOOKED_AT 16u        /* of an object that has several */

struct orders orders;

static size_t up64(size_t v) { return (v + 63) & ~(size_t)63; }

/* Opens (bytes 0) or creates a fully reserved file of the session and maps it. */
void *plan_map_file(const char *name, size_t *bytes, bool create)
{
	char path[PATH_BYTES + 32];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT | O_TRUNC : 0), 0600);
	if (fd < 0)
		return NULL;
	void *p = NULL;
	if (create && (errno = posix_fallocate(fd, 0, (off_t)*bytes)) != 0)
		unlink(path);
	else if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (size_t)st.st_size >= *bytes) {
		*bytes = (size_t)st.st_size;
		p = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED)
			p = NULL;
	}
	int saved = errno;
	close(fd);
	errno = saved;
	return p;
}

/* plan.N: follow block, then map[nfiles], then rmap[ncap] (both not where its files are the records). */
size_t plan_bytes(const struct trace *t, bool identity, size_t *map_at, size_t *rmap_at)
{
	*map_at = up64(follow_bytes(t));
	*rmap_at = up64(*map_at + (identity ? 0 : (size_t)t->h->nfiles * 4));
	return identity ? *map_at : *rmap_at + (size_t)view.ncap * 4;
}

/* The session's number of each of the trace's roots, and back. */
void plan_match_roots(uint32_t n, const struct trace *t)
{
	for (uint32_t i = 0; i < t->h->nroots && i < CONF_ROOTS; i++) {
		if (view.h->plans[n].identity) {
			orders.plan_root[n][i] = (uint8_t)(i + 1);
			continue;
		}
		size_t len;
		const char *p = trace_root_path(t, i, &len);
		for (uint32_t r = 0; p && r < index_roots(); r++)
			if (strlen(view.h->roots[r].path) == len && !memcmp(view.h->roots[r].path, p, len))
				orders.plan_root[n][r] = (uint8_t)(i + 1);
	}
}

int plan_map(uint32_t n)
{
	struct plan *p = &orders.plans[n];
	struct plan_entry *e = &view.h->plans[n];
	if (atomic_load(&e->gen))
		return stream_map(n);
	char name[16], path[PATH_BYTES], err[256];
	size_t map_at, rmap_at;
	if (p->mapped)
		return 0;
	memcpy(path, e->path, sizeof(path));
	path[sizeof(path) - 1] = 0;
	if (conf.have_trace && conf.trace.h->id == e->trace_id)
		p->trace = conf.trace;
	else if (trace_open(&p->trace, path, err) < 0 || p->trace.h->id != e->trace_id)
		return -ENOENT;    /* another job's trace is gone: this process can't see the whole future */
	if (p->trace.h->nfiles != e->nfiles || p->trace.h->npos != e->npos || (e->identity && e->nfiles != view.nfiles))
		return -EINVAL;
	size_t want = plan_bytes(&p->trace, e->identity, &map_at, &rmap_at);
	p->file_bytes = want;
	snprintf(name, sizeof(name), "plan.%u", n);
	char *m = plan_map_file(name, &p->file_bytes, false);
	if (!m)
		return -ENOENT;
	p->follow.t = &p->trace;
	p->follow.sh = (void *)m;
	p->map = e->identity ? NULL : (void *)(m + map_at);
	p->rmap = e->identity ? NULL : (void *)(m + rmap_at);
	orders.axes[n] = (struct axis){ .order = p->trace.order, .map = p->map, .nmap = p->map ? p->trace.h->nfiles : 0, .npos = p->trace.h->npos, .scale = 1 };
	plan_match_roots(n, &p->trace);
	p->mapped = true;
	if (e->identity && n == 0) {
		memcpy(view.first_root, orders.plan_root[0], sizeof(view.first_root));
		view.first = &p->trace;
	}
	return 0;
}

int plans_refresh(void)
{
	for (uint32_t n = 0; n < index_plans(); n++) {
		int rc = plan_map(n);
		if (rc == -EAGAIN)
			return rc;
		if (rc < 0) {
			if (!atomic_load(&view.h->gone))
				view_disable("a trace that another job joined cannot be read");
			return rc;
		}
	}
	return 0;
}

uint32_t plan_file(uint32_t plan, uint32_t rec)
{
	const struct plan *p = &orders.plans[plan];
	uint32_t n = p->mapped ? p->trace.h->nfiles : 0;
	if (!p->rmap)
		return rec < n ? rec : FILE_NONE;
	uint32_t f = rec < view.ncap ? p->rmap[rec] : 0;
	return f && f <= n ? f - 1 : FILE_NONE;
}

void plans_fronts(void)
{
	for (uint32_t n = 0; n < orders.shape.naxes; n++) {
		orders.axes[n].front = orders.plans[n].follow.sh->front;
		orders.axes[n].scale = view.h->plans[n].scale > 0 ? view.h->plans[n].scale : 1;
	}
	rounds_look();
}

/* Where an object is needed next by one of its names; and whether an order names it so. later: it is known that the next epoch does not. */
static bool soonest(uint32_t rec, struct use *best, double *least, bool *later)
{
	bool named = false;
	for (uint32_t n = 0; n < orders.shape.naxes; n++) {
		uint32_t f = plan_file(n, rec);
		bool holds = stream_holds(n);
		if (f == FILE_NONE || (!holds && !view.h->plans[n].gen))
			continue;
		named = true;
		struct use use = { holds ? follow_next(&orders.plans[n].follow, f) : POS_UNKNOWN, n };
		for (uint32_t i = 0; use.pos < POS_MAX && (own_then(n, rec, use.pos) || (i && follow_consumed(orders.plans[n].follow.sh, use.pos))); i++)
			use.pos = i < OWN_HOPS ? trace_next(&orders.plans[n].trace, use.pos) : POS_UNKNOWN;
		if ((use.pos >= POS_MAX || (orders.axes[n].same && use.pos >= round_ends(n))) && !round_outdated(n, rec)) {
			use = round_expected(n, f);
			*later |= use.pos == POS_NEVER;
		}
		if (use.pos >= POS_MAX)
			continue;
		double d = axis_distance(&orders.pol, use);
		if (best->pos >= POS_MAX || d < *least) {
			*least = d;
			*best = use;
		}
	}
	return named;
}

struct use plans_use(uint32_t rec)
{
	struct use best = { POS_UNKNOWN, 0 };
	double least = 0;
	bool later = false, named = soonest(rec, &best, &least, &later);
	uint32_t name = record_more(rec);
	for (uint32_t i = 0; name != REC_NONE && i < NAMES_LOOKED_AT; i++, name = record_more(name))
		if (record_object(name) == rec && name != rec)
			named |= soonest(name, &best, &least, &later);
	/* Of a live order's loader more epochs will come, and of others', too. */
	if (best.pos >= POS_MAX)
		best = (struct use){ (named && !view.h->live_epochs) || later || round_forgotten(rec) ? POS_NEVER : POS_UNKNOWN, 0 };
	return best;
}

static void expire(const struct policy_ctx *pol, uint32_t plan)
{
	if (!pol || !pol->ops->soonest)
		return;
	uint32_t horizon = orders.plans[plan].follow.sh->horizon;
	if (!stream_holds(plan))   /* a live order's go where they are expected */
		horizon = view.h->plans[plan].gen ? orders.axes[plan].npos : POS_UNKNOWN;
	for (int i = 0; i < 64; i++) { /* a bounded share each call */
		struct victim v = pol->ops->soonest(pol, plan);
		if (v.file == FILE_NONE || v.use.pos >= horizon || v.file >= orders.shape.nfiles)
			return;
		uint32_t rec = record_object(v.file);
		if (!filing_holds(rec, v.use) || policy_of(view.rec[rec].tier) != pol) {
			pol->ops->remove(pol, v.file, v.use); /* cannot be; mended if it is */
			continue;
		}
		filing_put(rec, plans_use(rec));
	}
}

void policy_expire(uint32_t plan)
{
	expire(policy_of(TIER_RAM), plan);
	expire(policy_of(TIER_SSD), plan);
}

static _Atomic int refreshing;

bool plans_guard(void)
{
	for (int i = 0; i < 2000; i++) {
		if (!atomic_exchange(&refreshing, 1))
			return true;
		sched_yield();
	}
	return false;
}

void plans_unguard(void) { atomic_store(&refreshing, 0); }

const struct policy_ctx *policy_of(uint32_t tier)
{
	return tier != TIER_SSD ? &orders.pol : orders.pol_ssd.state ? &orders.pol_ssd : NULL;
}

/* Maps policy.G; the shape in the header says what must fit. */
int policy_refresh(void)
{
	char name[24];
	uint32_t gen = view.h->policy_gen;
	bool right = index_shape(&orders.shape);
	for (uint32_t n = 0; right && n < orders.shape.naxes; n++)
		right = orders.plans[n].mapped;
	const struct policy *ops = right ? policy_find(view.h->policy) : NULL;
	size_t bytes = ops ? policy_bytes(ops, &orders.shape) : 0;
	snprintf(name, sizeof(name), "policy.%u", gen);
	if (orders.policy_state)
		munmap(orders.policy_state, orders.policy_bytes);
	orders.policy_state = NULL;
	orders.policy_state = ops ? plan_map_file(name, &bytes, false) : NULL;
	if (!orders.policy_state) {
		view.policy_gen = 0;
		return -ENOENT;    /* replaced meanwhile: the caller tries again, or goes to the original */
	}
	orders.policy_bytes = bytes;
	view.policy_gen = gen;
	orders.pol = (struct policy_ctx){ .ops = ops, .shape = &orders.shape, .state = orders.policy_state, .axes = orders.axes };
	orders.pol_ssd = orders.pol;
	orders.pol_ssd.state = ops->soonest && view.h->ntiers == 2 ? (char *)orders.policy_state + ops->bytes(&orders.shape) : NULL;
	return 0;
}
