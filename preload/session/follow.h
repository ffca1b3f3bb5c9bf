/* follow.h - where the job is in its trace.
 *
 * Workers open files; a trace says in which order they should. For each worker a *run* tracks its place
 * (batches of different workers interleave); for the whole plan a shared part keeps what is common:
 * every file's next unconsumed position, the front, the expiry horizon, the match gate.
 *
 * Everything shared lies in one block in which all zero is the initial state, and holds no pointers.
 * All functions are called under the session lock; none allocates, blocks or does I/O, and each is O(1)
 * amortised but for follow_vote() (O(8 * occurrences), rare). A damaged trace costs misses, never a
 * wild access.
 */
#ifndef OPT4_FOLLOW_H
#define OPT4_FOLLOW_H

#include "trace.h"
#include "../../policy/policy.h"

#define RUN_HISTORY 8
#define RUNS_MAX 512             /* workers that follow one plan at a time */

struct run {                      /* one worker's place; lives in shared memory, one a process slot */
	uint32_t owner;           /* 0 = free; else the process slot + 1 */
	uint32_t last;            /* position + 1 of its last matched access; 0 = no anchor */
	uint32_t segment;         /* of `last` */
	uint32_t batch;           /* of `last`, within the segment's batches */
	uint32_t candidate;       /* position + 1 of a jump seen once */
	uint32_t nhistory;        /* accesses so far (history[n % 8]) */
	uint32_t history[RUN_HISTORY]; /* the last files, for the vote */
	uint32_t ratio;           /* moving match ratio, 16.16 fixed point */
	uint32_t reserved[5];
};

struct follow_shared {            /* head of the shared block; cursor[nfiles] follows */
	uint32_t front;           /* highest position + 1 consumed by any worker that is anchored */
	uint32_t horizon;         /* positions below have expired */
	uint32_t gate_shut;       /* 1: the moving match ratio is too low: behave as `keep`, no prefetch */
	uint32_t ratio;           /* moving match ratio of all, 16.16 */
	uint64_t matched, diverged;
	uint32_t runs_hi;         /* runs[] above were never used */
	uint32_t reserved[21];
	struct run runs[RUNS_MAX];
	uint32_t cursor[];        /* [nfiles] trace file -> its next unconsumed position + 1;
	                           * 0 = not looked at yet (trace->first holds), POS_NEVER = no more */
};

struct follow {                   /* process-private handle on one plan */
	const struct trace *t;
	struct follow_shared *sh;
};

/* Bytes of the shared block for a trace. */
size_t follow_bytes(const struct trace *t);

/* One access by the worker whose run is `r` to trace file `file` (FILE_NONE: a file that the trace does
 * not name; counts as diverged). Consumes the position it is matched to, moves front, horizon, ratios
 * and gate. Returns the matched position or POS_UNKNOWN (diverged). Sets *next to where the file is
 * needed next after this access: a position, or POS_NEVER (the trace is complete and names no more).
 * An expired position is never returned as next. */
uint32_t follow_access(struct follow *f, struct run *r, uint32_t file, uint32_t *next);

/* Where the file is needed next as of now: the first unconsumed, unexpired position, or POS_NEVER.
 * Moves the file's cursor over expired positions. */
uint32_t follow_next(struct follow *f, uint32_t file);

/* A worker joined: returns a free run for process slot `slot` (NULL: all taken; the worker then counts
 * as diverged). A worker left or died: frees it, so that expiry no longer waits for it. */
struct run *follow_join(struct follow *f, uint32_t slot);
void follow_leave(struct follow *f, struct run *r);

/* Segment (index into trace->segments) that a position lies in, and the batch within it.
 * Returns false if the position is in none. O(log batches) */
bool follow_locate(const struct trace *t, uint32_t pos, uint32_t *segment, uint32_t *batch);

#endif
