/* round.c - live orders come round again: what is expected of a stream between and beyond the epochs whose orders are known.
 *
 * A plan of one stream stays when its epoch is over, until the stream's next one replaces it: its residents are filed where
 * policy/past.c expects them. All under the lock. */
#include "follow_walk.h"
#include "order.h"

#define EARLY  16u                 /* an epoch that stopped this part of it short was left early; others run out */
#define SAMPLE 9u                  /* files just read that say what one fetched ahead may take; odd */
#define SHARE  64u                 /* part of the residents that any stream may have to be fetched ahead through; .. */
#define UNSURE 2u                  /* .. so many times that one that has not come round yet; .. */
#define SLACK  16u                 /* .. and by which it may fall short of what is its own before it takes from others */
#define DUE    2u                  /* rounds of all workers */
#define ALIKE  .8                  /* periods */
#define FORGOTTEN 4                /* rounds of all streams, or of all files that were ever read, .. */
#define UNHEARD 8                  /* .. if that is no more than so many of these: of a loader whose first epoch it is no order may be known */
#define FIRST  64u                 /* part of an epoch that may be exchanged ahead of a stream none of whose epochs is over: it may be left any moment; .. */
#define TURN   2u                  /* .. this part of a round, a batch at least, where that is more (so many workers begin anew meanwhile), .. */
#define ROUNDS 2u                  /* .. or so many rounds, as far as .. */
#define WHOLE  32u                 /* .. they are no more than this part of it; but .. */
#define READ   2u                  /* .. no more than this part of what was read of it */
#define LATER  256u                /* And of one that has been left sooner before */
#define VAIN   32u                 /* part of all accesses so far that may be looked ahead in the place of others, where all epochs were read to their ends; .. */
#define AT_LEAST 4u                /* .. so many rounds of its workers, at least */
#define LIKE   .6                  /* of their files, at least, a loader and its heir have both; two ranks' epochs have half */
#define PAUSE  64u                 /* accesses of others, besides two rounds of all, that make a stream one that waits */

static bool live(uint32_t n) { return view.h->plans[n].gen != 0; }

/* Positions that workers read unasked as an epoch begins. */
static uint32_t dealt(uint32_t n)
{
	const struct trace *t = &orders.plans[n].trace;
	uint32_t b = view.h->plans[n].dealt, start, end;
	b = b < t->h->nbatches ? b : t->h->nbatches;
	return b && walk_batch(t, 0, b - 1, &start, &end) ? end : 0;
}

/* Its order is read to the end, by all its workers. Nobody says so of a loader that uses its workers again, before the next epoch begins. */
static bool read_out(uint32_t n)
{
	const struct follow_shared *sh = orders.plans[n].follow.sh;
	return live(n) && !view.h->plans[n].endless && sh->front >= orders.plans[n].trace.h->npos && view.h->clock - view.h->plans[n].stirred > sh->round;
}

/* Positions until it is over; one without an end until others may be read. */
static uint32_t until_over(uint32_t n, uint32_t front)
{
	const struct plan_entry *p = &view.h->plans[n];
	uint32_t end = round_ends(n);
	if (p->endless && p->named && p->pause_at)
		return front < p->pause_at ? p->pause_at - front : p->named - (front - p->pause_at) % p->named;
	return end > front ? end - front : 0;
}

/* Is one without an end about where others may be read? */
static bool at_pause(uint32_t n)
{
	const struct plan_entry *p = &view.h->plans[n];
	uint32_t front = orders.plans[n].follow.sh->front, round = orders.plans[n].follow.sh->round;
	return p->endless && p->named && p->pause_at && front + round >= p->pause_at && (front + round - p->pause_at) % p->named <= 2 * round;
}

