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
#include "cell.h"

#define LIVE_WIDTH 1024           /* files of a sample, at most */

#define LIVE_TOLD 2u               /* it was told by opt4.order() */
#define LIVE_ON 4u                 /* the same epoch as the order before: more of it is known by now */
#define LIVE_ENDLESS 8u            /* it has no end, and so is not left */
#define LIVE_KEYED 16u             /* its order is one of keys (keys.c) */
#define LIVE_DEALT 16              /* bits */

struct live_epoch {               /* an epoch that begins; what the Python side hands over, field by field */
	uint64_t loader, stream, dataset;
	uint32_t epoch, rank, workers, batch_size;
	uint32_t persistent;      /* 1: its workers outlive the epoch; LIVE_*; and above LIVE_DEALT the batches that are dealt before one is asked for */
	uint32_t n;               /* samples in the order */
	uint32_t nbatches;
	uint32_t samples;         /* in the dataset */
	uint32_t pause;           /* without an end: samples of this order until others may be read, as after each further pass; 0: unknown */
	const uint32_t *order;    /* [n] sample numbers */
	const uint32_t *counts;   /* [nbatches] samples of each batch; NULL: batch_size each, the last what is left */
	const uint32_t *then;     /* [n] the next epoch's samples, where they are known already (a rank's, by the epoch's number); else NULL */
};

/* ---- files.c: which files the samples of a dataset are ---- */

struct live_table {               /* live.data.DATASET */
	char magic[8];
	uint32_t n, width, complete; /* complete: the program's own list named each */
	_Atomic uint32_t moved;   /* a wider one takes its place: map it anew */
	_Atomic uint32_t users;   /* datasets of this content in the processes that train */
	uint32_t fetched;          /* samples that have been fetched. What follows tells by how much it is to be believed: */
	uint32_t tried, fits;     /* rows named by the program that were fetched, and of these those that were read so */
	uint32_t again, changed;  /* rows that were fetched again, and of these those that were wholly others */
	uint32_t share;           /* files of a sample whose row is LIVE_GUESS that are believed */
	uint32_t keyed;           /* its rows are found by a key; then uint32_t[n] follow the times, 4-aligned: each row's key, 0: none */
	uint32_t placed, loose;   /* of a keyed one: samples whose indices name a place in the dataset as well, and that don't */
	uint32_t rec[];           /* [n * width] record + 1; 0 = no more; then uint8_t[n], see live_times() */
};
_Static_assert(sizeof(struct live_table) == 64, "live_table");
/* Fetches that a sample's row is made of; 0: none, it is the program's own list's, or empty. LIVE_GUESS: its batch was read
 * as a whole, and the row holds who may be its files, the likely ones first. LIVE_CUT: two fetches that had some files in common; others than
 * the sample's own may be among these by chance. */
#define LIVE_GUESS 255
#define LIVE_CUT   254
uint8_t *live_times(struct live_table *t);
/* Maps it; NULL if there is none. *bytes is for munmap. */
struct live_table *live_table(uint64_t dataset, uint32_t n, size_t *bytes);
/* Makes an empty one, or maps the one that another process has made meanwhile. NULL: no room. */
struct live_table *live_table_begin(uint64_t dataset, uint32_t n, uint32_t width, bool keyed, size_t *bytes);
/* Puts a wider one in its place, unless another process does. Returns what is mapped then. */
struct live_table *live_table_widen(uint64_t dataset, struct live_table *t, uint32_t width, size_t *bytes);

/* The samples of a dataset are these files: n absolute paths, each with a NUL, in the order of the samples. A path
 * that is no dataset file's leaves its sample unknown. Some 300 ns a new name. 0 or -errno. dataset 0, here and in
 * live_known(): that of the loader for which this process works. */
int live_files(uint64_t dataset, uint32_t n, const char *paths, size_t bytes);
/* Is there a table of this dataset, for n samples? 0 no, or it is being named, 1 being learned, 2 named in whole, 3 what it says
 * is another thing each time, 4 samples are told apart by their keys, not by places. */
