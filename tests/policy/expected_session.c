/* expected_session.c - the session's rule in little: a file's use is its next position in a running epoch, else where past.c expects it; a miss may
 * have the place of what is needed later; what is fetched ahead that of what is needed no sooner than a file of its own stream just read,
 * and only as far as it is known that the epoch goes on. */
#include "expected.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW  16
#define SAMPLE  9
#define NOWHERE UINT32_MAX

static struct {
	struct policy_shape shape;
	struct axis axis[STREAMS];
	struct policy_ctx ctx;
	struct past past[STREAMS];
	struct owned owned[STREAMS];
	struct { uint64_t clock; uint32_t pos; } rate[STREAMS];
	bool running[STREAMS];
	uint32_t left[STREAMS];       /* where its last epoch was left; 0: it was read to its end */
	uint32_t least[STREAMS];      /* so far its epochs are read, of late; 0: none is over */
	uint64_t stirred[STREAMS];
	uint32_t partners[STREAMS];   /* others' files beside each of its own */
	uint32_t slot[STREAMS];       /* of a loader, + 1: its own, or that of one whose files it has mostly */
	uint32_t *place[STREAMS];     /* of a file in each pass of the stream's order, or NOWHERE */
	uint32_t files[STREAMS];      /* in a pass */
	uint32_t *after[STREAMS];     /* .. and in the next one's, where that is known */
	const uint32_t *then[STREAMS];
	bool same[STREAMS], whole[STREAMS];   /* it comes in this order again; with these files */
	bool *in;
	struct use *use;
	uint64_t *read_at;
	uint32_t used, room, naxes;
	uint64_t clock, fetches, evictions;
	double unheard;
} c;

/* What follows is round.c's. As far as an epoch is read, going by the last one; .. */
static uint32_t leap(uint32_t l)
{
	uint32_t part = c.axis[l].npos / 64, due = c.axis[l].npos / 32 < 16 ? 16 : c.axis[l].npos / 32 < 32 ? c.axis[l].npos / 32 : 32;
	due = c.axis[l].front / 2 < due ? c.axis[l].front / 2 : due;
	return (c.least[l] ? c.axis[l].npos / 256 : part > due ? part : due) + 1;
}

static uint32_t end_of(uint32_t l)
{
	uint32_t on = c.axis[l].front + leap(l), npos = c.axis[l].npos;
	return !c.left[l] ? npos : c.axis[l].front <= c.left[l] ? c.left[l] : on < npos ? on : npos;
}

/* .. which a quarter of a stream's own epoch without an access of it says that nobody reads now; .. */
static bool waits(uint32_t l)
{
	bool between = c.files[l] < c.axis[l].npos && c.axis[l].front && c.axis[l].front % c.files[l] <= 16;
	return c.running[l] && (double)(c.clock - c.stirred[l]) > (between ? 32 : 64 + 2 * (16 * c.axis[l].scale + 16 * c.naxes));
}

/* .. and as far as may be fetched ahead. */
static uint32_t reach(uint32_t l, uint32_t dealt)
{
	uint32_t front = c.axis[l].front, npos = c.axis[l].npos, end = end_of(l), sure = c.least[l], on;
	if (sure < npos && (c.left[l] ? c.left[l] : npos) > sure + npos / 16)
		sure /= 2;
	on = front < sure ? sure : front + leap(l);
	if (waits(l))
		return front;
	if (!c.least[l] && end > (front > dealt ? 2 * front - dealt : dealt))
		end = front > dealt ? 2 * front - dealt : dealt;
	return c.used < c.room || c.files[l] < npos || end < on ? end : on;
}

/* Of an epoch, or of a pass. */
static double rest(uint32_t l, uint32_t end)
{
	return (c.files[l] < c.axis[l].npos ? c.files[l] - c.axis[l].front % c.files[l] : end - c.axis[l].front) * c.axis[l].scale;
}

