/* copies.c - which files lie in a bucket, and where: see rebucket.h. Each has one copy at most, for its next use. */
#include <stdlib.h>
#include "../opt4d.h"
#include "rebucket.h"

static struct copy *copies;
static uint32_t ncopies, held, plan, width;
static bool on;

bool copies_begin(uint32_t of, uint32_t positions)
{
	plan = of;
	width = positions;
	ncopies = index_files();
	copies = calloc((size_t)ncopies + 1, sizeof(*copies));
	held = 0;
	return copies != NULL;
}

void copies_end(void)
{
	free(copies);
	copies = NULL;
	ncopies = held = 0;
}

void copies_use(bool so) { on = so; }
uint32_t copies_room(void) { return ncopies; }
uint32_t copies_plan(void) { return plan; }

bool rebucket_on(uint32_t of) { return on && of == plan; }
bool rebucket_has(uint32_t rec) { return on && bucket_has(rec); }
uint32_t rebucket_end_of(uint32_t pos) { return (pos / width + 1) * width - 1; }
uint32_t rebucket_depth(uint32_t front) { return (front / width + 2) * width - front; }

uint32_t bucket_of(uint32_t pos) { return pos / width; }
bool bucket_has(uint32_t rec) { return rec < ncopies && copies[rec].seg != SEG_NONE; }
uint32_t bucket_files(void) { return held; }
struct copy *copy_of(uint32_t rec) { return &copies[rec]; }

void copy_set(uint32_t rec, const struct copy *c)
{
	bucket_drop(rec);
	copies[rec] = *c;
	held++;
}

void bucket_drop(uint32_t rec)
{
	if (!bucket_has(rec))
		return;
	if (copies[rec].seg >= SEG_FIRST)
		segment_less(copies[rec].seg - SEG_FIRST, copies[rec].at);
	copies[rec].seg = SEG_NONE;
	held--;
}

void bucket_drop_segment(uint32_t seg)
{
	for (uint32_t rec = 0; rec < ncopies; rec++)
		if (copies[rec].seg == seg + SEG_FIRST) {
			copies[rec].seg = SEG_NONE;
			held--;
		}
}