int live_known(uint64_t dataset, uint32_t n);
int live_known_here(uint64_t dataset, uint32_t n);     /* the same, of a session that is mapped and whose job this process is none of */
#define LIVE_IS_KEYED 4
/* One more, one fewer dataset of this content is in use. The table goes with the last. */
void live_use(uint64_t dataset, uint32_t n);
void live_forget(uint64_t dataset);
/* The record of an absolute path below a root, or REC_NONE. */
uint32_t live_record(const char *path, size_t len);

/* The program's list; positions that are drawn at random; files of a row that is LIVE_CUT. */
struct live_trust { bool named; uint64_t random; uint32_t cut; };
/* What of the table is to be believed. nfiles: records in use. Some ns a row. */
void live_judge(struct live_table *t, uint32_t nfiles, struct live_trust *trust);
/* A sample's records, in the order in which they are read; their number. */
uint32_t live_row(struct live_table *t, const struct live_trust *trust, uint32_t index, uint32_t nfiles, uint32_t rec[LIVE_WIDTH]);

/* ---- keys.c: indices that are no places ---- */

uint64_t live_keyed(uint64_t dataset);     /* the number of its table of keys; and back */
uint32_t live_keyed_rows(uint32_t n);      /* rows of that, where the dataset says that it has n samples: a power of two */
_Atomic uint32_t *live_keys(struct live_table *t);
/* The row of a sample, by its index or its key. make: a new key gets one. UINT32_MAX: none. */
uint32_t live_place(struct live_table *t, uint32_t index, bool make);

/* ---- then.c: the order of the epoch after the one that begins ---- */

/* The same, but of several names of one file the one that has the object: all its uses are uses of that. */
uint32_t live_records(struct live_table *t, const struct live_trust *trust, uint32_t index, uint32_t nfiles, uint32_t rec[LIVE_WIDTH]);
/* Bytes of the section that holds it. */
size_t live_then_bytes(uint32_t npos, uint32_t nfiles);
/* Writes e->then into it. Where it takes not just so many positions as the epoch that begins it stays unknown. */
void live_then(const struct live_epoch *e, struct live_table *t, const struct live_trust *trust, uint32_t npos, uint32_t nfiles, struct order_then *to);

/* ---- learn.c: what is opened while samples are fetched ---- */

/* A thread of this process is fetching: opens are to be looked at whatever their names. */
extern _Atomic bool live_watching;
/* This thread fetches sample `index` of its loader's dataset of n now: files read until the next call are that sample's. An
 * index beyond n: one that is no number. */
void live_sample(uint32_t n, uint32_t index);
/* That sample has a key, too. */
void live_key(uint32_t key);
/* Sample number `index` of this table is being fetched from now on; NULL: none, or nobody knows which. */
void live_sample_is(struct live_table *t, uint32_t index);
/* All samples of the batch have been fetched, or asked for: what is read from now on is the batch's. */
void live_rest(void);
/* The batch is fetched. whole false: an exception ended it. Returns the bytes of paths that were opened below no root; then
 * live_strangers() copies them (each with a NUL), and live_learn() puts what was seen into the dataset's table, which it makes
 * where there is none unless another process is about to. */
size_t live_fetched(bool whole);
size_t live_strangers(char *to, size_t room);
void live_learn(bool make);
/* While watching: this absolute path was opened, to be read, and lies below no root. */
void live_stranger(const char *path, size_t len);

/* Are opens looked at whatever their names? */
void live_watch(bool on);

/* ---- apart.c: programs that read their files without a DataLoader of torch's ---- */

/* From now on what is opened below no root is kept, but for what `system` names, each with a NUL: folders, with a slash at either end, and suffixes. When
 * it is enough to be looked at ask() is called, in any thread, and is to see to it that somebody takes the names; false: it can't. What
 * lies below a root is the dataset's, whatever its name. Once in a process; its children go on with it. */
