/* arm.c - the disk's arm is one turn's at a time, in the order in which turns were given. */
#include <errno.h>
#include <time.h>
#include "../opt4d.h"

#define PATIENCE  2                /* seconds for a turn: the one before hangs */

static pthread_mutex_t arm = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static uint64_t given;                     /* under keeper_lock */
static uint64_t serving = 1;               /* under `arm` */

uint64_t turn_give(void) { return ++given; }

void turn_wait(uint64_t turn)
{
	struct timespec end;
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PATIENCE;
	pthread_mutex_lock(&arm);
	while (serving < turn && pthread_cond_timedwait(&passed, &arm, &end) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&arm);
}

void turn_over(uint64_t turn)
{
	atomic_store_explicit(&view.h->disk_beat, now_coarse(), memory_order_relaxed);
	pthread_mutex_lock(&arm);
	if (serving <= turn) {
		serving = turn + 1;
		pthread_cond_broadcast(&passed);
	}
	pthread_mutex_unlock(&arm);
}
