/* look.c - one look at a session. */
#include "frame.h"

#include "../../../preload/session/keeper.h"

#include <string.h>

#define FAR (1u << 18)             /* positions looked at ahead of the front: a millisecond or two */

/* Is the file of this position in the cache? Only records whose page exists are looked at. */
static bool resident(const struct plan *p, uint32_t pos)
{
	uint32_t rec = trace_at(&p->trace, pos);

	if (rec != FILE_NONE && p->map)
		rec = p->map[rec];
	rec = record_object(rec);
	return rec < view.h->ncap
		&& atomic_load_explicit(&view.touched[rec >> 6], memory_order_relaxed) >> (rec & 63) & 1
		&& rec_state(rec) == REC_RESIDENT;
}

static void ahead(const struct plan *p, struct top_plan *t)
{
	uint64_t end = t->position + FAR < t->positions ? t->position + FAR : t->positions, pos = t->position;

	while (pos < end && resident(p, (uint32_t)pos))
		pos++;
	t->ahead = pos - t->position;
	t->ahead_more = pos == end && end < t->positions;
}

/* The plan that a process follows, and its run there; both + 1, 0 = none. */
static uint32_t follows(const struct slot *s, uint32_t *run)
{
	uint32_t live = s->live_plan;

	if (live && live <= PLANS_MAX && atomic_load(&view.h->plans[live - 1].gen) == s->live_gen) {
		*run = s->live_run;
		return live;
	}
	*run = s->plan_run;
	return s->plan;
}

/* Where the job is. The follower brings its front up to date only now and then: the workers' own places
 * are newer, where there are workers. */
static uint64_t front(const struct follow_shared *sh, uint32_t plan)
{
	uint64_t most = 0;
	uint32_t run;

	for (uint32_t i = 0; i < view.h->slots_hi && i < SLOTS_MAX; i++) {
		const struct slot *s = &view.slots[i];

		if (s->pid && follows(s, &run) == plan + 1 && run - 1 < RUNS_MAX && slot_alive(s, s->pid)
		    && sh->runs[run - 1].at.last > most)
			most = sh->runs[run - 1].at.last;
	}
	return most ? most : sh->front;
}

static void look_plan(uint32_t n, struct top_plan *t)
{
	const struct plan *p = &orders.plans[n];
	const struct follow_shared *sh = p->follow.sh;
	const struct trace_header *h = p->trace.h;
	uint32_t segment, batch;

	snprintf(t->path, sizeof(t->path), "%s", view.h->plans[n].path);
	t->position = front(sh, n);
	if (t->position > h->npos)
		t->position = h->npos;
	t->positions = h->npos;
	t->matched = sh->matched;
	t->diverged = sh->diverged;
	t->live = atomic_load(&view.h->plans[n].gen) != 0;
	t->ended = view.h->plans[n].ended;
	t->gate_shut = sh->gate_shut;
	t->followed = sh->matched + sh->diverged > 0;
	t->per_batch = h->nbatches ? (double)h->npos / h->nbatches : 1;
	t->last_epoch = h->nsegments ? p->trace.segments[h->nsegments - 1].epoch : 0;
	if (follow_locate(&p->trace, t->position ? (uint32_t)t->position - 1 : 0, &segment, &batch)) {
		const struct trace_segment *s = &p->trace.segments[segment];

		t->epoch = s->epoch;
		t->batch = batch + 1;
		t->nbatches = s->nbatches;
		if (s->end_pos > s->first_pos && t->position >= s->first_pos)
			t->epoch_part = (double)(t->position - s->first_pos) / (double)(s->end_pos - s->first_pos);
	}
	ahead(p, t);
}

static void look_worker(uint32_t slot, const struct slot *s, const struct top_frame *f, struct top_worker *w)
{
	*w = (struct top_worker){ .slot = slot, .pid = s->pid, .accesses = s->accesses, .hits = s->hits };
	uint32_t run, plan = follows(s, &run), segment, batch;

	if (!plan || plan > f->nplans || !orders.plans[plan - 1].mapped)
		return;
	w->plan = plan;
	if (!run || run > RUNS_MAX)
		return;
	const struct follow *follow = &orders.plans[plan - 1].follow;
	uint32_t last = follow->sh->runs[run - 1].at.last;
	if (!last || !follow_locate(follow->t, last - 1, &segment, &batch))
		return;
	w->placed = true;
	w->epoch = follow->t->segments[segment].epoch;
	w->batch = batch + 1;
	w->behind = f->plans[plan - 1].position > last ? f->plans[plan - 1].position - last : 0;
}

void top_look(struct top_frame *f)
{
	struct index_header *h = view.h;

	memset(f, 0, offsetof(struct top_frame, workers));
	f->at_ns = now_ns();
	f->live = !atomic_load(&h->gone) && index_live();
	snprintf(f->session, sizeof(f->session), "%s", view.dir);
	snprintf(f->root, sizeof(f->root), "%s", h->roots[0].path);
	snprintf(f->policy, sizeof(f->policy), "%s", h->policy);
	f->n = h->n;
	uint64_t charged = atomic_load(&h->account[TIER_RAM].charged), lingering = atomic_load(&h->account[TIER_RAM].lingering);
	f->budget_bytes = h->account[TIER_RAM].budget * PAGE;
	const struct tier_account *ssd = &h->account[TIER_SSD];
	f->has_ssd = *h->ssd_dir;
	f->ssd_budget_bytes = ssd->budget * PAGE;
	f->ssd_used_bytes = ssd->charged * PAGE;
	f->ssd_written_bytes = ssd->written_bytes;
	f->ssd_hits = ssd->hits;
	f->ssd_resident = ssd->resident;
	f->npool = h->pool_servers < POOL_MAX ? h->pool_servers : POOL_MAX;
	memcpy(f->pool, h->pool_server, sizeof(f->pool));
	for (uint32_t i = 0; i < f->npool; i++)
		f->pool[i].address[sizeof(f->pool[i].address) - 1] = 0;
	f->pool_n = h->pool_n;
	f->used_bytes = (charged > lingering ? charged - lingering : 0) * PAGE;
	f->lingering_bytes = lingering * PAGE;
	f->resident = h->account[TIER_RAM].resident;
	f->files = h->nfiles + atomic_load(&h->nextra);
	f->nplans = h->nplans < PLANS_MAX ? h->nplans : PLANS_MAX;
	f->live_epochs = h->live_epochs;
	f->matched = h->live_matched;
	f->diverged = h->live_diverged;
	for (uint32_t n = 0; n < f->nplans; n++) {
		if (plan_map(n) < 0)
			continue;
		look_plan(n, &f->plans[n]);
		f->matched += f->plans[n].matched;
		f->diverged += f->plans[n].diverged;
	}
	if (!session_advice(f->advice))
		*f->advice = 0;
	for (uint32_t i = 0; i < h->slots_hi && i < SLOTS_MAX; i++) {
		const struct slot *s = &view.slots[i];

		if (!s->pid || s->kind != 0 || !slot_alive(s, s->pid))
			continue;
		f->clients++;
		if (s->accesses)           /* who has read nothing of the dataset is no worker */
			look_worker(i, s, f, &f->workers[f->nworkers++]);
	}
	for (int i = 0; i < JOBS_MAX; i++)
		f->jobs += job_alive(&h->jobs[i]);
}