static void fronts(void)
{
	struct stream s[STREAMS];
	for (uint32_t l = 0; l < c.naxes; l++) {
		const struct axis *a = &c.axis[l];
		uint32_t end = end_of(l);
		bool running = c.running[l] && !waits(l);
		if (running < c.running[l])
			past_end(&c.past[l], c.stirred[l]);
		s[l] = (struct stream){ &c.past[l], running, a->same, (c.files[l] < a->npos ? c.files[l] : end) * a->scale,
					running ? rest(l, end) : 0, c.unheard, c.stirred[l], a->npos ? (double)end / a->npos : 1 };
	}
	double longest = 0;
	c.ctx.unknown = 0;
	for (uint32_t l = 0; l < c.naxes; l++) {
		if (!c.past[l].epochs)
			continue;
		c.axis[l].again = past_expected(s, c.naxes, l, c.clock);
		c.axis[l].away = s[l].running ? 0 : past_again(s, c.naxes, l, c.clock);
		c.axis[l].chance = c.partners[l] ? c.files[l] * c.axis[l].scale / c.partners[l] : 0;
		c.axis[l].pass = c.axis[l].pause_at = c.files[l] < c.axis[l].npos ? c.files[l] : 0;
		c.axis[l].pause = c.axis[l].pass ? past_gap(s, c.naxes, l) : 0;
		double known = axis_way(&c.axis[l], c.axis[l].same ? end_of(l) : c.axis[l].npos);
		if (c.running[l] && c.axis[l].again < known)
			c.axis[l].again = known;
		double unnamed = axis_unnamed(&c.axis[l], s[l].length);
		c.ctx.unknown = c.ctx.unknown > 0 && c.ctx.unknown < unnamed ? c.ctx.unknown : unnamed;
		longest = s[l].rest > longest ? s[l].rest : longest;
	}
	if (c.unheard > 0 && c.ctx.unknown > longest + c.unheard / 2)
		c.ctx.unknown = longest + c.unheard / 2;
}

/* Of its passes the next one, as far as it is known; else the first. */
static uint32_t next_place(uint32_t l, uint32_t file)
{
	uint32_t k = c.files[l] ? c.axis[l].front / c.files[l] : 0, all = c.files[l] ? c.axis[l].npos / c.files[l] : 0;
	for (; all > 1 && k < all; k++)
		if (c.place[l][k * nfiles + file] != NOWHERE && c.place[l][k * nfiles + file] >= c.axis[l].front)
			return c.place[l][k * nfiles + file];
	return c.place[l][file];
}

/* Accesses from a file's last one to that position. */
static uint64_t gap(uint32_t l, uint32_t file, uint32_t pos)
{
	double since = (double)c.clock + axis_way(&c.axis[l], pos) - (double)c.read_at[file];
	return c.read_at[file] && since > 0 ? (uint64_t)since : 0;
}

static bool own(uint32_t l, uint32_t file, uint32_t pos)
{
	uint64_t since = c.owned[l].any && pos < c.axis[l].npos ? gap(l, file, pos) : 0;
	return since && owned_at(&c.owned[l], since);
}

static struct use use_of(uint32_t file)
{
	struct use best = { POS_UNKNOWN, 0 };
	bool later = false;
	for (uint32_t l = 0; l < c.naxes; l++) {
		uint32_t p = c.past[l].epochs ? next_place(l, file) : NOWHERE, first = p == NOWHERE ? p : c.place[l][file];
		for (uint32_t k = p == NOWHERE ? 0 : p / c.files[l] + 1; p != NOWHERE && p >= c.axis[l].front && own(l, file, p); k++)
			p = k * c.files[l] < c.axis[l].npos ? c.place[l][k * nfiles + file] : NOWHERE;
		bool coming = c.running[l] && p != NOWHERE && p >= c.axis[l].front && !(c.axis[l].same && p >= end_of(l));
		uint32_t then = c.axis[l].then ? c.after[l][file] : first;
		struct use u = { coming || then == NOWHERE ? p : c.axis[l].npos + then, l };
		later |= c.axis[l].then && then == NOWHERE;
		if (!c.running[l] && c.read_at[file] > c.past[l].ended && !past_due(&c.past[l], c.clock))
			continue;          /* another has read it since, and this one did not come again */
		if ((coming || then != NOWHERE) && (best.pos >= POS_MAX || axis_distance(&c.ctx, u) < axis_distance(&c.ctx, best)))
			best = u;
	}
	if (best.pos >= POS_MAX && later)
		best.pos = POS_NEVER;      /* later than all that is known */
	return best;
}

static void file_anew(void)
{
	memset(c.ctx.state, 0, policy_opt.bytes(&c.shape));
	fronts();
	for (uint32_t f = 0; f < nfiles; f++)
		if (c.in[f])
			policy_opt.insert(&c.ctx, f, c.use[f] = use_of(f));
}

