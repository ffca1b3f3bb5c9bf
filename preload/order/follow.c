/* follow.c - following the trace: one access at a time, each matched to its position or called diverged. */
#include "follow_walk.h"

#define CURSOR_HOPS 65536u  /* a damaged trace may chain every position to the next one */
#define SEARCH_HOPS 16u     /* occurrences of a file that one access looks at */
#define WIDTH_SURE  6u      /* steps by which the most frequent one leads when it is believed */
#define SKIP_LOOK   4u      /* positions of its own batch that a worker may skip without a search */
#define MIXED_LEAST 3u      /* steps of a walk that prove a place where others' files come in between */
#define MIXED_SPAN  8u      /* matches that the files in between are averaged over */
#define LOOSE_MOST  128u    /* accesses that may pass each other, at most */
#define LOST_MISSES 8u      /* diverged accesses in a row that lose a worker its place .. */
#define DOUBT       4u      /* amiss: is it somewhere else? */
#define PROVEN      4u      /* matches after which its place is no chance */

size_t follow_bytes(const struct trace *t)
{
	size_t bytes = sizeof(struct follow_shared) + (size_t)t->h->nfiles * sizeof(uint32_t);
	return (bytes + 63) & ~(size_t)63;
}

uint32_t follow_next(struct follow *f, uint32_t file)
{
	const struct trace *t = f->t;
	if (file >= t->h->nfiles)
		return POS_UNKNOWN;
	uint32_t *cursor = &f->sh->cursor[file];
	if (*cursor == POS_NEVER)
		return POS_NEVER;
	uint32_t pos = *cursor ? *cursor - 1 : t->first[file];
	for (uint32_t hops = 0; pos < t->h->npos; hops++) {
		if (!follow_consumed(f->sh, pos)) {
			*cursor = pos + 1;
			return pos;
		}
		if (hops >= CURSOR_HOPS) {
			*cursor = pos + 1;
			return POS_UNKNOWN;
		}
		pos = trace_next(t, pos);
	}
	*cursor = POS_NEVER;
	return POS_NEVER;
}

static void consume(struct follow *f, uint32_t file, uint32_t pos)
{
	struct follow_shared *sh = f->sh;
	if (pos < sh->horizon)
		return;
	if (pos - sh->horizon < FOLLOW_RING)
		sh->consumed[pos % FOLLOW_RING / 64] |= 1ull << (pos % 64);
	else if (sh->cursor[file] == pos + 1) {  /* too far ahead to be remembered: at least move on */
		uint32_t next = trace_next(f->t, pos);
		sh->cursor[file] = next == TRACE_NEVER ? POS_NEVER : next + 1;
	}
}

void follow_been(struct follow *f, uint32_t pos)
{
	consume(f, trace_at(f->t, pos), pos);
}

static bool near(uint32_t a, uint32_t b, uint64_t by)
{
	return a < b + by && b < a + by;
}

/* May a worker be at this position at all? Near the front, near its own place, or where an epoch begins. */
static bool plausible(const struct follow_shared *sh, const struct run *r, uint32_t pos)
{
	uint64_t lag = (uint64_t)FOLLOW_LAG * sh->round;
	if (near(pos, sh->front, lag) || (r->at.last && near(pos, r->at.last, lag)))
		return true;
	for (int i = 0; i < 4; i++)
		if (pos >= sh->start[i] && pos < sh->started[i])
			return true;
	return false;
}

/* A worker takes a batch's first access without further proof when it is through with its own. */
static bool may_begin(const struct follow *f, const struct run *r, const struct place *p)
{
	uint32_t start, end;
	if (!walk_batch(f->t, p->segment, p->batch, &start, &end) || p->last != start + 1)
		return false;
	if (!r->at.last)
		return !f->sh->gate_shut || p->batch < walk_width(f, p->segment);
	return r->at.end - r->at.last <= FOLLOW_NEAR;
}

/* The file's place a few accesses back on the walk: what a wrong step ahead, matched by chance, has left out. */
static bool stepped_over(const struct follow *f, const struct run *r, uint32_t file, struct place *to)
{
	struct place p = r->at;
	uint32_t width = walk_width(f, p.segment);
	for (uint32_t i = 0; i < FOLLOW_NEAR && walk_back(f->t, &p, width); i++)
		if (trace_at(f->t, p.last - 1) == file) {
			*to = p;
			return true;
		}
	return false;
}

/* Places that the next accesses may go on from: one that has is moved on, and is believed after some steps in a row, none left
 * out, none late: any file lies somewhere, and so would chance go on from some place in the end. */
