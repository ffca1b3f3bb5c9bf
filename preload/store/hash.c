/* hash.c - a hash of a file's bytes, in one pass, for telling whether the SSD gives back what was written. Four lanes of
 * 64-bit multiplications: some GB/s; no defence against who wants to deceive. */
#include <string.h>
#include "ssd.h"

#define A 0x9E3779B185EBCA87ull
#define B 0xC2B2AE3D27D4EB4Full
#define C 0x165667B19E3779F9ull

static uint64_t turn(uint64_t v, int n) { return v << n | v >> (64 - n); }

static void block(uint64_t lane[4], const uint8_t *p)
{
	uint64_t w[4];
	memcpy(w, p, sizeof(w));
	for (int i = 0; i < 4; i++)
		lane[i] = turn(lane[i] + w[i] * B, 31) * A;
}

void hash_begin(struct hash *h) { *h = (struct hash){ .lane = { A, B, C, A ^ C } }; }

void hash_add(struct hash *h, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	h->bytes += n;
	if (h->held) {
		size_t more = 32 - h->held < n ? 32 - h->held : n;
		memcpy(h->rest + h->held, p, more);
		h->held += (uint32_t)more;
		p += more;
		n -= more;
		if (h->held < 32)
			return;
		block(h->lane, h->rest);
		h->held = 0;
	}
	for (; n >= 32; n -= 32, p += 32)
		block(h->lane, p);
	memcpy(h->rest, p, n);
	h->held = (uint32_t)n;
}

uint64_t hash_end(struct hash *h)
{
	uint64_t v = h->bytes * C;
	memset(h->rest + h->held, 0, 32 - h->held);
	block(h->lane, h->rest);
	for (int i = 0; i < 4; i++)
		v = (v ^ turn(h->lane[i], 7 * i + 1)) * A + B;
	v ^= v >> 33;
	v *= B;
	return v ^ v >> 29;
}
