/* ahead.c - what is missing ahead of the job, in the order in which it will be needed, and how far to look.
 *
 * A plan's positions are looked at without the session lock: what is found is only a hint, and whoever claims it looks
 * again. Missing bytes are counted by block of positions. The counters follow our own fetches and evictions at once
 * and clients' as blocks are counted anew in turn, so that a look-ahead of a million positions costs a walk over a few
 * thousand counters.
 *
 * What is due within some batches is not sorted by its place on the disk. In a model of a 7200 rpm disk that takes the nearest
 * of 4 reads in flight, sorting 64 due files gains 4 % where the dataset takes a hundredth of it and 14 % where a tenth (of 32
 * in flight 0 and 4 %): turning, not seeking, is what is left, and a store across the network does not show its disks. Sorting
 * pays where the look-ahead is a part of the dataset that one can see from the disk: that is the elevator's (elevator.c), and
 * then the look-ahead is as long as the budget allows. */
#include <stdlib.h>
#include <sys/mman.h>
#include "opt4d.h"

#define BLOCK     256u
#define UNCOUNTED UINT64_MAX
#define RECOUNT   32u              /* blocks a round */
#define HOPS      64u
#define SHARE     .8               /* of the measured bandwidth that is counted upon */
#define ROUNDS    9u               /* a worker can be this far behind the front: the follower's own bound */
#define BATCHES   8u               /* look-ahead at least .. */
#define COVER     4                /* .. and what covers this many fetches' time */
#define GUESS     (256u << 10)     /* bytes of a file whose size the trace does not know, before .. */
#define SURE      8.               /* .. so many sizes have been seen */
#define WINDOW    .35              /* of the dataset: more look-ahead than this makes runs on the disk no longer */
#define STRETCH   1.6              /* times the room that files have. In a steady sweep a file is fetched half a look-ahead before it
                                    * is read, so at 2 each would come just in time */

struct ahead {
	uint64_t *missing;        /* bytes a block */
	uint32_t nblocks, npos, gen, scan, depth, roll, told;   /* told: positions that the elevator has been told of */
	struct pace_items pace;
};
static struct ahead ahead[PLANS_MAX];
static uint32_t nahead;
static struct { double n, mean, deviation; } seen;   /* pages of the originals opened so far */

static const struct follow_shared *shared(uint32_t n) { return orders.plans[n].follow.sh; }

/* As mapped here now: a live order is replaced whenever this process maps what has changed. */
static bool begin(uint32_t n)
{
	struct ahead *a = &ahead[n];
	const struct plan *p = &orders.plans[n];
	struct pace_items pace = { .sum_items = a->pace.sum_items, .sum_ns = a->pace.sum_ns, .item_ns = a->pace.item_ns };
	free(a->missing);
	*a = (struct ahead){ .npos = p->trace.h->npos, .gen = p->gen, .depth = 1, .pace = pace };
	a->nblocks = (a->npos + BLOCK - 1) / BLOCK;
	a->missing = malloc((size_t)a->nblocks * sizeof(*a->missing) + 8);
	if (!a->missing) {
		a->nblocks = a->npos = 0;
		return false;
	}
	for (uint32_t b = 0; b < a->nblocks; b++)
		a->missing[b] = UNCOUNTED;
	return true;
}

bool ahead_plans(void)
{
	for (uint32_t n = 0; n < nahead; n++)
		if (ahead[n].gen != orders.plans[n].gen && !begin(n))
			return false;
	for (; nahead < view.h->nplans && nahead < PLANS_MAX && orders.plans[nahead].mapped; nahead++)
		if (!begin(nahead))
			return false;
	return true;
}

uint32_t ahead_count(void) { return nahead; }

/* Its counters are another epoch's until ahead_plans() has run, or nothing of it is needed any more. */
static bool idle_plan(uint32_t n)
{
	return ahead[n].gen != orders.plans[n].gen || view.h->plans[n].ended;
}

/* As follow_next() would say, but without the lock and without moving the cursor. */
static uint32_t next_use(uint32_t plan, uint32_t file)
{
	const struct follow_shared *sh = shared(plan);
	const struct trace *t = &orders.plans[plan].trace;
	uint32_t c = sh->cursor[file], pos = c == POS_NEVER ? POS_NEVER : c ? c - 1 : t->first[file];
	for (uint32_t i = 0; i < HOPS && pos < sh->horizon; i++)
		pos = trace_next(t, pos);
	return pos;
}

