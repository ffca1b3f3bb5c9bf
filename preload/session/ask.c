/* ask.c - a file that a client misses and a pool of several nodes may have. No training process talks to the pool: the keeper
 * is asked, and takes the file from there or reads the original, and puts it there. A client that gets no answer reads the
 * original itself. See parts.h. */
#include <time.h>
#include "parts.h"

#define COMING_NS 1000000000ull    /* so long after the pool was first wanted it may be coming yet */
#define BEAT_NS   1000000000ull    /* a keeper that has not been round for so long hangs */
#define STEP_NS   1000000ull

/* Is there anybody to ask? */
static bool pool(uint64_t now)
{
	uint32_t state = atomic_load_explicit(&view.h->pool_state, memory_order_relaxed);
	uint64_t since = atomic_load(&view.h->pool_since), none = 0;
	if (state != POOL_COMING)
		return state == POOL_ON && now - atomic_load(&view.h->keeper_beat) < BEAT_NS;
	if (!since)
		atomic_compare_exchange_strong(&view.h->pool_since, &none, since = now);
	return now - since < COMING_NS;
}

/* The job's first reads come before the keeper does. */
static bool wait_until_on(uint64_t start)
{
	keeper_check();
	while (pool(now_coarse())) {
		if (atomic_load(&view.h->pool_state) == POOL_ON)
			return true;
		if (now_ns() - start > COMING_NS)
			return false;
		nanosleep(&(struct timespec){ 0, STEP_NS }, NULL);
		keeper_check();
	}
	return false;
}

bool ask_keeper(uint32_t rec, uint64_t bytes)
{
	uint64_t start = now_ns(), mine = (uint64_t)(rec + 1) | pages_of(bytes) << 32, w;
	if (!wait_until_on(start))
		return false;
	_Atomic uint64_t *slot = NULL;
	for (uint32_t i = 0; i < ASKED_MAX && !slot; i++) {
		uint64_t none = 0;
		if (atomic_compare_exchange_strong(&view.h->asked[i], &none, mine))
			slot = &view.h->asked[i];
	}
	if (!slot)
		return false;
	keeper_ring();
	start = now_ns();
	while (ST_STATE(w = atomic_load(&view.rec[rec].state)) == REC_ABSENT) {
		if (atomic_load(slot) != mine)     /* seen to; unless it is on its way by now, it was refused */
			return ST_STATE(atomic_load(&view.rec[rec].state)) != REC_ABSENT;
		if (now_ns() - start > 2 * view.h->pool_wait_ns || !pool(now_coarse())) {
			atomic_compare_exchange_strong(slot, &mine, 0);
			return false;
		}
		rec_wait(rec, w, STEP_NS);
	}
	uint64_t still = mine;
	atomic_compare_exchange_strong(slot, &still, 0);   /* prefetch had it in hand */
	return true;
}
