/* client.c - one process of the model (threads.h): in each copy of the session's code. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"
#include "../../preload/live/live.h"
#include "../../tools/opt4d/replay.h"
#include "threads.h"

enum { LOADER = 7, DATASET = 5, STREAM = 3 };

/* ---- what stands for the kernel's part, in the code of this process only ---- */

int model_getpid(void);
void model_exit(int status) __attribute__((noreturn));
int opt4d(int argc, char **argv);          /* its main() */

/* A thread is to /proc what a process is: alive under its number, with a time when it started. */
static pid_t pid;
int model_getpid(void) { return pid ? pid : (pid = gettid()); }

/* Its other threads wait for its lock for ever: the dead do nothing either. */
void model_exit(__attribute__((unused)) int status) { pthread_exit(NULL); }

/* In the place of base/spawn.c. */
int spawn_apart(const char *path, char *const argv[], __attribute__((unused)) char *const envp[]) { return model_spawn(path, argv); }

/* As the child of a fork, which has what its parent had mapped, or as a program that begins. */
static void be_born(bool forked)
{
	pid = gettid();
	session_after_fork();
	if (!forked && view.h)
		view_unmap();
	conf_load();
	view.disabled = false;
	view.retry_at = 0;
}

/* ---- a worker ---- */

static void use(uint32_t i, unsigned *seed)
{
	char buf[BYTES], path[128], name[16];
	struct cached c;
	struct stat st;
	snprintf(name, sizeof name, "f%u.jpg", i);
	snprintf(path, sizeof path, "%s/%s", job_model.root, name);
	uint32_t rec = session_record(0, name, strlen(name));
	if (rec == REC_NONE)
		return;
	int fd = session_open(rec, AT_FDCWD, path, O_RDONLY, &c), orig = -1;
	if (fd >= 0) {
		session_touch(&c);
	} else {
		orig = open(path, O_RDONLY);
		if (session_hint(rec, orig, &c) == 0)
			fd = session_fetch(orig, O_CLOEXEC, &c);
	}
	if (fd >= 0) {
		if (pread(fd, buf, BYTES, 0) != BYTES || buf[0] != (char)i || memcmp(buf, buf + 1, BYTES - 1))
			ADD(job_model.wrong, 1);
		if (session_stat(&c, &st) == 0 && st.st_size != BYTES)
			ADD(job_model.wrong, 1);
		close(fd);
	}
	if (orig >= 0)
		close(orig);
	unsigned what = (unsigned)rand_r(seed) % 64;
	if (what == 0)
		session_invalidate(rec);
	if (what == 1) {
		session_writer(rec, 1);
		session_invalidate(rec);
		session_writer(rec, -1);
	}
	ADD(job_model.accesses, 1);
}

static uint32_t last_worker(void)
{
	uint32_t least = LOOK(job_model.at[0]);
	for (uint32_t n = 1; n < WORKERS; n++)
		least = LOOK(job_model.at[n]) < least ? LOOK(job_model.at[n]) : least;
	return least;
}

/* Some batches; the loader gives nobody more than two ahead of the slowest. Then it leaves, or is killed: the next has its
 * place. */
static void work(uint32_t n)
{
	uint32_t order[FILES], epoch = EPOCHS;
	unsigned seed = (unsigned)gettid();
	be_born(rand_r(&seed) & 1);
	if (job_model.live)
		live_follow(LOADER);
	for (int batches = 20 + rand_r(&seed) % 100; batches && !LOOK(job_model.stop);) {
		uint32_t b = LOOK(job_model.at[n]);
		if (b / BATCHES >= EPOCHS)
			break;
		if (b > last_worker() + 2 * WORKERS) {
			usleep(100);
			continue;
		}
		if (b / BATCHES != epoch)
			epoch_order(epoch = b / BATCHES, order);
		for (uint32_t i = 0; i < BATCH; i++)
			use(order[b % BATCHES * BATCH + i], &seed);
		PUT(job_model.at[n], b + WORKERS);
		batches--;
	}
	if (rand_r(&seed) & 1)
		session_leave();
}

/* ---- the job's own process ---- */

static void begin(void)
{
	char paths[FILES * 128];
	size_t at = 0;
	if (job_model.traced && !order_write(job_model.trace, job_model.root))
		abort();
	be_born(false);
	session_job_begin();
	if (!session_attach())
		abort();
	if (job_model.live) {
		for (uint32_t i = 0; i < FILES; i++)
			at += 1 + (size_t)sprintf(paths + at, "%s/f%u.jpg", job_model.root, i);
		live_loader(LOADER, DATASET, 0);
		if (live_files(DATASET, FILES, paths, at) < 0)
			abort();
	}
}

/* As iter() does. The last epoch's workers are in the middle of it. */
static void publish(uint32_t epoch)
{
	uint32_t order[FILES];
	struct live_epoch e = { .loader = LOADER, .stream = STREAM, .dataset = DATASET, .epoch = epoch, .workers = WORKERS,
		.batch_size = BATCH, .persistent = 1, .n = FILES, .nbatches = BATCHES, .samples = FILES, .order = order };
	struct replay r;
	live_loader(LOADER, DATASET, epoch);
	if (job_model.replayed) {
		epoch_replay(epoch, &r);
		e.n = 0;               /* the order does not come with it */
		e.order = NULL;
		live_spool(&e, &r, sizeof r);
	} else {
		epoch_order(epoch, order);
		live_publish(&e);
	}
}

static uint64_t count(const uint64_t *n) { return __atomic_load_n(n, __ATOMIC_RELAXED); }

void process(struct task *t)
{
	unsigned seed = t->n + 1;
	switch (t->role) {
	case BEGIN:
		begin();
		break;
	case WORK:
		work(t->n);
		break;
	case THREADS:
		while (!LOOK(job_model.stop))
			use((uint32_t)rand_r(&seed) % FILES, &seed);
		break;
	case PUBLISH:
		publish(t->n);
		break;
	case PROGRAM:
		be_born(false);
		opt4d(t->argc, t->argv);
		break;
	case READY:
		t->result.ready = keeper_lives();
		break;
	case END:
		t->result = (struct result){ .hits = count(&view.h->n.hits), .evictions = count(&view.h->n.evictions),
			.prefetched = count(&view.h->n.prefetched), .orders = view.h->live_epochs };
		session_leave();
	}
}
