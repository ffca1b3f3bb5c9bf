/* follow_pace.c - looking over all workers: how far the job is, what has expired, and whether the trace is
 * to be believed at all. */
#include "follow_walk.h"

#define GATE_SHUT  (FOLLOW_ONE * 80 / 100)
#define GATE_OPEN  (FOLLOW_ONE * 87 / 100)
#define CAME_SHUT  (FOLLOW_ONE * 70 / 100)   /* of the foretold positions */
#define CAME_OPEN  (FOLLOW_ONE * 80 / 100)
#define GATE_SPAN  256u    /* accesses that the moving ratio of all looks back on, at least */
#define RUN_SPAN   16u     /* the same for one worker */
#define LOOK_EVERY 8u      /* accesses between two looks at all workers, at least */
#define IDLE_LEAST 256u    /* accesses of all without one of its own make a worker idle, at least */
#define SURE       3u      /* matches that make a worker's place count for the front */
#define VERY_SURE  8u      /* the same for the horizon, which never goes back */

static uint32_t blend(uint32_t ratio, bool matched, uint32_t span)
{
	if (ratio > FOLLOW_ONE)
		ratio = FOLLOW_ONE;
	int32_t delta = (int32_t)(matched ? FOLLOW_ONE : 0) - (int32_t)ratio;
	/* Rounded away from zero, so that it reaches both ends. */
	delta = delta > 0 ? (delta + (int32_t)span - 1) / (int32_t)span : (delta - (int32_t)span + 1) / (int32_t)span;
	return (uint32_t)((int32_t)ratio + delta);
}

/* Ranks that a group has, and the workers that they should bring along. */
static uint32_t expected_workers(const struct follow *f, uint32_t group, uint32_t *ranks)
{
	const struct trace *t = f->t;
	uint32_t n = 0, end = walk_next_group(t, group);
	*ranks = 0;
	for (uint32_t s = group; s < end; s++) {
		uint32_t w = walk_width(f, s), batches = t->segments[s].nbatches;
		n += w < batches ? w : batches;
		++*ranks;
	}
	return n;
}

/* The nominal batch; what the first one holds when the stream has none. */
static uint32_t batch_size(const struct trace *t, uint32_t segment)
{
	uint32_t start, end, stream;
	if (segment >= t->h->nsegments)
		return 1;
	stream = t->segments[segment].stream;
	uint32_t size = stream < t->h->nstreams ? t->streams[stream].batch_size : 0;
	if ((!size || size > t->h->npos) && walk_batch(t, segment, 0, &start, &end))
		size = end - start;
	return size && size <= t->h->npos ? size : 1;
}

static uint32_t round_of(const struct follow *f, uint32_t group)
{
	uint32_t ranks;
	uint64_t round = (uint64_t)expected_workers(f, group, &ranks) * batch_size(f->t, group);
	return round < 1 ? 1 : round < FOLLOW_RING / 2 ? (uint32_t)round : FOLLOW_RING / 2;
}

/* Where a group begins, and where its first round ends. */
static void mark(struct follow *f, uint32_t i, uint32_t group)
{
	bool any = group < f->t->h->nsegments;
	f->sh->start[i] = any ? f->t->segments[group].first_pos : POS_NEVER;
	f->sh->started[i] = any ? f->sh->start[i] + round_of(f, group) : POS_NEVER;
}

void pace_groups(struct follow *f)
{
	struct follow_shared *sh = f->sh;
	const struct trace *t = f->t;
	uint32_t segment, batch;
	/* The front is one past what was read: at an epoch's end it still belongs to that epoch. */
	if (sh->front && follow_locate(t, sh->front - 1, &segment, &batch)) {
		uint32_t group = walk_group(t, segment);
		if (group != sh->group) {
			sh->group = group;
			sh->group_since = follow_clock(sh);
		}
	}
	uint64_t now = (uint64_t)sh->live * batch_size(f->t, sh->group);
	sh->round = round_of(f, sh->group);
	if (now > sh->round)
		sh->round = now < FOLLOW_RING / 2 ? (uint32_t)now : FOLLOW_RING / 2;
	uint32_t next = walk_next_group(t, sh->group);
	mark(f, 0, sh->group);
	mark(f, 1, next);
	mark(f, 2, walk_next_group(t, next));
	if (sh->horizon >= sh->start[0] && sh->horizon < sh->start[1])
		sh->oldest = sh->group;
	else if (follow_locate(t, sh->horizon, &segment, &batch))
		sh->oldest = walk_group(t, segment);
	mark(f, 3, sh->oldest);
}

