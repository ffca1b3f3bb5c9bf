/* follow.h - where the job is in its trace.
 *
 * Workers open files; a trace says in which order they should. For each worker a *run* tracks its place
 * (batches of different workers interleave); for the whole plan a shared part keeps what is common:
 * every file's next unconsumed position, the front, the expiry horizon, the match gate.
 *
 * Everything shared lies in one block in which all zero is the initial state, and holds no pointers.
 * How a session uses it: at each access follow_access(), then the policy with *next as the file's use. While
 * the gate is shut nothing is evicted (a miss is inserted if there is room, else bypassed), and uses are filed
 * as ever, so that they are right when it opens. When the horizon has moved, residents filed below it are filed
 * anew by follow_next().
 *
 * All functions are called under the session lock; none allocates, blocks or does I/O, and each is O(1)
 * amortised but for the vote of a worker without a place (O(occurrences of a file), at most every fourth
 * access of that worker). A damaged trace costs misses, never a wild access.
 *
 * Where a sample opens others' files beside its own (mixup, mosaic), those are no divergence: what is judged is whether the
 * foretold ones come. A worker goes by its walk alone then, since any of the others' files lies somewhere in the trace, too.
 *
 * Vocabulary. A worker's *walk*: the rest of its batch, then every width-th batch of its segment (the
 * DataLoader deals batches round robin). A *round*: one batch of every worker of every rank, in positions.
 * A *group*: the segments of one epoch and phase, one a rank; they interleave on the axis.
 */
#ifndef OPT4_FOLLOW_H
#define OPT4_FOLLOW_H

#include "../base/base.h"
#include "../../policy/policy.h"

#define RUN_HISTORY 8
#define RUN_JUMPS 8                /* places that a worker may be at, if its next accesses go on from there */
#define RUNS_MAX 512             /* workers that follow one plan at a time */
#define FOLLOW_RING (1u << 19)   /* positions from the horizon on whose consumption is remembered */
#define FOLLOW_PASSED 64         /* positions left out that are remembered until somebody counts them */
#define FOLLOW_PHASES 4          /* phases whose worker count is learned (modulo) */

struct place {                    /* a spot on a walk */
	uint32_t last;            /* position + 1 of the last access; 0 = nowhere */
	uint32_t end;             /* end of its batch */
	uint32_t segment, batch;  /* index into trace->segments; batch within the segment */
};

/* Whose is the file that is opened, as far as the caller knows: of the sample that is being fetched, or of another? OTHERS where such come in
 * between; BESIDE: certainly another's, also at an order's first samples. */
enum whose { FOLLOW_ANYBODYS, FOLLOW_OWN, FOLLOW_OTHERS, FOLLOW_BESIDE };

struct run {                      /* one worker's place; lives in shared memory, one a process slot */
	uint32_t owner;           /* 0 = free; else the process slot + 1 */
	struct place at;          /* where it is; at.last 0 = no anchor */
	struct place candidate;   /* a jump seen once; the next access must go on from there */
	uint32_t nhistory;        /* accesses so far (history[n % 8]) */
	uint32_t history[RUN_HISTORY]; /* the last files, for the vote */
	uint32_t ratio;           /* moving match ratio, 16.16 fixed point */
	uint32_t misses;          /* diverged accesses in a row .. */
	uint32_t drawn;           /* .. and of these, to files that the order names */
	uint32_t others;          /* since the last match, to files that the caller knows to be others' */
	uint32_t whose;           /* enum: set by the caller before an access */
	uint32_t streak;          /* matches since it was anchored or jumped far */
	uint32_t stamp;           /* clock at its last access: tells the idle from the slow */
	uint32_t jump;            /* of jumps[]: the next to be overwritten */
	uint32_t amiss;           /* accesses that were not the next step of its walk, less those that were: is its place a wrong one? */
	struct { struct place at; uint32_t steps, since; } jumps[RUN_JUMPS]; /* where others' files come in between */
};

