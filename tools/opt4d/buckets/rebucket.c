/* rebucket.c - is the next epoch written down in its order, and what of that is next to be done: see rebucket.h.
 *
 * It takes turns with the sweep (turn.c). Fetching from buckets is a fetch like any other, only from another place. Beside
 * that there are errands, which fetch nothing: writing when the chunks are three quarters full, punching out what has been
 * read, and gathering: where a large part of what will be needed lies neither in memory nor in a bucket, as in the first epoch or
 * after a jump, all of it is read in the order of the disk, and goes to its buckets. That costs one pass for reading and one for
 * writing, and the epoch two more; straight to the reader by the elevator costs a seek of some kind for most files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../opt4/plan/disk.h"
#include "../../../preload/session/keeper.h"
#include "../opt4d.h"
#include "rebucket.h"

#define SEEK        .010           /* of a disk that nobody has measured: seconds, .. */
#define BANDWIDTH   150e6          /* .. bytes a second */
#define FREE_PART   16u            /* of the chunks: when less is free it is written, .. */
#define SPARE       6u             /* .. or than so many files, .. */
#define VISIT_PART  4u             /* .. this part of it at a time; .. */
#define VISIT_MOST  (64u << 20)    /* .. at most */
#define STAGE_PART  8u             /* of a bucket: a buffer for what is read of it; .. */
#define STAGE_MOST  (4u << 20)     /* .. at most */
#define WIDTH_LEAST 8u             /* files of a bucket */
#define GATHER_PART .15            /* of the files: more than these missing are gathered */
#define LOOK_NS     1000000000ull
#define TIDY_NS     500000000ull
#define PAUSE_NS    5000000000ull  /* after ENOSPC */
#define TRIES       100u           /* rounds until there is memory for them */
#define FAILS       8u             /* errors in a row, and it is over */

enum errand { OPEN, WRITE, TIDY, GATHER, LOAD };
static enum { UNTRIED, OPENING, OPENED, ON, OFF } state;
static bool busy, gathering, tidy, waits, said_full, said_first;
static uint32_t plan, width, gather_at, fails, tries, seg;
static uint64_t looked, tidied, paused_until;
static struct flush flush;
static struct plan_files files;
static double bucket;              /* bytes */

static void off(const char *why)
{
	opt4_log("opt4: OPT4_REBUCKET: %.200s: %s; the job goes on without buckets", conf.rebucket, why);
	state = OFF;
	gathering = false;
	copies_use(false);
	view.h->rebucket_on = 0;
}

void rebucket_never(const char *why)
{
	if (state == UNTRIED && *conf.rebucket)
		off(why);
}

/* Of the orders that are followed, the one that is known to its end. */
static bool traced(void)
{
	for (plan = 0; plan < ahead_count(); plan++)
		if (!orders.plans[plan].gen && orders.plans[plan].trace.h->npos)
			return true;
	return false;
}

static void begin(void)
{
	double ram = (double)view.h->account[TIER_RAM].budget * (double)PAGE, piece;
	const struct plan_disk disk = { SEEK, BANDWIDTH };
	char why[160];
	if (!traced()) {
		if (ahead_count())
			off("needs the order of the epochs to come: record a trace, and give it by --trace");
		return;
	}
	if (!view.h->prefetch) {
		off("OPT4_PREFETCH=off: nothing is fetched ahead");
		return;
	}
	if (!orders.pol.ops->soonest) {
		off("goes by the order, as the policy opt does; leave OPT4_POLICY alone");
		return;
	}
	files = (struct plan_files){ view.h->nfiles, (double)view.h->dataset_bytes };
	if (files.files < 1 || files.bytes < 1) {
		off("the trace names no files");
		return;
	}
	double c = ram / files.bytes;
	if (conf.elevator <= 0 && disk_choose(&disk, &files, c, true) != DISK_REBUCKET) {
		snprintf(why, sizeof(why), "a later epoch takes %.1f minutes by the elevator, %.1f by buckets (10 ms a seek, 150 MB/s; OPT4_ELEVATOR=on takes them all the same)",
			 disk_elevator(&disk, &files, c, NULL) / 60, disk_rebucket(&disk, &files, c) / 60);
		off(why);
		return;
	}
	disk_sort(&disk, files.bytes, ram, &bucket, &piece);
	width = (uint32_t)(bucket / (files.bytes / files.files));
	if (c >= 1 || width < WIDTH_LEAST) {
		off(c >= 1 ? "all of the dataset fits in memory" : "memory is too small for a bucket; raise OPT4_CACHE");
		return;
	}
	state = OPENING;
}

