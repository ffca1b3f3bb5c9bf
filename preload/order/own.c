/* own.c - files that the program has itself when their turn comes: what it keeps decoded it does not open. See policy/owned.h. */
#include "order.h"

#define NEAR 2u                    /* rounds: who has read a file so shortly before its place has rather been taken for another's reader */

/* The axis as it is now, also where its fronts have not been looked at. */
static struct axis axis_now(uint32_t n)
{
	struct axis a = orders.axes[n];
	a.front = orders.plans[n].follow.sh->front;
	a.scale = view.h->plans[n].scale;
	return a;
}

/* Accesses of the session from the file's last one to this position, which is ahead or has just been passed; 0: it was read since. */
static uint64_t gap(uint32_t n, uint32_t rec, uint32_t pos)
{
	struct axis a = axis_now(n);
	double since = (double)view.h->clock + axis_way(&a, pos) - (double)view.rec[rec].read_at;
	return since > 0 ? (uint64_t)since : 0;
}

void own_came(uint32_t n, uint64_t before)
{
	if (before)
		owned_count(&view.h->plans[n].owned, view.h->clock - before, true);
}

void own_passed(uint32_t n)
{
	struct plan_entry *e = &view.h->plans[n];
	const struct plan *p = &orders.plans[n];
	const struct follow_shared *sh = p->follow.sh;
	if (e->passed == sh->npassed)
		return;
	if (sh->npassed - e->passed > FOLLOW_PASSED)
		e->passed = sh->npassed - FOLLOW_PASSED;
	for (; e->passed != sh->npassed; e->passed++) {
		uint32_t pos = sh->passed[e->passed % FOLLOW_PASSED], file = trace_at(&p->trace, pos), rec;
		if (file == FILE_NONE || (rec = record_object(plan_rec(p, file))) >= view.ncap)
			continue;
		uint64_t since = rec_touched(rec) && view.rec[rec].read_at ? gap(n, rec, pos) : 0;
		if (since > NEAR * (uint64_t)sh->round)
			owned_count(&e->owned, since, false);
	}
}

uint32_t own_next(uint32_t n, uint32_t from, uint32_t pos)
{
	if (!view.h->plans[n].owned.any)
		return pos;
	struct axis a = axis_now(n);
	double since = axis_way(&a, from);
	for (uint32_t i = 0; i < OWN_HOPS && pos < a.npos && owned_at(&view.h->plans[n].owned, (uint64_t)(axis_way(&a, pos) - since)); i++)
		pos = trace_next(&orders.plans[n].trace, pos);
	return pos;
}

bool own_then(uint32_t n, uint32_t rec, uint32_t pos)
{
	const struct owned *h = &view.h->plans[n].owned;
	if (!h->any || pos >= orders.axes[n].npos)
		return false;
	rec = record_object(rec);
	uint64_t since = rec < view.ncap && rec_touched(rec) && view.rec[rec].read_at ? gap(n, rec, pos) : 0;
	return since && owned_at(h, since);
}
