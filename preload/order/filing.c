/* filing.c - which residents the policy's state holds, and where.
 *
 * A state made anew is empty. A policy that goes by the order (`opt`) gets its residents in shares, so that nobody waits
 * for the lock while half a million are filed: the first with the state itself, the rest by the keeper and, a few at a
 * time, by whoever accesses a file. One that is not filed yet is no victim, and that is all. */
#include <string.h>
#include "order.h"

#define DONE UINT32_MAX

static bool filed(const struct record *r) { return r->filed == view.h->filing + 1; }

static void count(const struct record *r, struct use use, int by)
{
	if (r->tier != TIER_SSD && use.pos < POS_MAX && use.axis < PLANS_MAX)
		view.h->filed[use.axis] += (uint32_t)by;
}

void filing_put(uint32_t rec, struct use use)
{
	struct record *r = &view.rec[rec];
	const struct policy_ctx *pol = policy_of(r->tier);
	if (pol && rec < pol->shape->nfiles) {
		if (filed(r)) {
			pol->ops->hit(pol, rec, r->use, use);
			count(r, r->use, -1);
		} else {
			pol->ops->insert(pol, rec, use);
		}
		count(r, use, 1);
		r->filed = view.h->filing + 1;
	}
	r->use = use;
}

void filing_take(uint32_t rec)
{
	struct record *r = &view.rec[rec];
	const struct policy_ctx *pol = policy_of(r->tier);
	if (pol && rec < pol->shape->nfiles && filed(r)) {
		pol->ops->remove(pol, rec, r->use);
		count(r, r->use, -1);
	}
	r->filed = 0;
}

bool filing_holds(uint32_t rec, struct use use)
{
	const struct record *r = &view.rec[rec];
	return rec_state(rec) == REC_RESIDENT && filed(r) && r->use.pos == use.pos;
}

void filing_anew(void)
{
	view.h->filing++;
	view.h->filing_at = 0;
	memset(view.h->filed, 0, sizeof(view.h->filed));
	filing_settle(orders.pol.ops->soonest ? FILING_SHARE : UINT32_MAX);
}

bool filing_settle(uint32_t max)
{
	uint32_t n = orders.pol.shape->nfiles;
	if (filing_settled())
		return true;
	plans_fronts();
	for (uint32_t rec = view.h->filing_at; rec < n && max; rec = (rec | 63) + 1) {
		uint64_t bits = view.touched[rec >> 6] & ~0ull << (rec & 63);
		for (; bits && max; bits &= bits - 1) {
			rec = (rec & ~63u) + (uint32_t)__builtin_ctzll(bits);
			view.h->filing_at = rec + 1;
			if (rec >= n || rec_state(rec) != REC_RESIDENT || filed(&view.rec[rec]))
				continue;
			filing_put(rec, plans_use(rec));
			max--;
		}
	}
	if (max)
		view.h->filing_at = DONE;
	return max;
}

bool filing_settled(void) { return view.h->filing_at == DONE; }
