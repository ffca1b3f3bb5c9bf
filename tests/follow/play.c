/* play.c - the follower and a policy under a job, and the oracles that they are compared with. */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void *get(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (!p) {
		fprintf(stderr, "play: out of memory\n");
		exit(1);
	}
	return p;
}

struct cache {
	struct policy_ctx c;
	struct policy_shape shape;
	struct axis axis;
	uint32_t *filed;                     /* use of each resident; 0xFFFFFFFD: not resident */
	uint32_t n, room;
};
#define ABSENT 0xFFFFFFFDu

static void cache_init(struct cache *k, const uint32_t *order, uint32_t npos, uint32_t nfiles, uint32_t room)
{
	*k = (struct cache){ .room = room, .filed = get(nfiles, 4) };
	k->shape = (struct policy_shape){ .nfiles = nfiles, .naxes = 1, .npos = { npos } };
	k->axis = (struct axis){ .order = order, .npos = npos, .scale = 1 };
	k->c = (struct policy_ctx){ .ops = &policy_opt, .shape = &k->shape, .axes = &k->axis,
				    .state = get(policy_opt.bytes(&k->shape), 1) };
	for (uint32_t i = 0; i < nfiles; i++)
		k->filed[i] = ABSENT;
}

static struct use use(uint32_t pos)
{
	return (struct use){ pos, 0 };
}

/* One access; true: a hit. With the gate shut nothing is evicted. */
static bool cache_access(struct cache *k, uint32_t file, uint32_t next, bool shut)
{
	const struct policy *p = k->c.ops;
	if (k->filed[file] != ABSENT) {
		p->hit(&k->c, file, use(k->filed[file]), use(next));
		k->filed[file] = next;
		return true;
	}
	if (k->n >= k->room) {
		struct victim v = { FILE_NONE, { POS_UNKNOWN, 0 } };
		if (!shut)
			v = p->victim(&k->c, file, use(next), v);
		if (v.file == FILE_NONE)
			return false;
		p->remove(&k->c, v.file, use(k->filed[v.file]));
		k->filed[v.file] = ABSENT;
		k->n--;
	}
	p->insert(&k->c, file, use(next));
	k->filed[file] = next;
	k->n++;
	return false;
}

/* Residents whose position has expired are filed anew. */
static void cache_expire(struct cache *k, struct follow *f)
{
	struct victim v;
	while ((v = k->c.ops->soonest(&k->c, 0)).file != FILE_NONE && v.use.pos < f->sh->horizon) {
		uint32_t next = follow_next(f, v.file);
		k->c.ops->hit(&k->c, v.file, v.use, use(next));
		k->filed[v.file] = next;
	}
}

static void cache_free(struct cache *k)
{
	free(k->filed);
	free(k->c.state);
}

static void check(struct played *p, const struct follow *f, const struct event *e, uint32_t pos, uint32_t next,
		  uint32_t *missed)
{
	const struct trace *t = f->t;
	bool planned = e->pos != NO_POS;
	p->planned += planned;
	p->matched += pos != POS_UNKNOWN;
	p->exact += planned && pos == e->pos;
	p->wrong += pos != POS_UNKNOWN && pos != e->pos;
	p->shut += f->sh->gate_shut;
	if (next < POS_MAX)
		p->stale += next < f->sh->horizon || next >= t->h->npos || t->order[next] != e->file || next == pos;
	if (planned) {
		uint32_t *m = &missed[e->worker];
		*m = pos == e->pos ? 0 : *m + 1;
		p->found_after = *m > p->found_after ? *m : p->found_after;
	}
}

struct played play(const struct trace *t, const struct job *j, const struct playing *how)
{
	struct played p = { 0 };
	struct follow f = { t, get(follow_bytes(t), 1) };
	struct run **run = get(j->workers, sizeof *run);
	uint32_t *missed = get(j->workers, 4), horizon = 0;
	struct cache k;
	struct timespec a, b;

