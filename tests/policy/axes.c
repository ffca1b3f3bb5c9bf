/* axes.c - `axes SEED ROUNDS`: what the simulator does not reach of policy.h.
 *
 * opt over one and several axes against a plain table of (file, use) that is searched from end to end:
 * whole enumerations for random candidates, soonest, and the bitsets themselves. The bitset against an
 * array of bool. The other policies: every resident comes up once, in the policy's order also where files
 * have left from the middle of it, and victim() leaves the state as it was. The state moves to another
 * address all along: it may hold no pointers. Damaged, it leads to no access outside of it. */
#include "../../policy/bits.h"
#include "../../policy/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x) do { if (!(x)) { fprintf(stderr, "axes: line %d: %s\n", __LINE__, #x); exit(1); } } while (0)
#define FILES 60
#define LONGEST 400

static uint64_t rng;

static uint32_t below(uint32_t n)
{
	rng = rng * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((rng >> 33) % n);
}

static void bits(void)
{
	static bool member[300000];
	uint32_t n = 1 + below(below(2) ? 300 : 300000), full = below(2);
	uint64_t *b = calloc(1, bits_bytes(n));

	memset(member, 0, sizeof(member));
	CHECK(bits_bytes(n) % 64 == 0 && bits_bytes(0) == 0);
	for (int i = 0; i < 400; i++) {
		uint32_t k = below(4) ? below(n) : below(2) ? n - 1 - below(n < 70 ? n : 70) : below(n < 70 ? n : 70);
		uint32_t want = BITS_NONE, at = below(n + 2);

		member[k] = full ? below(4) : below(2);
		(member[k] ? bits_set : bits_clear)(b, n, k);
		CHECK(bits_test(b, k) == member[k]);
		for (uint32_t j = 0; j < n && j < at; j++)
			want = member[j] ? j : want;
		CHECK(bits_below(b, n, at) == want);
		want = BITS_NONE;
		for (uint32_t j = n; j-- > at; )
			want = member[j] ? j : want;
		CHECK(bits_from(b, n, at) == want);
	}
	free(b);
}

struct model {
	struct policy_shape shape;
	struct axis axis[AXES_MAX];
	struct policy_ctx ctx;
	uint64_t clock;
	struct { bool in; struct use use; uint64_t rank; } file[FILES];   /* the lower rank goes first */
};

/* Accesses until that position: others come before each pass. */
static double way(const struct axis *a, uint32_t pos)
{
	double d = a->away + ((double)pos - a->front) * (a->scale > 0 ? a->scale : 1);

	for (uint32_t p = pos < a->front ? pos + 1 : a->front + 1, end = pos < a->front ? a->front : pos; a->pass && p <= end; p++)
		if (p >= a->pause_at && (p - a->pause_at) % a->pass == 0)
			d += pos < a->front ? -a->pause : a->pause;
	return d;
}

/* No sooner than what is left of its order; often the same for several axes, and so where others' positions lie. */
static void again(struct axis *a)
{
	a->same = below(2);
	a->again = way(a, a->npos) + (below(2) ? 0 : below(LONGEST));
	if (below(2) && a->again <= LONGEST)
		a->again = LONGEST;
}

static void setup(struct model *m, const struct policy *policy, uint32_t naxes, bool mapped)
{
	memset(m, 0, sizeof(*m));
	m->shape = (struct policy_shape){ .nfiles = FILES, .naxes = naxes, .seed = below(1u << 30) };
	for (uint32_t a = 0; a < naxes; a++) {
		uint32_t n = below(8) ? 1 + below(LONGEST) : 0;
		uint32_t *order = calloc(n + 1, 4), *map = mapped ? calloc(FILES, 4) : NULL;

		for (uint32_t i = 0; i < n; i++)
			order[i] = below(FILES);
		for (uint32_t i = 0; mapped && i < FILES; i++)
			map[i] = (i * 7 + a) % FILES;
		m->shape.npos[a] = n;
		m->axis[a] = (struct axis){ order, map, FILES, n, below(n + 1),
					    below(2) ? 1 : below(2) ? .25 * (1 + below(16)) : (1 + below(1000)) / 333., 0, false, below(3) ? 0 : below(1000),
					    below(2) ? 0 : 1 + below(LONGEST), NULL, 0, 0, 0 };
		if (below(3) == 0) {
			m->axis[a].pass = 1 + below(LONGEST);
			m->axis[a].pause_at = below(LONGEST / 2);
			m->axis[a].pause = below(2) ? below(LONGEST) : .25 * below(LONGEST);
		}
		if (below(2))              /* it comes round again: files may be expected there */
			m->shape.npos[a] = axis_room(n);
		again(&m->axis[a]);
	}
	m->ctx = (struct policy_ctx){ .ops = policy, .shape = &m->shape, .state = calloc(1, policy->bytes(&m->shape) + 1), .axes = m->axis };
	CHECK(policy->bytes(&m->shape) % 64 == 0);
}

