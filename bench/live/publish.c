/* publish.c FILES RESIDENTS FOLDER: how long others wait for the session's lock while an epoch's order is published. FOLDER
 * (below it the dataset would be; nothing is read) is not on tmpfs. One process publishes a random order five times,
 * another takes and gives back the lock all the while. Prints JSON: ms that publishing took, until all residents were
 * filed, the longest wait for the lock, and waits in vain (10 ms are the most that anybody waits). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../preload/live/live.h"

#define EPOCHS  5
#define LOADER  11
#define DATASET 12

static volatile sig_atomic_t over;
static void stop(__attribute__((unused)) int sig) { over = 1; }

static double ms(uint64_t since) { return (double)(now_ns() - since) / 1e6; }

/* The other process: its longest wait and its waits in vain, to fd. */
static void wait_again_and_again(int fd)
{
	double wait[2] = { 0, 0 };
	signal(SIGTERM, stop);
	session_after_fork();
	if (!session_attach())
		_exit(1);
	for (double took; !over; nanosleep(&(struct timespec){ 0, 20000 }, NULL)) {
		uint64_t start = now_ns();
		bool got = session_lock();
		took = ms(start);
		if (got)
			session_unlock();
		wait[0] = took > wait[0] ? took : wait[0];
		wait[1] += !got;
	}
	session_leave();
	_exit(write(fd, wait, sizeof(wait)) != sizeof(wait));
}

static char *names(const char *folder, uint32_t n, size_t *bytes)
{
	size_t each = strlen(folder) + 16;
	char *all = malloc(n * each), *p = all;
	for (uint32_t i = 0; i < n; i++)
		p += sprintf(p, "%s/%08u.jpg", folder, i) + 1;
	*bytes = (size_t)(p - all);
	return all;
}

static void shuffle(uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t j = (uint32_t)((uint64_t)random() * (i + 1) >> 31);
		order[i] = order[j];
		order[j] = i;
	}
}

int main(int argc, char **argv)
{
	uint32_t n = argc == 4 ? (uint32_t)atoi(argv[1]) : 0, residents = argc == 4 ? (uint32_t)atoi(argv[2]) : 0, *order = calloc(n + 1, 4);
	int fd[2];
	size_t bytes;
	double published = 0, settled = 0, wait[2];
	if (!n || residents > n || !order || pipe(fd) < 0)
		return 2;
	setenv("OPT4_ROOT", argv[3], 1);
	setenv("OPT4_PREFETCH", "off", 1);
	conf_load();
	char *all = names(argv[3], n, &bytes);
	if (!session_attach() || live_files(DATASET, n, all, bytes) < 0 || policy_rebuild(n, 0, 0) < 0) {
		fprintf(stderr, "publish: no session for %s\n", argv[3]);
		return 1;
	}
	free(all);
	live_loader(LOADER, DATASET, 0);
	for (uint32_t i = 0; i < residents && session_lock(); i++) {
		uint32_t rec = (uint32_t)((uint64_t)i * n / residents);
		filing_put(rec, plans_use(rec));
		view.h->account[TIER_RAM].resident++;
		rec_set(rec, REC_RESIDENT);
		session_unlock();
	}
	pid_t other = fork();
	if (other == 0)
		wait_again_and_again(fd[1]);
	struct live_epoch e = { .loader = LOADER, .stream = 1, .dataset = DATASET, .workers = 4, .batch_size = 256, .n = n,
		.nbatches = (n + 255) / 256, .samples = n, .order = order };
	for (e.epoch = 0; e.epoch < EPOCHS; e.epoch++) {
		nanosleep(&(struct timespec){ 0, 100000000 }, NULL);
		shuffle(order, n);
		uint64_t start = now_ns();
		int rc = live_publish(&e);
		if (rc < 0) {
			fprintf(stderr, "publish: %s\n", strerror(-rc));
			break;
		}
		published += ms(start) / EPOCHS;
		while (session_lock()) {   /* what the keeper does (tools/opt4d/main.c) */
			bool done = filing_settle(FILING_SHARE);
			session_unlock();
			if (done)
				break;
			nanosleep(&(struct timespec){ 0, 200000 }, NULL);
		}
		settled += ms(start) / EPOCHS;
	}
	kill(other, SIGTERM);
	bool ok = read(fd[0], wait, sizeof(wait)) == sizeof(wait) && e.epoch == EPOCHS;
	waitpid(other, NULL, 0);
	session_leave();
	if (ok)
		printf("{\"files\": %u, \"residents\": %u, \"publish_ms\": %.1f, \"all_filed_ms\": %.1f, \"longest_wait_ms\": %.2f, "
		       "\"waits_in_vain\": %.0f}\n", n, residents, published, settled, wait[0], wait[1]);
	return !ok;
}