static bool jumped(struct follow *f, struct run *r, uint32_t file, struct place *to)
{
	for (uint32_t i = 0; i < RUN_JUMPS; i++) {
		struct place p;
		if (r->nhistory - r->jumps[i].since > LOST_MISSES + follow_patience(f->sh, r) / 2)
			r->jumps[i].at.last = 0;
		if (!r->jumps[i].at.last || !walk_on(f, &r->jumps[i].at, file, 1, &p) || follow_consumed(f->sh, p.last - 1))
			continue;
		consume(f, trace_at(f->t, r->jumps[i].at.last - 1), r->jumps[i].at.last - 1);
		r->jumps[i].at = p;
		r->jumps[i].since = r->nhistory;
		if (++r->jumps[i].steps < MIXED_LEAST)
			continue;
		r->jumps[i].at.last = 0;
		*to = p;
		return true;
	}
	return false;
}

static void remember(struct run *r, struct place jump)
{
	uint32_t i = r->jump++ % RUN_JUMPS;
	if (r->jumps[i].at.last && r->jumps[i].steps) /* it has been gone on from: not for the first that comes */
		i = r->jump++ % RUN_JUMPS;
	r->jumps[i].at = jump;
	r->jumps[i].steps = 0;
	r->jumps[i].since = r->nhistory;
}

/* Does the epoch name the file once more? Then that it is read says little of where its reader is. */
static bool again(const struct follow *f, uint32_t pos)
{
	const struct follow_shared *sh = f->sh;
	uint32_t end = pos < sh->start[0] ? sh->start[0] : pos < sh->start[1] ? sh->start[1] : sh->start[2];
	for (uint32_t hops = 0; hops < SEARCH_HOPS; hops++) {
		pos = trace_next(f->t, pos);
		if (pos >= f->t->h->npos || pos >= end)
			return false;
		if (!follow_consumed(sh, pos))
			break;
	}
	return true;
}

/* The unconsumed occurrences of a file: on from here, on from where it seemed to jump to, the head of a
 * batch that nobody has begun. What may be a jump is remembered. near_by: what it may leave out; where others' files come in between less, and no
 * batch but where its own walk is over. Who has no place is given none for a file that the epoch names several times, and at once for one that is known
 * to be its sample's. */
static bool search(struct follow *f, struct run *r, uint32_t file, uint32_t near_by, struct place *to)
{
	struct place p, begin = { 0 }, jump = { 0 };
	uint32_t pos = follow_next(f, file);
	bool own = r->whose == FOLLOW_OWN && follow_mixed(f->sh), many = !own && pos < f->t->h->npos && again(f, pos), any = many && !r->at.last;
	for (uint32_t hops = 0; hops < SEARCH_HOPS && pos < f->t->h->npos; hops++, pos = trace_next(f->t, pos)) {
		if (pos >= f->sh->started[2])
			break;
		if (!plausible(f->sh, r, pos) || follow_consumed(f->sh, pos) || trace_at(f->t, pos) != file ||
		    !walk_place(f->t, pos, &p))
			continue;
		if (near_by && r->at.last && walk_distance(f, &r->at, &p) <= near_by) {
			*to = p;
			return true;
		}
		if (near_by >= FOLLOW_NEAR && !any && r->candidate.last && walk_distance(f, &r->candidate, &p) <= FOLLOW_NEAR) {
			*to = p;
			return true;
		}
		if (!begin.last && may_begin(f, r, &p))
			begin = p;
		if (!jump.last)
			jump = p;
	}
	if (begin.last && !any && (near_by >= FOLLOW_NEAR || follow_expected(f, r) == FILE_NONE)) {
		*to = begin;
		return true;
	}
	if (own && jump.last && !r->at.last) {   /* nobody else's */
		*to = jump;
		return true;
	}
	if (jump.last)
		remember(r, jump);
	if (!r->at.last || !stepped_over(f, r, file, &r->candidate))
		r->candidate = many ? (struct place){ 0 } : jump;
	return false;
}

/* Accesses that may pass each other: a few, as threads of a worker do; of who reads without workers, a batch: its order is what
 * was told of a pool of threads. */
static uint32_t loose(const struct follow *f, const struct place *at)
{
	const struct trace *t = f->t;
	uint32_t start, end;
	if (!at->last || at->segment >= t->h->nsegments || !walk_batch(t, at->segment, at->batch, &start, &end))
		return FOLLOW_NEAR;
	return end - start < FOLLOW_NEAR ? FOLLOW_NEAR : end - start < LOOSE_MOST ? end - start : LOOSE_MOST;
}