/* Not over, but others are read instead: workers hold what was dealt to them at once, and nobody asks for it. */
static bool waits(uint32_t n)
{
	const struct plan_entry *p = &view.h->plans[n];
	double idle = (double)(view.h->clock - p->stirred), most = PAUSE + 2 * (orders.plans[n].follow.sh->round * (p->scale > 0 ? p->scale : 1));
	if (!live(n) || p->ended)
		return false;
	bool pause = at_pause(n);   /* then what has begun since it was read from is what it waits for */
	if (pause)
		most = PAUSE / 4. + orders.plans[n].follow.sh->round;
	for (uint32_t i = 0; idle > most && i < orders.shape.naxes; i++)
		most += live(i) && !view.h->plans[i].ended && !(pause && view.h->plans[i].past.began >= p->stirred) ? 2. * orders.plans[i].follow.sh->round : 0;
	return idle > most;
}

void rounds_foretell(void)
{
	bool then = false, all = true;
	for (uint32_t n = 0; n < index_plans(); n++) {
		const struct plan_entry *p = &view.h->plans[n];
		then |= live(n) && p->then;
		all &= live(n) && (p->then || p->same || p->whole);
	}
	view.h->foretold = then && all;
}

static bool foretold(uint32_t n) { return view.h->foretold && view.h->plans[n].then && orders.plans[n].then; }

void round_begin(uint32_t n, uint64_t stream, uint64_t order, uint32_t how, uint32_t files)
{
	struct plan_entry *p = &view.h->plans[n];
	const struct plan *o = &orders.plans[n];
	bool heir = p->gen && (p->stream == stream || how & ROUND_HEIR), on = heir && (p->ended == ROUND_LIED ? p->endless && p->stream == stream : how & ROUND_ON && !p->ended);
	p->asked = heir && how & ROUND_ON && (p->asked || (o->mapped && o->gen == p->gen && o->follow.sh->front > dealt(n)));
	p->passed = 0;
	if (!heir) {
		uint64_t unheard = COUNTED(view.h->n.unheard);
		COUNT(view.h->n.unheard, 0 - (files < unheard ? files : unheard));
		p->past = (struct past){ 0 };
		p->owned = (struct owned){ 0 };
		p->scale = p->paced = 0;
		p->order = 0;
		p->left = p->least = 0;
	} else if (!p->ended && !on) {
		round_end(n);      /* its main process may have been killed, and be back */
	}
	p->same = p->order ? p->order == order : how & ROUND_RISING;
	p->then = how & ROUND_THEN && !(heir && o->mapped && follow_mixed(o->follow.sh));   /* any of its files may be opened beside a sample's own */
	p->whole = (how & ROUND_WHOLE) != 0;
	p->order = order;
	if (on && p->ended == ROUND_LIED)
		p->stirred = view.h->clock;    /* nobody has followed it since */
	if (on)
		return;
	p->stirred = view.h->clock;
	past_begin(&p->past, view.h->clock);
}

void round_been(uint32_t n)
{
	struct plan *o = &orders.plans[n];
	double scale = view.h->plans[n].scale > 1 ? view.h->plans[n].scale : 1;
	uint32_t end = follow_mixed(o->follow.sh) ? 0 : dealt(n), rec;   /* there others' samples have read of these files, too */
	for (uint32_t pos = 0; pos < end; pos++)
		if ((rec = trace_at(&o->trace, pos)) < view.ncap && view.rec[rec].read_at && (double)(view.h->clock - view.rec[rec].read_at) < 2 * end * scale)
			follow_been(&o->follow, pos);
}

void round_stir(uint32_t n)
{
	struct plan_entry *p = &view.h->plans[n];
	if (waits(n)) {            /* as an epoch of its own */
		past_end(&p->past, p->stirred);
		past_begin(&p->past, view.h->clock);
		p->rate_clock = 0;
	}
	p->stirred = view.h->clock;
}

