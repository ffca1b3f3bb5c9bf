/* order.h - the door of the order house: what is needed when.
 *
 *     follow.h   where the job is in its trace
 *
 * and, here, the plans (joined traces and live orders) with the policy's state, residents filed in it, victims, and the
 * streams: which live order a process follows. What an order says decides who stays; where bytes lie is the store's. */
#ifndef OPT4_ORDER_H
#define OPT4_ORDER_H

#include "../store/store.h"
#include "follow.h"

/* In a live order's file, beside its own: the next epoch's, where that is known. order[npos], then each file's first place in it, THEN_LATER: one of the
 * dataset's, but not there, or TRACE_NEVER. */
#define THEN_LATER (TRACE_NEVER - 1)
struct order_then { uint32_t known, order[]; };

struct plan {                     /* a joined trace, as mapped here */
	bool mapped;
	uint32_t gen;             /* of the live order that is mapped; 0 a trace */
	struct trace trace;
	struct follow follow;
	struct run *run;          /* our place in it, once we have read by it; kept while we read by another */
	size_t file_bytes;        /* of the mapped plan.N */
	const uint32_t *map;      /* trace file -> record; NULL for plan 0: the same */
	const uint32_t *rmap;     /* record -> trace file + 1; NULL for plan 0 */
	const uint32_t *then;     /* [nfiles] a file's place in the next epoch, as struct order_then has it; NULL: that is not known */
	/* What it was before: the keeper's threads may still be reading there. Unmapped at the next replacement. */
	struct { struct trace trace; void *block; size_t bytes; } before;
};

#define ORDERS_SAMPLE 8u           /* files of one that are looked at */

struct orders {                   /* the orders as this process sees them; gone with the index's mapping */
	uint32_t own_plan;        /* the plan that this process follows + 1; 0 = none */
	struct run *run;          /* our place in it; NULL until the first access */
	uint64_t live_loader;     /* the loader that this process works for; 0 = none. Survives fork and unmapping */
	uint32_t live_plan, live_gen; /* its order + 1, and which; 0 = none */
	struct run *live_run;     /* our place in that */
	/* The sample that is being fetched here: records of its own, then some that may be. n 0: not known. Without the lock, by who fetches */
	struct { uint32_t nown, n, rec[ORDERS_SAMPLE], came; bool sure, others; } sample;   /* came: a bit each; sure: it is more than a list's word */
	uint32_t strayed;         /* samples since the last access of which none of their own came */

	void *policy_state;       /* of generation view.policy_gen */
	size_t policy_bytes;
	struct policy_shape shape; /* of the mapping */
	struct policy_ctx pol;    /* memory's */
	struct policy_ctx pol_ssd; /* the second tier's; state NULL: none */
	struct axis axes[AXES_MAX];
	struct plan plans[PLANS_MAX];
	double cycle;             /* accesses that an epoch of each live stream takes, together */
	uint8_t plan_root[PLANS_MAX][CONF_ROOTS]; /* the session's root -> the plan's trace's, + 1 */
};
extern struct orders orders;

/* ---- join.c ---- */
int plan_first(void);                      /* plan 0 and the first policy state of an index being made */
int plan_join(void);                       /* joins OPT4_TRACE as a plan; sets orders.own_plan; 0 or -errno */

/* ---- plans.c ---- */
void *plan_map_file(const char *name, size_t *bytes, bool create); /* a reserved file of the session; NULL, errno */
size_t plan_bytes(const struct trace *t, bool identity, size_t *map_at, size_t *rmap_at);
void plan_match_roots(uint32_t n, const struct trace *t);
int plan_map(uint32_t n);                  /* 0 or -errno; nothing to do when it is mapped */
int plans_refresh(void);                   /* maps what others joined; 0 or -errno. Under the guard where others may be at it */
int policy_refresh(void);                  /* maps the policy's state that is in force; 0 or -errno */
/* One thread of a process maps at a time. False: another has been at it for too long. */
bool plans_guard(void);
void plans_unguard(void);
/* What policy.G takes; `keep` has no state, a file of no bytes can't be mapped. */
static inline size_t policy_bytes(const struct policy *ops, const struct policy_shape *shape)
{
	size_t n = ops->bytes(shape);
	return n ? ops->soonest && view.h->ntiers == 2 ? 2 * n : n : 64;
}
/* The state of those that lie in a tier: a policy that goes by the order has one each, the others know of memory only, from
 * which alone they evict. NULL: none. */
