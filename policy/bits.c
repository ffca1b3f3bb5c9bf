/* bits.c - the hierarchical bitset: see bits.h. */
#include "bits.h"

#define LEVELS 6                  /* 64^6 > 2^32 */

static inline uint32_t words(uint32_t n)
{
	return n / 64 + (n % 64 != 0);
}

size_t bits_bytes(uint32_t n)
{
	size_t total = 0;

	if (!n)
		return 0;
	do {
		n = words(n);
		total += n;
	} while (n > 1);
	return (total * 8 + 63) & ~(size_t)63;
}

void bits_set(uint64_t *b, uint32_t n, uint32_t i)
{
	for (;;) {
		uint64_t was = b[i / 64];

		b[i / 64] = was | UINT64_C(1) << (i % 64);
		n = words(n);
		if (was || n == 1)        /* the levels above know already */
			return;
		b += n;
		i /= 64;
	}
}

void bits_clear(uint64_t *b, uint32_t n, uint32_t i)
{
	for (;;) {
		b[i / 64] &= ~(UINT64_C(1) << (i % 64));
		n = words(n);
		if (b[i / 64] || n == 1)
			return;
		b += n;
		i /= 64;
	}
}

uint32_t bits_below(const uint64_t *b, uint32_t n, uint32_t i)
{
	const uint64_t *level[LEVELS];
	uint32_t size[LEVELS];
	unsigned depth = 0;

	if (i > n)
		i = n;
	if (!i)
		return BITS_NONE;
	i--;                              /* from here on: at or below i */
	for (;;) {
		uint64_t w = b[i / 64] & (~UINT64_C(0) >> (63 - i % 64));

		level[depth] = b;
		size[depth] = words(n);
		if (w) {
			i = i / 64 * 64 + 63 - (uint32_t)__builtin_clzll(w);
			break;
		}
		if (i < 64)
			return BITS_NONE;
		n = words(n);
		b += n;
		i = i / 64 - 1;
		depth++;
	}
	while (depth--) {
		uint64_t w = i < size[depth] ? level[depth][i] : 0;

		if (!w)                   /* damaged: an upper level promised more */
			return BITS_NONE;
		i = i * 64 + 63 - (uint32_t)__builtin_clzll(w);
	}
	return i;
}

uint32_t bits_from(const uint64_t *b, uint32_t n, uint32_t i)
{
	const uint64_t *level[LEVELS];
	uint32_t size[LEVELS];
	unsigned depth = 0;

	if (i >= n)
		return BITS_NONE;
	for (;;) {
		uint64_t w = b[i / 64] & ~UINT64_C(0) << (i % 64);

		level[depth] = b;
		size[depth] = words(n);
		if (w) {
			i = i / 64 * 64 + (uint32_t)__builtin_ctzll(w);
			break;
		}
		n = words(n);
		i = i / 64 + 1;
		if (i >= n)
			return BITS_NONE;
		b += n;
		depth++;
	}
	while (depth--) {
		uint64_t w = i < size[depth] ? level[depth][i] : 0;

		if (!w)
			return BITS_NONE;
		i = i * 64 + (uint32_t)__builtin_ctzll(w);
	}
	return i;
}
