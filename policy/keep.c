/* keep.c - fill the cache, then never evict: what is in stays in. Needs no state. */
#include "policy.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* one signature for all policies */

static size_t keep_bytes(const struct policy_shape *shape)
{
	return 0;
}

static void keep_hit(const struct policy_ctx *c, uint32_t file, struct use old, struct use now)
{
}

static void keep_insert(const struct policy_ctx *c, uint32_t file, struct use now)
{
}

static void keep_remove(const struct policy_ctx *c, uint32_t file, struct use old)
{
}

static struct victim keep_victim(const struct policy_ctx *c, uint32_t cand, struct use cand_use,
				 struct victim prev)
{
	return (struct victim){ FILE_NONE, { POS_UNKNOWN, 0 }, FILE_NONE };
}

const struct policy policy_keep = {
	.name = "keep", .bytes = keep_bytes, .hit = keep_hit, .insert = keep_insert,
	.remove = keep_remove, .victim = keep_victim,
};
