/* random.c - any resident file, each as likely as the other.
 *
 * The residents stand in slots 0 .. count-1; who leaves is replaced by the last one. A first victim is
 * drawn; further ones of the same enumeration follow at a stride that has no factor in common with the
 * count, so that each resident comes up once. The draws depend on shape->seed alone.
 */
#include "policy.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

#define STRIDE UINT64_C(11400714785074694791) /* a prime above 2^32: no factor shared with any count */

struct place { uint32_t slot, file; };    /* both + 1; .slot of file i and .file of slot i share an index */

struct random {
	uint64_t drawn;
	uint32_t count;
	uint32_t start;                   /* slot that this enumeration began with */
	struct place at[];                /* [nfiles] */
};

static size_t random_bytes(const struct policy_shape *shape)
{
	return (sizeof(struct random) + (size_t)shape->nfiles * sizeof(struct place) + 63) & ~(size_t)63;
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
	s->at[s->count].file = file + 1;
	s->at[file].slot = ++s->count;
}

static void random_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	struct random *s = c->state;
	uint32_t n = c->shape->nfiles, slot, last;

	if (file >= n || !(slot = s->at[file].slot) || slot > s->count || s->count > n)
		return;
	last = s->at[s->count - 1].file;
	s->at[slot - 1].file = last;
	if (last && last <= n)
		s->at[last - 1].slot = slot;
	s->at[--s->count].file = 0;
	s->at[file].slot = 0;
}

static struct victim random_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				   struct victim prev)
{
	struct random *s = c->state;
	uint32_t n = c->shape->nfiles, slot, link;

	if (!s->count || s->count > n)
		goto none;
	if (prev.file >= n) {
		slot = s->start = draw(c->shape->seed, s->drawn++, s->count);
	} else {
		uint64_t step = STRIDE % s->count;

		slot = (uint32_t)((s->at[prev.file].slot - 1 + step) % s->count);
		if (slot == s->start)     /* all have come up */
			goto none;
	}
	link = s->at[slot].file;
	if (link && link <= n)
		return (struct victim){ link - 1, { POS_UNKNOWN, 0 } };
none:
	return (struct victim){ FILE_NONE, { POS_UNKNOWN, 0 } };
}

static void random_soon(const struct policy_ctx *c, uint32_t file)
{
	struct random *s = c->state;
	uint32_t n = c->shape->nfiles, link;

	if (file >= n || !s->count || s->count > n)
		return;
	__builtin_prefetch(&s->at[file], 1);
	/* the draws to come: which slots, and who stands in those that have been fetched meanwhile */
	__builtin_prefetch(&s->at[draw(c->shape->seed, s->drawn + 8, s->count)], 1);
	link = s->at[draw(c->shape->seed, s->drawn + 3, s->count)].file;
	if (link && link <= n)
		__builtin_prefetch(&s->at[link - 1], 1);
}

const struct policy policy_random = {
	.name = "random", .bytes = random_bytes, .hit = random_hit, .insert = random_insert,
	.remove = random_remove, .victim = random_victim, .soon = random_soon,
};
