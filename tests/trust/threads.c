/* threads.c - the session's shared state under ThreadSanitizer: threads do what processes do to it (one mapping, so that the
 * sanitizer sees them meet; the lock, the records' state words and the counters know no difference), with evictions,
 * invalidations and writers, and check every byte.
 *     threads SECONDS: prints accesses and wrong ones. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../preload/session/view.h"

#define FILES   24
#define BYTES   9000
#define THREADS 8

static char root[] = "/var/tmp/o4tsan.XXXXXX", shm[] = "/dev/shm/opt4-tsan.XXXXXX";
static _Atomic int stop, wrong;
static _Atomic long done;

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	char buf[BYTES], path[64], name[16];
	while (!stop) {
		int i = rand_r(&seed) % FILES;
		struct cached c;
		struct stat st;
		snprintf(name, sizeof name, "f%d.jpg", i);
		snprintf(path, sizeof path, "%s/%s", root, name);
		uint32_t rec = session_record(0, name, strlen(name));
		if (rec == REC_NONE)
			continue;
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
				wrong++;
			if (session_stat(&c, &st) == 0 && st.st_size != BYTES)
				wrong++;
			close(fd);
		}
		if (orig >= 0)
			close(orig);
		unsigned what = (unsigned)rand_r(&seed) % 64;
		if (what == 0)
			session_invalidate(rec);
		if (what == 1) {
			session_writer(rec, 1);
			session_invalidate(rec);
			session_writer(rec, -1);
		}
		done++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	char path[64], cmd[160];
	pthread_t t[THREADS];
	if (argc != 2 || !mkdtemp(root) || !mkdtemp(shm))
		return 2;
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof path, "%s/f%d.jpg", root, i);
		FILE *f = fopen(path, "w");
		for (int b = 0; f && b < BYTES; b++)
			fputc(i, f);
		if (!f || fclose(f))
			return 2;
	}
	usleep(50000);
	snprintf(path, sizeof path, "%s/s", shm);
	setenv("OPT4_ROOT", root, 1);
	setenv("OPT4_DIR", path, 1);
	setenv("OPT4_CACHE", "120K", 1);
	setenv("OPT4_MAXFILE", "64K", 1);
	setenv("OPT4_POLICY", "lru", 1);
	conf_load();
	session_job_begin();
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, worker, (void *)(i + 1));
	sleep((unsigned)atoi(argv[1]));
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("%ld accesses, %d wrong, %llu hits, %llu evictions\n", done, wrong, view.h ? (unsigned long long)view.h->n.hits : 0,
	       view.h ? (unsigned long long)view.h->n.evictions : 0);
	session_leave();
	snprintf(cmd, sizeof cmd, "rm -rf %s %s", root, shm);
	return system(cmd) || wrong;
}