void round_end(uint32_t n)
{
	struct plan_entry *p = &view.h->plans[n];
	const struct plan *o = &orders.plans[n];
	bool known = o->mapped && o->gen == p->gen;
	uint32_t npos = known ? o->trace.h->npos : p->npos, front = known ? o->follow.sh->front : npos;
	p->left = front && front < npos - npos / EARLY ? front : 0;
	if (!p->left && (!p->least || p->least == POS_NEVER))
		p->least = front ? POS_NEVER : p->least;
	else if (front)            /* one that was left sooner once may be again; less and less likely */
		p->least = p->left && p->left <= p->least - !p->least ? p->left : p->least + ((p->left ? p->left : npos) - p->least) / 16 + 1;
	past_end(&p->past, p->stirred);    /* who uses its workers again says that it is over when the next one begins, and others were read in between */
}

/* What may yet be read though the last epoch was left before, or though there was none. A part of an epoch is too little where that is small: what is due
 * is late then until the first is over. */
static uint32_t leap(uint32_t n)
{
	const struct plan *p = &orders.plans[n];
	uint32_t npos = orders.axes[n].npos, round, workers, due;
	if (view.h->plans[n].least)
		return npos / LATER + 1;
	round = p->follow.sh->round;
	workers = p->trace.streams[0].workers;
	due = round / (workers > TURN ? TURN : workers ? workers : 1);
	round = ROUNDS * round < npos / WHOLE ? ROUNDS * round : npos / WHOLE;
	due = due > round ? due : round;
	if (due > p->follow.sh->front / READ)
		due = p->follow.sh->front / READ;
	return (npos / FIRST > due ? npos / FIRST : due) + 1;
}

/* So far an epoch is read for sure: where each is left somewhere else, half of the least. */
static uint32_t sure(uint32_t n)
{
	const struct plan_entry *p = &view.h->plans[n];
	uint32_t npos = orders.axes[n].npos, last = p->left ? p->left : npos;
	return p->least < npos && last > p->least + npos / EARLY ? p->least / 2 : p->least;
}

uint32_t round_ends(uint32_t n)
{
	uint32_t npos = orders.axes[n].npos, left = view.h->plans[n].left, front = orders.plans[n].follow.sh->front;
	if (!left || left >= npos)
		return npos;
	return front <= left ? left : front + leap(n) < npos ? front + leap(n) : npos;
}

/* All its epochs so far were read to their ends. One that is stopped all the same, for good, costs no more than this part of what was read. */
static uint32_t ahead_of(uint32_t n)
{
	const struct follow_shared *sh = orders.plans[n].follow.sh;
	uint64_t least = (uint64_t)AT_LEAST * sh->round, on = sh->front + (view.h->clock / VAIN > least ? view.h->clock / VAIN : least);
	return on < POS_NEVER ? (uint32_t)on : POS_NEVER;
}

/* Of a loader that was never seen to be read, no more than its workers take, the `first` positions; then as much again as the program has asked for, and
 * from the third batch on a round at least. */
static uint32_t shown(uint32_t n, uint32_t front, uint32_t first)
{
	uint32_t asked = front > first ? front - first : 0, round = orders.plans[n].follow.sh->round, batches = view.h->plans[n].dealt;
	if (asked > 2 * (first && batches ? first / batches : round) && asked < round)
		asked = round;
	return asked ? front + asked : first;
}

uint32_t round_reach(uint32_t n, bool room)
{
	const struct plan_entry *p = &view.h->plans[n];
	uint32_t front = orders.plans[n].follow.sh->front, end = round_ends(n), first = live(n) ? dealt(n) : 0, on;
	if (!live(n) || p->told)
		return end;
	if (waits(n))
		return front;
	if (!p->least && !p->asked && shown(n, front, first) < end)
		end = shown(n, front, first);
	on = p->least == POS_NEVER ? ahead_of(n) : front < sure(n) ? sure(n) : front + leap(n);
	return room || p->endless || end < on ? end : on;
}