/* The folder is there, and locked. Under keeper_lock. */
static void opened(void)
{
	uint32_t stage = (uint32_t)(bucket / STAGE_PART < STAGE_MOST ? bucket / STAGE_PART : STAGE_MOST) / 65536 * 65536;
	double ram = (double)view.h->account[TIER_RAM].budget * (double)PAGE, wants = files.bytes - ram + 3 * bucket;
	double has = (double)log_room() + (double)log_held();
	char why[160];
	stage = stage ? stage : 65536;
	if (has < wants) {
		snprintf(why, sizeof(why), "%.2f GB are free above the disk's last twentieth, %.2f are wanted (the dataset without what stays in memory, and a bucket)",
			 has / 1e9, wants / 1e9);
		log_close(false);
		off(why);
		return;
	}
	if (!chunks_begin((uint64_t)bucket - BUFFERS * stage, BUFFERS * stage)) {
		if (++tries < TRIES)
			return;            /* what is evicted for it is still open somewhere */
		log_close(false);
		off("no memory for what waits to be written");
		return;
	}
	if (!bucket_begin(plan, width) || !segment_begin(stage)) {
		bucket_end();
		chunks_end();
		log_close(false);
		off("no memory for the list of files");
		return;
	}
	bucket_pass(ahead_oldest(plan));
	said_first = adopt(plan) > 0;      /* we go on where another was killed */
	state = ON;
	copies_use(true);
	view.h->rebucket_on = 1;
	ahead_want_all();
}

/* What would be gathered: it has a use ahead, and lies in no tier and no bucket. */
static bool wanting(uint32_t rank, uint32_t *rec, uint32_t *pos)
{
	return elevator_at(rank, rec) && !bucket_has(*rec) && (!ahead_touched(*rec) || rec_state(*rec) == REC_ABSENT) && !skip_now(*rec) &&
	       (*pos = ahead_use(plan, *rec)) < POS_MAX;
}

static void first_line(double part)
{
	const struct plan_disk disk = { SEEK, BANDWIDTH };
	double pass = disk_sequential(&disk, &files) / 60, c = (double)view.h->account[TIER_RAM].budget * (double)PAGE / files.bytes;
	if (said_first)
		return;
	said_first = true;
	if (gathering)
		opt4_log("opt4: disk: first epoch by extents into buckets: %.1f minutes until they are there, %.1f in all; straight to the reader it would "
			 "be %.1f (by 10 ms a seek, 150 MB/s)", 2 * part * pass, (2 + 2 * part) * pass, disk_elevator(&disk, &files, c, NULL) / 60 + pass);
	else
		opt4_log("opt4: disk: first epoch straight to the reader, in the order of the disk: %.0f %% of it is in memory or in buckets already, or the "
			 "disk's order is as quick", 100 * (1 - part));
}

/* Is so much missing that it is gathered? */
static void look(void)
{
	uint32_t rec, pos, n = 0, all = index_files();
	const struct plan_disk disk = { SEEK, BANDWIDTH };
	uint64_t there = bucket_files() + view.h->account[TIER_RAM].resident + view.h->account[TIER_SSD].resident;
	double c = (double)view.h->account[TIER_RAM].budget * (double)PAGE / files.bytes;
	if (gathering || !ahead_end(plan, UINT64_MAX))
		return;
	if (there < all && (double)(all - there) > GATHER_PART * all)
		for (uint32_t rank = 0; rank < all; rank++)
			n += wanting(rank, &rec, &pos);
	double part = (double)n / all;
	gathering = part > GATHER_PART && (conf.elevator > 0 || (2 + 2 * part) * disk_sequential(&disk, &files) < disk_elevator(&disk, &files, c, NULL) + disk_sequential(&disk, &files));
	gather_at = 0;
	first_line(part);
}

void rebucket_tick(void)
{
	uint64_t now = now_coarse();
	if (state == UNTRIED && *conf.rebucket)
		begin();
	if (state == OPENED)
		opened();
	if (state == OFF && bucket > 0 && !busy && bucket_idle()) {
		bucket_end();
		chunks_end();
		segment_end();
		log_close(false);
		bucket = 0;
	}
	if (state != ON)
		return;
	bucket_pass(ahead_oldest(plan));
	tidy |= now - tidied > TIDY_NS;
	if (now - looked > LOOK_NS) {
		looked = now;
		look();
	}
}

/* ---- turns ---- */

static bool errand(struct next *n, enum errand what)
{
	*n = (struct next){ .plan = plan, .how = NEXT_ERRAND, .seg = what, .chunk = what == GATHER ? 0 : NO_ARM };
	busy |= what != GATHER;
	return true;
}

/* Room in the chunks for what comes while it is being written; `files` more of the usual size. */
static bool scarce(uint32_t part, uint32_t spare)
{
	return chunks_free() < chunks_bytes() / part + spare * (uint64_t)(files.bytes / files.files);
}

