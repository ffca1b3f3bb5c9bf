/* axis.h - how far ahead a use lies, and whose it is. Part of policy.h.
 *
 * Known and expected uses are compared on one scale of distances. Where an epoch comes in the order of the last one, the
 * expected place is npos + p itself. Where it is drawn anew, each file's is anywhere in it: all have the mean, and tie; so
 * none of them displaces another.
 */
#ifndef OPT4_AXIS_H
#define OPT4_AXIS_H


static inline double axis_scale(const struct axis *a)
{
	return a->scale > 0 ? a->scale : 1;
}

/* What the order says of a file so far ahead, and chance as well: as often as by both together. (Rates add up; no draw comes while the
 * loader is not read, but its pauses between passes are reckoned as if some did.) Monotone, so that on one axis it changes nothing;
 * another's files, which only their order opens, go first. */
static inline double axis_chance(const struct axis *a, double d)
{
	double read = d - a->away;

	return a->chance > 0 && read > 0 ? a->away + read * a->chance / (read + a->chance) : d;
}

/* Pauses before that position, from its order's beginning. */
static inline uint32_t axis_pauses(const struct axis *a, uint32_t pos)
{
	return a->pass && pos >= a->pause_at ? (pos - a->pause_at) / a->pass + 1 : 0;
}

/* How far ahead a position of its order lies: before each pass others come. */
static inline double axis_way(const struct axis *a, uint32_t pos)
{
	double way = a->away + ((double)pos - a->front) * axis_scale(a);

	return a->pass ? way + a->pause * ((double)axis_pauses(a, pos) - axis_pauses(a, a->front)) : way;
}

/* The position, or a little beyond it, that lies so far ahead. */
static inline double axis_at(const struct axis *a, double way)
{
	double scale = axis_scale(a), from = way - a->away + ((double)a->front - a->pause_at) * scale + a->pause * axis_pauses(a, a->front), k, in;

	if (!a->pass)
		return (way - a->away) / scale + a->front;
	if (from < a->pause)
		return a->pause_at + (from < 0 ? from / scale : 0);
	k = (from - a->pause) / (a->pass * scale + a->pause);
	if (k >= POS_MAX)
		return POS_MAX;
	k = (double)(uint32_t)k;
	in = (from - a->pause - k * (a->pass * scale + a->pause)) / scale;
	return a->pause_at + k * a->pass + (in < a->pass ? in : a->pass);
}

/* Strictly monotone in pos on each axis, but for what is expected anywhere in an epoch: 32-bit integers times a number
 * stay apart in a double. What has just been read in the same order as before lies about the front; half a position less,
 * so that a tie is none. */
static inline double axis_distance(const struct policy_ctx *c, struct use u)
{
	const struct axis *a = &c->axes[u.axis];
	double into = 0;

	if (u.pos == POS_UNKNOWN)
		return c->unknown;
	if (c->shape->naxes == 1 && c->shape->npos[0] == a->npos) /* one trace: positions serve */
		return u.pos;
	if (u.pos < a->npos)
		return axis_chance(a, axis_way(a, u.pos));
	if (u.pos == axis_just_read(a->npos))
		into = (a->same ? a->front / 2. : 0) - .5;
	else if (a->same)
		into = u.pos - a->npos;
	return axis_chance(a, a->again + into * axis_scale(a));
}

/* Is it expected, but anywhere in an epoch? */
static inline bool axis_guess(const struct axis *a, struct use u)
{
	return u.pos >= a->npos && u.pos < axis_just_read(a->npos) && !a->same;
}

/* What the distance of a victim on `axis` (naxes: of unknown use) must be above, for this candidate. One that is expected anywhere
 * in an epoch takes the place only of what is needed clearly later: ranks in step, each a little ahead of the other in turn, would
 * else exchange their files for nothing, and an exchange may come to grief on an open file. What makes room for a fetch ahead is
 * "just read": no guess, but of another axis's files that are expected anywhere some are about to be read, by the rank that begins
 * its epoch last. */
static inline double axis_needed(const struct policy_ctx *c, struct use cand, uint32_t axis, bool guess)
{
	const struct axis *a = &c->axes[cand.axis];
	double d = axis_distance(c, cand);
	bool just = cand.pos == axis_just_read(a->npos) && axis != cand.axis && guess;

	return axis_guess(a, cand) || just ? d + (d > 0 ? d : -d) / 8 : d;
}

/* How far ahead what no order names may be needed, as far as this axis is concerned (length: accesses of an epoch): it may be one's
 * of the next epoch (another rank's now, or a list that is drawn anew), or of a loader that nobody sees. As soon as any that is
 * expected, and a little sooner than what has just been read: that is what goes for a fetch ahead. */
static inline double axis_unnamed(const struct axis *a, double length)
{
	return axis_chance(a, a->again + (a->same ? length / 2 : 0) - axis_scale(a));
}

/* The file of a position as this process sees the axis, or FILE_NONE. */
static inline uint32_t axis_file(const struct policy_ctx *c, uint32_t axis, uint32_t pos)
{
	const struct axis *a = &c->axes[axis];
	const uint32_t *order = pos >= a->npos && a->then ? a->then : a->order;
	uint32_t at = pos < a->npos ? pos : pos - a->npos, file = at < a->npos ? order[at] : FILE_NONE;

	if (a->map)
		file = file < a->nmap ? a->map[file] : FILE_NONE;
	return file < c->shape->nfiles ? file : FILE_NONE;
}

/* What may go for what is fetched ahead on axis n: what is needed no sooner than `just`, a file of it that has just been read. Of
 * those that are expected anywhere in an epoch any of its like may go; but not of another axis: of its files some are about to
 * be read (two ranks of which one begins its epoch first), and this one's has been. */
static inline struct use axis_exchange(const struct policy_ctx *c, uint32_t n, struct use just)
{
	const struct axis *a = &c->axes[just.axis];

	if (just.pos >= POS_MAX || just.pos < a->npos || a->same)
		return just;
	return (struct use){ axis_just_read(c->axes[n].npos), n };
}

/* axis_chance() backwards; what chance alone brings sooner is as far as can be. */
static inline double axis_order(const struct axis *a, double limit)
{
	double read = limit - a->away;

	if (a->chance <= 0 || read <= 0)
		return limit;
	return read < a->chance ? a->away + read * a->chance / (a->chance - read) : 1e300;
}

/* A position above all that are nearer than `limit` (or as near, with ties); a little more, so that rounding hides none. */
static inline uint32_t axis_above(const struct axis *a, double limit, bool ties)
{
	double again = axis_chance(a, a->again), order = axis_order(a, limit);
	double known = axis_at(a, order) + 2, expected = (order - a->again) / axis_scale(a) + 2;

	if (!a->same)
		expected = again < limit || (ties && again == limit) ? a->npos : 0;
	if (expected > 0)
		return a->npos + (expected < a->npos ? (uint32_t)expected : a->npos);
	return known >= a->npos ? a->npos : known > 0 ? (uint32_t)known : 0;
}

#endif
