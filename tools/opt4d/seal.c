/* seal.c - what has been moved to the SSD is made durable and written down, some hundred at a time: see opt4d.h. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "opt4d.h"

#define BATCH     512u             /* objects that are made durable together, at least .. */
#define WAIT_NS   2000000000ull    /* .. or what there is after this time */

static uint32_t *unsealed, nunsealed, room_unsealed;
static uint64_t first_unsealed;
static struct sealing seals = { .fd = -1 };
static bool sealing;

void seal_later(uint32_t rec)
{
	if (nunsealed == room_unsealed) {
		uint32_t *more = realloc(unsealed, (room_unsealed + BATCH) * 2 * sizeof(*more));
		if (!more)
			return;    /* it counts until the next boot */
		unsealed = more;
		room_unsealed = (room_unsealed + BATCH) * 2;
	}
	if (!nunsealed)
		first_unsealed = now_coarse();
	unsealed[nunsealed++] = rec;
}

bool seal_due(void)
{
	return nunsealed && !sealing && (nunsealed >= BATCH || now_coarse() - first_unsealed > WAIT_NS);
}

int seal(void)
{
	uint32_t n = nunsealed, *recs = unsealed;
	sealing = true;
	unsealed = NULL;
	nunsealed = room_unsealed = 0;
	pthread_mutex_unlock(&keeper_lock);
	int rc = sealed_add(&seals, recs, n);
	if (rc == 0)
		rc = sealed_compact(&seals);
	pthread_mutex_lock(&keeper_lock);
	free(recs);
	sealing = false;
	return rc;
}

void seal_find(void)
{
	for (uint32_t w = 0, files = index_files(); w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[rec];
			if (rec < files && rec_state(rec) == REC_RESIDENT && r->tier == TIER_SSD && !(atomic_load(&r->ssd) & SSD_SEALED))
				seal_later(rec);
		}
}

int seal_rest(void)
{
	for (int i = 0; sealing && i < 2000; i++) {
		pthread_mutex_unlock(&keeper_lock);
		usleep(5000);
		pthread_mutex_lock(&keeper_lock);
	}
	return sealing ? -EBUSY : nunsealed ? sealed_add(&seals, unsealed, nunsealed) : 0;
}
