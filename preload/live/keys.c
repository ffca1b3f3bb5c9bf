/* keys.c - samples whose indices are no places 0..n in their dataset: names, ids, tuples. Their table's rows are found by a key: 32 bits that stand for
 * what the index is, the same in any process. Two indices of one key share a row, which then wanders: some hundred of a million. */
#include "live.h"

#define APART  (0x6B657973ull << 32)   /* what tells its table's number from that of the places */
#define LEAST  (1u << 15)            /* rows: a length may say little of how many keys there are */
#define MOST   (1u << 22)            /* .. 38 MB of shared memory that no budget knows of */
#define PROBES 128u

uint64_t live_keyed(uint64_t dataset) { return dataset ^ APART; }

uint32_t live_keyed_rows(uint32_t n)
{
	uint32_t rows = LEAST;
	while (rows < 2ull * n && rows < MOST)
		rows *= 2;
	return rows;
}

_Atomic uint32_t *live_keys(struct live_table *t)
{
	return (_Atomic uint32_t *)(void *)(t->rec + (size_t)t->n * t->width + (t->n + 3) / 4);   /* behind the times */
}

uint32_t live_place(struct live_table *t, uint32_t index, bool make)
{
	if (!t->keyed)
		return index < t->n ? index : UINT32_MAX;
	_Atomic uint32_t *keys = live_keys(t);
	for (uint32_t i = 0; index && i < PROBES; i++) {
		uint32_t row = ((uint32_t)((index * 0x9E3779B97F4A7C15u) >> 32) + i) & (t->n - 1), there = atomic_load(&keys[row]);
		if (!there && !make)
			break;
		if (there == index || (!there && (atomic_compare_exchange_strong(&keys[row], &there, index) || there == index)))
			return row;
	}
	return UINT32_MAX;
}
