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

#define COMING 8                          /* so many insertions later: time enough for memory */

struct node {
	struct link link;
	uint32_t group;                   /* + 1 */
	uint32_t coming;                  /* who was inserted COMING later, and so goes about then */
};

struct group {
	uint32_t count;                   /* accesses, the same for all its files; stays at its maximum */
	struct list files;                /* head: the first to reach the count */
	uint32_t lower, higher;           /* neighbours + 1; `higher` links the free ones */
};

struct lfu {
	uint32_t lowest, freed, used;     /* groups + 1: the first of the row; the free: a chain, and all from `used` on */
	uint32_t turn, recent[COMING];    /* the files inserted last, in turn */
	struct node node[];               /* [nfiles], then as many groups */
};

static struct links links(const struct policy_ctx *c)
{
	return (struct links){ ((struct lfu *)c->state)->node, sizeof(struct node), c->shape->nfiles };
}

static struct group *groups(const struct policy_ctx *c)
{
	return (struct group *)(((struct lfu *)c->state)->node + c->shape->nfiles);
}

static size_t lfu_bytes(const struct policy_shape *shape)
{
	return (sizeof(struct lfu) + shape->nfiles * (sizeof(struct node) + sizeof(struct group)) + 63) & ~(size_t)63;
}

/* A group for `count`, placed right above `lower` (+ 1; 0: as the lowest). 0: none left (damaged). */
static uint32_t group_new(const struct policy_ctx *c, uint32_t lower, uint32_t count)
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
	uint32_t n = c->shape->nfiles, id = s->lowest, *before = &s->recent[s->turn++ % COMING];
	if (file < n && (!id || id > n || groups(c)[id - 1].count != 1))
		id = group_new(c, 0, 1);
	if (file >= n || !id)
		return;
	s->node[file].group = id;
	list_append(&groups(c)[id - 1].files, links(c), file);
	s->node[*before < n ? *before : file].coming = file;
	*before = file;
}

static void lfu_remove(const struct policy_ctx *c, uint32_t file, __attribute__((unused)) struct use old)
{
	struct node *at = ((struct lfu *)c->state)->node;
	uint32_t n = c->shape->nfiles, id = file < n ? at[file].group : 0;
	if (!id || id > n)
		return;
	list_unlink(&groups(c)[id - 1].files, links(c), file);
	at[file].group = 0;
	if (!groups(c)[id - 1].files.head)
		group_free(c, id);
}

static void lfu_hit(const struct policy_ctx *c, uint32_t file, struct use old, __attribute__((unused)) struct use now)
{
	struct node *at = ((struct lfu *)c->state)->node;
	uint32_t n = c->shape->nfiles, id = file < n ? at[file].group : 0;
	struct group *g = groups(c);
	if (!id || id > n || g[id - 1].count == UINT32_MAX)
		return;
	uint32_t to = g[id - 1].higher, count = g[id - 1].count + 1;
	bool next_door = to && to <= n && g[to - 1].count == count;
	if (!next_door && g[id - 1].files.head == g[id - 1].files.tail) {
		g[id - 1].count = count;          /* alone: the group moves on with its file */
		return;
	}
	if (!next_door && !(to = group_new(c, id, count)))
		return;
	lfu_remove(c, file, old);
	at[file].group = to;
	list_append(&g[to - 1].files, links(c), file);
}

static struct victim lfu_victim(const struct policy_ctx *c, __attribute__((unused)) uint32_t cand,
				__attribute__((unused)) struct use cand_use, struct victim prev)
{
	struct lfu *s = c->state;
	uint32_t n = c->shape->nfiles, link = 0, id = s->lowest;
	if (prev.file < n) {
		link = s->node[prev.file].link.next;
		id = s->node[prev.file].group;
		id = !link && id && id <= n ? groups(c)[id - 1].higher : 0;
	}
	if (id && id <= n)
		link = groups(c)[id - 1].files.head;
	uint32_t file = link && link <= n ? link - 1 : FILE_NONE, coming = file < n ? s->node[file].coming : FILE_NONE;
	list_soon(links(c), coming, FILE_NONE);
	return (struct victim){ file, { POS_UNKNOWN, 0 }, coming };
}

static void lfu_soon(const struct policy_ctx *c, uint32_t file, uint32_t sooner)
{
	list_soon(links(c), file, sooner);
}

const struct policy policy_lfu = {
	.name = "lfu", .bytes = lfu_bytes, .hit = lfu_hit, .insert = lfu_insert,
	.remove = lfu_remove, .victim = lfu_victim, .soon = lfu_soon,
};
