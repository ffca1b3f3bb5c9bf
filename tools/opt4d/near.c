/* near.c - what is on the SSD and is read next is brought near: into the page cache, by reads that the kernel has in flight as
 * long as the disk takes. From there a hit costs what it costs from memory, one copy; through a buffer of ours into an object
 * of the first tier it would be two, and that tier would be smaller by what it takes. What nobody has room for the kernel
 * drops, and the reader, whose open goes to the same object, waits for the disk as it would anyway.
 *
 * What an earlier session left is compared with its hash on the way. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include "opt4d.h"

#define THREADS 4u
#define STACK   (64u << 10)
#define AHEAD_NS 500000000ull      /* of the job's time */
#define LEAST   (16ull << 20)      /* bytes ahead of the reader: a tenth of the first tier, but .. */

static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static uint32_t nthreads, idle;
static struct { uint32_t at, gen; } cursor[PLANS_MAX];

static bool on_ssd(uint32_t rec, uint64_t *bytes)
{
	struct resident r;
	if (!ahead_touched(rec) || !record_read(rec, &r) || r.tier != TIER_SSD)
		return false;
	*bytes = r.st.size;
	return true;
}

/* The next one, in the order in which they are read. Under keeper_lock. */
static bool next_near(uint32_t *rec)
{
	uint64_t most = view.h->account[TIER_RAM].budget * PAGE / 10, bytes;
	most = most > LEAST ? most : LEAST;
	for (uint32_t n = 0; n < ahead_count(); n++) {
		uint32_t end = ahead_end(n, AHEAD_NS), old = ahead_oldest(n), at = cursor[n].at;
		uint64_t ahead = 0;
		if (cursor[n].gen != orders.plans[n].gen)
			at = 0;
		cursor[n].gen = orders.plans[n].gen;
		/* what lies between the reader and us */
		uint32_t front = orders.plans[n].follow.sh->front, typical = view.h->nfiles ? (uint32_t)(view.h->dataset_bytes / view.h->nfiles) : 100000;
		at = at > old ? at : old;
		if (at > front)
			ahead = (uint64_t)(at - front) * typical;
		for (; at < end && ahead < most; at++) {
			uint64_t unused;
			if (ahead_read_at(n, at, rec, &unused) && on_ssd(*rec, &bytes)) {
				cursor[n].at = at + 1;
				return true;
			}
			ahead += at > front ? typical : 0;
		}
		cursor[n].at = at;
	}
	return false;
}

/* Nothing locked. */
static void bring(uint32_t rec)
{
	struct resident r;
	if (!record_read(rec, &r) || r.tier != TIER_SSD)
		return;
	int fd = tier_ssd.open(&r.key, O_CLOEXEC);
	if (fd < 0)
		return;            /* its reader finds out why */
	if (!(atomic_load(&view.rec[rec].ssd) & SSD_UNCHECKED)) {
		posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	} else if (object_check(rec, fd) == -EIO) {
		pthread_mutex_lock(&keeper_lock);
		fetch_look();      /* it is missing now */
		pthread_mutex_unlock(&keeper_lock);
	}
	close(fd);
}

static void *bringer(__attribute__((unused)) void *arg)
{
	pthread_mutex_lock(&keeper_lock);
	while (1) {
		uint32_t rec;
		if (!ssd_here() || atomic_load(&view.h->gone) || !next_near(&rec)) {
			idle++;
			pthread_cond_wait(&work, &keeper_lock);
			idle--;
			continue;
		}
		pthread_mutex_unlock(&keeper_lock);
		bring(rec);
		pthread_mutex_lock(&keeper_lock);
	}
	return NULL;
}

void near_look(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	if (!view.h->prefetch || !ssd_here() || !view.h->account[TIER_SSD].resident)
		return;
	if (idle) {
		pthread_cond_broadcast(&work);
		return;
	}
	if (nthreads >= THREADS)
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK + (size_t)PTHREAD_STACK_MIN);
	if (pthread_create(&thread, &attr, bringer, NULL) == 0)
		nthreads++;
	pthread_attr_destroy(&attr);
}
