/* access.c - one access: what the follower, the policy and the counters make of it. */
#include "parts.h"

void (*_Atomic access_watch)(uint32_t rec);

#define RATES      16u             /* measurements of a stream's pace in an epoch, each of .. */
#define RATE_LEAST 32u             /* .. so many positions at least .. */
#define RATE_MOST  4096u           /* .. and at most */
#define BURST      3u              /* rounds of its workers that it begins with: so many are dealt at once */
#define SETTLED 32                 /* residents filed at an access, where many are not yet */

/* Accesses of all streams that a position of this one takes; several plans at once need it, and where its program keeps files itself. Of one without an end
 * the mean over a pass or two: of what its program keeps itself it opens less as a pass begins. */
static void measure(uint32_t plan)
{
	struct plan_entry *e = &view.h->plans[plan];
	uint32_t front = orders.plans[plan].follow.sh->front, window = orders.plans[plan].trace.h->nfiles / RATES;
	window = window < RATE_LEAST ? RATE_LEAST : window > RATE_MOST ? RATE_MOST : window;
	if (view.h->plans[plan].gen && front < BURST * orders.plans[plan].follow.sh->round) {
		e->rate_clock = 0; /* its workers fill their queues, at a pace that is not the epoch's; others may not have begun */
	} else if (!e->rate_clock || front < e->rate_pos) {
		e->rate_clock = view.h->clock;
		e->rate_pos = front;
	} else if (front - e->rate_pos >= window) {
		double clock = (double)(view.h->clock - e->rate_clock), did = front - e->rate_pos;
		e->paced = e->paced > 2. * e->named ? e->paced / 2 : e->paced;
		if (e->endless && e->paced > 0)
			e->scale = (e->scale * e->paced + clock) / (e->paced + did);
		else
			e->scale = e->scale > 0 ? (e->scale + clock / did) / 2 : clock / did;
		e->paced += did;
		e->rate_clock = view.h->clock;
		e->rate_pos = front;
	}
}

/* Of the worker's place; of the front while it has none. */
static uint32_t epoch_of(const struct plan *p, const struct run *run)
{
	const struct trace *t = &p->trace;
	uint32_t segment = run->at.last ? run->at.segment : p->follow.sh->group;
	return segment < t->h->nsegments ? t->segments[segment].epoch : 0;
}

/* Opened again at once by the same process is the same access (OpenCV opens twice), unless the trace
 * itself names the file twice in a row here. */
static bool same_again(const struct slot *s, uint32_t name, const struct plan *p, uint32_t file, const struct plan *live, uint32_t live_file)
{
	if (s->last_rec != name + 1)
		return false;
	return !(p && orders.run && follow_expected(&p->follow, orders.run) == file) &&
	       !(live && orders.live_run && follow_expected(&live->follow, orders.live_run) == live_file);
}

/* Is the file one of the sample that is being fetched here? */
static enum whose whose(uint32_t rec, uint32_t name)
{
	uint32_t i = 0;
	while (i < orders.sample.n && orders.sample.rec[i] != name && record_object(orders.sample.rec[i]) != rec)
		i++;
	if (!orders.sample.n)
		return FOLLOW_ANYBODYS;
	if (i < orders.sample.n && i >= orders.sample.nown)
		return FOLLOW_ANYBODYS;
	if (i == orders.sample.n || orders.sample.came >> i & 1) {   /* its own once more: drawn by chance */
		orders.sample.others = orders.sample.sure;
		return orders.sample.came ? FOLLOW_BESIDE : orders.sample.sure ? FOLLOW_OTHERS : FOLLOW_ANYBODYS;
	}
	orders.sample.came |= 1u << i;
	return FOLLOW_OWN;
}

/* Only a policy that goes by the order must hold still, when none that it knows is followed. */
static bool shut(const struct plan *p, const struct plan *live)
{
	return (p || live) && orders.pol.ops->soonest && (!p || p->follow.sh->gate_shut) && (!live || live->follow.sh->gate_shut);
}

