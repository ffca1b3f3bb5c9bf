/* claims.c - what of the tmpfs is free and yet not ours: bytes that processes have promised to write to files of theirs,
 * fills under way, and what others took of late and will take again. */
#include <sys/statvfs.h>
#include <unistd.h>
#include "store.h"

#define FLOOR_GIVEN (32ull << 20)  /* the least floor that there is: what is claimed within it is left free anyway */
#define PROMISE_NS 1000000000ull
#define SPAN_NS   60000000000ull   /* others' peak is remembered for one to two of these */

static uint64_t promised(void)
{
	uint64_t now = now_coarse(), sum = 0;
	for (int i = 0; i < PROMISES_MAX; i++) {
		const struct promise *p = &view.h->promises[i];
		if (p->pid && now - p->ns < PROMISE_NS)
			sum += p->pages;
	}
	return sum;
}

/* Charged, but not taken yet, or not all of it. */
static uint64_t filling(void)
{
	uint64_t sum = 0;
	for (int i = 0; i < INFLIGHT_MAX; i++) {
		uint32_t rec = atomic_load_explicit(&view.h->inflight[i].rec, memory_order_relaxed);
		if (rec && rec <= view.ncap && rec_state(rec - 1) == REC_FILLING)
			sum += atomic_load_explicit(&view.h->inflight[i].pages, memory_order_relaxed);
	}
	return sum;
}

/* The most that others have had in this tmpfs of late, whole pages; `growing`: they are just now taking more. What a
 * loader's batches took once they will take again: it is left to them in between. soon: what is promised to them beside
 * that, some of which they may have by now: it makes no peak. */
static uint64_t others_lack(uint64_t others, uint64_t soon, bool growing)
{
	struct index_header *h = view.h;
	uint64_t now = now_coarse(), since = atomic_load(&h->others_since);
	if (now - since > SPAN_NS && atomic_compare_exchange_strong(&h->others_since, &since, now))
		atomic_store(&h->others_peak[1], now - since > 2 * SPAN_NS ? 0 : atomic_exchange(&h->others_peak[0], 0));
	for (uint64_t was = atomic_load(&h->others_peak[0]); growing && was < others && !atomic_compare_exchange_weak(&h->others_peak[0], &was, others);)
		;
	uint64_t a = atomic_load(&h->others_peak[0]), b = atomic_load(&h->others_peak[1]), peak = a > b ? a : b;
	others += soon;
	return peak > others ? (peak - others) + (peak - others) / 4 : 0;
}

/* Bytes that are free, but not for us, beside the floor. */
int64_t room_wanted(bool growing)
{
	struct statvfs fs;
	uint64_t soon = promised() + filling(), charged = atomic_load(&view.h->account[TIER_RAM].charged), used, lack = 0;
	if (statvfs(view.dir, &fs) == 0 && fs.f_blocks) {
		used = (fs.f_blocks - fs.f_bfree) * fs.f_frsize / PAGE;
		lack = others_lack(used > charged ? used - charged : 0, soon, growing) * PAGE;
	}
	return (int64_t)(soon * PAGE + (lack > FLOOR_GIVEN ? lack - FLOOR_GIVEN : 0));
}

/* This process's place among those that have promised; NULL: there is none left. */
static struct promise *promise(void)
{
	uint32_t me = (uint32_t)getpid(), was;
	uint64_t now = now_coarse();
	for (int i = 0; i < PROMISES_MAX; i++)
		if (view.h->promises[i].pid == me)
			return &view.h->promises[i];
	for (int i = 0; i < PROMISES_MAX; i++) {
		struct promise *p = &view.h->promises[i];
		was = p->pid;
		if ((!was || now - p->ns > PROMISE_NS) && atomic_compare_exchange_strong(&p->pid, &was, me))
			return p;
	}
	return NULL;
}

void room_promise(uint64_t pages)
{
	struct promise *p = promise();
	if (!p)
		return;
	atomic_store(&p->pages, pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX);
	atomic_store(&p->ns, now_coarse());
}