const struct policy_ctx *policy_of(uint32_t tier);
/* Takes the lock: a fresh state for this shape, filled from the records. 0 or -errno */
int policy_rebuild(uint32_t nfiles, uint32_t naxes, uint32_t npos_of_last);
/* Under the lock and the guard, number gen's file being all zero: from now on it is the state, for this shape. The residents
 * go into it as filing_anew() says, for lru and fifo in their order. 0 or -errno */
int policy_carry(const struct policy_shape *shape, uint32_t gen);
uint32_t plan_file(uint32_t plan, uint32_t rec);          /* FILE_NONE if the plan does not name it */
static inline uint32_t plan_rec(const struct plan *p, uint32_t file) { return p->map ? p->map[file] : file; }   /* file: one that its trace has */
struct use plans_use(uint32_t rec);        /* soonest over all plans; under the lock */
void plans_fronts(void);                   /* orders.axes[] fronts and scales; under the lock */
void policy_expire(uint32_t plan);         /* moves on residents filed below the plan's horizon */

/* ---- round.c: live orders come round again. All under the lock ---- */
#define ROUND_LIED 2u                      /* plan_entry.ended: what was foretold of it is not what it draws; it goes on */
/* Plan n is this stream's next epoch from now on. order: a hash of it (not 0). RISING: its samples are read by rising number. HEIR: the loader
 * of the plan's stream was made anew. ON: it is the epoch that the plan was before; more of it is known. THEN: so is the order of the one after it. WHOLE: it
 * reads each sample once. files: that it names. */
enum { ROUND_RISING = 1, ROUND_HEIR = 2, ROUND_ON = 4, ROUND_THEN = 8, ROUND_WHOLE = 16 };
void round_begin(uint32_t n, uint64_t stream, uint64_t order, uint32_t how, uint32_t files);
void round_been(uint32_t n);               /* ON: what its workers had been dealt before, and have read by now, is not read again */
void round_stir(uint32_t n);               /* it is read from */
/* The plan whose stream is over, and read by now what this order (first[nfiles]: file -> its position, or TRACE_NEVER) reads, for the most part: a loader that
 * is made anew, for each epoch, fold or trial, as a rule over a dataset of its own. PLANS_MAX: none. */
uint32_t round_heir(const uint32_t *first, uint32_t nfiles, uint32_t rank);
void round_end(uint32_t n);                /* its epoch is over, or was left */
uint32_t round_ends(uint32_t n);           /* how far its epoch is read, going by the last one: npos, or where that was left */
/* How far ahead of it files may be fetched into free room, or (room false) in the place of others: what is not read after all is fetched in vain. */
uint32_t round_reach(uint32_t n, bool room);
/* After a plan was replaced, before the residents are filed: a next epoch's order counts only where of every loader it is known which files its next one
 * reads. What it does not name is needed later than all that is expected then. */
void rounds_foretell(void);
void rounds_look(void);                         /* orders.axes[]: when each comes again; by plans_fronts() */
/* In an epoch of plan n that is still to come; POS_UNKNOWN: not there; POS_NEVER: later than in the next one, which is known. */
struct use round_expected(uint32_t n, uint32_t file);
/* A stream that has had one epoch only, or has not come again when it should have, speaks for what no other has read since: it may have been a fold,
 * or a trial. */
bool round_outdated(uint32_t n, uint32_t rec);
bool round_over(uint32_t n);               /* it is such a one. Without the lock a hint */
bool round_forgotten(uint32_t rec);        /* named by no order, and not read for so long that nothing speaks for it */
/* What is needed later than this may go for what is fetched ahead for position `due` of live plan n: as late as a file of it that has just been
 * read, which could go for it when it is read itself. coming: files that are being fetched, at most. */
struct use round_exchange(uint32_t n, uint32_t due, uint32_t coming);

