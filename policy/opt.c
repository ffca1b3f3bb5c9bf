/* opt.c - Belady's rule: the file needed furthest in the future goes next, and nothing goes for a
 * candidate that is needed later still (bypass).
 *
 * A resident file is filed under its next use, in one of naxes + 2 hierarchical bitsets that lie one after
 * the other: set a < naxes over the positions of axis a (bit p set iff the file of p is resident and needs
 * p next, or is expected there), then two over files: of unknown use, and never needed again. Eviction order: never,
 * unknown (both by falling file number), then the known and expected by falling distance, the lower axis first in a tie.
 */
#include "policy.h"
#include "bits.h"

static const struct victim none = { FILE_NONE, { POS_UNKNOWN, 0 }, FILE_NONE };
static uint32_t size_of(const struct policy_shape *shape, uint32_t set)
{
	return set < shape->naxes ? shape->npos[set] : shape->nfiles;
}

static size_t opt_bytes(const struct policy_shape *shape)
{
	size_t total = 0;
	for (uint32_t set = 0; set < shape->naxes + 2; set++)
		total += bits_bytes(size_of(shape, set));
	return total;
}

static uint64_t *bits_of(const struct policy_ctx *c, uint32_t set)
{
	uint64_t *b = c->state;
	for (uint32_t s = 0; s < set; s++)
		b += bits_bytes(size_of(c->shape, s)) / 8;
	return b;
}

/* The set that a use belongs to. A position that the axis does not have (damaged trace) is no knowledge. */
static uint32_t set_for(const struct policy_shape *shape, struct use u)
{
	if (u.pos == POS_NEVER)
		return shape->naxes + 1;
	return u.axis < shape->naxes && u.pos < shape->npos[u.axis] ? u.axis : shape->naxes;
}

static void change(const struct policy_ctx *c, uint32_t file, struct use u, void (*op)(uint64_t *, uint32_t, uint32_t))
{
	uint32_t set = set_for(c->shape, u), bit = set < c->shape->naxes ? u.pos : file;

	if (bit < size_of(c->shape, set))
		op(bits_of(c, set), size_of(c->shape, set), bit);
}

static void opt_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
	change(c, file, now, bits_set);
}

static void opt_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	change(c, file, old, bits_clear);
}

static void opt_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
	opt_remove(c, file, old);
	opt_insert(c, file, now);
}

/* The resident on `axis` that follows `prev` (FILE_NONE: the last of all) in the order of eviction. */
static struct victim last_on(const struct policy_ctx *c, uint32_t axis, struct victim prev)
{
	bool here = prev.file != FILE_NONE && prev.use.pos < POS_MAX && axis == prev.use.axis, all = prev.file == FILE_NONE || here;
	bool ties = !all && prev.use.pos < POS_MAX && axis > prev.use.axis;
	double limit = all ? 0 : axis_distance(c, prev.use);
	uint32_t p = here ? prev.use.pos : all ? c->shape->npos[axis] : axis_above(&c->axes[axis], limit, ties);

	while ((p = bits_below(bits_of(c, axis), c->shape->npos[axis], p)) != BITS_NONE) {
		struct victim v = { axis_file(c, axis, p), { p, axis }, FILE_NONE };
		if (v.file != FILE_NONE && (all || axis_distance(c, v.use) < limit || (ties && axis_distance(c, v.use) == limit)))
			return v;
	}
	return none;
}

/* The same, if it is needed late enough for the candidate. Those expected anywhere in an epoch tie: one stands for all. */
static inline struct victim last_worth(const struct policy_ctx *c, uint32_t axis, struct victim prev, struct use cand)
{
	struct victim v = last_on(c, axis, prev);
	bool guess = v.file != FILE_NONE && axis_guess(&c->axes[axis], v.use);

	if (guess && axis_distance(c, v.use) <= axis_needed(c, cand, axis, true))
		v = last_on(c, axis, (struct victim){ v.file, { c->axes[axis].npos, axis }, FILE_NONE }), guess = false;
	return v.file != FILE_NONE && axis_distance(c, v.use) > axis_needed(c, cand, axis, guess) ? v : none;
}

/* The next of those over files, of unknown use or never needed again. */
static inline struct victim last_of(const struct policy_ctx *c, uint32_t set, struct victim prev)
{
	bool here = prev.file != FILE_NONE && set_for(c->shape, prev.use) == set;
	uint32_t file = bits_below(bits_of(c, set), c->shape->nfiles, here ? prev.file : FILE_NONE);

	return file == BITS_NONE ? none : (struct victim){ file, { set > c->shape->naxes ? POS_NEVER : POS_UNKNOWN, 0 }, FILE_NONE };
}

static struct victim opt_victim(const struct policy_ctx *c, __attribute__((unused)) uint32_t cand, struct use cand_use, struct victim prev)
{
	uint32_t naxes = c->shape->naxes, mine = set_for(c->shape, cand_use);
	uint32_t from = prev.file == FILE_NONE ? naxes + 1 : set_for(c->shape, prev.use);
	struct victim best = none;

	if (from > naxes && mine <= naxes) {
		best = last_of(c, naxes + 1, prev);
		prev = none;
	}
	if (best.file != FILE_NONE || mine >= naxes) /* a tie, or a candidate needed even later: they stay */
		return best;
	if (c->unknown <= 0 ? from >= naxes
			    : (prev.file == FILE_NONE || axis_distance(c, prev.use) >= c->unknown) && c->unknown > axis_needed(c, cand_use, naxes, true))
		best = last_of(c, naxes, prev);
	if (c->unknown <= 0 && best.file != FILE_NONE)
		return best;
	if (c->unknown <= 0 && from >= naxes)
		prev = none;
	if (naxes == 1 && c->shape->npos[0] == c->axes[0].npos) { /* one trace: by position alone */
		best = last_on(c, 0, prev);
		return best.file != FILE_NONE && best.use.pos > cand_use.pos ? best : none;
	}
	for (uint32_t a = 0; a < naxes; a++) {
		struct victim v = last_worth(c, a, prev, cand_use);
		if (v.file != FILE_NONE && (best.file == FILE_NONE || axis_distance(c, v.use) > axis_distance(c, best.use)
					    || (best.use.pos == POS_UNKNOWN && axis_distance(c, v.use) == c->unknown)))
			best = v;
	}
	return best;
}

static struct victim opt_soonest(const struct policy_ctx *c, uint32_t axis)
{
	uint32_t n = axis < c->shape->naxes ? c->shape->npos[axis] : 0, p = 0;

	for (; n && (p = bits_from(bits_of(c, axis), n, p)) != BITS_NONE; p++) {
		struct victim v = { axis_file(c, axis, p), { p, axis }, FILE_NONE };
		if (v.file != FILE_NONE)
			return v;
	}
	return none;
}

const struct policy policy_opt = {
	.name = "opt", .bytes = opt_bytes, .hit = opt_hit, .insert = opt_insert,
	.remove = opt_remove, .victim = opt_victim, .soonest = opt_soonest,
};
