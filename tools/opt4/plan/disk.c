/* disk.c - the model of disk.h. */
#include "disk.h"

#include <math.h>
#include <stddef.h>

#define TURN      .417             /* of a mean seek: half a rotation */
#define SHORT     .134             /* the shortest seek */
#define MEAN_ROOT (8. / 15)        /* of the root of the distance between two places anywhere */
#define RUN       16.              /* seeks that it takes to read what re-bucketing writes of a bucket in one piece, where RAM suffices: 24 MB */
#define VISIT     43.              /* .. and what it writes at a time, at most: 64 MB; .. */
#define VISIT_PART 4               /* .. this part of what waits to be written */
#define SORTING   .45              /* of RAM at most: what waits to be written; a bucket takes as much again */
#define SORTING_LEAST .085         /* .. and at least: seeks are few then, however large the dataset */
#define HOP       .7               /* of a mean seek: from piece to piece of a bucket, which lie in order */
#define STEPS     64

static double transfer(const struct plan_disk *d, const struct plan_files *f)
{
	return f->bytes / f->files / d->bandwidth;
}

double disk_random(const struct plan_disk *d, const struct plan_files *f, double c)
{
	double missing = c <= 0 ? 1 : c >= 1 ? 0 : 1 - c - (1 - c) * log(1 - c);
	return f->files * missing * (d->seek + transfer(d, f));
}

/* From one file that is wanted to the next, where a part p of all files is: a seek, or reading on through those between
 * (k of them with probability p (1 - p)^k) while that is shorter. */
static double to_next(const struct plan_disk *d, const struct plan_files *f, double p)
{
	double t = transfer(d, f), root = sqrt(1 / (p * f->files)), sum = 0, more = 1 - p;
	double seek = d->seek * (TURN + SHORT + (1 - TURN - SHORT) / MEAN_ROOT * (root < 1 ? root : 1)), left = seek / t;
	for (; left > 0 && more > 1e-9; left--, more *= 1 - p)
		sum += (left < 1 ? left : 1) * more;
	return sum * t;
}

/* A window w holds files from when they are fetched to when they are read: a run of half of it is fetched, sorted, while
 * the half before is read. What is left of RAM keeps files from epoch to epoch. */
double disk_elevator(const struct plan_disk *d, const struct plan_files *f, double c, double *window)
{
	double least = f->files * (d->seek + transfer(d, f)), best = 0;
	if (c >= 1)
		least = 0;
	for (int i = 1; i <= STEPS && c > 0 && c < 1; i++) {
		double w = c * i / STEPS, read = 1 - (c - w);
		double s = f->files * read * (transfer(d, f) + to_next(d, f, w / 2));
		if (s < least) {
			least = s;
			best = w;
		}
	}
	if (window)
		*window = best;
	return least;
}

/* What waits for its bucket goes to the disk a bucket at a time, going round: a piece is twice the mean of what waits. */
void disk_sort(const struct plan_disk *d, double bytes, double ram, double *bucket, double *piece)
{
	double share = sqrt(RUN * d->seek * d->bandwidth * bytes / 2);
	share = share > SORTING_LEAST * ram ? share : SORTING_LEAST * ram;
	*bucket = share < SORTING * ram ? share : SORTING * ram;
	*piece = 2 * *bucket * *bucket / bytes;
	if (*piece > *bucket)
		*piece = *bucket;
}

double disk_rebucket(const struct plan_disk *d, const struct plan_files *f, double c)
{
	double bucket, piece, ram = c * f->bytes;
	if (c <= 0)
		return HUGE_VAL;
	if (c >= 1)
		return 0;
	disk_sort(d, f->bytes, ram, &bucket, &piece);
	double moved = f->bytes - (ram - 2 * bucket), most = VISIT * d->seek * d->bandwidth;
	double visit = bucket / VISIT_PART < most ? bucket / VISIT_PART : most;
	return 2 * moved / d->bandwidth + moved * d->seek * (HOP / piece + 2 / visit);
}

double disk_sequential(const struct plan_disk *d, const struct plan_files *f)
{
	return f->bytes / d->bandwidth;
}

enum disk_way disk_choose(const struct plan_disk *d, const struct plan_files *f, double c, bool rebucket)
{
	double random = disk_random(d, f, c), elevator = disk_elevator(d, f, c, NULL), least = random < elevator ? random : elevator;
	if (c < 1 && rebucket && disk_rebucket(d, f, c) < least)
		return DISK_REBUCKET;
	return c < 1 && elevator < random ? DISK_ELEVATOR : DISK_RANDOM;
}

const char *disk_way_name(enum disk_way w)
{
	return w == DISK_RANDOM ? "random" : w == DISK_ELEVATOR ? "elevator" : "rebucket";
}
