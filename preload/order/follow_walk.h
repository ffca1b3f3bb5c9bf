/* follow_walk.h - the parts of the follower among themselves; nobody else includes this.
 * Geometry (follow_walk.c) knows the trace only; the vote (follow_vote.c) finds a lost worker; the pace
 * (follow_pace.c) looks over all workers. All under the session lock. */
#ifndef OPT4_FOLLOW_WALK_H
#define OPT4_FOLLOW_WALK_H

#include "follow.h"

#define FOLLOW_ONE  65536u   /* 1.0 in the ratios */
#define FOLLOW_LAG  9u       /* rounds that a worker may lag: (prefetch_factor * W + 1) * batch at a factor of 8 */
#define FOLLOW_NEAR 8u       /* accesses that a jump may skip */

static inline uint32_t follow_clock(const struct follow_shared *sh)
{
	return (uint32_t)(sh->matched + sh->diverged + sh->extra);
}

/* runs[] above are free. */
static inline uint32_t runs_used(const struct follow_shared *sh)
{
	return sh->runs_hi < RUNS_MAX ? sh->runs_hi : RUNS_MAX;
}

/* Has the position expired or been consumed? Beyond the ring nothing is remembered: false. */
static inline bool follow_consumed(const struct follow_shared *sh, uint32_t pos)
{
	if (pos < sh->horizon)
		return true;
	if (pos - sh->horizon >= FOLLOW_RING)
		return false;
	return sh->consumed[pos % FOLLOW_RING / 64] >> (pos % 64) & 1;
}

/* [start, end) of a batch; false if there is none or the trace is damaged there. */
bool walk_batch(const struct trace *t, uint32_t segment, uint32_t batch, uint32_t *start, uint32_t *end);

/* The place of a position; false if it lies in no batch. */
bool walk_place(const struct trace *t, uint32_t pos, struct place *to);

/* Phase of a segment; 0 if damaged. */
uint32_t walk_phase(const struct trace *t, uint32_t segment);

/* Batches between two successive batches of one worker in this segment: >= 1. */
uint32_t walk_width(const struct follow *f, uint32_t segment);

/* Is `file` the next access on the walk from `from` (or one of the next `look` in its batch)? */
bool walk_on(const struct follow *f, const struct place *from, uint32_t file, uint32_t look, struct place *to);

/* Do others' files come between those of the order? How many more than are usual may come before that counts. */
static inline bool follow_mixed(const struct follow_shared *sh) { return sh->between >= FOLLOW_ONE / 4; }
/* And this worker goes by a walk among which they come, since nobody knows which they are? */
static inline bool follow_blind(const struct follow_shared *sh, const struct run *r) { return follow_mixed(sh) && r->whose == FOLLOW_ANYBODYS; }
/* Is the access certainly none of the order's? */
static inline bool follow_others(const struct follow_shared *sh, const struct run *r)
{
	return r->whose == FOLLOW_BESIDE || (r->whose == FOLLOW_OTHERS && follow_mixed(sh));
}
static inline uint32_t follow_patience(const struct follow_shared *sh, const struct run *r)
{
	return follow_blind(sh, r) ? FOLLOW_NEAR / 2 + (uint32_t)((4ull * sh->between) / FOLLOW_ONE) : 0;
}

/* Accesses that the walk from `from` makes before it comes to `to`; UINT32_MAX if it never does. */
uint32_t walk_distance(const struct follow *f, const struct place *from, const struct place *to);

/* One access back on the walk, with a given width; false at its start. */
bool walk_back(const struct trace *t, struct place *at, uint32_t width);

/* First segment of the group that `segment` is in; of the next group (nsegments: none). */
uint32_t walk_group(const struct trace *t, uint32_t segment);
uint32_t walk_next_group(const struct trace *t, uint32_t segment);

/* Where a worker that has no place is, by all occurrences of its last accesses. */
bool vote_place(const struct follow *f, const struct run *r, struct place *to);

/* Where a worker is that has just joined: at the head of one of the first batches of the front's
 * group, or of the next ones. */
bool vote_start(const struct follow *f, uint32_t file, struct place *to);

/* After each access: ratios and gate; now and then front, horizon and round. skipped: positions of its walk left out. */
void pace_access(struct follow *f, struct run *r, bool matched, bool unknown, uint32_t skipped);

/* What was foretold did not come: one more that diverged. */
void pace_stray(struct follow_shared *sh, struct run *r);

/* The round and where groups start, from the front; called before the first access too. */
void pace_groups(struct follow *f);

#endif
