/* lock.c - the session lock: one futex word that says who has it (LOCK_WORD).
 *
 * Uncontended it costs one compare and swap. It guards memory only: nobody does I/O on files under it.
 * Nobody waits for it longer than 10 ms. An owner may be stopped rather than dead; after a wait in vain for
 * one that does not run, this process only tries, without waiting, for a second: else each of its opens would
 * wait again. (One that is ready to run has only lost the CPU to others for long, and may be back at once.) */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "store.h"

#define WAIT_NS    10000000ull
#define STEP_NS    1000000ull

static _Atomic uint64_t only_try_until;
static _Atomic uint32_t vain;      /* waits in vain since the lock was last had */
static __thread bool holding;      /* this thread */

static void futex_wait(_Atomic uint32_t *word, uint32_t seen, uint64_t ns)
{
	struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	syscall(SYS_futex, word, FUTEX_WAIT, seen, &ts, NULL, 0);
}

/* Tells the core that this is a loop that waits. */
static void pause_cpu(void)
{
#if defined __x86_64__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("isb");   /* `yield` does nothing on most of them */
#endif
}

uint32_t lock_word(void) { return LOCK_WORD(view.slot, atomic_load(&view.slots[view.slot].claims)); }

static bool owner_dead(uint32_t word)
{
	if (LOCK_SLOT(word) >= SLOTS_MAX)
		return true;
	const struct slot *s = &view.slots[LOCK_SLOT(word)];
	uint32_t pid = atomic_load(&s->pid);
	return !pid || LOCK_WORD(LOCK_SLOT(word), atomic_load(&s->claims)) != word || !slot_alive(s, pid);
}

static bool had(void)
{
	if (atomic_load_explicit(&vain, memory_order_relaxed))
		atomic_store_explicit(&vain, 0, memory_order_relaxed);
	return true;
}

static void repaired(void)
{
	COUNT(view.h->n.repairs, 1);
	if (store_above)
		store_above->repaired();
}

static bool take(void)
{
	uint32_t me = lock_word(), seen = 0;
	for (int spin = 0; spin < 200; spin++) {
		seen = 0;
		if (atomic_compare_exchange_strong(&view.h->lock, &seen, me))
			return had();
		pause_cpu();
	}
	uint64_t start = now_ns();
	uint64_t until = start < atomic_load(&only_try_until) ? start : start + WAIT_NS;
	while (1) {
		seen = 0;
		if (atomic_compare_exchange_strong(&view.h->lock, &seen, me))
			return had();
		if (owner_dead(seen) && atomic_compare_exchange_strong(&view.h->lock, &seen, me)) {
			repaired();
			return true;
		}
		if (now_ns() >= until)
			break;
		atomic_fetch_add(&view.h->lock_waiters, 1);
		futex_wait(&view.h->lock, seen, STEP_NS);
		atomic_fetch_sub(&view.h->lock_waiters, 1);
	}
	if (LOCK_SLOT(seen) < SLOTS_MAX && !proc_runs(atomic_load(&view.slots[LOCK_SLOT(seen)].pid)) && atomic_fetch_add(&vain, 1))
		atomic_store(&only_try_until, now_ns() + 1000000000u);
	__atomic_fetch_add(&view.h->n.lock_timeouts, 1, __ATOMIC_RELAXED);
	return false;
}

/* Is another state of the orders in force than the one that is mapped here? */
static bool behind(void) { return view.policy_gen != view.h->policy_gen && store_above; }

/* `gone` relaxed: seen late, what is done under the lock is done to an index that nobody comes to any more. */
bool session_lock(void)
{
	if (!view.h || view.disabled || view.slot >= SLOTS_MAX || atomic_load_explicit(&view.h->gone, memory_order_relaxed))
		return false;
	for (int i = 0; i < 3; i++) {
		/* Others may have joined a trace since: map it first, without the lock. */
		int rc = behind() ? store_above->refresh() : 0;
		if (rc < 0 && rc != -EAGAIN)
			return false;
		if (!take())
			return false;
		holding = true;
		if (!behind())
			return true;
		session_unlock();
	}
	return false;
}

void lock_abandoned(void)
{
	if (!holding)
		return;
	repaired();
	session_unlock();
}

void session_unlock(void)
{
	holding = false;
	atomic_store(&view.h->lock, 0);
	if (atomic_load(&view.h->lock_waiters))
		syscall(SYS_futex, &view.h->lock, FUTEX_WAKE, 1, NULL, NULL, 0);
}