uint32_t round_heir(const uint32_t *first, uint32_t nfiles, uint32_t rank)
{
	uint32_t best = PLANS_MAX, most = 0;
	for (uint32_t n = 0; n < orders.shape.naxes; n++) {
		const struct plan *o = &orders.plans[n];
		uint32_t both = 0, mine = 0, its = 0;
		if (!live(n) || !view.h->plans[n].ended || !o->mapped || o->trace.streams[0].rank != rank)
			continue;
		for (uint32_t f = 0; f < nfiles; f++) {
			bool a = first[f] != TRACE_NEVER, b = f < o->trace.h->nfiles && o->trace.first[f] != TRACE_NEVER;
			mine += a;
			its += b;
			both += a && b;
		}
		if (both < LIKE * mine || both < LIKE * its || both < most)
			continue;
		most = both;
		best = n;
	}
	return best;
}

/* Accesses by loaders whose orders nobody knows yet; no more than all files that were ever read. */
static double unheard(void)
{
	uint64_t n = COUNTED(view.h->n.unheard), files = COUNTED(view.h->n.files);
	return (double)(n < files ? n : files);
}

/* All that run or may come again; the others have no accesses in them. */
static uint32_t streams(struct stream *s)
{
	uint32_t n = orders.shape.naxes;
	double others = unheard();
	for (uint32_t i = 0; i < n; i++) {
		const struct axis *a = &orders.axes[i];
		uint32_t end = round_ends(i);
		s[i] = (struct stream){ .past = &view.h->plans[i].past, .same = view.h->plans[i].same || foretold(i), .unheard = others };
		if (!live(i) || !a->npos)
			continue;
		s[i].running = !view.h->plans[i].ended;
		s[i].share = (double)end / a->npos;
		s[i].length = (view.h->plans[i].endless ? view.h->plans[i].named : end) * a->scale;
		s[i].stirred = view.h->plans[i].stirred;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct axis *a = &orders.axes[i];
		if (s[i].running && (read_out(i) || waits(i))) {   /* as if it were over */
			s[i].running = false;
			past_end(&view.h->plans[i].past, view.h->plans[i].stirred);
		}
		/* followed no longer: it is read, but no one knows where */
		if (s[i].running)
			s[i].rest = orders.plans[i].follow.sh->gate_shut ? 0 : until_over(i, a->front) * a->scale;
	}
	return n;
}

void rounds_look(void)
{
	struct stream s[AXES_MAX];
	double soonest = 0, rest = 0;
	if (!view.h->live_epochs)
		return;
	uint32_t n = streams(s);
	orders.cycle = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct axis *a = &orders.axes[i];
		a->same = s[i].same;
		a->then = foretold(i) ? orders.plans[i].then - a->npos : NULL;
		if (!live(i))
			continue;
		a->again = past_expected(s, n, i, view.h->clock);
		a->away = s[i].running ? 0 : past_again(s, n, i, view.h->clock);
		a->pass = view.h->plans[i].endless && view.h->plans[i].pause_at ? view.h->plans[i].named : 0;
		a->pause_at = view.h->plans[i].pause_at;
		a->pause = a->pass ? past_gap(s, n, i) : 0;
		uint32_t drawn = orders.plans[i].follow.sh->drawn;
		a->chance = drawn > FOLLOW_ONE / 4 ? view.h->plans[i].named * a->scale * FOLLOW_ONE / drawn : 0;
		/* what is known of it comes first */
		double known = axis_way(a, a->same ? round_ends(i) : a->npos);
		if (!view.h->plans[i].ended && a->again < known)
			a->again = known;
		double unnamed = axis_unnamed(a, s[i].length);
		soonest = soonest > 0 && soonest < unnamed ? soonest : unnamed;
		orders.cycle += s[i].length;
		rest = s[i].rest > rest ? s[i].rest : rest;
	}
	/* a loader that nobody knows goes on when those that run are over */
	double others = unheard();
	if (others > 0 && soonest > rest + others / 2)
		soonest = rest + others / 2;
	orders.pol.unknown = soonest;
}