/* Is it one of those that this worker has left out just now, come late? The worker stays where it is. */
static bool passed(struct follow *f, const struct run *r, uint32_t file, uint32_t by, struct place *to)
{
	if (!r->at.last || follow_blind(f->sh, r))
		return false;
	if (by == FOLLOW_NEAR)
		return stepped_over(f, r, file, to) && to->last > f->sh->horizon && !follow_consumed(f->sh, to->last - 1);
	uint32_t pos = follow_next(f, file);
	return pos < r->at.last && r->at.last - pos <= by + 1 && trace_at(f->t, pos) == file && walk_place(f->t, pos, to) && to->segment == r->at.segment &&
	       (r->at.batch - to->batch) % walk_width(f, to->segment) == 0;
}

/* Is it to be looked for anew where this worker is? It has no place, or a wrong one to which chance led it. */
static bool elsewhere(struct follow *f, struct run *r, struct place *to)
{
	bool young = r->nhistory <= 2 * RUN_HISTORY;
	if (r->at.last ? r->amiss < (young ? DOUBT / 2 : DOUBT) : !young && r->nhistory % (r->misses < 40 ? 4 : 16))
		return false;
	r->amiss = 0;
	if (!vote_place(f, r, to))
		return false;
	r->at = (struct place){ 0 };   /* the way from there to here was no step of its walk */
	return true;
}

/* Whether an access was the next step of its walk. Where others' files come in between they count when there are more than usual. */
static void suspect(const struct follow_shared *sh, struct run *r, bool step)
{
	if (step)
		r->amiss -= r->amiss > 0;
	else if (r->misses >= follow_patience(sh, r))
		r->amiss++;
}

/* A worker that has just come begins a batch, most often one of an epoch's first. late_one: it came after those that follow it. */
static bool found(struct follow *f, struct run *r, uint32_t file, struct place *to, bool *late_one)
{
	uint32_t by = loose(f, &r->at);
	/* The first of its sample's or the last, its own next one should have come by now: some may be left out. */
	bool mixed = follow_blind(f->sh, r), late = (uint64_t)r->misses * FOLLOW_ONE > 2ull * f->sh->between + FOLLOW_ONE / 2;
	if (r->nhistory == 1 && vote_start(f, file, to))
		return true;
	bool step = r->at.last && walk_on(f, &r->at, file, 1, to);
	suspect(f->sh, r, step);
	if (step || elsewhere(f, r, to) || (r->at.last && (!mixed || late) && walk_on(f, &r->at, file, SKIP_LOOK, to)))
		return true;
	if (!mixed && r->candidate.last && walk_on(f, &r->candidate, file, SKIP_LOOK, to)) {
		consume(f, trace_at(f->t, r->candidate.last - 1), r->candidate.last - 1);
		return true;
	}
	if ((*late_one = passed(f, r, file, by, to)))
		return true;
	if (jumped(f, r, file, to) || search(f, r, file, !mixed ? by : late ? SKIP_LOOK : 0, to))
		return true;
	if (r->at.last && (r->misses + 1 >= LOST_MISSES + follow_patience(f->sh, r) || r->ratio < FOLLOW_ONE / 2))
		r->at = (struct place){ 0 };
	return false;
}

/* Others' files before one that goes on where the last one was: which a file that comes again and again does by chance, too. */
static void learn_between(const struct follow *f, const struct run *r, uint32_t pos, uint32_t skipped)
{
	struct follow_shared *sh = f->sh;
	if (!r->streak || (r->streak < PROVEN && again(f, pos)) || skipped || r->misses > 2 * LOST_MISSES)
		return;
	uint32_t n = r->misses + r->others;
	int64_t now = n < LOST_MISSES ? (int64_t)n * FOLLOW_ONE : (int64_t)LOST_MISSES * FOLLOW_ONE;
	sh->between = (uint32_t)(sh->between + (now - (int64_t)sh->between) / MIXED_SPAN);
	now = now < (int64_t)r->drawn * FOLLOW_ONE ? now : (int64_t)r->drawn * FOLLOW_ONE;
	sh->drawn = (uint32_t)(sh->drawn + (now - (int64_t)sh->drawn) / MIXED_SPAN);
}

/* Steps from batch to batch tell how many workers there are, when the trace was made for others: what most
 * of them are (a batch that is missed makes a double step). */
