/* policy.h - the contract of an eviction policy.
 *
 * A policy orders the resident files: which one goes next when room is needed. It knows nothing of
 * files, bytes, processes or I/O: only file numbers (0 .. nfiles-1) and, for `opt`, positions.
 *
 * State is one block of policy->bytes(shape) bytes in which *all zero is the valid initial state*, so
 * that a block in a sparse shared file costs nothing until used. It holds no pointers: one code runs on
 * it in shared memory at different addresses and in the simulator. No function allocates, blocks or
 * does I/O. All functions must be called under the lock that guards the state (session lock; the
 * simulator has one thread a state).
 *
 * Vocabulary: an *axis* is one order of positions 0 .. npos-1 (a trace, or the live horizon). A file's
 * *use* is where it is needed next: (axis, pos); pos may be POS_UNKNOWN (no known future, ranks after
 * every known position, or where the caller says) or POS_NEVER (certainly not needed again, ranks after POS_UNKNOWN).
 * An axis that will come round again (a live order: one epoch of a loader) has further positions, npos .. 2 npos - 1:
 * npos + p is where the file of p is *expected*, in an epoch that has no order yet; or p is the place in that one's order, where it is known.
 * The caller remembers each resident file's current use and passes it back as `old`.
 */
#ifndef OPT4_POLICY_H
#define OPT4_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILE_NONE   0xFFFFFFFFu
#define POS_NEVER   0xFFFFFFFFu
#define POS_UNKNOWN 0xFFFFFFFEu
#define POS_MAX     0xFFFFFFF0u   /* positions are below this */
#define AXES_MAX    32

struct use {
	uint32_t pos;
	uint32_t axis;            /* meaningless for POS_UNKNOWN and POS_NEVER: set to 0 */
};

/* One axis as seen by this process. Only `opt` looks at it. */
struct axis {
	const uint32_t *order;    /* [npos] position -> number of the file within this axis's trace */
	const uint32_t *map;      /* [nmap] trace file number -> file number; NULL = the same */
	uint32_t nmap;
	uint32_t npos;
	uint32_t front;           /* where the job is on this axis now */
	double scale;             /* time one position takes, relative to axis 0 (several axes only) */
	/* Only where shape->npos is axis_room(npos), so that files can be filed where they are expected; as far ahead as
	 * (pos - front) x scale is: where its next epoch begins, if that comes in the same order or in one that is known, so that a file's place
	 * in it is, too; else the mean of where a file may be needed then. */
	double again;
	bool same;
	double away;              /* its loader is not read at present: so far ahead it goes on */
	double chance;            /* its samples open any other of its files by chance, each once in so many accesses while it is read; 0: none do */
	const uint32_t *then;     /* [npos] its next epoch's order, where that is known already: `same` is true then. Else NULL */
	/* Without an end, so many positions a pass: others are read for so long before the positions pause_at, pause_at + pass .. 0: not so */
	uint32_t pass, pause_at;
	double pause;
};

/* Positions of an axis that comes round: the order's, once more where they are expected, and one that no file has. */
static inline uint32_t axis_room(uint32_t npos) { return npos ? 2 * npos + 1 : 0; }
/* As a candidate's use: it may have the place of whatever is needed no sooner than a file of this axis that has just been
 * read. That is what one fetched ahead may take: there will be such files when it is read itself. */
static inline uint32_t axis_just_read(uint32_t npos) { return 2 * npos; }

/* What is fixed when the state is created. Kept beside the state. */
struct policy_shape {
	uint32_t nfiles;          /* files are 0 .. nfiles-1 */
	uint32_t naxes;           /* axes that have room in the state */
	uint32_t npos[AXES_MAX];  /* their lengths */
	uint64_t seed;            /* for `random` */
};

struct policy;

/* All that a call needs; on the caller's stack or in process-private memory. */
struct policy_ctx {
	const struct policy *ops;
	const struct policy_shape *shape;
	void *state;
	const struct axis *axes;  /* [shape->naxes]; unused axes have npos 0 */
	double unknown;           /* how far ahead what is of unknown use may be needed; 0 (always with one trace
	                           * alone, whose positions serve as distances): after all that is known */
};

/* A place in the eviction order, for victim(): the file returned last, and its use. */
struct victim {
	uint32_t file;            /* FILE_NONE: start with the first victim / no (further) victim */
	struct use use;           /* set by `opt` only (others leave POS_UNKNOWN) */
	uint32_t coming;          /* a hint: a file that is likely to be named a few victims from now, or FILE_NONE */
};

struct policy {
	const char *name;

	/* Bytes of state for this shape; a multiple of 64. */
	size_t (*bytes)(const struct policy_shape *shape);

	/* `file` was read. hit: it is resident, needed next at `now`, was filed at `old`.
	 * insert: it has just become resident (not present before). remove: it is resident no more.
	 * O(1), over many calls for `fifo`, or O(log64 npos) for `opt`. */
	void (*hit)(const struct policy_ctx *, uint32_t file, struct use old, struct use now);
	void (*insert)(const struct policy_ctx *, uint32_t file, struct use now);
	void (*remove)(const struct policy_ctx *, uint32_t file, struct use old);

	/* The next victim after `prev` that makes room for `cand`, changing nothing but what `random`
	 * remembers of its generator and `fifo` of its place. Start with prev.file = FILE_NONE. Returns file FILE_NONE when all
	 * that is left is worth more than the candidate: then the caller evicts *none* of those seen so
	 * far (roll back) and reads the candidate past the cache (bypass). The caller may also skip a
	 * victim (still being filled) by just asking for the next. Between the first and the last call
	 * of one enumeration the state must not change. */
	struct victim (*victim)(const struct policy_ctx *, uint32_t cand, struct use cand_use,
				struct victim prev);

	/* `opt` only, NULL elsewhere: the resident file with the least position on `axis`
	 * (file FILE_NONE if none). Used to move on files whose position has expired. */
	struct victim (*soonest)(const struct policy_ctx *, uint32_t axis);

	/* A hint that `file` is read a dozen accesses from now, and `sooner`, of which this has been said
	 * before, in half as many: fetches what that will touch into the processor's caches, changes nothing.
	 * For a simulator's millions of accesses; NULL: nothing to gain. */
	void (*soon)(const struct policy_ctx *, uint32_t file, uint32_t sooner);
};

extern const struct policy policy_opt, policy_lru, policy_lfu, policy_fifo, policy_random, policy_keep;

/* By name; NULL if there is none. */
const struct policy *policy_find(const char *name);

/* How far ahead a use lies; when a stream comes round again. */
#include "axis.h"
#include "owned.h"
#include "past.h"

#endif
