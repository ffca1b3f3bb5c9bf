/* replay.h - the orders of torch's samplers from a generator's state: RandomSampler, DistributedSampler,
 * SequentialSampler. Equal to torch.randperm and torch.randint on the CPU for n < REPLAY_MAX, in all versions from 1.13
 * to 2.15. */
#ifndef OPT4_REPLAY_H
#define OPT4_REPLAY_H

#include <stdint.h>

#define REPLAY_MAX 214748364u     /* (2^32 - 1) / 20: from there on torch versions differ */

enum replay_how { REPLAY_NONE, REPLAY_PERMUTED, REPLAY_DRAWN };   /* 0, 1, 2, ..; permutations; with replacement */

struct replay {                   /* as the Python side writes it */
	uint32_t n;               /* indices are below; the length of the permutations */
	uint32_t how;             /* enum replay_how */
	uint32_t rank, world;     /* of each `world` indices the one at `rank`; 0, 1: all */
	uint32_t take;            /* indices wanted */
	uint32_t cycle;           /* 1: the first permutation again when it is used up (padding); 0: a new one */
	uint8_t state[5056];      /* torch.Generator.get_state() before the first draw */
};

/* Writes r->take indices. 0, -EINVAL (no generator's state, limits), -ENOMEM (n * 4 bytes are needed meanwhile). */
int replay_order(const struct replay *r, uint32_t *out);

#endif
