/* victim.c - who goes: for a candidate, for the floors, or because its original changed. */
#include "order.h"

#define IN_HAND 4u                 /* accesses a process, after which nobody opens it again at once */

/* For nobody in particular, when the policy gives up none (`keep`): any resident, going round. */
static uint32_t any_resident(void)
{
	static uint32_t at;
	uint32_t n = index_files(), words = (n + 63) / 64;
	for (uint32_t i = 0; i <= words; i++) {
		uint32_t w = (at + i) % (words ? words : 1);
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec < n && rec < orders.shape.nfiles && rec_state(rec) == REC_RESIDENT && view.rec[rec].tier == TIER_RAM && !view.rec[rec].spilling) {
				at = w;
				return rec;
			}
		}
	}
	return FILE_NONE;
}

static void mark_victim(uint32_t rec)
{
	struct record *r = &view.rec[rec];
	filing_take(rec);
	inflight_add(rec, r->pages);
	rec_set(rec, REC_EVICTING);
	if (r->prefetched)
		COUNT(view.h->n.prefetch_wasted, 1);
	r->prefetched = 0;
	record_account(r)->resident--;
}

/* Has a process read it just now, so that it may open it again (a header first, then the whole)? Of all files just this one is needed last as a rule. */
static bool in_hand(uint32_t rec)
{
	uint32_t n = atomic_load(&view.h->slots_hi);
	if (view.h->clock - view.rec[rec].read_at > (uint64_t)IN_HAND * n)
		return false;
	for (uint32_t i = 0; i < n && i < SLOTS_MAX; i++)
		if (view.slots[i].last_rec && record_object(view.slots[i].last_rec - 1) == rec)
			return true;
	return false;
}

int victims_choose(uint64_t pages, uint32_t cand, struct use use, uint32_t *victims, int max)
{
	struct index_header *h = view.h;
	uint64_t charged = atomic_load(&h->account[TIER_RAM].charged);
	int64_t free = charged < h->account[TIER_RAM].budget ? (int64_t)((h->account[TIER_RAM].budget - charged) & INT64_MAX) : 0;
	int64_t left = atomic_load(&h->room_left) / (int64_t)PAGE;
	int64_t lack = (int64_t)pages - (left < free ? left : free), got = 0;
	struct victim v = { .file = FILE_NONE };
	int n = 0;
	if (cand != FILE_NONE && pages > h->account[TIER_RAM].budget)
		return -1;
	/* who reads something itself must choose at once, and by the rule */
	bool ahead = cand != FILE_NONE && atomic_load(&view.h->keeper_slot) == view.slot + 1;
	plans_fronts();
	for (uint32_t looked = 0; got < lack; looked++) {
		if (looked > orders.shape.nfiles)
			return -1; /* the policy's state is damaged: it goes round */
		v = orders.pol.ops->victim(&orders.pol, cand, use, v);
		if ((v.file == FILE_NONE || n == max) && cand == FILE_NONE)
			break;     /* see below; the caller comes again */
		if (v.file == FILE_NONE || n == max || v.file >= orders.shape.nfiles)
			return -1;
		uint32_t rec = record_object(v.file);   /* its position may be another name's */
		if (rec_state(rec) != REC_RESIDENT || view.rec[rec].spilling || view.rec[rec].tier != TIER_RAM || (ahead && in_hand(rec)))
			continue;
		victims[n++] = rec;
		got += view.rec[rec].pages;
	}
	if (n && inflight_room() < (uint32_t)n + 1)
		return -1;
	for (int i = 0; i < n; i++)
		mark_victim(victims[i]);
	while (cand == FILE_NONE && got < lack && n < max && inflight_room() > 1) {
		uint32_t rec = any_resident();
		if (rec == FILE_NONE)
			break;
		got += view.rec[rec].pages;
		mark_victim(victims[n++] = rec);
	}
	return n;
}

#define SPILL_LOOKS 4096u          /* residents looked at for one to spill */

uint32_t victims_spill(void)
{
	static uint32_t at;
	struct victim v = { .file = FILE_NONE };
	uint32_t n = index_files(), words = (n + 63) / 64;
	plans_fronts();
	for (uint32_t i = 0; i < SPILL_LOOKS; i++) {
		v = orders.pol.ops->victim(&orders.pol, FILE_NONE, (struct use){ 0, 0 }, v);
		if (v.file == FILE_NONE || v.file >= orders.shape.nfiles)
			break;
		uint32_t rec = record_object(v.file);
		const struct record *r = &view.rec[rec];
		if (rec_state(rec) == REC_RESIDENT && r->tier == TIER_RAM && !r->spilling && !r->prefetched)
			return rec;
	}
	if (orders.pol.ops->soonest && orders.shape.naxes)
		return FILE_NONE;
	for (uint32_t i = 0; i <= words && words; i++, at = (at + 1) % words)   /* `keep` lets none go, nor does `opt` without an order; for the others it is no matter */
		for (uint64_t bits = view.touched[at % words]; bits; bits &= bits - 1) {
			uint32_t rec = at % words * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[rec];
			if (rec < n && rec_state(rec) == REC_RESIDENT && r->tier == TIER_RAM && !r->spilling)
				return rec;
		}
	return FILE_NONE;
}

#define HYSTERESIS 1.25            /* times as far away: no churn */