	if (how->cache)
		cache_init(&k, t->order, t->h->npos, t->h->nfiles, how->cache);
	p.bytes = follow_bytes(t) + (how->cache ? policy_opt.bytes(&k.shape) : 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (size_t i = 0; i < j->n; i++) {
		const struct event *e = &j->e[i];
		uint32_t next, pos;
		if (e->kind == LEAVE) {
			follow_leave(&f, run[e->worker]);
			run[e->worker] = NULL;
			continue;
		}
		if (!run[e->worker])
			run[e->worker] = follow_join(&f, e->worker);
		pos = follow_access(&f, run[e->worker], e->file, &next);
		p.accesses++;
		if (!how->clocked) {
			check(&p, &f, e, pos, next, missed);
			if (i >= how->late && e->pos != NO_POS) {
				p.late_planned++;
				p.late_exact += pos == e->pos;
			}
		}
		if (how->cache && e->file < t->h->nfiles) {
			p.hits += cache_access(&k, e->file, next, f.sh->gate_shut);
			if (f.sh->horizon != horizon) {
				horizon = f.sh->horizon;
				cache_expire(&k, &f);
			}
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	p.ns = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (double)(p.accesses ? p.accesses : 1);
	if (how->clocked)
		p.matched = f.sh->matched;
	p.gate_shut = f.sh->gate_shut;
	if (how->cache)
		cache_free(&k);
	free(f.sh);
	free(run);
	free(missed);
	return p;
}

/* The accesses alone, and where each file comes next. */
static uint32_t flatten(const struct job *j, uint32_t nfiles, uint32_t **order, uint32_t **next)
{
	uint32_t n = 0, *last = get(nfiles, 4);
	*order = get(j->n, 4);
	*next = get(j->n, 4);
	for (size_t i = 0; i < j->n; i++)
		if (j->e[i].kind == ACCESS && j->e[i].file < nfiles)
			(*order)[n++] = j->e[i].file;
	for (uint32_t i = 0; i < nfiles; i++)
		last[i] = POS_NEVER;
	for (uint32_t i = n; i-- > 0; ) {
		(*next)[i] = last[(*order)[i]];
		last[(*order)[i]] = i;
	}
	free(last);
	return n;
}

uint64_t exact_hits(const struct job *j, uint32_t nfiles, uint32_t cache)
{
	uint32_t *order, *next, n = flatten(j, nfiles, &order, &next);
	uint64_t hits = 0;
	struct cache k;
	cache_init(&k, order, n, nfiles, cache);
	for (uint32_t i = 0; i < n; i++)
		hits += cache_access(&k, order[i], next[i], false);
	cache_free(&k);
	free(order);
	free(next);
	return hits;
}

uint64_t oracle_hits(const struct job *j, uint32_t nfiles, uint32_t cache)
{
	uint32_t *order, *next, n = flatten(j, nfiles, &order, &next), used = 0;
	uint32_t *in = get(cache, 4), *at = get(cache, 4);
	uint64_t hits = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t s = 0, worst = 0;
		while (s < used && in[s] != order[i])
			s++;
		if (s < used) {
			hits++;
		} else if (used < cache) {
			used++;
		} else {
			for (uint32_t k = 1; k < used; k++)
				worst = at[k] > at[worst] ? k : worst;
			if (at[worst] <= next[i])
				continue;
			s = worst;
		}
		in[s] = order[i];
		at[s] = next[i];
	}
	free(in);
	free(at);
	free(order);
	free(next);
	return hits;
}

uint64_t keep_hits(const struct job *j, uint32_t nfiles, uint32_t cache)
{
	uint8_t *in = get(nfiles, 1);
	uint64_t hits = 0;
	uint32_t used = 0;
	for (size_t i = 0; i < j->n; i++) {
		if (j->e[i].kind != ACCESS || j->e[i].file >= nfiles)
			continue;
		if (in[j->e[i].file])
			hits++;
		else if (used < cache) {
			in[j->e[i].file] = 1;
			used++;
		}
	}
	free(in);
	return hits;
}
