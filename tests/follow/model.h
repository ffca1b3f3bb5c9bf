/* model.h - a training job as the follower sees it, for its tests and its bench: a trace built in memory,
 * and the accesses of the DataLoader workers that walk it, each at its own speed.
 *
 * The model knows nothing of the follower. All randomness comes from the generator that is passed in. */
#ifndef OPT4_TESTS_FOLLOW_MODEL_H
#define OPT4_TESTS_FOLLOW_MODEL_H

#include "../../preload/base/trace.h"

#define NO_POS  0xFFFFFFFFu
#define NO_FILE 0xFFFFFFFFu

struct rng { uint64_t s; };
uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n);
double rng_unit(struct rng *r);          /* [0, 1) */

enum kind { SHUFFLE, REPLACEMENT, SEQUENTIAL };

struct plan {
	uint32_t files, epochs, batch, workers;
	uint32_t world;                  /* ranks of the job; the first `ranks` of them are traced */
	uint32_t ranks;
	enum kind kind;
	uint32_t val_files;              /* files of a sequential second phase, after the others; 0: none */
	uint32_t times;                  /* so often an epoch names each file, but for those of the second phase; 0: once */
};

/* Builds a whole trace; free with plan_free. Exits on lack of memory. */
void plan_make(struct trace *t, const struct plan *p, struct rng *r);
void plan_free(struct trace *t);

enum event_kind { ACCESS, LEAVE };           /* a worker joins by its first access */
struct event {
	double at;                       /* seconds; orders the events of one call of job_* only */
	uint32_t file, pos;              /* pos: where the trace has it, NO_POS if it has not */
	uint32_t worker;                 /* a process: 0 .. job.workers-1, never used again once it has left */
	enum event_kind kind;
	bool own;                        /* job_partners(): the sample's own file, not another's */
};

/* A job's events so far; all zero is the empty one. */
struct job {
	struct event *e;
	size_t n, room;
	uint32_t workers;                /* processes so far */
	uint32_t standing;               /* first of the persistent workers + 1; 0: none yet */
};

struct style {
	uint32_t workers, prefetch;      /* of this job, a rank; workers 0: the main process reads */
	uint32_t limit;                  /* batches after which an epoch is left; 0: none */
	bool persistent;
	bool in_any_order;               /* in_order=False: batches go to whoever has room */
	double die;                      /* chance that a worker dies in a batch, and another takes its place */
};

/* Plays the segments of the group (epoch, phase) that `segment` is in. */
void job_group(struct job *j, const struct trace *t, uint32_t segment, const struct style *s, struct rng *r);

/* Plays every group of the trace from one epoch on, phases in order. */
void job_trace(struct job *j, const struct trace *t, uint32_t from_epoch, const struct style *s, struct rng *r);

/* A pass over files[n] that no trace has, dealt in batches to workers of its own. */
void job_pass(struct job *j, const uint32_t *files, uint32_t n, uint32_t batch, const struct style *s, struct rng *r);

/* Substitutes, drops or adds this fraction of the accesses. The substitutes are any of `files`. */
enum wrong { SUBSTITUTE, SKIP, ADD };
void job_wrong(struct job *j, enum wrong how, double fraction, uint32_t files, struct rng *r);

/* Each access brings so many others with it, of any of `files`, in any order: mixup, mosaic. Files from nfiles on are none of
 * the trace's. */
void job_partners(struct job *j, uint32_t partners, uint32_t files, struct rng *r);

/* Two jobs at once, event by event in turn; the other's accesses are none that the trace has. Frees both. */
void job_merge(struct job *out, struct job *j, struct job *other);

/* Everybody leaves. */
void job_end(struct job *j);
void job_free(struct job *j);

#endif
