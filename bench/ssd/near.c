/* near WAY DEPTH FILE...: cold files brought to a reader, DEPTH at a time; prints MB/s and CPU seconds a GB, the reader's one copy included.
 *   ahead   as the keeper does it: each is asked for by posix_fadvise(WILLNEED), the reader comes behind
 *   direct  by O_DIRECT into an object on tmpfs, which the reader reads: the way that was not taken
 *   read    DEPTH readers, each a file at a time, O_DIRECT, nothing else: what the disk gives
 *   cat     one reader after the other's files, as cat reads: 128 KiB at a time */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define BUFFER (1u << 20)
#define WINDOW 150                 /* files between who brings and who reads: 16 MB of 110 KiB */

static char **files;
static int nfiles, *object;
static const char *way;
static _Atomic int next, done, took;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t whole(int fd, char *buf, size_t step, int to)
{
	uint64_t n = 0;
	ssize_t got;
	while ((got = read(fd, buf, step)) > 0) {
		if (to >= 0 && write(to, buf, (size_t)got) != got)
			die("write");
		n += (uint64_t)got;
	}
	return n;
}

static void *bring(void *buf)
{
	for (int i; (i = atomic_fetch_add(&next, 1)) < nfiles;) {
		while (strcmp(way, "read") && i > atomic_load(&took) + WINDOW)
			nanosleep(&(struct timespec){ 0, 200000 }, NULL);
		int direct = strcmp(way, "ahead") != 0, fd = open(files[i], O_RDONLY | (direct ? O_DIRECT : 0));
		if (fd < 0)
			die(files[i]);
		if (!direct) {
			posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
		} else if (!strcmp(way, "read")) {
			whole(fd, buf, BUFFER, -1);
		} else {
			int to = open("/dev/shm", O_RDWR | O_TMPFILE, 0600);
			if (to < 0)
				die("/dev/shm");
			whole(fd, buf, BUFFER, to);
			object[i] = to;
		}
		close(fd);
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int depth = argc > 3 ? atoi(argv[2]) : 0;
	pthread_t t[64];
	struct rusage u;
	uint64_t bytes = 0;
	if (depth < 1 || depth > 64)
		return 2;
	way = argv[1];
	files = argv + 3;
	nfiles = argc - 3;
	object = calloc((size_t)nfiles, sizeof(*object));
	for (int i = 0; i < nfiles; i++) {      /* cold */
		int fd = open(files[i], O_RDONLY);
		if (fd < 0 || fdatasync(fd) < 0)
			die(files[i]);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		bytes += (uint64_t)lseek(fd, 0, SEEK_END);
		close(fd);
	}
	char *buf = mmap(NULL, (size_t)BUFFER * 65, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	getrusage(RUSAGE_SELF, &u);
	double start = now(), cpu = -((double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	int cat = !strcmp(way, "cat"), only = !strcmp(way, "read");
	for (int i = 0; !cat && i < depth; i++)
		pthread_create(&t[i], NULL, bring, buf + (size_t)BUFFER * (size_t)(i + 1));
	for (int i = 0; !only && i < nfiles; i++) {
		int fd = -1;
		while (!cat && atomic_load(&done) <= i && atomic_load(&next) <= i)
			nanosleep(&(struct timespec){ 0, 100000 }, NULL);
		while (!strcmp(way, "direct") && !object[i])
			nanosleep(&(struct timespec){ 0, 100000 }, NULL);
		fd = object[i] ? object[i] : open(files[i], O_RDONLY);
		lseek(fd, 0, SEEK_SET);
		whole(fd, buf, 128 << 10, -1);
		close(fd);
		atomic_store(&took, i);
	}
	atomic_store(&took, only ? nfiles : atomic_load(&took));
	for (int i = 0; !cat && i < depth; i++)
		pthread_join(t[i], NULL);
	double took_s = now() - start;
	getrusage(RUSAGE_SELF, &u);
	cpu += (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	printf("%-8s depth %2d: %7.0f MB/s  %.3f s of CPU a GB\n", way, depth, (double)bytes / took_s / 1e6, cpu / (double)bytes * 1e9);
	return 0;
}