bool ahead_consumed(uint32_t plan, uint32_t pos)
{
	const struct follow_shared *sh = shared(plan);
	if (pos < sh->horizon)
		return true;
	return pos - sh->horizon < FOLLOW_RING && sh->consumed[pos % FOLLOW_RING / 64] >> (pos % 64) & 1;
}

/* Charged too much, residents go for nothing; too little, the file is opened twice. The mean and three mean deviations are
 * just right where all are alike, and too little for one in 30 where they differ as photographs do. */
uint32_t ahead_pages(uint64_t bytes)
{
	if (bytes)
		return (uint32_t)pages_of(bytes);
	return seen.n < SURE ? (uint32_t)pages_of(GUESS) : (uint32_t)(seen.mean + 3 * seen.deviation + .999);
}

bool ahead_sure(void) { return seen.n >= SURE; }
void ahead_seen(uint32_t pages)
{
	double off = pages - seen.mean;
	seen.n++;
	seen.mean += off / seen.n;
	if (seen.n > 1)
		seen.deviation += ((off < 0 ? -off : off) - seen.deviation) / (seen.n - 1);
}

bool ahead_worth(uint64_t bytes)
{
	uint64_t on = atomic_load_explicit(&view.h->read_on, memory_order_relaxed), looks = view.h->n.peeked;
	return bytes <= SESSION_SMALL || view.h->prefetch > 0 || on * 4 > looks;
}

bool ahead_read_at(uint32_t plan, uint32_t pos, uint32_t *rec, uint64_t *bytes)
{
	const struct plan *p = &orders.plans[plan];
	uint32_t file = trace_at(&p->trace, pos);
	if (file == FILE_NONE || ahead_consumed(plan, pos) || next_use(plan, file) != pos)
		return false;
	*rec = record_object(plan_rec(p, file));
	*bytes = p->trace.sizes[file];
	return *rec < view.h->ncap && !own_then(plan, *rec, pos);
}

uint32_t ahead_use(uint32_t plan, uint32_t rec)
{
	uint32_t file = plan_file(plan, rec);
	return file == FILE_NONE ? POS_NEVER : next_use(plan, file);
}

bool ahead_touched(uint32_t rec)
{
	return atomic_load_explicit(&view.touched[rec >> 6], memory_order_relaxed) >> (rec & 63) & 1;
}

bool ahead_is_missing(uint32_t plan, uint32_t pos, uint32_t *rec, uint64_t *bytes)
{
	return ahead_read_at(plan, pos, rec, bytes) && *bytes <= index_maxfile() && ahead_worth(*bytes) &&
	       (!ahead_touched(*rec) || rec_state(*rec) == REC_ABSENT);
}

static uint64_t count(uint32_t plan, uint32_t block)
{
	uint64_t sum = 0, bytes;
	uint32_t rec, end = (block + 1) * BLOCK, npos = ahead[plan].npos;
	for (uint32_t pos = block * BLOCK; pos < end && pos < npos; pos++)
		if (ahead_is_missing(plan, pos, &rec, &bytes)) {
			sum += bytes + 1;  /* + 1: one whose size is not known is missing, too */
			if (pos < ahead[plan].told)
				elevator_want(plan, pos, rec);   /* it may have been evicted since */
		}
	return sum;
}

void ahead_missing(struct use at, int64_t bytes)
{
	if (at.axis >= nahead || at.pos >= ahead[at.axis].npos)
		return;
	uint64_t *m = &ahead[at.axis].missing[at.pos / BLOCK];
	if (*m == UNCOUNTED)
		return;
	*m = bytes < 0 && *m < (uint64_t)-bytes ? 0 : *m + (uint64_t)bytes;
}

static uint32_t limit_of(uint32_t plan)
{
	uint64_t end = (uint64_t)shared(plan)->front + ahead[plan].depth;
	uint32_t most = elevator_on() || rebucket_on(plan) ? round_ends(plan) : round_reach(plan, room_for(ahead_pages(0)));
	most = most < ahead[plan].npos ? most : ahead[plan].npos;
	return end < most ? (uint32_t)end : most;
}