/* ---- own.c: files that the program has itself when their turn comes (policy/owned.h) ---- */
#define OWN_HOPS 8u                        /* of a file's positions at most, at which its program has it itself */
/* Under the lock: a position of plan n was come to, by a file last read at clock `before` (0: never). */
void own_came(uint32_t n, uint64_t before);
void own_passed(uint32_t n);               /* under the lock: counts what was left out of it meanwhile */
bool own_then(uint32_t n, uint32_t rec, uint32_t pos);    /* will it have the file then? Without the lock a hint */
/* Read at `from`: its first position after `pos` (the next one, or TRACE_NEVER) at which it does not have it. */
uint32_t own_next(uint32_t n, uint32_t from, uint32_t pos);

/* ---- filing.c: residents in the policy's state. All under the lock ---- */
#define FILING_SHARE 2048u                 /* residents that are filed while the lock is held: less than a millisecond */
void filing_put(uint32_t rec, struct use use);  /* it became resident, or its use changed */
void filing_take(uint32_t rec);            /* it is resident no more */
bool filing_holds(uint32_t rec, struct use use);   /* resident, and filed there? */
void filing_anew(void);                    /* the state is all zero: files the residents, in shares where the policy goes by the order */
bool filing_settle(uint32_t max);          /* up to max more of them; true: all are filed */
bool filing_settled(void);                 /* no lock needed: a hint */

/* ---- victim.c ---- */
#define VICTIMS_MAX 256
/* Victims so that `pages` fit, for candidate cand (FILE_NONE: for nobody, always worth it). Under the
 * lock; marks them EVICTING and takes them out of the policy. Their number, or -1: bypass, nothing done. */
int victims_choose(uint64_t pages, uint32_t cand, struct use use, uint32_t *victims, int max);
/* Under the lock: the resident in memory that its policy would let go first, of those that have been read, and in free
 * memory too; FILE_NONE: none. Skips those that are on their way to the SSD. */
uint32_t victims_spill(void);
/* Under the lock: the resident of the SSD that is needed so much later than `rec`, a resident in memory, that it pays to write
 * rec in its place; FILE_NONE: none. take: marks it EVICTING, as victims_choose(). */
uint32_t victims_replace(uint32_t rec, bool take);
/* Under the lock, by the keeper: a resident of the SSD that nobody has read in this session, though as many accesses have been as
 * there are files, and of which no order says when it will be: EVICTING now. FILE_NONE: none, among some looked at. */
uint32_t victims_unread(void);
void victims_shrink(void);                 /* evicts until the floors are respected again; no lock */
/* victims_shrink() at once, whatever was looked at when; for somebody who dies of it if there is no room. Waits 1 s at most
 * for the lock. */
void victims_make_room(void);
void victims_give_back(uint64_t pages);    /* evicts so many, those needed last; no lock */
/* A resident that is to go: policy, state, file, charge. Takes the lock. */
void record_drop(uint32_t rec);

/* ---- stream.c: processes and the live orders that they follow ---- */
/* Under the lock: the loader reads this dataset, in that epoch. */
void stream_loader(uint64_t key, uint64_t dataset, uint32_t epoch);
uint64_t stream_dataset(uint64_t loader);  /* 0: unknown, or over */
void stream_lied(uint64_t key);            /* under the lock: what was foretold of it is not what it draws */
void stream_end(uint64_t key);             /* under the lock: its epoch is over, or was left */
bool stream_epoch(uint32_t *epoch);        /* of the loader that this process works for; false: unknown */
/* Under the lock: the plan that this process's loader follows now, with orders.live_run in it; NULL: none. */
struct plan *stream_plan(void);
int stream_map(uint32_t n);                /* plan_map() of a live order; -EAGAIN: it was replaced meanwhile */
void stream_unmap(struct plan *p);         /* what it was before */
void stream_leave(uint32_t slot);          /* under the lock: whatever runs the process has that has, or had, this slot are free again */
/* May the future of plan n be believed? Not when its epoch is over, nor while its gate is shut and another's is open. */
bool stream_distrusted(uint32_t n);
static inline bool stream_holds(uint32_t n) { return !view.h->live_epochs || !stream_distrusted(n); }

#endif
