/* plan.h - the door of `opt4 plan`: what each policy would hit at each size of the cache, and what that does to the
 * time of an epoch. The parts: plan.c (arguments), run.c (threads), smallest.c (the smallest cache that is enough),
 * cell.c (one policy at one size) on simulate.c (one run of a policy), lru.c (all sizes of LRU in one pass) and time.c
 * (the model), disk.c (that of a spinning disk); print.c (table, JSON; disk_print.c: the disk's part, nodes_print.c: that of several nodes), svg.c (chart). */
#ifndef OPT4_PLAN_H
#define OPT4_PLAN_H

#include "disk.h"
#include "simulate.h"
#include "../../../preload/base/base.h"

#include <stdio.h>

#define PLAN_SIZES 256
#define PLAN_POLICIES 6

/* One policy at one size. "Later": an average epoch after the first, which is always cold (of a trace
 * with one epoch: that one). */
struct plan_cell {
	const struct policy *policy;
	uint64_t cache;                   /* bytes, of both tiers */
	uint64_t ssd;                     /* of these on the second */
	struct sim_count total;
	double later_files, later_bytes;  /* read from the store in a later epoch */
	double later_accesses;
	double seconds, stall;            /* a later epoch by the model; stall = seconds - compute */
};

struct plan_store {                       /* what the model knows; all 0: no model asked for */
	double bandwidth;                 /* bytes a second; 0: no limit */
	double latency;                   /* seconds a file; 0: none */
	double compute;                   /* seconds a batch; 0: not known */
	double epoch_compute;             /* seconds of computing in a later epoch, set by plan_compute() */
};

struct plan {
	const char *name;                 /* of the trace */
	struct trace trace;
	struct sim_input in;
	uint32_t *epoch_end;              /* in.epoch_end, to be freed */
	uint64_t dataset;                 /* bytes in whole pages: 100 % */
	uint64_t maxfile;                 /* 0: the library's default for each size */
	uint64_t sizes[PLAN_SIZES];       /* of both tiers */
	uint64_t ssd[PLAN_SIZES];         /* of these on the second */
	bool has_ssd;
	const struct policy *policies[PLAN_POLICIES];
	unsigned nsizes, npolicies;
	struct plan_store store;
	struct plan_disk disk;            /* seek 0: not asked for */
	unsigned nodes;                   /* 0: not asked for */
	struct plan_cell *cells;          /* [npolicies][nsizes] */
};

static inline struct plan_cell *plan_at(const struct plan *p, unsigned policy, unsigned size)
{
	return &p->cells[policy * p->nsizes + size];
}

/* The limit on a file's bytes at this size of the cache, `ssd` of it on the second tier. */
static inline uint64_t plan_maxfile(const struct plan *p, uint64_t cache, uint64_t ssd)
{
	uint64_t part = (cache - ssd) / 2 < cache / 8 ? (cache - ssd) / 2 : cache / 8;   /* it goes through memory */
	uint64_t most = p->maxfile ? p->maxfile : sim_maxfile(part * 8);

	/* by default the limit follows the dataset's own files, as the library's does */
	return !p->maxfile && p->in.nfiles && p->dataset / p->in.nfiles > most / 2 && part > most ? part : most;
}

/* Where each epoch of p->trace ends: sets p->epoch_end and p->in. 0 or -ENOMEM. */
int plan_epochs(struct plan *p);

/* Fills in all cells, on all processors, with a progress bar of this name on stderr if that is a terminal.
 * Returns 0 or a negative errno. */
int plan_run(struct plan *p, const char *bar);

/* Simulates one cell (policy and cache are set). epochs: scratch of in.nepochs. 0 or -ENOMEM. */
int plan_simulate(const struct plan *p, struct plan_cell *cell, struct sim_count *epochs,
		  _Atomic uint64_t *progress);

/* Takes a cell's figures from the counts of its epochs, and applies the model. */
void plan_fill(const struct plan *p, struct plan_cell *cell, const struct sim_count *epochs);

/* LRU at n sizes in one pass. cache: rising, all with the same set of bypassed files (plan_takes_alike).
 * epochs: [n][in.nepochs], overwritten (but for evictions, which one pass does not tell).
 * Returns 0 or -ENOMEM. */
int plan_lru(const struct plan *p, const uint64_t *cache, unsigned n, struct sim_count *epochs,
	     _Atomic uint64_t *progress);

/* Files that a cache of this size takes; the same number at two sizes means the same files. */
uint32_t plan_takes(const struct plan *p, uint64_t cache);

/* The model: sets store.epoch_compute; sets a cell's seconds and stall. */
void plan_compute(struct plan *p);
void plan_time(const struct plan *p, struct plan_cell *cell);
static inline bool plan_has_model(const struct plan *p)
{
	return p->store.compute > 0 || p->store.bandwidth > 0 || p->store.latency > 0;
}

/* Is an epoch at this cell as long as its computing alone? */
bool plan_compute_bound(const struct plan *p, const struct plan_cell *cell);

/* The smallest cache (within 1 % of the dataset) that makes the job compute-bound under policy number
 * i, simulating between the sizes of the sweep; UINT64_MAX if the largest does not; 0 if none is needed. */
uint64_t plan_smallest(const struct plan *p, unsigned i);

void plan_table(const struct plan *p, FILE *out);
/* An epoch as the disk's model has it. */
struct plan_files plan_files(const struct plan *p);
void plan_disk_table(const struct plan *p, FILE *out);
void plan_disk_json(const struct plan *p, uint64_t cache, FILE *out);

/* nodes_print.c: of --nodes such nodes together in a later epoch: read of the store with caches of their own, or with a pool of
 * the same memory; sent over the network then. Bytes. */
struct plan_nodes { double private_bytes, pool_bytes, network_bytes; };
struct plan_nodes plan_nodes(const struct plan *p, const struct plan_cell *c);
void plan_nodes_table(const struct plan *p, FILE *out);
void plan_nodes_json(const struct plan *p, const struct plan_cell *c, FILE *out);

void plan_json(const struct plan *p, FILE *out);
void plan_svg(const struct plan *p, FILE *out);

/* "123.4G": bytes in at most 6 characters and a unit. Returns buf. */
char *plan_size_text(double bytes, char buf[16]);

int cmd_plan(int argc, char **argv);

#endif
