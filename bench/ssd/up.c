/* up FILES: in the session of OPT4_ROOT with OPT4_SSD, how long a second tier of so many files takes to come up, and what memory
 * its index and this process take. Fills the log first (no objects: coming up does not look at them). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"

static void fill(uint32_t n)
{
	struct sealing s = { .fd = -1 };
	uint32_t *recs = malloc(n * sizeof(*recs));
	char name[64];
	conf_load();
	session_job_begin();
	if (!recs || !session_attach())
		exit(1);
	while (!session_lock())
		;
	for (uint32_t i = 0; i < n; i++) {
		int len = snprintf(name, sizeof(name), "n%08u/n%08u_%u.JPEG", i / 1300, i / 1300, i);
		uint32_t rec = recs[i] = names_add(0, name, (size_t)len);
		if (rec == REC_NONE || !index_reserve(&view.rec[rec], sizeof(struct record)))
			exit(1);
		struct record *r = &view.rec[rec];
		r->st = (struct origin){ .size = 110000 + i % 1000, .mtime = 1700000000000000000 + i, .ctime = 1700000000000000000 + i };
		r->key = object_key(record_key_hash(rec), &r->st);
		r->tier = TIER_SSD;
		r->pages = 27;
		rec_set(rec, REC_RESIDENT);
	}
	session_unlock();
	if (sealed_add(&s, recs, n) < 0)
		exit(1);
	session_leave();
	_exit(0);
}

static long pages_of_file(const char *dir, const char *name)
{
	char path[PATH_BYTES + 32];
	struct stat st;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0 ? st.st_blocks / 2 : 0;
}

/* Which other people's load changes little. */
static double cpu(const struct rusage *u)
{
	return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) + (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
	uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 1280000;
	struct rusage u;
	int status;
	pid_t pid = fork();
	if (pid == 0)
		fill(n);
	if (waitpid(pid, &status, 0) < 0 || status)
		return 1;
	conf_load();
	session_job_begin();
	getrusage(RUSAGE_SELF, &u);
	double before = cpu(&u);
	uint64_t start = now_ns();
	if (!session_attach())
		return 1;
	double took = (double)(now_ns() - start) / 1e9;
	getrusage(RUSAGE_SELF, &u);
	printf("%u files resident of %u: up in %.2f s, %.2f of CPU; index %.0f MB (%.0f bytes a file), this process %.0f MB besides; log %.0f MB\n",
	       view.h->account[TIER_SSD].resident, n, took, cpu(&u) - before, (double)pages_of_file(view.dir, "index") / 1e3,
	       (double)pages_of_file(view.dir, "index") * 1024 / n, (double)u.ru_maxrss / 1e3 - (double)pages_of_file(view.dir, "index") / 1e3,
	       (double)pages_of_file(view.ssd_dir, "sealed") / 1e3);
	session_leave();
	return 0;
}
