/* follow_vote.c - finding the place of a worker that has none: by its last accesses, or by where workers
 * of a new epoch begin. */
#include "follow_walk.h"

#define VOTE_BACK  16u     /* accesses of the walk that the history is compared with */
#define VOTE_NEED  6u      /* of RUN_HISTORY must be found, in order; .. */
#define VOTE_FIRST 4u      /* .. of who has made fewer, all: so many at least, .. */
#define VOTE_CHANCE .001   /* .. if chance leads to such a place no more often than that */
#define VOTE_OCCURRENCES 4096u
#define START_LOOK 1024u   /* batch heads that a new worker is compared with, a group */

/* How many of the last accesses lie, in order, on the walk that ends at `at`. */
static uint32_t agree(const struct trace *t, const struct run *r, struct place at, uint32_t width)
{
	uint32_t n = r->nhistory < RUN_HISTORY ? r->nhistory : RUN_HISTORY;
	uint32_t found = 1, i = 1;       /* history counted back from the latest, which is at `at` */
	for (uint32_t step = 0; step < VOTE_BACK && i < n; step++) {
		if (!walk_back(t, &at, width))
			break;
		uint32_t file = trace_at(t, at.last - 1);
		for (uint32_t k = i; k < n; k++)
			if (r->history[(r->nhistory - 1 - k) % RUN_HISTORY] == file) {
				found++;
				i = k + 1;
				break;
			}
	}
	return found;
}

/* All accesses since it came, if they are the steps that lead to `at`, none left out. */
static uint32_t all_agree(const struct trace *t, const struct run *r, struct place at, uint32_t width)
{
	for (uint32_t i = 1; i < r->nhistory; i++)
		if (!walk_back(t, &at, width) || trace_at(t, at.last - 1) != r->history[(r->nhistory - 1 - i) % RUN_HISTORY])
			return 0;
	return r->nhistory;
}

/* Workers a rank as they are now, for a job that has others than its trace. */
static uint32_t joined_width(const struct follow *f)
{
	uint32_t n = 0, ranks = 0, phase = walk_phase(f->t, f->sh->group);
	for (uint32_t i = 0; i < runs_used(f->sh); i++)
		n += f->sh->runs[i].owner != 0;
	for (uint32_t i = 0; i < f->t->h->nstreams; i++)
		ranks += f->t->streams[i].phase == phase;
	return ranks && n > ranks ? n / ranks : 1;
}

static uint32_t far(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

/* How many of a file's occurrences so many accesses would lead to by chance, were all files named as often. */
static double by_chance(const struct trace *t, uint32_t occurrences, uint32_t n)
{
	double places = occurrences, each = places / t->h->npos;
	while (--n)
		places *= each;
	return places;
}

/* Agreement first; then what has not expired; then what is near the front. */
static bool better(const struct follow *f, uint32_t n, uint32_t pos, uint32_t best_n, uint32_t best)
{
	uint32_t horizon = f->sh->horizon;
	if (n != best_n)
		return n > best_n;
	if ((pos >= horizon) != (best >= horizon))
		return pos >= horizon;
	return far(pos, f->sh->front) < far(best, f->sh->front);
}

bool vote_place(const struct follow *f, const struct run *r, struct place *to)
{
	const struct trace *t = f->t;
	uint32_t best_n = 0, best = 0, live = joined_width(f), occurrences = 0;
	bool few = r->nhistory < RUN_HISTORY;
	if (r->nhistory < VOTE_FIRST)
		return false;
	uint32_t (*count)(const struct trace *, const struct run *, struct place, uint32_t) = few ? all_agree : agree;
	uint32_t need = few ? VOTE_FIRST : VOTE_NEED;
	uint32_t file = r->history[(r->nhistory - 1) % RUN_HISTORY];
	if (file >= t->h->nfiles)
		return false;
	uint32_t pos = t->first[file];
	for (; occurrences < VOTE_OCCURRENCES && pos < t->h->npos; occurrences++, pos = trace_next(t, pos)) {
		struct place p;
		if (trace_at(t, pos) != file || !walk_place(t, pos, &p))
			continue;
		uint32_t width = walk_width(f, p.segment);
		uint32_t n = count(t, r, p, width);
		if (n < need && live != width) {
			uint32_t m = count(t, r, p, live);
			n = m > n ? m : n;
		}
		if (n >= need && (!best_n || better(f, n, pos, best_n, best))) {
			best_n = n;
			best = pos;
			*to = p;
		}
	}
	return best_n && (!few || by_chance(t, occurrences, best_n) < VOTE_CHANCE);
}

/* Heads of the first `width` batches of each segment of a group: the file there, if it is (un)consumed. */
static bool start_in(const struct follow *f, uint32_t group, uint32_t file, bool consumed, struct place *to)
{
	const struct trace *t = f->t;
	uint32_t end = walk_next_group(t, group), looked = 0;
	for (uint32_t b = 0; b < RUNS_MAX && looked < START_LOOK; b++) {
		bool any = false;
		for (uint32_t s = group; s < end && looked < START_LOOK; s++, looked++) {
			uint32_t start, stop;
			if (b >= walk_width(f, s) || !walk_batch(t, s, b, &start, &stop))
				continue;
			any = true;
			if (start < stop && trace_at(t, start) == file && follow_consumed(f->sh, start) == consumed) {
				*to = (struct place){ start + 1, stop, s, b };
				return true;
			}
		}
		if (!any)
			break;
	}
	return false;
}

/* What is unconsumed comes first; but a group that has hardly begun may have been read in part before (a
 * sanity check, a restart), and then its equal in a later epoch is not meant. */
bool vote_start(const struct follow *f, uint32_t file, struct place *to)
{
	const struct follow_shared *sh = f->sh;
	uint32_t now = sh->group, next = walk_next_group(f->t, now), later = walk_next_group(f->t, next);
	bool begun = sh->front < sh->started[0] + FOLLOW_LAG * sh->round && sh->front < sh->start[1];
	return start_in(f, now, file, false, to) || start_in(f, next, file, false, to) ||
	       (begun && start_in(f, now, file, true, to)) || start_in(f, next, file, true, to) ||
	       start_in(f, sh->oldest, file, false, to) || start_in(f, later, file, false, to);
}
