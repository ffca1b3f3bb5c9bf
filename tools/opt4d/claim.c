/* claim.c - may this file be fetched ahead now, and who goes for it? Never what is needed sooner, nor what would be kept if the
 * file were fetched no sooner than it is read (spare.c). Its room is charged before the original is opened. */
#include <errno.h>
#include "../../preload/session/keeper.h"
#include "opt4d.h"

#define MARKS_LEFT  192u           /* entries of the table of fills that stay the clients' */
#define SOON_PART   32u            /* of the look-ahead's room the sweep leaves for what is needed out of turn: nothing fetched goes for it */

enum pick claim(const struct next *n, struct task *j, uint32_t running)
{
	uint32_t victims[VICTIMS_MAX], pages = skip_pages(n->rec);
	const struct plan *p = &orders.plans[n->plan];
	j->next = *n;
	if (pages && !ahead_worth((uint64_t)pages * PAGE))
		return NOTHING;
	if (!pages) {
		pages = ahead_pages(n->bytes);
		if (!n->bytes && (!ahead_sure() || !room_for(pages)))
			return UNSIZED;
	}
	if (pages > view.h->account[TIER_RAM].budget || !index_reserve(&view.rec[n->rec], sizeof(struct record))) {
		skip_failed(n->rec);
		return NOTHING;
	}
	if (!room_for(pages) && spill_rather(pages))
		return LATER;
	/* what the sweep has fetched goes only for what somebody waits for */
	uint32_t beyond = n->how == NEXT_NEEDED ? spare_beyond(n->plan, pages) : n->how == NEXT_BUCKET ? rebucket_end_of(n->pos) :
			  turn_due(n) ? 0 : ahead_window(n->plan);
	uint32_t left = n->how == NEXT_SWEPT ? ahead_room() / SOON_PART : 0;
	if (!session_lock())
		return LATER;
	struct use use = { n->pos, n->plan }, least;
	uint32_t order = 0;
	int nvictims = -1;
	bool still = !p->follow.sh->gate_shut && rec_state(n->rec) == REC_ABSENT && n->rec < view.h->shape.nfiles &&
		     !atomic_load(&view.rec[n->rec].writers) && n->plan < view.h->shape.naxes;
	if (still) {
		plans_fronts();
		use = plans_use(n->rec);
		order = orders.plans[use.axis].gen;
		still = use.pos < POS_MAX && use.pos < orders.axes[use.axis].npos;   /* expected only: it was read meanwhile */
	}
	least = use;
	if (use.axis == n->plan && use.pos < beyond)
		least = (struct use){ beyond, beyond < POS_MAX ? n->plan : 0 };
	/* Of a live order the epoch's end is not all there is, but where the next pass is known; what is needed within it is not given for what
	 * is needed sooner, unless it is to be dropped anyway. */
	if (still && view.h->plans[n->plan].gen && (!beyond || (beyond + 1 >= orders.axes[n->plan].npos && !(view.h->plans[n->plan].endless && spare_knows(n->plan)))))
		least = round_exchange(n->plan, n->pos, running);
	/* A policy that knows no future can't tell what harm an eviction does: then only free room is taken. */
	if (still && inflight_room() > MARKS_LEFT)
		nvictims = victims_choose(pages + left, n->rec, least, victims, orders.pol.ops->soonest ? VICTIMS_MAX : 0);
	struct inflight *mark = nvictims >= 0 ? inflight_add(n->rec, 0) : NULL;
	if (mark)
		rec_set(n->rec, REC_FILLING);
	session_unlock();
	if (!still)
		return NOTHING;
	if (nvictims < 0) {
		if (n->how == NEXT_NEEDED)
			spare_scarce(n->plan);
		return LATER;
	}
	for (int i = 0; i < nvictims; i++) {
		ahead_missing(view.rec[victims[i]].use, (int64_t)view.rec[victims[i]].st.size);
		rebucket_keep(victims[i]);
	}
	if (!room_evict_reserve(victims, nvictims, TIER_RAM, pages)) {
		/* a victim is still open somewhere, or a client took the room */
		if (mark)
			fill_give_up(n->rec, 0, -ENOSPC);
		return LATER;
	}
	if (!mark) {               /* can't be: room for marks was looked at */
		room_release(TIER_RAM, pages);
		return LATER;
	}
	mark->pages = pages;
	if (n->how == NEXT_NEEDED)
		spare_taken(n->plan, pages);
	ahead_missing(use, -(int64_t)(n->bytes + 1));
	j->pages = pages;
	j->next.plan = use.axis;   /* another plan may need it sooner */
	j->next.pos = use.pos;
	j->order = order;
	return PICKED;
}
