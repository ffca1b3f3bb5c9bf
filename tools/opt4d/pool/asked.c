/* asked.c - files that clients ask for: with a pool they do before they read an original themselves (preload/session/ask.c). */
#include <errno.h>
#include "../opt4d.h"

/* Somebody waits for it: it is needed before all else, whatever is known of its order, and passes through memory even where it
 * will not be kept. */
static bool asked(uint32_t rec, uint32_t pages, struct task *j)
{
	uint32_t victims[VICTIMS_MAX];
	int nvictims = -1;
	if (pages > view.h->account[TIER_RAM].budget || !index_reserve(&view.rec[rec], sizeof(struct record)) || !session_lock())
		return false;
	bool still = rec_state(rec) == REC_ABSENT && rec < view.h->shape.nfiles && !atomic_load(&view.rec[rec].writers) && inflight_room() > 2;
	struct use use = { POS_UNKNOWN, 0 };
	if (still) {
		plans_fronts();
		use = plans_use(rec);
		nvictims = victims_choose(pages, rec, use, victims, VICTIMS_MAX);
		if (nvictims < 0)
			nvictims = victims_choose(pages, FILE_NONE, use, victims, VICTIMS_MAX);
	}
	struct inflight *mark = nvictims >= 0 ? inflight_add(rec, 0) : NULL;
	if (mark)
		rec_set(rec, REC_FILLING);
	session_unlock();
	if (nvictims < 0)
		return false;
	for (int i = 0; i < nvictims; i++) {
		ahead_missing(view.rec[victims[i]].use, (int64_t)view.rec[victims[i]].st.size);
		rebucket_keep(victims[i]);
	}
	if (!room_evict_reserve(victims, nvictims, TIER_RAM, pages)) {
		if (mark)
			fill_give_up(rec, 0, -ENOSPC);
		return false;
	}
	if (!mark) {
		room_release(TIER_RAM, pages);
		return false;
	}
	mark->pages = pages;
	*j = (struct task){ .fd = -1, .pages = pages, .asked = true, .order = orders.plans[use.axis].gen,
			    .next = { .rec = rec, .plan = use.axis, .pos = use.pos, .how = NEXT_NEEDED } };
	return true;
}

bool claim_asked(struct task *j)
{
	for (uint32_t i = 0; i < ASKED_MAX; i++) {
		uint64_t word = atomic_load_explicit(&view.h->asked[i], memory_order_relaxed);
		if (!word)
			continue;
		uint32_t rec = (uint32_t)word - 1, pages = (uint32_t)(word >> 32);
		bool got = rec < index_files() && pages && asked(rec, pages, j);
		atomic_compare_exchange_strong(&view.h->asked[i], &word, 0);   /* whoever asked looks at the record now */
		if (got)
			return true;
	}
	return false;
}