static void learn_width(struct follow *f, const struct place *from, const struct place *to)
{
	struct follow_shared *sh = f->sh;
	if (to->segment != from->segment || to->batch <= from->batch || to->batch - from->batch > RUNS_MAX)
		return;
	uint32_t phase = walk_phase(f->t, to->segment) % FOLLOW_PHASES, step = to->batch - from->batch;
	if (sh->width_seen[phase] == step) {
		if (sh->width_times[phase] < 2 * WIDTH_SURE)
			sh->width_times[phase]++;
	} else if (sh->width_times[phase]) {
		sh->width_times[phase]--;
	} else {
		sh->width_seen[phase] = step;
		sh->width_times[phase] = 1;
	}
	if (sh->width_times[phase] >= WIDTH_SURE)
		sh->width[phase] = sh->width_seen[phase];
}

static void arrive(struct follow *f, struct run *r, const struct place *to)
{
	if (!near(r->at.last, to->last, (uint64_t)FOLLOW_LAG * f->sh->round))
		r->streak = 0;
	if (!r->at.last) {
		r->streak = 0;
		if (r->ratio < FOLLOW_ONE * 3 / 4)
			r->ratio = FOLLOW_ONE * 3 / 4;
	} else if (to->batch != r->at.batch || to->segment != r->at.segment) {
		learn_width(f, &r->at, to);
	}
	r->at = *to;
	r->candidate = (struct place){ 0 };
}

uint32_t follow_access(struct follow *f, struct run *r, uint32_t file, uint32_t *next)
{
	struct place to;
	uint32_t pos = POS_UNKNOWN, skipped = 0;
	bool late = false;
	if (!f->sh->round)
		pace_groups(f);
	bool others = r && follow_others(f->sh, r);
	if (r && !others) {
		r->history[r->nhistory++ % RUN_HISTORY] = file;
		if (file < f->t->h->nfiles && found(f, r, file, &to, &late)) {
			skipped = late ? 0 : r->at.last ? walk_distance(f, &r->at, &to) : UINT32_MAX;
			if (!late)
				learn_between(f, r, to.last - 1, skipped);
			skipped = skipped <= FOLLOW_NEAR ? skipped : 0;
			if (!late)
				arrive(f, r, &to);
			pos = to.last - 1;
			consume(f, file, pos);
			/* What this worker's next access will look up. (Not a function of its own: gcc takes
			 * one that only prefetches for one that does nothing.) */
			uint32_t then = trace_at(f->t, to.last);
			if (then < f->t->h->nfiles)
				__builtin_prefetch(&f->sh->cursor[then], 1);
		}
	}
	bool named = file < f->t->h->nfiles && f->t->first[file] != TRACE_NEVER, unknown = r && !named && f->sh->unknown;
	if (r) {
		r->drawn = pos != POS_UNKNOWN ? 0 : r->drawn + named;
		r->others = pos != POS_UNKNOWN ? 0 : r->others + others;
	}
	f->sh->unknown -= unknown;
	pace_access(f, r, pos != POS_UNKNOWN, unknown, skipped);
	*next = follow_next(f, file);
	return pos;
}

void follow_stray(struct follow *f, struct run *r) { pace_stray(f->sh, r); }

uint32_t follow_between(const struct follow *f, uint32_t npos, uint32_t nbatches)
{
	double was = f->t->h->nbatches ? (double)f->t->h->npos / f->t->h->nbatches : 0, now = (double)npos / nbatches, between = f->sh->between;
	double left = (between + FOLLOW_ONE) * was / now - FOLLOW_ONE;
	return (uint32_t)(left < between ? left > 0 ? left : 0 : between);
}

struct run *follow_join(struct follow *f, uint32_t slot)
{
	struct follow_shared *sh = f->sh;
	for (uint32_t i = 0; i < RUNS_MAX; i++)
		if (!sh->runs[i].owner) {
			sh->runs[i] = (struct run){ .owner = slot + 1, .ratio = FOLLOW_ONE, .stamp = follow_clock(sh) };
			if (i >= sh->runs_hi)
				sh->runs_hi = i + 1;
			sh->joined = follow_clock(sh);
			return &sh->runs[i];
		}
	return NULL;
}

void follow_leave(struct follow *f, struct run *r)
{
	struct follow_shared *sh = f->sh;
	if (!r)
		return;
	r->owner = 0;
	uint32_t hi = runs_used(sh);
	while (hi && !sh->runs[hi - 1].owner)
		hi--;
	sh->runs_hi = hi;
}
