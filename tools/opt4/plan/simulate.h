/* simulate.h - what a policy would hit: one run of the policy code proper over an order of accesses.
 *
 * The rules are the library's: a file takes whole pages of this machine's; an empty one, and one larger than
 * `maxfile` or the budget, is bypassed; room is made first (all victims or none: roll back and bypass),
 * then the file is inserted. The cache starts empty. One access is one position.
 */
#ifndef OPT4_SIMULATE_H
#define OPT4_SIMULATE_H

#include "../../../policy/policy.h"
#include "../../../preload/base/base.h"

#include <stdatomic.h>
#include <stdint.h>

#define SIM_PAGE page_size
#define SIM_MAXFILE (UINT64_C(64) << 20)

/* What is read. The arrays are the caller's and are not written. */
struct sim_input {
	const uint32_t *order;            /* [npos] position -> file; a file >= nfiles is a miss of no bytes */
	const uint32_t *next;             /* [npos] next position of the same file, or POS_NEVER */
	const uint32_t *sizes;            /* [nfiles] bytes; 0xFFFFFFFF: too large for any cache */
	const uint32_t *epoch_end;        /* [nepochs] first position after the epoch; rising, the last = npos */
	uint32_t npos, nfiles, nepochs;
};

struct sim_params {
	const struct policy *policy;
	uint64_t budget;                  /* bytes */
	uint64_t maxfile;                 /* bytes; 0: sim_maxfile(budget), the library's default */
	uint64_t seed;                    /* for `random` */
	_Atomic uint64_t *progress;       /* NULL, or counts positions done, from any thread */
	uint8_t *hit;                     /* NULL, or [npos]: 1 where the access was a hit */
};

struct sim_count {
	uint64_t accesses, hits, bypassed, evictions;
	uint64_t hit_bytes;               /* of files, not of their pages */
	uint64_t origin_bytes;            /* all misses, bypassed ones too: each reads its file once */
};

/* The default of OPT4_MAXFILE. */
uint64_t sim_maxfile(uint64_t budget);

static inline uint64_t sim_pages(uint32_t bytes)
{
	return pages_of(bytes);
}

/* Is the file one that a cache of this size takes at all? */
static inline bool sim_takes(uint32_t bytes, uint64_t budget, uint64_t maxfile)
{
	return bytes && bytes != 0xFFFFFFFFu && bytes <= maxfile && sim_pages(bytes) * SIM_PAGE <= budget;
}

/* All files in whole pages: what 100 % means. */
uint64_t sim_dataset(const struct sim_input *in);

/* Fills next[npos] from order; `last` is scratch of nfiles entries. */
void sim_next(const uint32_t *order, uint32_t npos, uint32_t nfiles, uint32_t *next, uint32_t *last);

/* Runs it. epochs: [nepochs], overwritten. Returns 0 or -ENOMEM. Thread safe: shares only `in`. */
int simulate(const struct sim_input *in, const struct sim_params *p, struct sim_count *epochs);

/* a += b */
void sim_add(struct sim_count *a, const struct sim_count *b);

#endif
