/* turn.c - whose turn it is at a disk with one arm.
 *
 * Mostly the sweep's: the missing files of the look-ahead in the order of the disk (elevator.c). A job that the disk is the
 * limit for has always somebody waiting, but if the sweep is only ever kept up by those it is no sweep: one seek for each
 * file, as without. So what is needed within two batches goes out of turn only once in some fetches, and
 * only if the head is not about to come by. To begin with that is every third; the more of the first window is there the
 * fewer, down to one in 17: by then the head passes each file before it is needed, at latest when it is. The first two
 * batches of all come in the order of need.
 *
 * A reader that finds its file missing leaves the arm alone for up to a second (fill.c) while index_header.elevator says
 * that the keeper will come. It says so only while something can be fetched.
 *
 * One fetch at a time reads (arm.c); the next ones have opened their files by then. */
#include "../opt4d.h"

#define FIRST     2u               /* fetches in turn for each out of turn, to begin with .. */
#define MORE      14u              /* .. and so many more when a window's files have been fetched */
#define PASS      1000u            /* files that are passed by at a time */

static uint32_t since;                     /* fetches in turn since the last one out of turn */
static uint64_t swept;                     /* .. in all */
static uint32_t early;                     /* fetches out of turn before the first sweep */
static bool off;                           /* for good */


void turn_tick(void)
{
	struct disk_map *m;
	if (off || conf.elevator == 0)
		rebucket_never(conf.elevator == 0 ? "OPT4_ELEVATOR=off" : "the dataset's disk does not rotate, as far as it says (OPT4_ELEVATOR=on: it does)");
	if (off || conf.elevator == 0 || !view.h->nplans || !index_files() || !index_roots())
		return;
	int got = disk_taken(&m);
	if (got > 0) {
		off = !elevator_take(m);   /* no memory, or no file has a name */
		if (!off)
			ahead_want_all();
		view.h->disk_on = !off;
		since = early = 0;
		swept = 0;
	}
	/* named since: all is asked again, which is cheap now that the inodes are warm */
	if (got < 0 || ((!elevator_on() || elevator_unknown() > index_files() / 8) && !off && !disk_look()))
		off = true;
	if (elevator_on())
		rebucket_tick();
	else
		atomic_store_explicit(&view.h->elevator, 0, memory_order_relaxed);
}

static uint32_t every(uint32_t plan)
{
	uint32_t window = ahead_window(plan) - ahead_oldest(plan);
	if (!swept && early < ahead_soon(plan) - ahead_oldest(plan))
		return 0;
	return FIRST + (uint32_t)(swept < window ? MORE * swept / window : MORE);
}

/* What is needed first, if that is soon. */
static bool soonest(struct next *n)
{
	ahead_restart();
	if (!ahead_next(n) || n->pos >= ahead_soon(n->plan))
		return false;
	n->how = NEXT_SOON;
	return true;
}

/* The next one of the sweep that is still missing. */
static bool in_turn(struct next *n)
{
	uint32_t rec, passed_by = 0;
	ahead_tell();
	while (passed_by < PASS && elevator_next(n)) {
		if (n->plan < ahead_count() && n->pos > ahead_window(n->plan)) {   /* the look-ahead has become shorter */
			elevator_pass(n);
			passed_by++;
			continue;
		}
		if (n->plan < ahead_count() && ahead_is_missing(n->plan, n->pos, &rec, &n->bytes) && rec == n->rec && !skip_now(rec))
			return true;
		elevator_unwant(n->rec);   /* read meanwhile, or another order's */
	}
	return false;
}

/* Where the next epoch is written down, its buckets are the order of need: what lies in them comes in time or at once. */
static bool by_buckets(struct next *n)
{
	if (!swept && soonest(n) && !every(n->plan))
		return true;
	if (rebucket_gather(n))
		return true;
	if (rebucket_waits())
		return false;
	if (since >= FIRST && soonest(n) && !rebucket_has(n->rec))
		return true;
	if (rebucket_next(n))
		return true;
	return !rebucket_waits() && (in_turn(n) || (soonest(n) && !rebucket_has(n->rec)));
}

bool turn_next(struct next *n)
{
	if (rebucket_due(n))
		return true;
	for (uint32_t plan = 0; plan < ahead_count(); plan++)
		if (rebucket_on(plan))
			return by_buckets(n);
	if ((since >= FIRST || !swept) && soonest(n) && since >= every(n->plan) && (!swept || !elevator_near(n->rec)))
		return true;
	return in_turn(n) || soonest(n);
}

bool turn_due(const struct next *n)
{
	return n->how == NEXT_SOON && n->pos <= orders.plans[n->plan].follow.sh->front;
}

bool turn_full(struct next *n) { return soonest(n) && (!rebucket_has(n->rec) || turn_due(n)); }

void turn_missed(const struct next *n)
{
	elevator_unwant(n->rec);
	rebucket_missed(n);
}

void turn_took(struct next *n)
{
	bool arm = n->how != NEXT_BUCKET && !(n->how == NEXT_ERRAND && n->chunk == NO_ARM);   /* from a bucket: it has been read already */
	if (n->how == NEXT_BUCKET || n->how == NEXT_ERRAND) {
		elevator_left();
		rebucket_took(n);
		since++;
		swept++;
	} else if (elevator_took(n), n->how == NEXT_SWEPT) {
		since++;
		swept++;
	} else {
		since = 0;
		early++;
		view.h->disk_soon++;
	}
	n->turn = arm ? turn_give() : 0;
	atomic_store_explicit(&view.h->elevator, rebucket_on(n->plan) ? ELEVATOR_BUCKETS : ELEVATOR_ON, memory_order_relaxed);
}

void turn_refused(void)
{
	atomic_store_explicit(&view.h->elevator, 0, memory_order_relaxed);
}