static void relocate(struct model *m)
{
	size_t n = m->ctx.ops->bytes(&m->shape);
	void *copy = malloc(n + 1);

	memcpy(copy, m->ctx.state, n);
	memset(m->ctx.state, 0xA5, n);
	free(m->ctx.state);
	m->ctx.state = copy;
}

/* A use that a file can have: a position that names it and is nobody else's, or none. */
static struct use a_use(const struct model *m, uint32_t file)
{
	if (below(6) == 0)
		return (struct use){ below(2) ? POS_NEVER : POS_UNKNOWN, 0 };
	for (int tries = 0; tries < 200; tries++) {
		uint32_t a = below(m->shape.naxes), n = m->axis[a].npos, p = n ? below(n) : 0;

		if (n && (m->axis[a].map ? m->axis[a].map[m->axis[a].order[p]] : m->axis[a].order[p]) == file)
			return (struct use){ m->shape.npos[a] > n && below(2) ? p + n : p, a };
	}
	return (struct use){ POS_UNKNOWN, 0 };
}

/* Chance opens a file of this axis, too: both rates together, once the loader is read. */
static double chance(const struct axis *a, double d)
{
	return a->chance > 0 && d > a->away ? a->away + (d - a->away) * a->chance / (d - a->away + a->chance) : d;
}

/* Descending worth of eviction: never, unknown (unless the caller says where that is; a candidate always), distance. */
static double far(const struct model *m, struct use u, bool wanted)
{
	if (u.pos >= POS_UNKNOWN)
		return u.pos == POS_NEVER ? 1e300 : m->ctx.unknown > 0 && !wanted ? m->ctx.unknown : 1e299;
	const struct axis *a = &m->axis[u.axis];
	if (m->shape.naxes == 1 && m->shape.npos[0] == a->npos)
		return u.pos;
	if (u.pos < a->npos)
		return chance(a, way(a, u.pos));
	if (u.pos == 2 * a->npos)          /* a candidate only: what has just been read, or a little less */
		return chance(a, a->again + ((a->same ? a->front * .5 : 0) - .5) * a->scale);
	return chance(a, a->again + (a->same ? (u.pos - a->npos) * a->scale : 0));
}

static bool anywhere(const struct model *m, struct use u)
{
	return u.pos >= m->axis[u.axis].npos && u.pos < 2 * m->axis[u.axis].npos && !m->axis[u.axis].same;
}

/* A candidate that is expected anywhere in an epoch must be needed an eighth sooner; what stands for "just read" only than what is
 * expected anywhere on another axis, or unknown. */
static double needed(const struct model *m, struct use cand, struct use v)
{
	double d = far(m, cand, true);
	bool just = cand.pos == 2 * m->axis[cand.axis].npos;
	bool others = v.pos == POS_UNKNOWN ? m->ctx.unknown > 0 : v.pos < POS_UNKNOWN && v.axis != cand.axis && anywhere(m, v);

	return anywhere(m, cand) || (just && others) ? d + (d < 0 ? -d : d) / 8 : d;
}

/* What lru, fifo and lfu go by, where the file is read now. */
static uint64_t ranked(struct model *m, uint32_t f)
{
	uint64_t was = m->file[f].in ? m->file[f].rank : 0;

	m->clock++;
	if (m->ctx.ops == &policy_fifo)
		return was ? was : m->clock;
	if (m->ctx.ops == &policy_lru)
		return m->clock;
	return m->ctx.ops == &policy_lfu ? ((was >> 32) + 1) << 32 | m->clock : 0;
}

