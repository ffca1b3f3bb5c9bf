/* elevator.c - the missing files of the look-ahead in the order of the disk.
 *
 * A file's rank is its number in the order of all files on the disk. What is wanted is a bit a rank, with sums of bits over
 * them, 64 to one: the next one from the head on is found in a few steps among a million. Wanted is a hint: whoever takes
 * it asks again whether it is missing. The sweep goes one way only and begins again at the rim (C-SCAN): the head passes
 * each place once a sweep, so that no file waits for longer than one, and files that come into the look-ahead behind it
 * are there in full when it comes again. */
#include <stdlib.h>
#include "../opt4d.h"

#define LEVELS  4u                 /* 64^4 files and more */
#define GAP     160u               /* pages: read through rather than moved over. 5 ms at 130 MB/s; of disks of any age half or
                                    * twice that */
#define GAP_MAX THROUGH_MAX
#define NEAR    32u                /* files before which the head comes by soon, or .. */
#define NEAR_PART 4u               /* .. this part of those that are wanted */

static struct disk_map *map;
static uint64_t *bits[LEVELS];
static struct { uint32_t pos, plan; } *due;
static uint32_t head, last;                /* the next rank; the rank that was read last + 1, 0: the arm is elsewhere */
static uint32_t sweeps, wanted;            /* .. so far; bits that are set */

static void set(uint32_t r)
{
	wanted += !(bits[0][r / 64] >> r % 64 & 1);
	for (uint32_t l = 0; l < LEVELS; l++, r /= 64)
		bits[l][r / 64] |= 1ull << r % 64;
}

static void clear(uint32_t r)
{
	wanted -= bits[0][r / 64] >> r % 64 & 1;
	for (uint32_t l = 0; l < LEVELS; l++, r /= 64) {
		bits[l][r / 64] &= ~(1ull << r % 64);
		if (bits[l][r / 64])
			return;
	}
}

/* The first one from r on; UINT32_MAX: none. */
static uint32_t next(uint32_t r)
{
	uint32_t l = 0;
	uint64_t word;
	for (;;) {                 /* up until there is one behind r .. */
		if (l == LEVELS || r / 64 > (map->n - 1) >> 6 * l >> 6)
			return UINT32_MAX;
		word = bits[l][r / 64] & ~0ull << r % 64;
		if (word)
			break;
		r = r / 64 + 1;
		l++;
	}
	for (;;) {                 /* .. and down to it */
		r = r / 64 * 64 + (uint32_t)__builtin_ctzll(word);
		if (!l)
			return r;
		word = bits[--l][r];
		r *= 64;
	}
}

bool elevator_on(void) { return map != NULL; }

static void drop(void)
{
	for (uint32_t l = 0; l < LEVELS; l++) {
		free(bits[l]);
		bits[l] = NULL;
	}
	free(due);
	due = NULL;
	disk_unmap(map);
	map = NULL;
}

bool elevator_take(struct disk_map *m)
{
	drop();
	if (!m || !m->n) {
		disk_unmap(m);
		return false;
	}
	map = m;
	bool ok = (due = malloc((size_t)m->n * sizeof(*due))) != NULL;
	for (uint32_t l = 0; l < LEVELS; l++)
		ok &= (bits[l] = calloc((size_t)(m->n >> 6 * l >> 6) + 2, sizeof(uint64_t))) != NULL;
	head = last = wanted = 0;
	if (!ok)
		drop();
	return ok;
}

uint32_t elevator_unknown(void)
{
	return map ? index_files() - (map->nrecs < index_files() ? map->nrecs : index_files()) : 0;
}

void elevator_want(uint32_t plan, uint32_t pos, uint32_t rec)
{
	if (!map || rec >= map->nrecs || map->rank[rec] == UINT32_MAX || rebucket_has(rec))
		return;
	due[map->rank[rec]].pos = pos;
	due[map->rank[rec]].plan = plan;
	set(map->rank[rec]);
}

void elevator_unwant(uint32_t rec)
{
	if (map && rec < map->nrecs && map->rank[rec] != UINT32_MAX)
		clear(map->rank[rec]);
}

bool elevator_next(struct next *n)
{
	uint32_t r;
	if (!map || ((r = next(head)) == UINT32_MAX && (!head || (r = next(0)) == UINT32_MAX)))
		return false;
	*n = (struct next){ .plan = due[r].plan, .pos = due[r].pos, .rec = map->spots[r].rec, .how = NEXT_SWEPT };
	return true;
}

void elevator_pass(const struct next *n) { head = map->rank[n->rec] + 1; }

void elevator_left(void) { last = 0; }

bool elevator_at(uint32_t r, uint32_t *rec)
{
	if (!map || r >= map->n)
		return false;
	*rec = map->spots[r].rec;
	return true;
}

bool elevator_near(uint32_t rec)
{
	uint32_t most = wanted / NEAR_PART < NEAR ? wanted / NEAR_PART : NEAR;
	uint32_t rank = rec < map->nrecs ? map->rank[rec] : UINT32_MAX, r = head;
	for (uint32_t i = 0; i < most && rank != UINT32_MAX; i++, r++) {
		if ((r = next(r)) == UINT32_MAX && (r = next(0)) == UINT32_MAX)
			return false;
		if (r == rank)
			return true;
	}
	return false;
}

/* Read on from where the last one ended: the files between are known, and leave no hole. */
static uint32_t between(uint32_t r, uint32_t *through)
{
	const struct spot *s = map->spots;
	uint32_t n = 0;
	if (!last || r < last || r - last > GAP_MAX || s[r].start - s[last - 1].start > GAP + s[last - 1].pages)
		return 0;
	for (uint32_t i = last - 1; i < r; i++) {
		if (!s[i].pages || s[i].start + s[i].pages != s[i + 1].start)
			return 0;
		if (i >= last)
			through[n++] = s[i].rec;
	}
	return n;
}

void elevator_took(struct next *n)
{
	uint32_t r = n->rec < map->nrecs ? map->rank[n->rec] : UINT32_MAX;
	n->nthrough = 0;
	if (r == UINT32_MAX) {
		last = 0;
		view.h->disk_seeks++;
		return;
	}
	clear(r);
	if (n->how != NEXT_SWEPT) {
		last = 0;
		view.h->disk_seeks++;
		return;
	}
	n->nthrough = between(r, n->through);
	bool on = last && r >= last && (n->nthrough || (map->spots[last - 1].pages && map->spots[last - 1].start + map->spots[last - 1].pages == map->spots[r].start));
	view.h->disk_seeks += !on;
	if (r < head || !sweeps) {
		sweeps++;
		view.h->disk_runs++;
	}
	head = r + 1;
	last = r + 1;
}