/* What would have no place in the chunks waits until that has been written. */
static bool stalled(void)
{
	waits = busy && scarce(4 * FREE_PART, SPARE / 2);
	return waits;
}

bool rebucket_due(struct next *n)
{
	waits = false;
	uint64_t visit = chunks_bytes() / VISIT_PART;
	if (busy || (state != OPENING && state != ON))
		return false;
	if (state == OPENING)
		return errand(n, OPEN);
	if (scarce(FREE_PART, SPARE) && now_coarse() >= paused_until && segment_room(&seg)) {
		if (bucket_flush(&flush, visit < VISIT_MOST ? visit : VISIT_MOST, seg))
			return errand(n, WRITE);
		segment_forget(seg);
	}
	return tidy && segment_loose() && errand(n, TIDY);
}

bool rebucket_gather(struct next *n)
{
	uint32_t rec, pos;
	if (state != ON || (gathering && stalled()))
		return false;
	for (uint32_t all = index_files(); gathering && gather_at < all; gather_at++)
		if (wanting(gather_at, &rec, &pos)) {
			errand(n, GATHER);
			n->rec = rec;
			n->pos = pos;
			gather_at++;
			return true;
		}
	gathering = false;
	return false;
}

bool rebucket_next(struct next *n)
{
	if (state != ON || stalled() || !ahead_end(plan, UINT64_MAX) || !bucket_next(n, ahead_oldest(plan), ahead_window(plan), &waits))
		return false;
	if (n->how == NEXT_ERRAND)
		n->seg = LOAD;
	return true;
}

bool rebucket_waits(void) { return state == ON && waits; }

void rebucket_took(struct next *n)
{
	if (n->how == NEXT_BUCKET)
		bucket_took(n);
}

void rebucket_missed(const struct next *n)
{
	if (n->how == NEXT_BUCKET && rebucket_has(n->rec))
		bucket_drop(n->rec);
}

void rebucket_got(const struct next *n, int rc)
{
	bucket_got(n);
	if (rc < 0)
		elevator_want(n->plan, n->pos, n->rec);
}

/* ---- errands, without keeper_lock ---- */

static void write_out(void)
{
	pthread_mutex_lock(&keeper_lock);
	segment_tidy();            /* first: the room is wanted */
	tidied = now_coarse();
	pthread_mutex_unlock(&keeper_lock);
	int rc = segment_write(seg, &flush);
	pthread_mutex_lock(&keeper_lock);
	if (rc < 0) {
		bucket_drop_segment(seg);
		segment_fail(seg);
	} else {
		bucket_settle(&flush, seg);
		segment_written(seg, &flush);
	}
	bucket_flushed(&flush);
	busy = false;
	fails = rc < 0 && rc != -ENOSPC && rc != -EDQUOT ? fails + 1 : 0;
	if (rc == -ENOSPC || rc == -EDQUOT || rc == -EFBIG) {
		if (!said_full)
			opt4_log("opt4: OPT4_REBUCKET: %.200s: %s; what has no room there is read from the originals; free some of it", conf.rebucket, strerror(-rc));
		said_full = true;
		paused_until = now_coarse() + PAUSE_NS;
	} else if (rc == -ENOENT || rc == -EROFS || fails >= FAILS) {
		off(rc == -ENOENT ? "the folder has been removed" : strerror(-rc));
	}
	pthread_mutex_unlock(&keeper_lock);
}

void rebucket_run(const struct next *n, const struct transfer *own)
{
	switch ((enum errand)n->seg) {
	case OPEN: {
		const char *why = log_open(orders.plans[plan].trace.h->id, width);
		pthread_mutex_lock(&keeper_lock);
		if (why)
			off(why);
		else
			state = OPENED;    /* the rest at the next round */
		busy = false;
		pthread_mutex_unlock(&keeper_lock);
		break;
	}
	case WRITE:
		write_out();
		break;
	case TIDY:
		pthread_mutex_lock(&keeper_lock);
		segment_tidy();
		tidied = now_coarse();
		tidy = busy = false;
		pthread_mutex_unlock(&keeper_lock);
		break;
	case LOAD: {
		turn_wait(n->turn);
		int rc = bucket_load(n);
		turn_over(n->turn);
		pthread_mutex_lock(&keeper_lock);
		bucket_loaded(n, rc);
		pthread_mutex_unlock(&keeper_lock);
		break;
	}
	case GATHER:
		if (!gather(n, own)) {
			pthread_mutex_lock(&keeper_lock);
			gathering = false;         /* nothing can be written just now: it begins again */
			pthread_mutex_unlock(&keeper_lock);
		}
	}
}

void rebucket_over(void)
{
	chunks_uncharge();
	log_close(view.h->keep || !atomic_load(&view.h->gone));   /* the session goes on, with another keeper */
}
