/* hit.c - hit DIR FILES ROUNDS: what a hit costs beside a hot page cache and a bare tmpfs file.
 *
 * FILES files of 110 KiB below DIR (made once), copies of them on tmpfs, and, when the library is preloaded, their
 * objects: each is opened, asked fstat, read whole and closed, in random order, the three ways taking turns
 * file by file, so that whatever else the machine does falls on all alike. The page cache and tmpfs ways call the C
 * library directly, past every hook. Prints one JSON object; medians in ns. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BYTES (110 * 1024)
enum way { CACHE, TMPFS, HIT, WAYS };

static struct {
	int (*open)(const char *, int, ...);
	int (*fstat)(int, struct stat *);
	ssize_t (*read)(int, void *, size_t);
	int (*close)(int);
	ssize_t (*readlink)(const char *, char *, size_t);
} direct;

static char buf[BYTES + 4096];

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t by_libc(const char *path)
{
	struct stat st;
	uint64_t t = now();
	int fd = direct.open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || direct.fstat(fd, &st) || direct.read(fd, buf, sizeof buf) != st.st_size || direct.close(fd))
		die(path);
	return now() - t;
}

static uint64_t by_hooks(const char *path)
{
	struct stat st;
	uint64_t t = now();
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || read(fd, buf, sizeof buf) != st.st_size || close(fd))
		die(path);
	return now() - t;
}

static void make(const char *path, uint32_t i)
{
	struct stat st;
	if (stat(path, &st) == 0 && st.st_size == BYTES)
		return;
	int fd = direct.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	for (size_t k = 0; k < BYTES / 4; k++)
		((uint32_t *)buf)[k] = (i * 2654435761u) ^ (uint32_t)(k * 40503);
	if (fd < 0 || write(fd, buf, BYTES) != BYTES || direct.close(fd))
		die(path);
}

/* Is this open served from an object? The hooks' readlink would name the original. */
static bool is_hit(const char *path)
{
	char link[32], to[4096];
	int fd = open(path, O_RDONLY);
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = direct.readlink(link, to, sizeof to - 1);
	close(fd);
	to[n < 0 ? 0 : n] = 0;
	return strstr(to, "/objects/") != NULL;
}

static int order(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	uint32_t n = argc == 4 ? (uint32_t)atoi(argv[2]) : 0, rounds = n ? (uint32_t)atoi(argv[3]) : 0, hits = 0;
	char shm[64], path[2][4096];
	uint64_t rng = 88172645463325252ull;

	if (!libc || !n || !rounds)
		return 2;
	*(void **)&direct.open = dlsym(libc, "open");
	*(void **)&direct.fstat = dlsym(libc, "fstat");
	*(void **)&direct.read = dlsym(libc, "read");
	*(void **)&direct.close = dlsym(libc, "close");
	*(void **)&direct.readlink = dlsym(libc, "readlink");
	snprintf(shm, sizeof shm, "/dev/shm/opt4-bench-hit.%d", getpid());
	if (mkdir(shm, 0700))
		die(shm);
	for (uint32_t d = 0; d < 256; d++) {
		snprintf(path[0], sizeof path[0], "%s/%02x", argv[1], d);
		mkdir(path[0], 0755);
		snprintf(path[0], sizeof path[0], "%s/%02x", shm, d);
		mkdir(path[0], 0700);
	}
#define NAMES(i) \
	(snprintf(path[0], sizeof path[0], "%s/%02x/%06u.jpg", argv[1], (i) % 256, (i)), \
	 snprintf(path[1], sizeof path[1], "%s/%02x/%06u.jpg", shm, (i) % 256, (i)))
	for (uint32_t i = 0; i < n; i++) {
		NAMES(i);
		make(path[0], i);
		make(path[1], i);
	}
	usleep(100000);                /* a file changed in the last 20 ms is not cached: its mtime could hide a change */
	for (uint32_t i = 0; i < n; i++) {
		NAMES(i);
		by_libc(path[0]);       /* into the page cache, if it is not there */
		by_hooks(path[0]);      /* into the session */
	}
	for (uint32_t i = 0; i < n; i++) {
		NAMES(i);
		hits += is_hit(path[0]);
	}
	uint32_t *at = malloc(sizeof *at * n), *ns[WAYS], count = n * rounds;
	for (int w = 0; w < WAYS; w++)
		ns[w] = malloc(sizeof **ns * count);
	for (uint32_t i = 0; i < n; i++)
		at[i] = i;
	for (uint32_t r = 0, k = 0; r < rounds; r++) {
		for (uint32_t i = n - 1; i; i--) {
			rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
			uint32_t j = (uint32_t)(rng % (i + 1)), t = at[i];
			at[i] = at[j], at[j] = t;
		}
		for (uint32_t i = 0; i < n; i++, k++) {
			NAMES(at[i]);
			for (int turn = 0; turn < WAYS; turn++) {
				int w = (int)((k + (uint32_t)turn) % WAYS);
				ns[w][k] = (uint32_t)(w == HIT ? by_hooks(path[0]) : by_libc(path[w == TMPFS]));
			}
		}
	}
	printf("{\"files\": %u, \"bytes\": %d, \"rounds\": %u, \"resident\": %u", n, BYTES, rounds, hits);
	static const char *const name[] = { "page_cache", "tmpfs", "hit" };
	uint32_t mid[WAYS];
	for (int w = 0; w < WAYS; w++) {
		qsort(ns[w], count, sizeof **ns, order);
		mid[w] = ns[w][count / 2];
		printf(", \"%s_ns\": %u, \"%s_p90_ns\": %u", name[w], mid[w], name[w], ns[w][count / 10 * 9]);
	}
	printf(", \"hit_to_page_cache\": %.4f, \"hit_to_tmpfs\": %.4f}\n", (double)mid[HIT] / mid[CACHE], (double)mid[HIT] / mid[TMPFS]);
	for (uint32_t i = 0; i < n; i++) {
		NAMES(i);
		unlink(path[1]);
	}
	for (uint32_t d = 0; d < 256; d++) {
		snprintf(path[0], sizeof path[0], "%s/%02x", shm, d);
		rmdir(path[0]);
	}
	return rmdir(shm);
}
