/* frame.h - one look at a session, and what is made of it. */
#ifndef OPT4_TOP_FRAME_H
#define OPT4_TOP_FRAME_H

#include "../../../preload/store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct top_worker {
	uint32_t slot, pid;
	uint64_t accesses, hits;
	uint32_t plan;            /* the plan it follows + 1; 0 = none */
	bool placed;              /* it has a place in that: */
	uint32_t epoch, batch;
	uint64_t behind;          /* positions behind the front */
};

struct top_plan {                 /* one joined trace, or live order */
	char path[256];
	uint64_t position, positions;    /* the front; all */
	uint64_t matched, diverged;
	uint32_t epoch, last_epoch;
	uint32_t batch, nbatches;        /* within the epoch's segment at the front */
	double epoch_part;               /* of the epoch's positions, 0 .. 1 */
	double per_batch;                /* positions a batch */
	uint64_t ahead;                  /* positions from the front on whose files are all resident */
	bool ahead_more;                 /* at least: no farther was looked */
	bool gate_shut, followed;        /* followed: a worker has read something of it */
	bool live;                       /* no trace: the order of one epoch, learned from the running loader */
	bool ended;                      /* live: its epoch is over */
};

struct top_frame {
	uint64_t at_ns;                  /* monotonic */
	bool live;                       /* a job of it lives */
	char session[PATH_BYTES], root[PATH_BYTES], policy[16], advice[1024];   /* advice: "" for none */
	struct counters n;
	uint64_t matched, diverged;      /* over all plans, those replaced too */
	uint64_t live_epochs;            /* live orders so far */
	uint64_t budget_bytes, used_bytes, lingering_bytes;
	bool has_ssd;                    /* a second tier: */
	uint64_t ssd_budget_bytes, ssd_used_bytes, ssd_written_bytes, ssd_hits;
	uint32_t ssd_resident;
	uint32_t npool;                  /* servers of a pool; 0: there is none */
	struct pool_server pool[POOL_MAX];
	struct pool_counters pool_n;
	uint32_t resident, files, clients, jobs, nplans, nworkers;
	struct top_plan plans[PLANS_MAX];
	struct top_worker workers[SLOTS_MAX];   /* those that live; by slot */
};

/* Looks at the mapped session (index_map). Takes no lock: figures may be apart by the access of a moment. */
void top_look(struct top_frame *f);

/* The frame as lines of text, at most `width` columns but for long names; rates since `before` (same session). */
void top_text(const struct top_frame *f, const struct top_frame *before, int width, FILE *out);

/* The frame in Prometheus' text exposition format, version 0.0.4. */
void top_prometheus(const struct top_frame *f, FILE *out);

/* The live view until q or the job's end. Returns the exit status; says so if opt4 was built without ncurses. */
int top_live(void);

#endif