/* The loader's slot: its own, or that of one that is over and has mostly read the same files; else the next. */
static uint32_t slot_of(const struct situation *s, uint32_t loader, const uint32_t *order)
{
	uint32_t n = s->loader[loader].n, l;
	if (c.slot[loader])
		return c.slot[loader] - 1;
	for (l = 0; l < c.naxes; l++) {
		uint32_t both = 0;
		for (uint32_t p = 0; p < n; p++)
			both += c.place[l][order[p]] != NOWHERE;
		if (!c.running[l] && both >= .6 * n && both >= .6 * c.axis[l].npos)
			break;
	}
	for (uint32_t other = 0; other < STREAMS; other++)   /* when that one comes again it looks, too */
		c.slot[other] = c.slot[other] == l + 1 ? 0 : c.slot[other];
	c.naxes += l == c.naxes;
	c.slot[loader] = l + 1;
	c.unheard = c.unheard > n ? c.unheard - n : 0;   /* nobody knew it before */
	return l;
}

/* A next epoch's order counts only where of every loader it is known which files its next one reads: what it does not name is needed later than all
 * that is expected then. */
static void foretold(void)
{
	bool all = true;
	for (uint32_t l = 0; l < c.naxes; l++)
		all &= c.then[l] || c.same[l] || c.whole[l];
	for (uint32_t l = 0; l < c.naxes; l++) {
		c.axis[l].then = all ? c.then[l] : NULL;
		c.axis[l].same = c.same[l] || c.axis[l].then;
	}
}

static void begin(const struct situation *s, const struct step *a)
{
	const uint32_t *order = orders[a->stream][a->epoch];
	uint32_t l = slot_of(s, a->stream, order), files = s->loader[a->stream].n, n = files * passes(s->loader[a->stream].kind);
	struct axis *x = &c.axis[l];
	c.same[l] = x->npos ? x->npos == n && !memcmp(order, x->order, n * 4) : s->loader[a->stream].kind == SEQUENTIAL || s->loader[a->stream].kind == HELD;
	c.whole[l] = s->loader[a->stream].kind == SHUFFLED;
	c.then[l] = s->loader[a->stream].kind == PART ? orders[a->stream][a->epoch + 1] : NULL;
	x->order = order;
	x->npos = n;
	c.files[l] = files;
	c.partners[l] = buffers(s->loader[a->stream].kind) ? 0 : s->loader[a->stream].partners;
	x->front = 0;
	x->scale = x->scale > 0 ? x->scale : 1;
	memset(c.place[l], 0xFF, PASSES * nfiles * sizeof(uint32_t));
	for (uint32_t p = 0; p < x->npos; p++)
		c.place[l][p / files * nfiles + x->order[p]] = p;
	memset(c.after[l], 0xFF, nfiles * sizeof(uint32_t));
	for (uint32_t p = 0; c.then[l] && p < x->npos; p++)
		c.after[l][c.then[l][p]] = p;
	foretold();
	if (!c.running[l])
		past_begin(&c.past[l], c.stirred[l] = c.clock);
	c.running[l] = true;
	c.rate[l].clock = c.clock;
	c.rate[l].pos = 0;
	file_anew();
}

static void end(uint32_t l, uint32_t pos)
{
	uint32_t npos = c.axis[l].npos;
	c.running[l] = false;
	c.left[l] = pos < npos ? pos : 0;
	if (pos == npos && (!c.least[l] || c.least[l] == NOWHERE))
		c.least[l] = NOWHERE;
	else
		c.least[l] = pos < npos && pos <= c.least[l] - !c.least[l] ? pos : c.least[l] + (pos - c.least[l]) / 16 + 1;
	past_end(&c.past[l], c.clock);
}

static void measure(uint32_t l)
{
	struct axis *x = &c.axis[l];
	uint32_t did = x->front - c.rate[l].pos;
	if (did < (x->npos / WINDOW > 32 ? x->npos / WINDOW : 32))
		return;
	x->scale = (x->scale + (double)(c.clock - c.rate[l].clock) / did) / 2;
	c.rate[l].clock = c.clock;
	c.rate[l].pos = x->front;
}

/* Room for one file, if something is worth less. */
static bool room_for(uint32_t file, struct use use)
{
	if (c.used < c.room) {
		c.used++;
		return true;
	}
	fronts();
	struct victim v = policy_opt.victim(&c.ctx, file, use, (struct victim){ .file = FILE_NONE });
	if (v.file == FILE_NONE)
		return false;
	if (!c.in[v.file] || memcmp(&v.use, &c.use[v.file], sizeof(v.use)))
		exit(fprintf(stderr, "expected: file %u is no resident there\n", v.file));
	policy_opt.remove(&c.ctx, v.file, v.use);
	c.in[v.file] = false;
	c.evictions++;
	return true;
}

static void enter(uint32_t file)
{
	c.in[file] = true;
	policy_opt.insert(&c.ctx, file, c.use[file] = use_of(file));
}

