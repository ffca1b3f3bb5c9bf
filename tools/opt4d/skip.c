/* skip.c - files that are not fetched for a while because their originals failed, and sizes that differ from the
 * trace's. A table of fixed size: what falls out of it is merely tried again. */
#include "opt4d.h"

#define SLOTS   4096u
#define PROBES  8u
#define LEAST   500000000ull       /* ns; doubles with each failure .. */
#define DOUBLES 7u                 /* .. up to a minute */

static struct { uint32_t rec, pages, times; uint64_t until; } table[SLOTS]; /* rec + 1 */

static uint32_t hash(uint32_t rec) { return (uint32_t)(rec * 0x9E3779B1u) >> 20; }

static int find(uint32_t rec)
{
	for (uint32_t i = 0; i < PROBES; i++)
		if (table[(hash(rec) + i) % SLOTS].rec == rec + 1)
			return (int)((hash(rec) + i) % SLOTS);
	return -1;
}

static int make(uint32_t rec)
{
	int at = find(rec);
	if (at >= 0)
		return at;
	uint32_t best = hash(rec) % SLOTS;
	for (uint32_t i = 0; i < PROBES; i++) {
		uint32_t s = (hash(rec) + i) % SLOTS;
		if (!table[s].rec || table[s].until < table[best].until)
			best = s;
		if (!table[s].rec)
			break;
	}
	table[best].rec = rec + 1;
	table[best].pages = table[best].times = 0;
	table[best].until = 0;
	return (int)best;
}

void skip_failed(uint32_t rec)
{
	int at = make(rec);
	uint32_t times = table[at].times < DOUBLES ? table[at].times++ : DOUBLES;
	table[at].until = now_coarse() + (LEAST << times);
}

void skip_resize(uint32_t rec, uint32_t pages)
{
	table[make(rec)].pages = pages;
}

bool skip_now(uint32_t rec)
{
	int at = find(rec);
	return at >= 0 && table[at].until > now_coarse();
}

uint32_t skip_pages(uint32_t rec)
{
	int at = find(rec);
	return at >= 0 ? table[at].pages : 0;
}
