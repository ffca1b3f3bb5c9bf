/* cache.c - what a session does with a policy at each access. */
#include "cache.h"

#include <stdio.h>
#include <stdlib.h>

void *cache_get(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (!p) {
		fprintf(stderr, "cache: out of memory\n");
		exit(1);
	}
	return p;
}

void cache_init(struct cache *k, const uint32_t *order, uint32_t npos, uint32_t nfiles, uint32_t room)
{
	*k = (struct cache){ .room = room, .filed = cache_get(nfiles, 4) };
	k->shape = (struct policy_shape){ .nfiles = nfiles, .naxes = 1, .npos = { npos } };
	k->axis = (struct axis){ .order = order, .npos = npos, .scale = 1 };
	k->c = (struct policy_ctx){ .ops = &policy_opt, .shape = &k->shape, .axes = &k->axis,
				    .state = cache_get(policy_opt.bytes(&k->shape), 1) };
	for (uint32_t i = 0; i < nfiles; i++)
		k->filed[i] = ABSENT;
}

static struct use use(uint32_t pos)
{
	return (struct use){ pos, 0 };
}

bool cache_access(struct cache *k, uint32_t file, uint32_t next, bool shut)
{
	const struct policy *p = k->c.ops;
	if (k->filed[file] != ABSENT) {
		p->hit(&k->c, file, use(k->filed[file]), use(next));
		k->filed[file] = next;
		return true;
	}
	if (k->n >= k->room) {
		struct victim v = { .file = FILE_NONE };
		if (!shut)
			v = p->victim(&k->c, file, use(next), v);
		if (v.file == FILE_NONE)
			return false;
		p->remove(&k->c, v.file, v.use);
		k->filed[v.file] = ABSENT;
		k->n--;
	}
	p->insert(&k->c, file, use(next));
	k->filed[file] = next;
	k->n++;
	return false;
}

void cache_expire(struct cache *k, struct follow *f)
{
	struct victim v;
	while ((v = k->c.ops->soonest(&k->c, 0)).file != FILE_NONE && v.use.pos < f->sh->horizon) {
		uint32_t next = follow_next(f, v.file);
		k->c.ops->hit(&k->c, v.file, v.use, use(next));
		k->filed[v.file] = next;
	}
}

void cache_free(struct cache *k)
{
	free(k->filed);
	free(k->c.state);
}