bool round_over(uint32_t n)
{
	return live(n) && view.h->plans[n].ended && !past_due(&view.h->plans[n].past, view.h->clock);
}

bool round_outdated(uint32_t n, uint32_t rec) { return round_over(n) && view.rec[rec].read_at > view.h->plans[n].past.ended; }

bool round_forgotten(uint32_t rec)
{
	double files = (double)COUNTED(view.h->n.files), round = files < UNHEARD * orders.cycle ? files : UNHEARD * orders.cycle;
	round = round > orders.cycle ? round : orders.cycle;
	return view.h->live_epochs && (double)(view.h->clock - view.rec[rec].read_at) > FORGOTTEN * round;
}

struct use round_expected(uint32_t n, uint32_t file)
{
	const struct plan *p = &orders.plans[n];
	uint32_t npos = orders.axes[n].npos, at = live(n) && file < p->trace.h->nfiles ? (foretold(n) ? p->then : p->trace.first)[file] : TRACE_NEVER;
	if (at == THEN_LATER)
		return (struct use){ POS_NEVER, 0 };
	return (struct use){ at < npos ? npos + at : POS_UNKNOWN, n };
}

/* In a stream of which little is resident nothing read makes room for what is to be fetched. It may take from others until
 * it has its part, where its files come as often as theirs: that costs nothing. Else a little. */
static bool wants_more(uint32_t n, uint32_t coming)
{
	struct stream s[AXES_MAX];
	uint32_t count = streams(s), all = 0, mine = orders.axes[n].npos;
	double own = s[n].length + past_gap(s, count, n), least = own;
	for (uint32_t i = 0; i < count; i++) {
		if (s[i].length <= 0)
			continue;
		double period = s[i].length + past_gap(s, count, i);
		least = period < least ? period : least;
		all += orders.axes[i].npos;
	}
	uint64_t residents = view.h->account[TIER_RAM].resident, part = residents * mine / (all ? all : 1), few = residents / SHARE;
	if (!s[n].past->ngaps)
		few *= UNSURE;
	if ((least < ALIKE * own || !s[n].past->ngaps) && part > few)
		part = few;
	return filing_settled() && view.h->filed[n] + coming < part - part / SLACK;
}

static double distance(struct use u) { return axis_distance(&orders.pol, u); }

struct use round_exchange(uint32_t n, uint32_t due, uint32_t coming)
{
	const struct plan *p = &orders.plans[n];
	uint32_t npos = orders.axes[n].npos, front = orders.axes[n].front < npos ? orders.axes[n].front : npos, k = 0;
	struct use seen[SAMPLE], just;
	if (wants_more(n, coming))
		return (struct use){ npos - 1, n };
	/* Others' files that are read beside the samples' own take the places of those just read, and none is left for what is due
	 * next: that may go before what is needed in the later half of the rest. Most of it will be read as another's before. */
	if (follow_mixed(p->follow.sh) && due < front + DUE * p->follow.sh->round)
		return (struct use){ front + (npos - front) / 2, n };
	for (uint32_t i = 0; i < SAMPLE && front; i++) {
		uint32_t pos = (uint32_t)((uint64_t)front * i / SAMPLE), rec = trace_at(&p->trace, pos), at = k;
		struct use u = rec < view.ncap ? plans_use(rec) : (struct use){ POS_UNKNOWN, 0 };
		if (u.pos >= POS_MAX || (u.axis == n && u.pos == pos)) /* another worker has yet to read it */
			continue;
		for (; at && distance(seen[at - 1]) > distance(u); at--)
			seen[at] = seen[at - 1];
		seen[at] = u;
		k++;
	}
	just = k ? seen[k / 2] : (struct use){ axis_just_read(npos), n };
	return axis_exchange(&orders.pol, n, just);
}
