/* lru.c - least recently used: the file whose last access is longest ago goes next. */
#include "policy.h"
#include "list.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

struct lru {
	struct list order;                /* head: the least recently used */
	struct link at[];                 /* [nfiles] */
};

static struct links links(const struct policy_ctx *c)
{
	return (struct links){ ((struct lru *)c->state)->at, sizeof(struct link), c->shape->nfiles };
}

static size_t lru_bytes(const struct policy_shape *shape)
{
	return (sizeof(struct lru) + (size_t)shape->nfiles * sizeof(struct link) + 63) & ~(size_t)63;
}

static void lru_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
	struct lru *s = c->state;

	if (file < c->shape->nfiles)
		list_append(&s->order, links(c), file);
}

static void lru_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	struct lru *s = c->state;

	if (file < c->shape->nfiles)
		list_unlink(&s->order, links(c), file);
}

static void lru_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
	lru_remove(c, file, old);
	lru_insert(c, file, now);
}

static struct victim lru_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				struct victim prev)
{
	const struct lru *s = c->state;
	uint32_t link = prev.file < c->shape->nfiles ? s->at[prev.file].next : s->order.head;

	return (struct victim){ link && link <= c->shape->nfiles ? link - 1 : FILE_NONE,
				{ POS_UNKNOWN, 0 }, FILE_NONE };
}

static void lru_soon(const struct policy_ctx *c, uint32_t file, uint32_t sooner)
{
	list_soon(links(c), file, sooner);
}

const struct policy policy_lru = {
	.name = "lru", .bytes = lru_bytes, .hit = lru_hit, .insert = lru_insert,
	.remove = lru_remove, .victim = lru_victim, .soon = lru_soon,
};
