/* play.h - a job's accesses through the follower and a cache of unit-size files, as a session uses them. */
#ifndef OPT4_TESTS_FOLLOW_PLAY_H
#define OPT4_TESTS_FOLLOW_PLAY_H

#include "model.h"
#include "../../preload/order/follow.h"

struct played {
	uint64_t accesses, matched, exact;   /* exact: matched to the very position that was planned */
	uint64_t planned;                    /* accesses that the trace has */
	uint64_t wrong;                      /* matched, but not to the planned position */
	uint64_t expected;                   /* accesses whose file follow_expected() had said */
	uint64_t hits, shut;                 /* shut: accesses while the gate was shut */
	uint64_t stale;                      /* answers that were expired or consumed positions, or another file's */
	uint32_t found_after;                /* most planned accesses in a row by one worker that did not match */
	uint32_t horizon;                    /* at the end */
	bool gate_shut;                      /* at the end */
	uint64_t late_planned, late_exact;   /* planned and exact from event `late` on */
};

struct playing {
	uint32_t cache;                      /* files that fit; 0: follow only */
	size_t late;                         /* see late_planned */
	bool told;                           /* the follower is told which file is the sample's own */
};

/* An event's worker comes, if it is its first access, or leaves: false. */
static inline bool play_comes(struct follow *f, struct run **run, const struct event *e)
{
	struct run **own = &run[e->worker];

	if (e->kind == LEAVE) {
		follow_leave(f, *own);
		*own = NULL;
		return false;
	}
	if (!*own)
		*own = follow_join(f, e->worker);
	return true;
}

/* Plays the job. The state begins all zero. */
struct played play(const struct trace *t, const struct job *j, const struct playing *how);

/* Hits of a cache that knows the future of these very accesses (Belady with bypass), or that
 * fills and never evicts; the oracle evicts by looking at all residents: small jobs only. */
uint64_t exact_hits(const struct job *j, uint32_t nfiles, uint32_t cache);
uint64_t oracle_hits(const struct job *j, uint32_t nfiles, uint32_t cache);
uint64_t keep_hits(const struct job *j, uint32_t nfiles, uint32_t cache);

#endif