/* again: right after another enumeration, so that `fifo` has nothing to tidy. */
static void enumerate(struct model *m, struct use cand, bool again)
{
	struct victim v = { .file = FILE_NONE };
	bool seen[FILES] = { false };
	bool opt = m->ctx.ops == &policy_opt, keeps = m->ctx.ops == &policy_keep;
	size_t n = m->ctx.ops->bytes(&m->shape);
	void *before = malloc(n + 1);
	double last = 1e301;
	uint64_t rank = 0;

	memcpy(before, m->ctx.state, n);
	while ((v = m->ctx.ops->victim(&m->ctx, 0, cand, v)).file != FILE_NONE) {
		CHECK(v.file < FILES && m->file[v.file].in && !seen[v.file]);
		seen[v.file] = true;
		if (!opt) {
			CHECK(v.use.pos == POS_UNKNOWN && v.use.axis == 0 && m->file[v.file].rank >= rank);
			rank = m->file[v.file].rank;
			continue;
		}
		CHECK(!memcmp(&v.use, &m->file[v.file].use, sizeof(v.use)));
		CHECK(far(m, v.use, false) > needed(m, cand, v.use) && far(m, v.use, false) <= last);
		last = far(m, v.use, false);
	}
	for (uint32_t f = 0; f < FILES; f++)       /* nobody was left out */
		CHECK(seen[f] == (m->file[f].in && !keeps && (!opt || far(m, m->file[f].use, false) > needed(m, cand, m->file[f].use))));
	CHECK(m->ctx.ops == &policy_random || (m->ctx.ops == &policy_fifo && !again) || !memcmp(before, m->ctx.state, n));
	free(before);
}

static void soonest(const struct model *m)
{
	for (uint32_t a = 0; a < m->shape.naxes; a++) {
		struct victim v = m->ctx.ops->soonest(&m->ctx, a);
		uint32_t want = FILE_NONE;

		for (uint32_t f = 0; f < FILES; f++)
			if (m->file[f].in && m->file[f].use.pos < POS_UNKNOWN && m->file[f].use.axis == a
			    && (want == FILE_NONE || m->file[f].use.pos < m->file[want].use.pos))
				want = f;
		CHECK(v.file == want && (want == FILE_NONE || v.use.pos == m->file[want].use.pos));
	}
	CHECK(m->ctx.ops->soonest(&m->ctx, AXES_MAX).file == FILE_NONE);
}

/* A bit is set iff a resident file is filed there. */
static void exact_bits(const struct model *m)
{
	const uint64_t *b = m->ctx.state;

	for (uint32_t a = 0; a < m->shape.naxes; b += bits_bytes(m->shape.npos[a++]) / 8) {
		uint32_t set = 0, filed = 0;

		for (uint32_t p = 0; p < m->shape.npos[a]; p++)
			set += bits_test(b, p);
		for (uint32_t f = 0; f < FILES; f++)
			if (m->file[f].in && m->file[f].use.pos < POS_UNKNOWN && m->file[f].use.axis == a) {
				CHECK(bits_test(b, m->file[f].use.pos));
				filed++;
			}
		CHECK(set == filed);
	}
}

static void ops(const struct policy *policy, uint32_t naxes)
{
	struct model m;

	setup(&m, policy, naxes, below(2));
	for (int i = 0; i < 500; i++) {
		uint32_t f = below(FILES);
		struct use now = a_use(&m, f), old = m.file[f].use;

		if (!m.file[f].in)
			policy->insert(&m.ctx, f, now);
		else if (below(3))
			policy->hit(&m.ctx, f, old, now);
		else {
			policy->remove(&m.ctx, f, old);
			m.file[f].in = false;
			continue;
		}
		m.file[f].rank = ranked(&m, f);
		m.file[f].in = true;
		m.file[f].use = now;
		if (below(16) == 0)
			relocate(&m);
		for (uint32_t a = 0; a < naxes; a++)  /* fronts move; some positions fall behind */
			if (below(8) == 0) {
				m.axis[a].front = below(m.axis[a].npos + 1);
				again(&m.axis[a]);
			}
		if (below(8) == 0 && (naxes > 1 || m.shape.npos[0] > m.axis[0].npos))
			m.ctx.unknown = below(2) ? 0 : below(2) ? LONGEST : below(2 * LONGEST);
		struct use cand = a_use(&m, below(FILES));
		if (cand.pos < POS_UNKNOWN && m.shape.npos[cand.axis] > m.axis[cand.axis].npos && below(4) == 0)
			cand.pos = axis_just_read(m.axis[cand.axis].npos);
		enumerate(&m, cand, false);
		enumerate(&m, cand, true);
		if (policy->soonest) {
			soonest(&m);
			exact_bits(&m);
		}
	}
	for (uint32_t f = 0; f < FILES; f++)       /* emptied, it is as new: nobody is left */
		if (m.file[f].in)
			policy->remove(&m.ctx, f, m.file[f].use);
	struct use soon = { 0, 0 };
	struct victim start = { .file = FILE_NONE };
	CHECK(policy->victim(&m.ctx, 0, soon, start).file == FILE_NONE);
	for (uint32_t a = 0; a < naxes; a++) {
		free((void *)m.axis[a].order);
		free((void *)m.axis[a].map);
	}
	free(m.ctx.state);
}