/* How far away, in positions of the first axis; never and unknown: for ever. */
static double away(struct use u)
{
	if (u.pos >= POS_MAX || u.axis >= orders.shape.naxes)
		return u.pos == POS_NEVER ? 2e18 : 1e18;
	return u.pos < orders.axes[u.axis].npos ? axis_way(&orders.axes[u.axis], u.pos) : axis_distance(&orders.pol, u);
}

uint32_t victims_replace(uint32_t rec, bool take)
{
	const struct policy_ctx *pol = policy_of(TIER_SSD);
	struct victim v = { .file = FILE_NONE };
	if (!pol || !pol->ops->soonest || view.rec[rec].use.pos >= POS_MAX || inflight_room() < 3)
		return FILE_NONE;
	for (uint32_t i = 0; i < 64; i++) {
		v = pol->ops->victim(pol, FILE_NONE, (struct use){ 0, 0 }, v);
		if (v.file == FILE_NONE || v.file >= orders.shape.nfiles || away(v.use) <= HYSTERESIS * away(view.rec[rec].use))
			return FILE_NONE;
		uint32_t victim = record_object(v.file);
		if (rec_state(victim) == REC_RESIDENT && view.rec[victim].tier == TIER_SSD) {
			if (take)
				mark_victim(victim);
			return victim;
		}
	}
	return FILE_NONE;
}

#define UNREAD_WORDS 64u           /* of records, looked at for one: 4096 */

uint32_t victims_unread(void)
{
	static uint32_t at;
	static uint64_t again;
	uint32_t n = index_files(), words = (n + 63) / 64;
	uint64_t accesses = COUNTED(view.h->n.accesses);
	if (accesses < n || (at >= words && accesses < again) || inflight_room() < 3)
		return FILE_NONE;
	at = at < words ? at : 0;
	for (uint32_t i = 0; i < UNREAD_WORDS && at < words; i++, at++)
		for (uint64_t bits = view.touched[at]; bits; bits &= bits - 1) {
			uint32_t rec = at * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[rec];
			if (rec >= n || rec_state(rec) != REC_RESIDENT || r->tier != TIER_SSD || r->read_at || r->use.pos < POS_MAX)
				continue;
			mark_victim(rec);
			return rec;
		}
	if (at >= words)           /* all that is left has been read; what opt4 warm brings may come later */
		again = accesses + n;
	return FILE_NONE;
}

void record_drop(uint32_t rec)
{
	bool ours = false;
	struct calm calm;
	calm_begin(&calm);
	if (!session_lock()) {
		/* can't file it, but nobody shall find it: then who opens it next drops it */
		struct resident r;
		if (record_read(rec, &r))
			tier_at(r.tier)->drop(&r.key);
		calm_end(&calm);
		return;
	}
	struct record *r = &view.rec[rec];
	if (rec_state(rec) == REC_RESIDENT && inflight_add(rec, r->pages)) {
		filing_take(rec);
		rec_set(rec, REC_EVICTING);
		r->prefetched = 0;
		record_account(r)->resident--;
		ours = true;
	}
	session_unlock();
	if (ours)
		room_evict_reserve(&rec, 1, TIER_RAM, 0);
	calm_end(&calm);
}

/* tries: of the lock, each of 10 ms. */
static void shrink(int tries)
{
	uint32_t victims[VICTIMS_MAX];
	for (int round = 0; round < 1000 && atomic_load(&view.h->room_left) < 0; round++) {
		if (!session_lock()) {
			if (--tries <= 0)
				break;
			continue;
		}
		int n = victims_choose(0, FILE_NONE, (struct use){ 0, 0 }, victims, VICTIMS_MAX);
		session_unlock();
		if (n <= 0)
			break;
		room_evict_reserve(victims, n, TIER_RAM, 0);
	}
}

void victims_shrink(void)
{
	struct calm calm;
	calm_begin(&calm);
	room_look();
	shrink(1);
	calm_end(&calm);
}

void victims_make_room(void)
{
	struct calm calm;
	calm_begin(&calm);
	tier_tmpfs.reap(true);
	atomic_store(&view.h->room_checked, now_coarse());
	atomic_store(&view.h->room_left, room_above(view.dir, view.h->floor_bytes) - room_wanted(true));
	shrink(100);
	calm_end(&calm);
}

void victims_give_back(uint64_t pages)
{
	uint32_t victims[VICTIMS_MAX];
	struct calm calm;
	calm_begin(&calm);
	for (uint64_t given = 0; given < pages;) {
		const struct tier_account *t = &view.h->account[TIER_RAM];
		uint64_t charged = atomic_load(&t->charged);
		int64_t left = atomic_load(&view.h->room_left) / (int64_t)PAGE, free = charged < t->budget ? (int64_t)(t->budget - charged) : 0;
		if (!session_lock())
			break;
		free = free < left ? free : left;
		int n = victims_choose(pages - given + (uint64_t)(free > 0 ? free : 0), FILE_NONE, (struct use){ 0, 0 }, victims, VICTIMS_MAX);
		session_unlock();
		if (n <= 0)
			break;
		for (int i = 0; i < n; i++)
			given += view.rec[victims[i]].pages;
		room_evict_reserve(victims, n, TIER_RAM, 0);
	}
	calm_end(&calm);
}