/* The epoch of the access: the live order knows best. */
static uint32_t epoch_now(const struct plan *p, const struct plan *live, uint32_t unknown)
{
	if (live && orders.live_run)
		return epoch_of(live, orders.live_run);
	if (p && orders.run)
		return epoch_of(p, orders.run);
	stream_epoch(&unknown);
	return unknown;
}

/* What follows an access on a plan that this process follows. */
static void moved_on(uint32_t plan, struct access *a)
{
	struct plan_entry *e = &view.h->plans[plan];
	if (plan < orders.shape.naxes)
		policy_expire(plan);
	if (e->gen)
		round_stir(plan);
	if (index_plans() > 1 || e->endless || e->owned.any)
		measure(plan);
	/* under the lock here; the keeper sets it without, and looks by itself when it was not woken */
	uint32_t at = atomic_load_explicit(&e->wake_front, memory_order_relaxed);
	if (at && orders.plans[plan].follow.sh->front >= at) {
		atomic_store_explicit(&e->wake_front, 0, memory_order_relaxed);
		a->wake = true;
	}
}

/* The follower's part; before: clock at the file's last access, 0: none. Where the file is needed next. */
static uint32_t followed(uint32_t plan, struct run *run, uint32_t file, uint64_t before)
{
	uint32_t next = POS_UNKNOWN;
	if (follow_access(&orders.plans[plan].follow, run, file, &next) < POS_MAX)
		own_came(plan, before);
	own_passed(plan);
	return next;
}

uint32_t access_file(uint32_t plan, uint32_t rec, uint32_t name)
{
	uint32_t file = plan_file(plan, name);
	return name != rec && (file == FILE_NONE || orders.plans[plan].trace.first[file] >= orders.plans[plan].trace.h->npos) ? plan_file(plan, rec) : file;
}

void access_begin(uint32_t rec, uint32_t name, struct access *a)
{
	struct slot *s = &view.slots[view.slot];
	struct record *r = &view.rec[rec], *named = &view.rec[name];
	struct plan *p = orders.own_plan ? &orders.plans[orders.own_plan - 1] : NULL, *live = stream_plan();
	uint32_t file = p ? access_file(orders.own_plan - 1, rec, name) : FILE_NONE, live_file = live ? access_file(orders.live_plan - 1, rec, name) : FILE_NONE;
	uint32_t next = POS_UNKNOWN;

	*a = (struct access){ .use = { POS_UNKNOWN, 0 }, .epoch = named->seen };
	/* relaxed: only the thread that has itself watched minds (live/learn.c) */
	void (*watch)(uint32_t) = atomic_load_explicit(&access_watch, memory_order_relaxed);
	if (watch)
		watch(name);
	if (p && !orders.run) {
		orders.run = follow_join(&p->follow, view.slot);
		s->joined = 1;
		s->plan_run = orders.run ? (uint32_t)(orders.run - p->follow.sh->runs) + 1 : 0;
	}
	if (same_again(s, name, p, file, live, live_file)) {
		a->again = true;
		a->use = r->use;
		a->epoch = epoch_now(p, live, named->seen ? named->seen - 1 : 0);
		a->gate_shut = shut(p, live);
		return;
	}
	s->last_rec = name + 1;
	rec_touch(rec);
	a->first = !named->seen++ && name == rec;
	r->asked = (uint32_t)COUNTED(view.h->n.accesses);
	s->accesses++;
	uint64_t before = r->read_at;
	r->read_at = ++view.h->clock;
	if (live && orders.live_run) {
		for (; orders.strayed; orders.strayed--)
			follow_stray(&live->follow, orders.live_run);
		orders.live_run->whose = whose(rec, name);
		next = followed(orders.live_plan - 1, orders.live_run, live_file, before);
	}
	if (orders.run)
		next = followed(orders.own_plan - 1, orders.run, file, before);
	if (!live && !p)
		COUNT(view.h->n.unheard, 1);
	a->epoch = epoch_now(p, live, a->epoch);
	a->gate_shut = shut(p, live);
	if (orders.shape.naxes == 1 && orders.own_plan == 1 && orders.run && file != FILE_NONE && !atomic_load_explicit(&r->more, memory_order_relaxed) &&
	    !view.h->plans[0].owned.any) {
		a->use.pos = next;
	} else {
		plans_fronts();
		a->use = plans_use(rec);
	}
	if (rec_state(rec) == REC_RESIDENT)
		filing_put(rec, a->use);
	r->use = a->use;
	if (!filing_settled())
		filing_settle(SETTLED);
	if (p)
		moved_on(orders.own_plan - 1, a);
	if (live)
		moved_on(orders.live_plan - 1, a);
}

