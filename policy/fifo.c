/* fifo.c - first in, first out: the file that has been resident longest goes next. */
#include "policy.h"
#include "list.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

struct fifo {
	struct list order;                /* head: the oldest */
	struct link at[];                 /* [nfiles] */
};

static size_t fifo_bytes(const struct policy_shape *shape)
{
	return (sizeof(struct fifo) + (size_t)shape->nfiles * sizeof(struct link) + 63) & ~(size_t)63;
}

static void fifo_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
}

static void fifo_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
	struct fifo *s = c->state;

	if (file < c->shape->nfiles)
		list_append(&s->order, s->at, c->shape->nfiles, file);
}

static void fifo_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
	struct fifo *s = c->state;

	if (file < c->shape->nfiles)
		list_unlink(&s->order, s->at, c->shape->nfiles, file);
}

static struct victim fifo_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				 struct victim prev)
{
	const struct fifo *s = c->state;
	uint32_t link = prev.file < c->shape->nfiles ? s->at[prev.file].next : s->order.head;

	return (struct victim){ link && link <= c->shape->nfiles ? link - 1 : FILE_NONE,
				{ POS_UNKNOWN, 0 } };
}

static void fifo_soon(const struct policy_ctx *c, uint32_t file)
{
	if (file < c->shape->nfiles)
		__builtin_prefetch(&((struct fifo *)c->state)->at[file], 1);
}

const struct policy policy_fifo = {
	.name = "fifo", .bytes = fifo_bytes, .hit = fifo_hit, .insert = fifo_insert,
	.remove = fifo_remove, .victim = fifo_victim, .soon = fifo_soon,
};
