/* lfu.c - least frequently used: the file with the fewest accesses since it became resident goes next;
 * among equals the one that reached that number first. A count starts at 1 and is forgotten when the
 * file leaves. Counts do not age.
 *
 * Files of one count hang in a list in order of arrival; the lists hang in a row by ascending count, so
 * that a hit moves a file into the list next door: O(1). List numbers are handed out again, last freed
 * first, so that only as many are ever touched as there were different counts at one time.
 */
#include "policy.h"
#include "list.h"

struct group {
	uint64_t count;                   /* accesses, the same for all its files */
	struct list files;                /* head: the first to reach the count */
	uint32_t lower, higher;           /* neighbours + 1; `higher` links the free ones */
};

struct lfu {
	uint32_t lowest;                  /* group + 1 */
	uint32_t freed, used;             /* free groups: a chain (+ 1), and all from `used` on */
	uint32_t pad;
};

static struct link *links(const struct policy_ctx *c)
{
	return (struct link *)((struct lfu *)c->state + 1);
}

static uint32_t *group_of(const struct policy_ctx *c)    /* [nfiles], + 1 */
{
	return (uint32_t *)(links(c) + c->shape->nfiles);
}

static struct group *groups(const struct policy_ctx *c)  /* [nfiles] */
{
	return (struct group *)(group_of(c) + (((size_t)c->shape->nfiles + 1) & ~(size_t)1));
}

static size_t lfu_bytes(const struct policy_shape *shape)
{
	size_t n = shape->nfiles;
	return (sizeof(struct lfu) + n * sizeof(struct link) + ((n + 1) & ~(size_t)1) * 4
		+ n * sizeof(struct group) + 63) & ~(size_t)63;
}

/* A group for `count`, placed right above `lower` (+ 1; 0: as the lowest). 0: none left (damaged). */
static uint32_t group_new(const struct policy_ctx *c, uint32_t lower, uint64_t count)
{
	struct lfu *s = c->state;
	struct group *g = groups(c);
	uint32_t n = c->shape->nfiles, id = s->freed, higher = lower ? g[lower - 1].higher : s->lowest;

	if (id && id <= n)
		s->freed = g[id - 1].higher;
	else if (s->used < n)
		id = ++s->used;
	else
		return 0;
	g[id - 1] = (struct group){ count, { 0, 0 }, lower, higher };
	*(lower ? &g[lower - 1].higher : &s->lowest) = id;
	if (higher && higher <= n)
		g[higher - 1].lower = id;
	return id;
}

static void group_free(const struct policy_ctx *c, uint32_t id)
{
	struct lfu *s = c->state;
	struct group *g = groups(c), was = g[id - 1];
	uint32_t n = c->shape->nfiles;

	*(was.lower && was.lower <= n ? &g[was.lower - 1].higher : &s->lowest) = was.higher;
	if (was.higher && was.higher <= n)
		g[was.higher - 1].lower = was.lower;
	g[id - 1] = (struct group){ .higher = s->freed };
	s->freed = id;
}

static void lfu_insert(const struct policy_ctx *c, uint32_t file, __attribute__((unused)) struct use now)
{
	struct lfu *s = c->state;
	uint32_t n = c->shape->nfiles, id = s->lowest;
	if (file >= n)
		return;
	if (!id || id > n || groups(c)[id - 1].count != 1)
		id = group_new(c, 0, 1);
	if (!id)
		return;
	group_of(c)[file] = id;
	list_append(&groups(c)[id - 1].files, links(c), n, file);
}

static void lfu_remove(const struct policy_ctx *c, uint32_t file, __attribute__((unused)) struct use old)
{
	uint32_t n = c->shape->nfiles, id = file < n ? group_of(c)[file] : 0;
	if (!id || id > n)
		return;
	list_unlink(&groups(c)[id - 1].files, links(c), n, file);
	group_of(c)[file] = 0;
	if (!groups(c)[id - 1].files.head)
		group_free(c, id);
}

static void lfu_hit(const struct policy_ctx *c, uint32_t file, struct use old, __attribute__((unused)) struct use now)
{
	struct group *g = groups(c);
	uint32_t n = c->shape->nfiles, id = file < n ? group_of(c)[file] : 0, to;
	if (!id || id > n)
		return;
	to = g[id - 1].higher;
	if (!to || to > n || g[to - 1].count != g[id - 1].count + 1) {
		if (g[id - 1].files.head == g[id - 1].files.tail) {
			g[id - 1].count++;        /* alone: the group moves on with its file */
			return;
		}
		if (!(to = group_new(c, id, g[id - 1].count + 1)))
			return;
	}
	lfu_remove(c, file, old);
	group_of(c)[file] = to;
	list_append(&g[to - 1].files, links(c), n, file);
}

static struct victim lfu_victim(const struct policy_ctx *c, __attribute__((unused)) uint32_t cand, __attribute__((unused)) struct use cand_use,
				struct victim prev)
{
	const struct lfu *s = c->state;
	uint32_t n = c->shape->nfiles, link = 0, id = s->lowest;

	if (prev.file < n) {
		link = links(c)[prev.file].next;
		id = group_of(c)[prev.file];
		id = !link && id && id <= n ? groups(c)[id - 1].higher : 0;
	}
	if (id && id <= n)
		link = groups(c)[id - 1].files.head;
	return (struct victim){ link && link <= n ? link - 1 : FILE_NONE, { POS_UNKNOWN, 0 } };
}

static void lfu_soon(const struct policy_ctx *c, uint32_t file)
{
	if (file < c->shape->nfiles)
		__builtin_prefetch(&links(c)[file], 1);
}

const struct policy policy_lfu = {
	.name = "lfu", .bytes = lfu_bytes, .hit = lfu_hit, .insert = lfu_insert,
	.remove = lfu_remove, .victim = lfu_victim, .soon = lfu_soon,
};
