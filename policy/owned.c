/* owned.c - see owned.h. */
#include "owned.h"

#define ENOUGH 3u                  /* of a gap, to say something of it, and so many left out, .. */
#define PART   4u                  /* .. this part of them at least: where each of several workers has a buffer, any file may be in another's */
#define MEMORY 64u                 /* .. and so many are remembered: then both counts are halved */

static uint32_t bin(uint64_t gap)
{
	uint32_t octave = gap > 1 ? 63 - (uint32_t)__builtin_clzll(gap) : 0, half = octave ? (uint32_t)(gap >> (octave - 1)) & 1 : 0, b = 2 * octave + half;
	return b < OWNED_GAPS ? b : OWNED_GAPS - 1;
}

static bool many_left(const struct owned *h, uint32_t b) { return h->left[b] >= ENOUGH && PART * h->left[b] > (uint32_t)h->came[b] + h->left[b]; }

void owned_count(struct owned *h, uint64_t gap, bool came)
{
	uint32_t b = bin(gap);
	uint16_t *n = came ? h->came : h->left;
	n[b]++;
	if (h->came[b] + h->left[b] >= MEMORY) {
		h->came[b] /= 2;
		h->left[b] /= 2;
	}
	if (came && !h->any)       /* as a rule: nothing more to be done */
		return;
	uint32_t any = 0;
	for (uint32_t i = 0; i < OWNED_GAPS; i++)
		any |= many_left(h, i);
	h->any = any;
}

bool owned_at(const struct owned *h, uint64_t gap)
{
	if (!h->any)
		return false;
	for (uint32_t b = bin(gap); b < OWNED_GAPS; b++)
		if (h->came[b] + h->left[b] >= ENOUGH)
			return many_left(h, b);
	return false;
}
