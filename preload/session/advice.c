/* advice.c - a session in one line, where it is less than it could be. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "parts.h"

#define LEAST  20u                 /* a cache of less than a 20th of the dataset is hardly one */
#define MINUTE 60000000000ull

static uint64_t age(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	uint64_t now = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	return now > view.h->created_ns ? now - view.h->created_ns : 0;
}

/* An order that is not followed, the last of each loader's included: plan + 1, or 0. */
static uint32_t not_followed(void)
{
	for (uint32_t p = 0; p < index_plans(); p++)
		if (orders.plans[p].mapped && orders.plans[p].follow.sh->gate_shut)
			return p + 1;
	return 0;
}

/* The latest epoch that a loader of torch's is in; -1: there is none. */
static int64_t epoch(void)
{
	int64_t last = -1;
	for (int i = 0; i < LOADERS_MAX; i++)
		if (view.h->loaders[i].key && (int64_t)view.h->loaders[i].epoch > last)
			last = view.h->loaders[i].epoch;
	return last;
}

bool session_advice(char line[ADVICE_BYTES])
{
	const struct index_header *h = view.h;
	const struct counters *n = &h->n;
	const char *root = h->roots[0].path;
	uint64_t budget = h->account[TIER_RAM].budget * PAGE;
	uint32_t shut = not_followed();
	int len = 0;
	if (!budget)
		len = snprintf(line, ADVICE_BYTES, "%s: nothing is cached: there is no room for a cache; enlarge /dev/shm or the memory limit, or name a "
			       "size with --cache", root);
	else if (!n->accesses && n->peeked)
		len = snprintf(line, ADVICE_BYTES, "%s: nothing is cached: what is read are slices of large files (an archive, a database, HDF5), which are left "
			       "alone", root);
	else if (!n->accesses && age() > MINUTE / 2 && epoch() >= 0)
		len = snprintf(line, ADVICE_BYTES, "%s: nothing is cached: no file below it is opened and read as samples are fetched: they are in memory, or "
			       "slices of files that stay open (an archive, a database, HDF5), which are left alone", root);
	else if (!n->accesses && age() > MINUTE / 2)
		len = snprintf(line, ADVICE_BYTES, "%s: nothing is cached: no file below it has been read; name the folder that the job reads with --root", root);
	else if (!n->accesses)
		return false;
	else if (n->too_large > n->accesses / 2)
		len = snprintf(line, ADVICE_BYTES, "%s: most files are left alone: they are larger than %llu KiB; set OPT4_MAXFILE, or give more with --cache",
			       root, (unsigned long long)h->maxfile >> 10);
	else if (h->names_said)
		len = snprintf(line, ADVICE_BYTES, "%s: there is no room for the names of more than %u files: further ones are read past the cache; make a trace",
			       root, index_files() - view.nfiles);
	else if (h->room_left < 0)
		len = snprintf(line, ADVICE_BYTES, "%s: the cache gives way: others need the room in /dev/shm or the memory limit; enlarge it, or ask for "
			       "less with --cache", root);
	else if (h->dataset_bytes && budget < h->dataset_bytes / LEAST)
		len = snprintf(line, ADVICE_BYTES, "%s: the cache holds %.1f %% of the dataset: little can be reused; give more with --cache", root,
			       100.0 * (double)budget / (double)h->dataset_bytes);
	else if (shut && h->plans[shut - 1].gen)
		len = snprintf(line, ADVICE_BYTES, "%s: cached as by keep, nothing is fetched ahead: the job reads other files than its DataLoader's order "
			       "foretold; import opt4; opt4.order(paths) tells a better one", root);
	else if (shut)
		len = snprintf(line, ADVICE_BYTES, "%s: cached as by keep, nothing is fetched ahead: the job does not follow %.200s; make the trace again",
			       root, h->plans[shut - 1].path);
	else if (h->policy_default && !h->nplans && epoch() < 0 && !strcmp(h->policy, "keep"))
		len = snprintf(line, ADVICE_BYTES, "%s: cached as by keep, nothing is fetched ahead: no DataLoader of torch's over numbered samples tells the "
			       "order; opt4 run --order LIST, or import opt4; opt4.order(paths)", root);
	else if (h->policy_default && !h->nplans && epoch() > 0)
		len = snprintf(line, ADVICE_BYTES, "%s: cached as by keep, nothing is fetched ahead: the DataLoader's sampler or the files of its samples can't be "
			       "foretold; opt4 run --order LIST, or import opt4; opt4.order(paths)", root);
	return len > 0;
}
