/* random.c - any resident file, each as likely as the other.
 *
 * The residents stand in slots 0 .. count-1; who leaves is replaced by the last one. A first victim is
 * drawn; further ones of the same enumeration follow at a stride that has no factor in common with the
 * count, so that each resident comes up once. The draws depend on shape->seed alone.
 */
#include "policy.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

#define STRIDE UINT64_C(11400714785074694791) /* a prime above 2^32: no factor shared with any count */

struct random {
	uint64_t drawn;
	uint32_t count;
	uint32_t start;                   /* slot that this enumeration began with */
	uint32_t file_in[];               /* [nfiles] slot -> file + 1; then [nfiles] file -> slot + 1 */
};

static uint32_t *slot_of(const struct policy_ctx *c)
{
	return ((struct random *)c->state)->file_in + c->shape->nfiles;
}

static size_t random_bytes(const struct policy_shape *shape)
{
	return (sizeof(struct random) + (size_t)shape->nfiles * 8 + 63) & ~(size_t)63;
}

/* The n-th draw of splitmix64, brought to 0 .. below-1 by multiplication. */
static uint32_t draw(uint64_t seed, uint64_t n, uint32_t below)
{
	uint64_t z = seed + (n + 1) * UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	z ^= z >> 31;
	return (uint32_t)((z >> 32) * below >> 32);
}

static void random_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
}

static void random_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
	struct random *s = c->state;

	if (file >= c->shape->nfiles || s->count >= c->shape->nfiles)
		return;
	s->file_in[s->count] = file + 1;
	slot_of(c)[file] = ++s->count;
}

static void random_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	struct random *s = c->state;
	uint32_t n = c->shape->nfiles, slot, last;

	if (file >= n || !(slot = slot_of(c)[file]) || slot > s->count || s->count > n)
		return;
	last = s->file_in[s->count - 1];
	s->file_in[slot - 1] = last;
	if (last && last <= n)
		slot_of(c)[last - 1] = slot;
	s->file_in[--s->count] = 0;
	slot_of(c)[file] = 0;
}

/* The draws to come: fetches the slot of one, and returns the file of a sooner one, whose slot has been
 * fetched meanwhile. */
static uint32_t coming(const struct policy_ctx *c)
{
	const struct random *s = c->state;
	uint32_t file = s->file_in[draw(c->shape->seed, s->drawn + 3, s->count)] - 1;

	__builtin_prefetch(&s->file_in[draw(c->shape->seed, s->drawn + 7, s->count)], 1);
	if (file < c->shape->nfiles)
		__builtin_prefetch(&slot_of(c)[file], 1);
	return file;
}

static struct victim random_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				   struct victim prev)
{
	struct random *s = c->state;
	uint32_t n = c->shape->nfiles, slot, link;
	struct victim v = { FILE_NONE, { POS_UNKNOWN, 0 }, FILE_NONE };

	if (!s->count || s->count > n)
		return v;
	if (prev.file >= n) {
		slot = s->start = draw(c->shape->seed, s->drawn++, s->count);
		v.coming = coming(c);
	} else {
		uint64_t step = STRIDE % s->count;

		slot = (uint32_t)((slot_of(c)[prev.file] - 1 + step) % s->count);
		if (slot == s->start)     /* all have come up */
			return v;
	}
	link = s->file_in[slot];
	if (link && link <= n)
		v.file = link - 1;
	return v;
}

static void random_soon(const struct policy_ctx *c, uint32_t file, uint32_t sooner)
{
	if (file < c->shape->nfiles)
		__builtin_prefetch(&slot_of(c)[file], 1);
}

const struct policy policy_random = {
	.name = "random", .bytes = random_bytes, .hit = random_hit, .insert = random_insert,
	.remove = random_remove, .victim = random_victim, .soon = random_soon,
};
