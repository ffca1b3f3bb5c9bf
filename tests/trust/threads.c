/* threads.c - the session's shared state under the thread sanitizer: processes of a job, and its keeper, as threads of one
 * process. Each has a copy of the session's code and data of its own (trust.mk), a number of its own that /proc knows, and
 * all meet where processes meet: in the files that they map (model.c). Every byte read is compared.
 *     threads MODE SECONDS: prints what came of it. Exit 1: wrong bytes, or what the mode is about has not come to pass. */
#include <errno.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "threads.h"

static const struct mode {
	const char *name, *policy;
	bool one, traced, keeper, real_keeper, live;
} modes[] = {
	{ .name = "threads", .policy = "lru", .one = true },
	{ .name = "lru", .policy = "lru" },
	{ .name = "opt", .policy = "opt", .traced = true },
	{ .name = "keeper", .policy = "opt", .traced = true, .keeper = true },
	{ .name = "live", .live = true },
	{ .name = "replay", .live = true, .keeper = true },
	{ .name = "opt4d", .policy = "opt", .traced = true, .keeper = true, .real_keeper = true },
};

#define COPIES(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12)
#define DECLARE(n) void process_##n(struct task *t);
#define NAME(n) process_##n,
COPIES(DECLARE)
static void (*const copies[])(struct task *) = { COPIES(NAME) };
enum { JOB = 0, WORKER = 1, PROGRAMS = WORKER + WORKERS, NCOPIES = sizeof copies / sizeof *copies };

struct job_model job_model;

/* A process of opt4d's; its copy is free again when it has ended. `ended` is looked at by the next one of that copy, which
 * comes after it; nobody else is put in an order by it. */
static struct { _Atomic bool busy, ended; } programs[NCOPIES - PROGRAMS];
static pid_t keeper_pid;
struct program { int copy, argc; char *argv[4]; };

static void ended(void *arg)
{
	struct program *p = arg;
	int i = p->copy - PROGRAMS;
	while (p->argc)
		free(p->argv[--p->argc]);
	free(p);
	atomic_store_explicit(&programs[i].ended, true, memory_order_release);
	PUT(programs[i].busy, false);
}

static void *program(void *arg)
{
	struct program *p = arg;
	struct task t = { .role = PROGRAM, .argc = p->argc, .argv = p->argv };
	(void)atomic_load_explicit(&programs[p->copy - PROGRAMS].ended, memory_order_acquire);
	pthread_cleanup_push(ended, p);   /* it may end by _exit() */
	copies[p->copy](&t);
	pthread_cleanup_pop(1);
	return NULL;
}

int model_spawn(const char *path, char *const argv[])
{
	pthread_t thread;
	if (job_model.real_keeper)
		return -posix_spawn(&keeper_pid, path, NULL, NULL, argv, environ);
	for (int i = 0; i < NCOPIES - PROGRAMS; i++) {
		if (atomic_exchange_explicit(&programs[i].busy, true, memory_order_relaxed))
			continue;
		struct program *p = calloc(1, sizeof *p);
		p->copy = PROGRAMS + i;
		for (; argv[p->argc]; p->argc++)
			p->argv[p->argc] = strdup(argv[p->argc]);
		int rc = pthread_create(&thread, NULL, program, p);
		if (rc == 0)
			pthread_detach(thread);
		return -rc;
	}
	return -EAGAIN;
}

static struct result job(enum role role, uint32_t n)
{
	struct task t = { .role = role, .n = n };
	copies[JOB](&t);
	return t.result;
}

static void *life(void *n)
{
	struct task t = { .role = WORK, .n = (uint32_t)(uintptr_t)n };
	copies[WORKER + t.n](&t);
	return NULL;
}

/* Each life is a thread of its own, so that /proc has another process each time. */
static void *lives(void *n)
{
	pthread_t t;
	while (!LOOK(job_model.stop) && LOOK(job_model.at[(uintptr_t)n]) / BATCHES < EPOCHS) {
		pthread_create(&t, NULL, life, n);
		pthread_join(t, NULL);
	}
	return NULL;
}

