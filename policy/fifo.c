/* fifo.c - first in, first out: the file that has been resident longest goes next.
 *
 * The residents stand in a ring in order of arrival: who goes next but one is known without a look at who
 * goes next, where a linked list waits for memory once a victim. A file that leaves from elsewhere than the
 * head leaves its entry behind. A file's entries stand in order of age, so it suffices to count how many of
 * them, the oldest, are void: they are dropped as they are met, and all at once when the ring is full.
 */
#include "policy.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

#define COMING 8                          /* so many victims from now: time enough for memory */

struct fifo {
	uint32_t head, used;              /* slot of the oldest entry; entries from there on */
	uint32_t named;                   /* the victim named last: its entry, counted from the head */
	uint32_t voids;                   /* sum of void_of */
	uint32_t ring[];                  /* [slots] file + 1, or 0: dropped; then void_of */
};

/* A full ring drops a quarter of its files' number at least: O(1) an insertion. */
static uint32_t slots(const struct policy_ctx *c)
{
	return c->shape->nfiles + c->shape->nfiles / 4;
}

static size_t fifo_bytes(const struct policy_shape *shape)
{
	uint32_t n = shape->nfiles;

	return (sizeof(struct fifo) + (size_t)(n + n / 4) * 4 + (size_t)n * 2 + 63) & ~(size_t)63;
}

static struct fifo *fifo(const struct policy_ctx *c)
{
	struct fifo *s = c->state;

	if (s->used > slots(c))           /* damaged */
		s->used = 0;
	return s;
}

static uint16_t *void_of(const struct policy_ctx *c)   /* [nfiles] entries */
{
	return (uint16_t *)(fifo(c)->ring + slots(c));
}

static uint32_t *entry(const struct policy_ctx *c, uint32_t i)   /* the i-th from the head */
{
	struct fifo *s = c->state;
	uint64_t n = slots(c), at = (uint64_t)s->head + i;

	at -= at >= n ? n : 0;
	return &s->ring[at < n ? at : 0];
}

/* Is the i-th entry a resident's? A void one is dropped. All before it must have been looked at. */
static bool live(const struct policy_ctx *c, uint32_t i)
{
	struct fifo *s = c->state;
	uint32_t *link = entry(c, i);

	if (!*link || *link > c->shape->nfiles)
		return false;
	if (!s->voids || !void_of(c)[*link - 1])
		return true;
	void_of(c)[*link - 1]--;
	s->voids--;
	*link = 0;
	return false;
}

static void behead(const struct policy_ctx *c)
{
	struct fifo *s = c->state;

	s->head = (uint32_t)(entry(c, 1) - s->ring);
	s->used--;
}

static void compact(const struct policy_ctx *c)
{
	struct fifo *s = fifo(c);
	uint32_t kept = 0;

	for (uint32_t i = 0; i < s->used; i++)
		if (live(c, i))
			*entry(c, kept++) = *entry(c, i);
	s->used = kept;
}

static void fifo_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
}

static void fifo_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
	struct fifo *s = fifo(c);

	if (s->used == slots(c))
		compact(c);
	if (file < c->shape->nfiles && s->used < slots(c))
		*entry(c, s->used++) = file + 1;
}

static void fifo_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	struct fifo *s = fifo(c);

	if (file >= c->shape->nfiles)
		return;
	while (s->used && !live(c, 0))
		behead(c);
	if (s->used && *entry(c, 0) == file + 1) {
		behead(c);
		return;
	}
	if (void_of(c)[file] == UINT16_MAX)
		compact(c);
	void_of(c)[file]++;
	s->voids++;
}

static struct victim fifo_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				 struct victim prev)
{
	struct fifo *s = fifo(c);
	struct victim v = { FILE_NONE, { POS_UNKNOWN, 0 }, FILE_NONE };

	s->named = prev.file < c->shape->nfiles ? s->named + 1 : 0;
	while (s->named < s->used && !live(c, s->named))
		s->named++;
	if (s->named < s->used)
		v.file = *entry(c, s->named) - 1;
	if (s->named < s->used && s->used - s->named > COMING)
		v.coming = *entry(c, s->named + COMING) - 1;
	if (s->voids && v.coming < c->shape->nfiles)
		__builtin_prefetch(&void_of(c)[v.coming], 1);
	return v;
}

const struct policy policy_fifo = {
	.name = "fifo", .bytes = fifo_bytes, .hit = fifo_hit, .insert = fifo_insert,
	.remove = fifo_remove, .victim = fifo_victim,
};