uint32_t ahead_oldest(uint32_t plan)
{
	const struct follow_shared *sh = shared(plan);
	uint64_t rounds = (uint64_t)ROUNDS * sh->round;
	if (rounds && sh->front > rounds && sh->front - rounds > sh->horizon)
		return sh->front - (uint32_t)rounds;
	return sh->horizon;
}

uint32_t ahead_end(uint32_t plan, uint64_t ns)
{
	const struct follow_shared *sh = shared(plan);
	double items = ahead[plan].pace.item_ns > 0 ? (double)ns / ahead[plan].pace.item_ns : POS_MAX;
	uint32_t end = limit_of(plan);
	if (sh->gate_shut || idle_plan(plan))
		return 0;
	return items < (double)end - sh->front ? sh->front + (uint32_t)items : end;
}

static bool look(uint32_t plan, struct next *n)
{
	struct ahead *a = &ahead[plan];
	const struct follow_shared *sh = shared(plan);
	uint32_t end = limit_of(plan), old = ahead_oldest(plan), pos = a->scan > old ? a->scan : old;
	if (sh->gate_shut || idle_plan(plan))
		return false;
	while (pos < end) {
		uint32_t block = pos / BLOCK;
		if (pos % BLOCK == 0 && a->missing[block] == UNCOUNTED)
			a->missing[block] = count(plan, block);
		if (!a->missing[block]) {
			pos = (block + 1) * BLOCK;
			continue;
		}
		if (ahead_is_missing(plan, pos, &n->rec, &n->bytes) && !skip_now(n->rec)) {
			*n = (struct next){ .plan = plan, .pos = pos, .rec = n->rec, .bytes = n->bytes };
			a->scan = pos;
			return true;
		}
		pos++;
	}
	a->scan = pos < end ? pos : end;
	return false;
}

bool ahead_next(struct next *best)
{
	double least = 0;
	bool any = false;
	for (uint32_t i = 0; i < nahead; i++) {
		struct next n;
		if (!look(i, &n))
			continue;
		double ns = ((double)n.pos - shared(i)->front) * (ahead[i].pace.item_ns > 0 ? ahead[i].pace.item_ns : 1);
		if (!any || ns < least) {
			any = true;
			least = ns;
			*best = n;
		}
	}
	if (any)
		ahead[best->plan].scan = best->pos + 1;
	return any;
}

void ahead_restart(void)
{
	for (uint32_t i = 0; i < nahead; i++)
		ahead[i].scan = 0;
}

/* The largest distance at which the missing bytes before it take longer than the job takes to get there. */
static uint64_t forestall(uint32_t plan, double item_ns, double bandwidth)
{
	struct ahead *a = &ahead[plan];
	uint32_t front = shared(plan)->front;
	double fetch_ns = 0, typical = view.h->nfiles ? (double)view.h->dataset_bytes / view.h->nfiles : 0;
	uint64_t far = 0;
	for (uint32_t b = front / BLOCK; b < a->nblocks; b++) {
		uint64_t end = (uint64_t)(b + 1) * BLOCK - front;
		fetch_ns += (a->missing[b] == UNCOUNTED ? typical * BLOCK : (double)a->missing[b]) / (bandwidth * SHARE);
		if (fetch_ns > (double)end * item_ns)
			far = end;
		if (end > 4ull * orders.plans[plan].trace.h->nfiles)
			break;     /* further than any cache reaches */
	}
	return far;
}

/* The batch and the round at the front, in positions. */
static void shape(uint32_t plan, uint64_t *batch, uint64_t *round)
{
	const struct trace *t = &orders.plans[plan].trace;
	const struct follow_shared *sh = shared(plan);
	*batch = *round = 1;
	if (sh->group >= t->h->nsegments)
		return;
	const struct trace_segment *s = &t->segments[sh->group];
	uint32_t workers = 1;
	if (s->stream < t->h->nstreams) {
		*batch = t->streams[s->stream].batch_size;
		workers = t->streams[s->stream].workers;
	}
	if (!*batch && s->first_batch < t->h->nbatches)
		*batch = t->batch_count[s->first_batch];
	*batch = *batch ? *batch : 1;
	*round = sh->round ? sh->round : *batch * (workers ? workers : 1);
}