static void note_late(uint32_t rec, uint64_t waited)
{
	struct late_file *least = &view.h->late[0];
	for (int i = 1; i < LATE_MAX; i++)
		if (view.h->late[i].wait_ns < least->wait_ns)
			least = &view.h->late[i];
	if (waited > least->wait_ns)
		*least = (struct late_file){ .rec = rec, .wait_ns = waited }; /* two at once: one is lost */
}

void access_count(const struct access *a, enum access_kind kind, uint32_t rec, uint64_t bytes, uint64_t waited)
{
	struct counters *n = &view.h->n;
	struct slot *s = &view.slots[view.slot];
	if (kind <= ACCESS_LATE && view.rec[rec].prefetched)
		view.rec[rec].prefetched = 0;
	uint32_t epoch = a->epoch < EPOCHS_MAX ? a->epoch : EPOCHS_MAX - 1;
	struct epoch_stat *e = &view.epochs[epoch];
	uint64_t now = now_coarse();

	if (a->wake) {
		keeper_ring();
		keeper_check();    /* it may have left while nothing was asked for */
	}
	if (kind == ACCESS_HIT && a->again)
		return;
	if (kind <= ACCESS_LATE) {
		struct tier_account *t = record_account(&view.rec[rec]);
		COUNT(t->hits, 1);
		COUNT(t->hit_bytes, bytes);
	}
	if (kind == ACCESS_HIT) {
		COUNT(n->hits, 1);
		COUNT(e->hits, 1);
		COUNT(n->hit_bytes, bytes);
		COUNT(e->hit_bytes, bytes);
		s->hits++;
	} else if (kind == ACCESS_LATE) {
		COUNT(n->late, 1);
		COUNT(e->late, 1);
		COUNT(n->hit_bytes, bytes);
		COUNT(e->hit_bytes, bytes);
		note_late(rec, waited);
	} else {                   /* it was read from the original, by a fill or past the cache */
		if (!a->again) {
			COUNT(n->misses, 1);
			COUNT(e->misses, 1);
		}
		COUNT(n->miss_bytes, bytes);
		COUNT(n->origin_bytes, bytes);
		COUNT(e->origin_bytes, bytes);
		if (kind == ACCESS_BYPASS && !a->again)
			COUNT(n->bypassed, 1);
		if (!a->again)
			COUNT(e->reads, 1);
	}
	if (a->first) {
		COUNT(n->files, 1);
		index_seen(bytes);
	}
	if (!a->again) {
		COUNT(n->accesses, 1);
		COUNT(e->accesses, 1);
	}
	COUNT(n->wait_ns, waited);
	COUNT(e->wait_ns, waited);
	if (!e->first_ns)
		e->first_ns = now;
	e->last_ns = now;
	if (view.h->nepochs <= epoch)
		view.h->nepochs = epoch + 1;
}

void session_touch(const struct cached *c)
{
	struct access a;
	if (!session_attach())
		return;
	uint32_t rec = record_twin(c->rec);
	if (session_lock()) {
		access_begin(rec, c->rec, &a);
		session_unlock();
	} else {                   /* counted all the same; the follower will find us again */
		a = (struct access){ .epoch = view.rec[c->rec].seen ? view.rec[c->rec].seen - 1 : 0 };
	}
	access_count(&a, ACCESS_HIT, rec, view.rec[rec].st.size, 0);
	room_look();               /* one clock read, but for every 100 ms */
	if (atomic_load_explicit(&view.h->room_left, memory_order_relaxed) < 0)
		victims_shrink();
}
