/* play.c - the follower and a policy under a job, and the oracles that they are compared with. */
#include "play.h"
#include "cache.h"

#include <stdlib.h>

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
	struct follow f = { t, cache_get(follow_bytes(t), 1) };
	struct run **run = cache_get(j->workers, sizeof *run);
	uint32_t *missed = cache_get(j->workers, 4), horizon = 0;
	struct cache k;

	if (how->cache)
		cache_init(&k, t->order, t->h->npos, t->h->nfiles, how->cache);
	for (size_t i = 0; i < j->n; i++) {
		const struct event *e = &j->e[i];
		uint32_t next, pos, expected;
		if (!play_comes(&f, run, e))
			continue;
		expected = run[e->worker] ? follow_expected(&f, run[e->worker]) : FILE_NONE;
		if (how->told && run[e->worker])
			run[e->worker]->whose = e->own ? FOLLOW_OWN : FOLLOW_BESIDE;
		pos = follow_access(&f, run[e->worker], e->file, &next);
		p.expected += expected == e->file && e->file != FILE_NONE;
		p.accesses++;
		check(&p, &f, e, pos, next, missed);
		if (i >= how->late && e->pos != NO_POS) {
			p.late_planned++;
			p.late_exact += pos == e->pos;
		}
		if (how->cache && e->file < t->h->nfiles) {
			p.hits += cache_access(&k, e->file, next, f.sh->gate_shut);
			if (f.sh->horizon != horizon) {
				horizon = f.sh->horizon;
				cache_expire(&k, &f);
			}
		}
	}
	p.gate_shut = f.sh->gate_shut;
	p.horizon = f.sh->horizon;
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
	uint32_t n = 0, *last = cache_get(nfiles, 4);
	*order = cache_get(j->n, 4);
	*next = cache_get(j->n, 4);
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
	uint32_t *in = cache_get(cache, 4), *at = cache_get(cache, 4);
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
	uint8_t *in = cache_get(nfiles, 1);
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
