/* threads.h - processes of a job as threads of one, for the thread sanitizer: threads.c runs them, model.c is what they
 * share beneath, client.c and order.c are in each of them. */
#ifndef OPT4_TESTS_THREADS_H
#define OPT4_TESTS_THREADS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FILES   120u
#define BYTES   9000
#define BATCH   5u
#define BATCHES (FILES / BATCH)  /* an epoch */
#define WORKERS 8u               /* divides BATCHES, so that worker n has every batch n + k * WORKERS */
#define EPOCHS  1500u            /* of the trace */

enum role {
	BEGIN,                   /* the job's own process: it makes the session */
	WORK,                    /* worker n, from its birth to its end */
	THREADS,                 /* one thread of a process that has many */
	PUBLISH,                 /* the job's own process: the order of epoch n */
	PROGRAM,                 /* opt4d with these arguments */
	READY,                   /* does the keeper live? */
	END                      /* the job's own process: what came of it; then it leaves */
};
struct result { bool ready; uint64_t hits, evictions, prefetched, orders; };
struct task { enum role role; uint32_t n; int argc; char **argv; struct result result; };

/* What the model's processes know of each other without the session. Relaxed throughout: anything more would put in an
 * order what the session leaves without one, and the sanitizer would be blind. */
extern struct job_model {
	char root[64], dir[64], trace[64];
	bool traced, live, replayed, real_keeper;
	_Atomic bool stop;
	_Atomic long accesses, wrong;
	_Atomic uint32_t at[WORKERS];      /* each worker's next batch, counted over all epochs */
} job_model;
#define LOOK(what)    atomic_load_explicit(&(what), memory_order_relaxed)
#define PUT(what, v)  atomic_store_explicit(&(what), v, memory_order_relaxed)
#define ADD(what, v)  atomic_fetch_add_explicit(&(what), v, memory_order_relaxed)

/* threads.c: opt4d as another of them. 0 or -errno */
int model_spawn(const char *path, char *const argv[]);

/* order.c: the files of an epoch, the same whoever asks; and all of them as a trace file */
struct replay;
void epoch_replay(uint32_t epoch, struct replay *r);
void epoch_order(uint32_t epoch, uint32_t order[FILES]);
bool order_write(const char *path, const char *root);

/* client.c: one process; its name is another in each copy */
void process(struct task *t);

#endif