struct follow_shared {            /* head of the shared block; cursor[nfiles] follows */
	uint32_t front;           /* highest position + 1 consumed by a worker that is anchored and active;
	                           * may go back (a job that repeats an epoch) */
	uint32_t horizon;         /* positions below have expired; never goes back */
	uint32_t gate_shut;       /* 1: the moving match ratio is too low: behave as `keep`, no prefetch */
	uint32_t ratio;           /* moving match ratio of all, 16.16 (0 before the first access) */
	uint64_t matched, diverged;
	uint32_t runs_hi;         /* runs[] above are free */
	uint32_t due;             /* accesses since the workers were last looked over */
	uint32_t round;           /* positions in a round now, at least as the trace has it; 0 = not looked yet */
	uint32_t start[4];        /* where the front's group, the two after it and the horizon's begin (POS_NEVER: none) .. */
	uint32_t started[4];      /* .. and where their first rounds end */
	uint32_t group;           /* first segment of the front's group */
	uint32_t oldest;          /* first segment of the horizon's group */
	uint32_t group_since;     /* clock when the front came into that group */
	uint32_t joined;          /* clock when a worker last joined */
	uint32_t width[FOLLOW_PHASES];       /* workers a rank as seen in the steps from batch to batch; 0 = as traced */
	uint32_t width_seen[FOLLOW_PHASES];  /* the step that most of the last ones were, and by how many */
	uint32_t width_times[FOLLOW_PHASES];
	uint32_t live;            /* workers that take part now */
	uint32_t between;         /* files that no order foretells beside each that one does, 16.16: mixup has one, mosaic three */
	uint64_t extra;           /* accesses to such files: neither matched nor diverged */
	uint32_t came;            /* moving ratio of the expired positions that were come to, 16.16; 0: none has expired */
	uint32_t left_out;        /* positions before the horizon that were not, in a row */
	uint32_t drawn;           /* of those between, how many the order names elsewhere, 16.16: partners of the dataset's own */
	uint32_t unknown;         /* accesses still to come of samples whose files were not known when the order was made: it does not name them */
	uint32_t npassed;         /* positions, ever, that expired without having been come to, while those about them were: .. */
	uint32_t reserved[6];
	uint32_t passed[FOLLOW_PASSED]; /* .. the last of them, [n % FOLLOW_PASSED] */
	struct run runs[RUNS_MAX];
	uint64_t consumed[FOLLOW_RING / 64]; /* bit p % FOLLOW_RING, for p in [horizon, horizon + FOLLOW_RING) */
	uint32_t cursor[];        /* [nfiles] trace file -> its next unconsumed position + 1;
	                           * 0 = not looked at yet (trace->first holds), POS_NEVER = no more */
};

struct follow {                   /* process-private handle on one plan */
	const struct trace *t;
	struct follow_shared *sh;
};

/* Bytes of the shared block for a trace; a multiple of 64. */
size_t follow_bytes(const struct trace *t);

/* One access by the worker whose run is `r` (NULL: it has none; diverged) to trace file `file`
 * (FILE_NONE: a file that the trace does not name; diverged). Consumes the position it is matched to,
 * moves front, horizon, ratios and gate. Returns the matched position or POS_UNKNOWN (diverged). Sets
 * *next to where the file is needed next after this access, as follow_next() says. Where others' files come between the order's (`between`)
 * and r->whose says which they are, a worker goes by its own files alone, as if there were no others. */
uint32_t follow_access(struct follow *f, struct run *r, uint32_t file, uint32_t *next);

/* A sample was fetched by that worker, and none of its own files came, though others' did: the order is not followed there. */
void follow_stray(struct follow *f, struct run *r);

/* Where the file is needed next as of now: the first unconsumed, unexpired position, or POS_NEVER (the
 * trace is complete and names no more). POS_UNKNOWN: a file that the trace does not name, or a damaged
 * trace. Never an expired position. Moves the file's cursor over expired positions. */
uint32_t follow_next(struct follow *f, uint32_t file);

/* The position was read before this order was known. */
void follow_been(struct follow *f, uint32_t pos);

/* The file that this worker opens next if it goes on as traced; FILE_NONE: it has no place, or its batches
 * are over. (A file opened twice in a row is one access, unless the trace itself has it twice.) */
uint32_t follow_expected(const struct follow *f, const struct run *r);

/* A worker joined: returns a free run for process slot `slot` (NULL: all taken; the worker then counts
 * as diverged). A worker left or died: frees it, so that expiry no longer waits for it (NULL: nothing). */
struct run *follow_join(struct follow *f, uint32_t slot);
void follow_leave(struct follow *f, struct run *r);

/* `between` of an order of npos positions in nbatches that takes f's place: less by what it knows of a sample beyond what f's did, as its mask. */
uint32_t follow_between(const struct follow *f, uint32_t npos, uint32_t nbatches);

/* Segment (index into trace->segments) that a position lies in, and the batch within it.
 * Returns false if the position is in none. O(log segments + ranks * log batches) */
bool follow_locate(const struct trace *t, uint32_t pos, uint32_t *segment, uint32_t *batch);

#endif
