/* live.h - the door of the live house: orders learned from running DataLoaders (tools/live says which epoch begins, in which order).
 *
 * A live order is one epoch of one loader, joined as a plan: an ordinary trace of one segment whose files are the
 * session's records. Its next epoch replaces it in its slot under a new generation. Files in the session's directory:
 *     live.GEN.order       the trace
 *     live.GEN.plan        follower's shared block
 *     live.data.DATASET    which records the samples of a dataset are
 * Beyond its end nothing is known, so an exhausted file's next use is POS_UNKNOWN, never POS_NEVER.
 *
 * Keys are numbers that the caller makes up: a loader's workers and its main process must give the same. */
#ifndef OPT4_LIVE_H
#define OPT4_LIVE_H

#include "../session/keeper.h"

#define LIVE_WIDTH 4              /* files of a sample that are learned, at most */

struct live_epoch {               /* an epoch that begins; what the Python side hands over, field by field */
	uint64_t loader, stream, dataset;
	uint32_t epoch, rank, workers, batch_size, persistent;
	uint32_t n;               /* samples in the order */
	uint32_t nbatches;
	uint32_t samples;         /* in the dataset */
	const uint32_t *order;    /* [n] sample numbers */
	const uint32_t *counts;   /* [nbatches] samples of each batch; NULL: batch_size each, the last what is left */
};

/* ---- files.c: datasets ---- */

/* The samples of a dataset are these files: n absolute paths, each with a NUL, in the order of the samples. A path
 * that is no dataset file's leaves its sample unknown. Some 300 ns a new name. 0 or -errno. dataset 0, here and in
 * live_known(): that of the loader for which this process works. */
int live_files(uint64_t dataset, uint32_t n, const char *paths, size_t bytes);
/* Is there a table of this dataset, for n samples? 0 no, or it is being named, 1 being learned, 2 complete. */
int live_known(uint64_t dataset, uint32_t n);
/* This process fetches sample `index` of its loader's dataset of n now: files opened until the next call are that sample's.
 * For datasets whose files nobody has named. n 0: no more. */
void live_sample(uint32_t n, uint32_t index);

struct live_table {               /* live.data.DATASET */
	char magic[8];
	uint32_t n, width, complete, pad[11];
	uint32_t rec[];           /* [n * width] record + 1; 0 = unknown */
};
/* Maps it; NULL if there is none. *bytes is for munmap. */
struct live_table *live_table(uint64_t dataset, uint32_t n, size_t *bytes);

/* ---- export.c ---- */

/* Writes each dataset's files into the folder `to`: files.DATASET (hex), a line `samples width`, then a path and a NUL for
 * each of samples x width, empty where none is known; and the session's roots, each with a NUL, as `roots`. 0 or -errno. */
int live_export(const char *to);

/* ---- publish.c: publishing ---- */

/* The epoch's order becomes the plan that the loader's workers follow. ms at 100,000 samples. Attaches to the
 * session where need be. 0; 1: the joined trace has this very order, nothing to do; -ESTALE: its epoch is over; or -errno. */
int live_publish(const struct live_epoch *e);

/* ---- env.c ---- */

/* Where the Python side lies: opt4_live/ or live/ in this folder (absolute: the library's). False: it is not there. */
bool live_python_dir(const char *dir, char path[PATH_BYTES]);
/* Puts it first on PYTHONPATH for the programs that this process starts, itself included before its main(). False: it is
 * not there, or a path that PYTHONPATH can't name. */
bool live_python_path(const char *dir);

/* ---- spool.c: the same, but the order is replayed by a process of its own ---- */

/* e: as for live_publish(), but no order. what: a struct replay (tools/opt4d/replay.h). A few ms, whatever the length.
 * It waits for the dataset's files to be named. 0: it is on its way; or -errno. */
int live_spool(const struct live_epoch *e, const void *what, size_t bytes);
/* Keeper: starts the replays that were left to it. */
void live_spooled(void);
/* In that process: reads the session's file `spool` into e and what, and removes it. 0 or -errno. */
int live_unspool(const char *spool, struct live_epoch *e, void *what, size_t bytes);

/* ---- live.c: following ---- */

/* A loader has been made: makes the session and starts the keeper where there is none, some 5 ms that its first epoch would
 * wait for otherwise. */
void live_ready(void);
/* A loader reads this dataset, in that epoch; this process and those forked from it work for it. */
void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch);
/* This process works for that loader. */
void live_follow(uint64_t key);
/* The loader's epoch is over, or was left: nothing more of it will be asked for. */
void live_end(uint64_t key);

#endif