/* Positions, axes and files that are not there: no crash, and taken for unknown. */
static void nonsense(void)
{
	uint32_t order[4] = { 0, 77, 2, 3 };
	struct policy_shape shape = { .nfiles = 4, .naxes = 1, .npos = { 4 } };
	struct axis axis = { .order = order, .npos = 4, .scale = 1 };
	struct victim start = { .file = FILE_NONE }, v;
	static const char *const names[] = { "opt", "lru", "lfu", "fifo", "random", "keep" };

	for (size_t i = 0; i < 6; i++) {
		const struct policy *p = policy_find(names[i]);
		CHECK(p && !strcmp(p->name, names[i]) && !p->soonest == (p != &policy_opt));
		struct policy_ctx c = { .ops = p, .shape = &shape, .state = calloc(1, p->bytes(&shape) + 1), .axes = &axis };

		p->insert(&c, 1, (struct use){ 99, 0 });
		p->insert(&c, 2, (struct use){ 1, 9 });
		p->insert(&c, 4, (struct use){ POS_NEVER, 0 });
		p->remove(&c, 1u << 31, (struct use){ POS_NEVER, 0 });
		v = p->victim(&c, 0, (struct use){ 0, 0 }, start);
		CHECK(p == &policy_keep ? v.file == FILE_NONE : v.file == 1 || v.file == 2);
		p->remove(&c, 1, (struct use){ 99, 0 });
		p->remove(&c, 2, (struct use){ 1, 9 });
		if (p == &policy_opt) {   /* position 1 names a file that is not there: passed over */
			p->insert(&c, 0, (struct use){ 1, 0 });
			p->insert(&c, 3, (struct use){ 3, 0 });
			v = p->victim(&c, 0, (struct use){ 0, 0 }, start);
			CHECK(v.file == 3 && p->victim(&c, 0, (struct use){ 0, 0 }, v).file == FILE_NONE);
			CHECK(p->soonest(&c, 0).file == 3);
		}
		free(c.state);
	}
	CHECK(!policy_find("belady") && !policy_find(""));
}

/* Anything in the state: wrong victims at worst. What is read and written outside, the sanitizers tell. */
static void damaged(const struct policy *policy)
{
	struct model m;

	setup(&m, policy, 1, false);
	for (size_t i = 0, n = policy->bytes(&m.shape); i + 4 <= n; i += 4) {
		uint32_t word = below(4) ? below(FILES + 3) : below(1u << 31) * 2 + below(2);

		if (below(8))
			memcpy((char *)m.ctx.state + i, &word, 4);
	}
	struct victim v = { .file = FILE_NONE };
	for (int i = 0; i < 300; i++) {
		uint32_t f = below(FILES);
		struct use now = a_use(&m, f);

		switch (below(5)) {
		case 0: policy->insert(&m.ctx, f, now); break;
		case 1: policy->remove(&m.ctx, f, now); break;
		case 2: policy->hit(&m.ctx, f, now, a_use(&m, f)); break;
		case 3: v.file = FILE_NONE; /* fall through */
		default: v = policy->victim(&m.ctx, 0, now, v);
		}
		CHECK(v.file == FILE_NONE || v.file < FILES);
		if (policy->soon)
			policy->soon(&m.ctx, f, below(FILES + 1));
	}
	free((void *)m.axis[0].order);
	free(m.ctx.state);
}

int main(int argc, char **argv)
{
	static const struct policy *const all[] = {
		&policy_lru, &policy_lfu, &policy_fifo, &policy_random, &policy_keep,
	};

	if (argc != 3)
		return 2;
	rng = strtoull(argv[1], NULL, 0);
	nonsense();
	for (int round = atoi(argv[2]); round-- > 0; ) {
		bits();
		for (uint32_t naxes = 1; naxes <= AXES_MAX; naxes += 1 + below(3))
			ops(&policy_opt, naxes);
		ops(all[below(5)], 1);
		for (int i = 0; i < 5; i++)
			damaged(all[i]);
		damaged(&policy_opt);
	}
	return 0;
}
