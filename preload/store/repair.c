/* repair.c - what a dead process left half done. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "store.h"

/* Entries are looked for relaxed: free ones under the lock, one's own by its owner. Who buries loads them in order. */
uint32_t inflight_room(void)
{
	uint32_t n = 0;
	for (int i = 0; i < INFLIGHT_MAX; i++)
		n += !atomic_load_explicit(&view.h->inflight[i].rec, memory_order_relaxed);
	return n;
}

struct inflight *inflight_mark(uint32_t rec, uint64_t pages, uint32_t kind, const struct key *k)
{
	for (int i = 0; i < INFLIGHT_MAX; i++) {
		struct inflight *f = &view.h->inflight[i];
		if (atomic_load_explicit(&f->rec, memory_order_relaxed))
			continue;
		atomic_store_explicit(&f->slot, view.slot, memory_order_relaxed);
		f->pages = pages;
		f->kind = kind;
		f->key = k ? *k : (struct key){ 0, 0 };
		atomic_store(&f->rec, rec + 1);
		return f;
	}
	return NULL;
}

struct inflight *inflight_add(uint32_t rec, uint64_t pages) { return inflight_mark(rec, pages, MARK_STATE, NULL); }

void inflight_end(struct inflight *f)
{
	f->pages = 0;
	atomic_store(&f->rec, 0);
}

struct inflight *inflight_of(uint32_t rec)
{
	for (int i = 0; i < INFLIGHT_MAX; i++)
		if (atomic_load_explicit(&view.h->inflight[i].rec, memory_order_relaxed) == rec + 1 && view.h->inflight[i].kind == MARK_STATE)
			return &view.h->inflight[i];
	return NULL;
}

void inflight_del(uint32_t rec)
{
	struct inflight *f = inflight_of(rec);
	if (!f)
		return;
	inflight_end(f);
}

/* One record that a dead process was filling or evicting: its object goes whatever it was. Its pages stay
 * charged, as lingering, when somebody still has it open. */
static void finish_state(struct inflight *f)
{
	uint32_t rec = f->rec - 1;
	uint64_t pages = f->pages;
	enum rec_state s = rec < view.ncap ? rec_state(rec) : REC_ABSENT;
	uint32_t t = TIER_RAM;
	int rc = -ENOENT;
	if (s == REC_FILLING || s == REC_EVICTING) {
		t = view.rec[rec].tier < TIERS ? view.rec[rec].tier : TIER_RAM;
		/* as if the dead one did it: that is how no reaper takes it for lingering, and how it is found if we die, too */
		const struct tier *tier = tiers[t];
		rec_set(rec, REC_EVICTING);
		rc = tier->evict(f->slot, &view.rec[rec].key);
		if (rc < 0)
			rc = tier->evicted(f->slot, &view.rec[rec].key);
		rec_set(rec, REC_ABSENT);
	}
	f->pages = 0;
	atomic_store(&f->rec, 0);
	if (rc == 0)
		atomic_fetch_add(&view.h->account[t].lingering, pages);
	else if (s != REC_RESIDENT)     /* it died between RESIDENT and the removal of its mark: all is well */
		atomic_fetch_sub(&view.h->account[t].charged, pages);
}

/* The keeper died over an object that it was moving. Where the record has it by now, all is well. */
static void finish_move(struct inflight *f)
{
	uint32_t rec = f->rec - 1, t = f->kind == MARK_LEFT ? TIER_RAM : TIER_SSD;
	struct record *r = &view.rec[rec < view.ncap ? rec : 0];
	bool here = rec < view.ncap && rec_state(rec) == REC_RESIDENT && r->key.path == f->key.path && r->key.stat == f->key.stat;
	int rc = -ENOENT;
	atomic_store(&r->spilling, 0);
	if (t == TIER_RAM && !(here && r->tier == TIER_RAM)) {
		rc = tiers[t]->evict(f->slot, &f->key);
		if (rc < 0)
			rc = tiers[t]->evicted(f->slot, &f->key);
	}
	bool given = here && r->tier == t;
	if (t == TIER_SSD && !given)
		ssd_unmake(&f->key);
	if (rc == 0)
		atomic_fetch_add(&view.h->account[t].lingering, f->pages);
	else if (!given)
		atomic_fetch_sub(&view.h->account[t].charged, f->pages);
	inflight_end(f);
}

static void finish(struct inflight *f)
{
	if (f->kind == MARK_STATE) {
		finish_state(f);
	} else if (f->kind == MARK_CHUNKS) {
		atomic_fetch_sub(&view.h->account[TIER_RAM].charged, f->pages);
		inflight_end(f);
	} else
		finish_move(f);
}

/* Of a slot that is being claimed or buried: its burier, if that has died; else 0. */
static uint32_t dead_burier(struct slot *s)
{
	uint32_t by = atomic_load(&s->burier);
	if (!by || by > SLOTS_MAX || by - 1 == view.slot)
		return 0;
	const struct slot *b = &view.slots[by - 1];
	uint32_t pid = atomic_load(&b->pid);
	return !pid || (pid != UINT32_MAX && !slot_alive(b, pid)) ? by : 0;
}

void repair_bury(void)
{
	struct index_header *h = view.h;
	bool any = false;
	for (uint32_t i = 0; i < h->slots_hi && i < SLOTS_MAX; i++) {
		struct slot *s = &view.slots[i];
		uint32_t pid = atomic_load(&s->pid), before = 0;
		if (!pid || i == view.slot ||
		    (pid == UINT32_MAX ? !(before = dead_burier(s)) : slot_alive(s, pid)))
			continue;
		if (LOCK_SLOT(atomic_load(&h->lock)) == i && view.slot >= SLOTS_MAX)
			continue;  /* without a slot of our own we can't take it; somebody with one will */
		/* one buries: who gets the pid away, or takes over from who did and has died over it */
		if (pid != UINT32_MAX ? !atomic_compare_exchange_strong(&s->pid, &pid, UINT32_MAX)
				      : !atomic_compare_exchange_strong(&s->burier, &before, view.slot + 1))
			continue;
		atomic_store(&s->burier, view.slot + 1);
		/* Nobody comes into the slot now: a lock that it has is the dead one's. */
		uint32_t word = atomic_load(&h->lock);
		if (LOCK_SLOT(word) == i && atomic_compare_exchange_strong(&h->lock, &word, lock_word())) {
			COUNT(h->n.repairs, 1);
			if (store_above)
				store_above->repaired();
			session_unlock();
		}
		any = true;
		if (store_above)
			store_above->bury(i);
		for (int k = 0; k < INFLIGHT_MAX; k++)
			if (h->inflight[k].rec && h->inflight[k].slot == i)
				finish(&h->inflight[k]);
		s->plan_run = s->live_plan = 0;
		atomic_store(&s->burier, 0);
		atomic_store(&s->pid, 0);
	}
	if (any)
		COUNT(h->n.repairs, 1);
}