void live_apart_begin(bool (*ask)(void), const char *system, size_t bytes);
/* There is such a DataLoader, which knows better. */
void live_apart_end(void);
extern _Atomic bool live_apart;
void live_apart_opened(const char *path, size_t len);
/* The names, each with a NUL; their bytes. They are forgotten here. */
size_t live_apart_names(char *to, size_t room);

/* ---- children.c: processes that are started while a sample is fetched ---- */

/* Where the spool is; in the constructor, where no folder was told. Without it all that follows does nothing. */
void live_children_load(void);
/* This process begins (ends) to fetch samples: what starts meanwhile is looked at. */
void live_fetching(bool on);
/* In the constructor. True: the parent fetches just now, and what is opened here is looked at as if it had opened it. */
bool live_child_begin(void);
extern _Atomic bool live_child;
/* A child that ends, or fetches samples itself. */
void live_child_end(void);
/* In a forked process: it is such a child, if the parent was fetching. */
void live_forked(void);
/* An absolute path that was opened in a child, to be read, and lies below no root. */
void live_child_opened(const char *path, size_t len);
/* What children have opened since the last call, each with a NUL; their bytes. */
size_t live_children_names(char *to, size_t room);
/* A folder was found, here. Has one been found anywhere since the last call? */
void live_root_found(void);
bool live_roots_grew(void);
/* A file of the spool, and a NUL; its bytes, 0: none. Is there such a one? */
bool live_children_has(const char *name);
size_t live_children_file(const char *name, char *to, size_t room);
/* `apart` of it, what is no dataset's; 0: none, or not whole. */
#define LIVE_SYSTEM 8192
size_t live_children_system(char to[LIVE_SYSTEM]);
/* Does this absolute path lie in one of `system`'s folders, or end as it says? (live_apart_begin()) */
bool live_of_the_system(const char *system, size_t bytes, const char *path, size_t len);

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

/* e: as for live_publish(), but no order. what: a struct replay (tools/opt4d/replay.h); with e->n, the order itself: e->n sample
 * numbers, then e->nbatches counts. A few ms, whatever the length. It waits for the dataset's files to be named. 0: it is on its way; or -errno. */
int live_spool(const struct live_epoch *e, const void *what, size_t bytes);
/* Keeper: starts the replays that were left to it. */
void live_spooled(void);
/* In that process: reads the session's file `spool` into e, whose order and counts are NULL, and what came with it into *what (free()), and removes the
 * file. Its bytes, or -errno. */
ssize_t live_unspool(const char *spool, struct live_epoch *e, void **what);

/* The budget is a part of a dataset whose size is a guess: a process of its own looks at these files (absolute names, each with a
 * NUL), which stand for `all`, and sets it right. 0: on its way; or -errno. */
int live_measure(uint64_t all, const char *names, size_t bytes);
/* In that process: the session's file `list` as live_spool()'s is read; what live_measure() was given. */
ssize_t live_unmeasured(const char *list, uint64_t *all, void **names);

/* ---- live.c: following ---- */

/* A loader has been made: makes the session and starts the keeper where there is none, some 5 ms that its first epoch would
 * wait for otherwise. */
void live_ready(void);
/* A loader reads this dataset, in that epoch; this process and those forked from it work for it. Remembered here where there
 * is no session yet. */
void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch);
void live_loader_again(void);              /* there is one now */
/* This process works for that loader, of that dataset unless the session knows better. */
void live_own(uint64_t key, uint64_t dataset);
bool live_epoch_now(uint32_t *epoch);      /* of the loader that this process works for; false: unknown */
uint64_t live_dataset(uint64_t loader);    /* its dataset; 0: unknown, or over */
/* This process works for that loader. */
void live_follow(uint64_t key);
/* What was foretold of the loader's order is not what it draws: its plan is not to be believed any more. */
void live_lied(uint64_t key);
/* The loader's epoch is over, or was left: nothing more of it will be asked for. */
void live_end(uint64_t key);

#endif