/* What is fetched ahead may take, as round.c has it. */
static struct use exchange(uint32_t l, uint32_t due)
{
	const struct axis *x = &c.axis[l];
	struct use seen[SAMPLE], just = { axis_just_read(x->npos), l };
	uint32_t k = 0;
	if (c.partners[l] && due < x->front + 2 * 16)
		return (struct use){ x->front + (x->npos - x->front) / 2, l };
	for (uint32_t i = 0; i < SAMPLE && x->front; i++) {
		struct use u = use_of(x->order[x->front * i / SAMPLE]);
		uint32_t at = k++;
		for (; at && axis_distance(&c.ctx, seen[at - 1]) > axis_distance(&c.ctx, u); at--)
			seen[at] = seen[at - 1];
		seen[at] = u;
	}
	if (k)
		just = seen[k / 2];
	return axis_exchange(&c.ctx, l, just);
}

static void ahead(uint32_t l, uint32_t depth, uint32_t dealt)
{
	const struct axis *x = &c.axis[l];
	for (uint32_t p = x->front; p < x->front + depth && p < reach(l, dealt); p++) {
		uint32_t f = x->order[p];
		if (c.in[f] || own(l, f, p))
			continue;
		fronts();
		if (!room_for(f, exchange(l, p)))
			return;
		c.fetches++;
		enter(f);
	}
}

double expected(const struct situation *s, uint32_t room, uint32_t depth)
{
	memset(&c, 0, sizeof(c));
	c.shape.nfiles = nfiles;
	c.room = room;
	c.in = calloc(nfiles, 1);
	c.use = calloc(nfiles, sizeof(*c.use));
	c.read_at = calloc(nfiles, sizeof(*c.read_at));
	for (uint32_t l = 0; l < STREAMS && s->loader[l].n; l++) {
		c.place[l] = malloc(PASSES * nfiles * 4);
		memset(c.place[l], 0xFF, PASSES * nfiles * 4);
		for (uint32_t k = 0; k < STREAMS; k++) {
			uint32_t npos = axis_room(s->loader[k].n * passes(s->loader[k].kind));
			c.shape.npos[l] = npos > c.shape.npos[l] ? npos : c.shape.npos[l];
		}
		c.after[l] = malloc(nfiles * 4);
		c.shape.naxes = l + 1;
	}
	c.ctx = (struct policy_ctx){ .ops = &policy_opt, .shape = &c.shape, .state = calloc(1, policy_opt.bytes(&c.shape)), .axes = c.axis };
	for (uint32_t i = 0; i < nsteps; i++) {
		const struct step *a = &steps[i];
		bool known = s->loader[a->stream].kind != LATE_RANK || a->epoch;
		uint32_t l;
		if (a->begins && known)
			begin(s, a);
		for (l = 0; l < c.naxes; l++)
			if (c.running[l])
				ahead(l, depth, s->track[0].turns[1] == '|' ? s->loader[1].n / 8 : 0);
		if (a->held) {
			l = c.slot[a->stream] - 1;
			if (gap(l, a->file, a->pos))
				owned_count(&c.owned[l], gap(l, a->file, a->pos), false);
			c.axis[l].front = a->pos + 1;
			if (a->ends)
				end(l, a->pos + 1);
			continue;
		}
		if (known && !a->other && c.read_at[a->file])
			owned_count(&c.owned[c.slot[a->stream] - 1], c.clock + 1 - c.read_at[a->file], true);
		c.unheard += !known;
		c.read_at[a->file] = ++c.clock;
		if (known) {
			l = c.slot[a->stream] - 1;
			if (waits(l)) {
				past_end(&c.past[l], c.stirred[l]);
				past_begin(&c.past[l], c.clock);
			}
			c.stirred[l] = c.clock;
			if (!a->other) {
				c.axis[l].front = a->pos + 1;
				measure(l);
			}
			fronts();
		}
		if (c.in[a->file]) {
			struct use now = use_of(a->file);
			policy_opt.hit(&c.ctx, a->file, c.use[a->file], now);
			c.use[a->file] = now;
		} else {
			c.fetches++;
			if (room_for(a->file, use_of(a->file)))
				enter(a->file);
		}
		if (a->ends && known)
			end(l, a->pos + 1);
	}
	for (uint32_t l = 0; l < STREAMS; l++)
		free(c.place[l]), free(c.after[l]);
	free(c.ctx.state);
	free(c.read_at);
	free(c.in);
	free(c.use);
	return 1 - (double)c.fetches / nopens;
}