static uint32_t minus(uint32_t a, uint64_t b)
{
	return a > b ? a - (uint32_t)b : 0;
}

/* The lowest position that this worker may still open. One that is through with its segment goes on in any
 * later one: a main process without workers reads the validation set too. */
static uint32_t lower_bound(const struct follow *f, const struct run *r)
{
	const struct trace *t = f->t;
	uint32_t s = r->at.segment;
	if (r->at.last < r->at.end || s >= t->h->nsegments ||
	    (uint64_t)r->at.batch + walk_width(f, s) < t->segments[s].nbatches)
		return r->at.last;
	return t->segments[s].end_pos > r->at.last ? t->segments[s].end_pos : r->at.last;
}

/* The k-th smallest of v[0 .. n-1] (k from 0); reorders v. */
static uint32_t kth(uint32_t *v, uint32_t n, uint32_t k)
{
	uint32_t lo = 0, hi = n - 1;
	while (lo < hi) {
		uint32_t pivot = v[lo + (hi - lo) / 2], i = lo, j = hi;
		for (;;) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			uint32_t x = v[i];
			v[i++] = v[j];
			v[j--] = x;
		}
		if (k <= j)
			hi = j;
		else
			lo = j + 1;
	}
	return v[k];
}

/* What was foretold has come, or has not. */
static void judge(struct follow_shared *sh, struct run *r, bool matched)
{
	bool begun = sh->matched + sh->diverged != 0;
	uint32_t hi = runs_used(sh), span = hi * 32 > GATE_SPAN ? hi * 32 : GATE_SPAN;
	if (matched)
		sh->matched++;
	else
		sh->diverged++;
	/* Shut, it looks back less far, so that a job that is found again is soon believed again. */
	sh->ratio = blend(begun ? sh->ratio : FOLLOW_ONE, matched, sh->gate_shut ? span / 4 : span);
	if (sh->ratio < GATE_SHUT)
		sh->gate_shut = 1;
	else if (sh->ratio >= GATE_OPEN && (!sh->came || sh->came >= CAME_OPEN))
		sh->gate_shut = 0;
	if (r)
		r->ratio = blend(r->ratio, matched, RUN_SPAN);
}

/* A foretold position was come to, or was left out: a dataset that keeps what it has read opens no more of it. */
static void judge_came(struct follow_shared *sh, bool came)
{
	sh->came = blend(sh->came ? sh->came : FOLLOW_ONE, came, GATE_SPAN);
	if (sh->came < CAME_SHUT)
		sh->gate_shut = 1;
}

/* Few in a row were left out; many are a job that left an epoch early, came late, or jumps. */
static void judge_expired(struct follow_shared *sh, uint32_t from, uint32_t to)
{
	for (; from < to; from++) {
		if (!(sh->consumed[from % FOLLOW_RING / 64] >> (from % 64) & 1)) {
			sh->left_out++;
			continue;
		}
		for (uint32_t n = sh->left_out <= FOLLOW_NEAR ? sh->left_out : 0; n > 0; n--) {
			sh->passed[sh->npassed++ % FOLLOW_PASSED] = from - n;
			judge_came(sh, false);
		}
		sh->left_out = 0;
		judge_came(sh, true);
	}
}

/* Moves the horizon on; what leaves the ring is forgotten. */
static void expire(struct follow_shared *sh, uint32_t to)
{
	uint32_t from = sh->horizon;
	if (!follow_mixed(sh) && to - from < FOLLOW_RING)
		judge_expired(sh, from, to);
	if (to - from >= FOLLOW_RING) {
		for (uint32_t i = 0; i < FOLLOW_RING / 64; i++)
			sh->consumed[i] = 0;
		from = to;
	}
	while (from < to) {
		uint32_t n = 64 - from % 64 < to - from ? 64 - from % 64 : to - from;
		uint64_t mask = (n == 64 ? ~0ull : (1ull << n) - 1) << (from % 64);
		sh->consumed[from % FOLLOW_RING / 64] &= ~mask;
		from += n;
	}
	sh->horizon = to;
}