static void *one_of_many(void *n)
{
	struct task t = { .role = THREADS, .n = (uint32_t)(uintptr_t)n };
	copies[JOB](&t);
	return NULL;
}

/* Orders come when an epoch begins, or while the one before is still read. */
static void run(const struct mode *m, unsigned seconds)
{
	uint32_t known = 0;
	unsigned seed = 1;
	for (unsigned ms = 0; ms < seconds * 1000; ms += 2) {
		uint32_t epoch = LOOK(job_model.at[0]) / BATCHES + (rand_r(&seed) % 8 == 0);
		if (m->live && epoch >= known) {
			job(PUBLISH, epoch);
			known = epoch + 1;
		}
		usleep(2000);
	}
}

static bool files(char *shm)
{
	char path[128];
	strcpy(job_model.root, "/var/tmp/o4tsan.XXXXXX");
	if (!mkdtemp(job_model.root) || !mkdtemp(shm))
		return false;
	snprintf(job_model.dir, sizeof job_model.dir, "%s/s", shm);
	snprintf(job_model.trace, sizeof job_model.trace, "%s/trace", shm);
	for (uint32_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "%s/f%u.jpg", job_model.root, i);
		FILE *f = fopen(path, "w");
		for (int b = 0; f && b < BYTES; b++)
			fputc((int)i, f);
		if (!f || fclose(f))
			return false;
	}
	usleep(50000);             /* what is younger is not cached */
	return true;
}

static void set(const struct mode *m)
{
	setenv("OPT4_ROOT", job_model.root, 1);
	setenv("OPT4_DIR", job_model.dir, 1);
	setenv("OPT4_CACHE", "480K", 1);
	setenv("OPT4_MAXFILE", "64K", 1);
	setenv("OPT4_PREFETCH", m->keeper ? "auto" : "off", 1);
	if (m->policy)
		setenv("OPT4_POLICY", m->policy, 1);
	if (m->traced)
		setenv("OPT4_TRACE", job_model.trace, 1);
	job_model.traced = m->traced;
	job_model.live = m->live;
	job_model.replayed = m->keeper;
	job_model.real_keeper = m->real_keeper;
}

int main(int argc, char **argv)
{
	char shm[] = "/dev/shm/opt4-tsan.XXXXXX", cmd[160];
	pthread_t t[WORKERS];
	const struct mode *m = modes, *end = modes + sizeof modes / sizeof *modes;
	while (m < end && argc == 3 && strcmp(m->name, argv[1]))
		m++;
	if (argc != 3 || m == end || !files(shm))
		return 2;
	set(m);
	job(BEGIN, 0);
	if (m->live)
		job(PUBLISH, 0);
	/* opt4d sets a variable of its environment, which is everybody's here: before there is anybody */
	for (int i = 0; m->keeper && !job(READY, 0).ready && i < 30000; i++)
		usleep(1000);
	for (uintptr_t i = 0; i < WORKERS; i++) {
		PUT(job_model.at[i], (uint32_t)i);
		pthread_create(&t[i], NULL, m->one ? one_of_many : lives, (void *)i);
	}
	run(m, (unsigned)atoi(argv[2]));
	PUT(job_model.stop, true);
	for (int i = 0; i < (int)WORKERS; i++)
		pthread_join(t[i], NULL);
	struct result r = job(END, 0);
	if (keeper_pid)
		waitpid(keeper_pid, NULL, 0);
	for (int i = 0; i < NCOPIES - PROGRAMS; i++)
		while (LOOK(programs[i].busy))
			usleep(1000);
	printf("%ld accesses, %ld wrong, %llu hits, %llu evictions, %llu fetched ahead, %llu orders\n", LOOK(job_model.accesses),
	       LOOK(job_model.wrong), (unsigned long long)r.hits, (unsigned long long)r.evictions, (unsigned long long)r.prefetched,
	       (unsigned long long)r.orders);
	snprintf(cmd, sizeof cmd, "rm -rf %s %s", job_model.root, shm);
	bool nothing = !r.hits || !r.evictions || (m->keeper && !r.prefetched) || (m->live && r.orders < 2);
	return system(cmd) || LOOK(job_model.wrong) || nothing;
}
