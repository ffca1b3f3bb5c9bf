/* bits.h - a set of numbers 0 .. n-1 as a hierarchical 64-ary bitset.
 *
 * Level 0 has a bit a number; a bit of level k+1 is set iff the word below it on level k is not zero. So
 * the next set bit in either direction is found by looking at one or two words a level: log64 n of them,
 * five for 115 million numbers, of which all but the lowest stay in the processor's caches. The levels
 * above the first cost 1/63 of it.
 *
 * All zero is the empty set. No pointers; the layout follows from n, which the caller passes each time
 * and never changes. Indices at or above n are the caller's error and not checked, but for `i` of the two
 * searches. Damaged contents give wrong answers at worst, never an access outside bits_bytes(n).
 * Not thread safe: the caller holds the lock that guards the block.
 */
#ifndef OPT4_BITS_H
#define OPT4_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITS_NONE 0xFFFFFFFFu

/* Bytes that a set over n numbers takes; a multiple of 64; 0 for n = 0. */
size_t bits_bytes(uint32_t n);

void bits_set(uint64_t *b, uint32_t n, uint32_t i);
void bits_clear(uint64_t *b, uint32_t n, uint32_t i);

static inline bool bits_test(const uint64_t *b, uint32_t i)
{
	return b[i / 64] >> (i % 64) & 1;
}

/* The highest member below i (i >= n: the highest of all), or BITS_NONE. */
uint32_t bits_below(const uint64_t *b, uint32_t n, uint32_t i);

/* The lowest member at or above i, or BITS_NONE. */
uint32_t bits_from(const uint64_t *b, uint32_t n, uint32_t i);

#endif