/* Every worker, but for those that no longer take part: idle ones, and those without a place. */
static void look_over(struct follow *f)
{
	struct follow_shared *sh = f->sh;
	uint32_t at[RUNS_MAX], n = 0, present = 0, front = 0, low = POS_NEVER, now = follow_clock(sh), ranks;
	uint32_t lag = FOLLOW_LAG * sh->round, group_end = walk_next_group(f->t, sh->group);
	uint32_t rest = lag > IDLE_LEAST ? lag : IDLE_LEAST;

	for (uint32_t i = 0; i < runs_used(sh); i++) {
		const struct run *r = &sh->runs[i];
		if (!r->owner || !r->at.last || now - r->stamp > rest)
			continue;
		bool sure = r->streak >= VERY_SURE;
		uint32_t bound = sure ? lower_bound(f, r) : sh->horizon;
		if (bound < low)
			low = bound;
		at[n++] = sure ? r->at.last : sh->horizon;
		present += r->at.segment >= sh->group && r->at.segment < group_end;
		if (r->streak >= SURE && r->at.last > front)
			front = r->at.last;
	}
	sh->live = n;
	if (front)
		sh->front = front;
	pace_groups(f);
	if (!n || sh->gate_shut)
		return;

	uint32_t expected = expected_workers(f, sh->group, &ranks);
	uint32_t size = batch_size(f->t, sh->group);
	/* A batch, or as many small ones as a worker may step back. */
	uint64_t margin = size >= FOLLOW_NEAR ? (uint64_t)size * (ranks ? ranks : 1)
					      : (uint64_t)(FOLLOW_NEAR + size - 1) / size * sh->round;
	uint32_t to = minus(low, margin);
	/* A worker that has not begun yet will open what lies at the group's beginning, but only so long as the
	 * others can run ahead of it. */
	bool young = now - sh->joined <= rest || now - sh->group_since <= rest;
	if (present < expected && young && to > sh->start[0])
		to = sh->start[0];
	uint32_t backstop = minus(kth(at, n, n / 2), lag);
	if (present * 2 < expected && young && backstop > sh->start[0])
		backstop = sh->start[0];
	if (backstop > to)
		to = backstop;
	/* A few batches of a later phase may be but a sanity check before the epoch. */
	if (walk_phase(f->t, sh->group) && now - sh->group_since <= rest)
		return;
	if (to > sh->horizon && to <= f->t->h->npos)
		expire(sh, to);
}

void pace_stray(struct follow_shared *sh, struct run *r)
{
	if (r->others)             /* they were taken for nobody's step */
		judge(sh, r, false);
}

void pace_access(struct follow *f, struct run *r, bool matched, bool unknown, uint32_t skipped)
{
	struct follow_shared *sh = f->sh;
	uint32_t hi = runs_used(sh);
	bool mixed = r && follow_blind(sh, r), others = !matched && r && follow_others(sh, r);
	if (others || unknown || (!matched && r && r->at.last && r->misses < follow_patience(sh, r)))
		sh->extra++;
	else
		judge(sh, r, matched);
	for (uint32_t i = 0; mixed && i < skipped && i < FOLLOW_NEAR; i++)
		judge(sh, r, false);
	if (sh->gate_shut && sh->came && matched) {   /* nothing expires then */
		for (uint32_t i = 0; i < skipped && i < FOLLOW_NEAR; i++)
			judge_came(sh, false);
		judge_came(sh, true);
	}
	if (r) {
		r->misses = matched ? 0 : r->misses + !(others || unknown);
		r->streak = matched ? r->streak + 1 : r->streak;
		r->stamp = follow_clock(sh);
	}
	if (++sh->due >= (hi > LOOK_EVERY ? hi : LOOK_EVERY)) {
		sh->due = 0;
		look_over(f);
	}
}