uint32_t ahead_window(uint32_t plan)
{
	uint32_t end = limit_of(plan), npos = ahead[plan].npos;
	return end < npos ? end : npos ? npos - 1 : 0;
}

uint32_t ahead_soon(uint32_t plan)
{
	uint64_t batch, round;
	shape(plan, &batch, &round);
	return shared(plan)->front + (uint32_t)(2 * batch > round ? 2 * batch : round);
}

/* The elevator's look-ahead: pages of the files that have room in it (STRETCH says how many more there are), and of a file. */
static double window(double *pages)
{
	double room = (double)view.h->account[TIER_RAM].budget;
	double all = (double)pages_of(view.h->dataset_bytes), most = all > 0 ? WINDOW * all : room;
	if (all > 0 && most > all - room)
		most = all - room;         /* more would only take the place of what is kept for the next epoch */
	*pages = all > 0 && view.h->nfiles ? all / view.h->nfiles : seen.n > 0 ? seen.mean : GUESS;
	*pages = *pages > 1 ? *pages : 1;
	return room < most ? room : most;
}

uint32_t ahead_room(void)
{
	double pages, room = window(&pages);
	return room > 0 ? (uint32_t)room : 0;
}

static void set_depth(uint32_t plan)
{
	struct ahead *a = &ahead[plan];
	const struct follow_shared *sh = shared(plan);
	uint64_t batch, round, depth;
	double item_ns = pace_items(&a->pace, sh->matched, view.h->n.wait_ns, sh->live), bandwidth = pace_bandwidth();
	shape(plan, &batch, &round);
	if (view.h->prefetch > 0) {
		depth = (uint64_t)view.h->prefetch * batch;
	} else {
		depth = round + batch;
		if (item_ns > 0)
			depth += (uint64_t)(COVER * pace_latency() / item_ns);
		depth = depth > BATCHES * batch ? depth : BATCHES * batch;
		if (rebucket_on(plan)) {
			depth = rebucket_depth(sh->front);
		} else if (elevator_on()) {
			double pages, room = window(&pages);
			if (STRETCH * room / pages > (double)depth)
				depth = (uint64_t)(STRETCH * room / pages);
		} else if (item_ns > 0 && bandwidth > 0) {
			uint64_t far = forestall(plan, item_ns, bandwidth);
			depth = far > depth ? far : depth;
		}
	}
	a->depth = depth < POS_MAX ? (uint32_t)depth : POS_MAX;
}

void ahead_want_all(void)
{
	for (uint32_t i = 0; i < nahead; i++) {
		ahead[i].told = 0;
		set_depth(i);
	}
}

void ahead_tell(void)
{
	uint32_t rec;
	uint64_t bytes;
	for (uint32_t i = 0; i < nahead; i++) {
		struct ahead *a = &ahead[i];
		uint32_t end = idle_plan(i) ? 0 : limit_of(i), old = end ? ahead_oldest(i) : 0;
		for (a->told = a->told > old ? a->told : old; a->told < end; a->told++)
			if (ahead_is_missing(i, a->told, &rec, &bytes))
				elevator_want(i, a->told, rec);
	}
}

void ahead_tick(void)
{
	for (uint32_t i = 0; i < nahead; i++) {
		struct ahead *a = &ahead[i];
		const struct follow_shared *sh = shared(i);
		if (idle_plan(i))
			continue;
		uint32_t old = ahead_oldest(i), first = (old < sh->front ? old : sh->front) / BLOCK, end = limit_of(i) / BLOCK + 1;
		end = end < a->nblocks ? end : a->nblocks;
		/* those that the job is in, then a share of the rest in turn */
		for (uint32_t b = first; b < end && b < first + RECOUNT / 4; b++)
			a->missing[b] = count(i, b);
		for (uint32_t k = 0; k < RECOUNT && end > first; k++, a->roll++) {
			if (a->roll < first || a->roll >= end)
				a->roll = first;
			a->missing[a->roll] = count(i, a->roll);
		}
		set_depth(i);
	}
}

void ahead_wake(void)
{
	for (uint32_t i = 0; i < nahead; i++) {
		uint64_t batch, round;
		shape(i, &batch, &round);
		atomic_store(&view.h->plans[i].wake_front, shared(i)->front + (uint32_t)(batch > 2 ? batch / 2 : 1));
	}
}
