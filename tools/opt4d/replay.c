/* replay.c - Mersenne Twister (Matsumoto and Nishimura, 1998) as torch keeps it, and its randperm and randint. */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define N 624
#define M 397

struct twister { uint32_t word[N], left, next; };

/* get_state(): seed u64, left i32, seeded i32, next u64, N words as u64, then what normal draws need. */
static int from_state(struct twister *t, const uint8_t *state)
{
	int32_t left, seeded;
	uint64_t next, word;
	memcpy(&left, state + 8, 4);
	memcpy(&seeded, state + 12, 4);
	memcpy(&next, state + 16, 8);
	if (!seeded || left < 1 || left > N || next > N || (left > 1 && (uint64_t)left + next > N + 1))
		return -EINVAL;
	for (int i = 0; i < N; i++) {
		memcpy(&word, state + 24 + 8 * i, 8);
		t->word[i] = (uint32_t)word;
	}
	t->left = (uint32_t)left;
	t->next = (uint32_t)next;
	return 0;
}

static uint32_t twist(uint32_t a, uint32_t b, uint32_t c)
{
	return c ^ ((a & 0x80000000u) | (b & 0x7FFFFFFFu)) >> 1 ^ (b & 1 ? 0x9908B0DFu : 0);
}

static uint32_t draw(struct twister *t)
{
	if (--t->left == 0) {
		uint32_t *w = t->word;
		for (int i = 0; i < N; i++)
			w[i] = twist(w[i], w[(i + 1) % N], w[(i + M) % N]);
		t->left = N;
		t->next = 0;
	}
	uint32_t y = t->word[t->next++];
	y ^= y >> 11;
	y ^= y << 7 & 0x9D2C5680u;
	y ^= y << 15 & 0xEFC60000u;
	return y ^ y >> 18;
}

static void permute(struct twister *t, uint32_t *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = i;
	for (uint32_t i = 0; i + 1 < n; i++) {
		uint32_t z = i + draw(t) % (n - i), was = p[i];
		p[i] = p[z];
		p[z] = was;
	}
}

int replay_order(const struct replay *r, uint32_t *out)
{
	struct twister t;
	if (!r->n || r->n >= REPLAY_MAX || !r->world || r->rank >= r->world || r->how > REPLAY_DRAWN ||
	    (r->how && from_state(&t, r->state) < 0))
		return -EINVAL;
	if (r->how == REPLAY_DRAWN) {
		for (uint32_t j = 0; j < r->take; j++)
			out[j] = draw(&t) % r->n;
		return 0;
	}
	uint32_t *p = malloc((size_t)r->n * sizeof(*p));
	if (!p)
		return -ENOMEM;
	uint64_t have = 0;        /* indices that permutations so far hold */
	for (uint32_t j = 0; j < r->take; j++) {
		uint64_t at = r->rank + (uint64_t)j * r->world;
		while (at >= have && (!have || !r->cycle)) {
			if (r->how)
				permute(&t, p, r->n);
			have += r->n;
		}
		uint32_t i = (uint32_t)(at % r->n);
		out[j] = r->how ? p[i] : i;
	}
	free(p);
	return 0;
}
