/* claims.c - what of the tmpfs is free and yet not ours: bytes that processes have promised to write to files of theirs,
 * fills under way, and what others took of late and will take again. */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "store.h"

#define MORE      16u               /* one such part of what came and went at most may come more the next time */
#define PROMISE_NS 1000000000ull
#define SOON_NS   50000000ull      /* within which a file gets the size that was promised */
#define SPAN_NS   60000000000ull   /* others' peak is remembered for one to two of these */

/* Pages that a file is short of still, of those that were promised it: its writer has it open. */
static uint64_t lack(const struct promise *p, const struct promised *f, bool young)
{
	char path[48];
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%u/fd/%d", (unsigned)p->pid, f->fd);
	if (stat(path, &st) < 0 || st.st_ino != f->ino || st.st_dev != session_dev)
		return f->pages;   /* closed, and mapped perhaps: it may be written to yet */
	uint64_t size = (uint64_t)st.st_size < f->to && !young ? (uint64_t)st.st_size : f->to, held = (uint64_t)st.st_blocks * 512;
	uint64_t pages = size > held ? pages_of(size - held) : 0;
	return pages < f->pages ? pages : f->pages;
}

static uint64_t promised(void)
{
	uint64_t sum = 0;
	for (int i = 0; i < PROMISES_MAX; i++) {
		struct promise *p = &view.h->promises[i];
		uint64_t at = p->ns, now = now_ns(), pages = p->pages, known = 0, still = 0;
		uint32_t n = p->nfiles;
		if (!p->pid || now - at >= PROMISE_NS)
			continue;
		for (uint32_t k = 0; k < n && k < PROMISED_MAX && p->pidns == proc_self()->pidns; k++) {
			known += p->file[k].pages;
			still += lack(p, &p->file[k], now - at < SOON_NS);
		}
		pages = pages > known ? pages - known + still : still;
		if (!pages)
			atomic_compare_exchange_strong(&p->ns, &at, 0);
		sum += pages;
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

static uint64_t larger(_Atomic uint64_t of[2])
{
	uint64_t a = atomic_load(&of[0]), b = atomic_load(&of[1]);
	return a > b ? a : b;
}

/* Pages that others will want: the most that they have had in this tmpfs of late, and a little more of what came and went of it;
 * `growing`: they are just now taking more. What a loader's batches took once they will take again: it is left to them in between. The same
 * whether they have it at the moment or not, or what comes into the cache while a batch is away would go when the next is made. */
static uint64_t others_need(uint64_t others, bool growing)
{
	struct index_header *h = view.h;
	uint64_t now = now_coarse(), since = atomic_load(&h->others_since);
	if (now - since > SPAN_NS && atomic_compare_exchange_strong(&h->others_since, &since, now)) {
		bool stale = now - since > 2 * SPAN_NS;
		uint64_t peak = atomic_exchange(&h->others_peak[0], 0), away = atomic_exchange(&h->others_away[0], 0);
		atomic_store(&h->others_peak[1], stale ? 0 : peak);
		atomic_store(&h->others_away[1], stale ? 0 : away);
	}
	raise_to(&h->others_away[0], ~others);
	if (growing)
		raise_to(&h->others_peak[0], others);
	uint64_t peak = larger(h->others_peak), least = ~larger(h->others_away);
	return peak + (peak > least ? (peak - least) / MORE : 0);
}

/* Bytes that are free, but not for us, beside the floor. What is promised to others, some of which they may have by now, makes no peak. */
int64_t room_wanted(bool growing)
{
	struct statvfs fs;
	uint64_t soon = promised() + filling(), charged = atomic_load(&view.h->account[TIER_RAM].charged);
	if (statvfs(view.dir, &fs) == 0 && fs.f_blocks) {
		uint64_t used = (fs.f_blocks - fs.f_bfree) * fs.f_frsize / PAGE, others = used > charged ? used - charged : 0;
		uint64_t need = others_need(others, growing);
		if (need > others + soon)
			soon = need - others;
	}
	return (int64_t)(soon * PAGE);
}

/* This process's place among those that have promised; NULL: there is none left. */
static struct promise *promise(void)
{
	uint32_t me = (uint32_t)getpid(), was;
	uint64_t now = now_ns();
	for (int i = 0; i < PROMISES_MAX; i++)
		if (view.h->promises[i].pid == me)
			return &view.h->promises[i];
	for (int i = 0; i < PROMISES_MAX; i++) {
		struct promise *p = &view.h->promises[i];
		was = p->pid;
		if ((!was || now - p->ns >= PROMISE_NS) && atomic_compare_exchange_strong(&p->pid, &was, me))
			return p;
	}
	return NULL;
}

void room_promise(uint64_t pages, const struct promised *files, uint32_t n)
{
	struct promise *p = promise();
	if (!p)
		return;
	atomic_store(&p->nfiles, 0);           /* till they are all there it is just so many pages */
	atomic_store(&p->pages, pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX);
	p->pidns = proc_self()->pidns;
	for (uint32_t i = 0; i < n && i < PROMISED_MAX; i++)
		p->file[i] = files[i];
	atomic_store(&p->nfiles, n);
	atomic_store(&p->ns, now_ns());
}
