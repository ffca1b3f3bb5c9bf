/* toll.c - what calls pay that are none of ours.
 *
 * toll calls DATASET_FILE      ns a call through the hooks, less the same call straight into the C library, batch by
 *                              batch in turns; a session is attached first by reading DATASET_FILE. JSON.
 * toll count DATASET_FILE CALL N   N calls and nothing else: to be run under callgrind, which counts instructions.
 * toll pairs N CMD...          runs CMD N times without and N times with LD_PRELOAD=$TOLL_PRELOAD, in turns; JSON
 *                              with the medians of wall clock and CPU time and of the ratios of pairs. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH  200
#define ROUNDS 2001

struct calls {
	int (*open)(const char *, int, ...);
	int (*openat)(int, const char *, int, ...);
	int (*fstat)(int, struct stat *);
	ssize_t (*read)(int, void *, size_t);
	int (*close)(int);
};

static int zero, dir, fds[BATCH];
static char buf[16];
static struct calls direct, hooked = { open, openat, fstat, read, close };

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- the calls; batches of BATCH, set up and cleaned up straight in the C library ---- */

static void do_read(const struct calls *c) { c->read(zero, buf, 0); }
static void do_fstat(const struct calls *c)
{
	struct stat st;
	c->fstat(zero, &st);
}
static const char *path;
static void do_open(const struct calls *c) { c->open(path, O_RDONLY); }       /* of what is not there: the walk */
static void do_openat(const struct calls *c) { c->openat(dir, path, O_RDONLY); }
static int next_fd;
static void do_close(const struct calls *c) { c->close(fds[next_fd++ % BATCH]); }

static const struct { const char *name; void (*call)(const struct calls *); const char *path; double most; } all[] = {
	{ "read", do_read, NULL, 10 },
	{ "fstat", do_fstat, NULL, 10 },
	{ "close", do_close, NULL, 10 },
	{ "open, other ending", do_open, "/nowhere/some/library/libsomething.so.6", 100 },
	{ "open, image elsewhere", do_open, "/nowhere/some/other/dataset/images/img_000001.jpg", 100 },
	{ "open, relative image", do_open, "nowhere/images/img_000001.jpg", 100 },
	{ "openat, image elsewhere", do_openat, "nowhere/images/img_000001.jpg", 100 },
};
#define CALLS (sizeof all / sizeof *all)

static void prepare(unsigned k)
{
	path = all[k].path;
	if (all[k].call == do_close)
		for (int i = 0; i < BATCH; i++)
			fds[i] = direct.open("/dev/null", O_RDONLY);
	next_fd = 0;
}

static double batch(unsigned k, const struct calls *c)
{
	prepare(k);
	uint64_t t = now();
	for (int i = 0; i < BATCH; i++)
		all[k].call(c);
	return (double)(now() - t) / BATCH;
}

static int order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof *v, order);
	return v[n / 2];
}

static void calls(void)
{
	static double d[ROUNDS], h[ROUNDS], diff[ROUNDS];

	printf("[");
	for (unsigned k = 0; k < CALLS; k++) {
		for (int r = 0; r < ROUNDS; r++) {
			if (r % 2)
				d[r] = batch(k, &direct), h[r] = batch(k, &hooked);
			else
				h[r] = batch(k, &hooked), d[r] = batch(k, &direct);
			diff[r] = h[r] - d[r];
		}
		printf("%s{\"call\": \"%s\", \"direct_ns\": %.1f, \"hooked_ns\": %.1f, \"toll_ns\": %.1f, \"most_ns\": %.0f}", k ? ", " : "", all[k].name,
		       median(d, ROUNDS), median(h, ROUNDS), median(diff, ROUNDS), all[k].most);
	}
	printf("]\n");
}

/* ---- pairs of processes ---- */

struct cost { double wall, cpu; };

static struct cost once(char **cmd, const char *preload)
{
	struct rusage ru;
	uint64_t t = now();
	int status;
	pid_t pid = fork();
	if (!pid) {
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		execvp(*cmd, cmd);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) < 0 || status)
		exit(1);
	return (struct cost){ (double)(now() - t) / 1e9, (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6 };
}

static int pairs(int n, char **cmd)
{
	double v[6][1000];
	const char *preload = getenv("TOLL_PRELOAD");
	if (n < 1 || n > 1000 || !preload)
		return 2;
	once(cmd, NULL);        /* into the page cache */
	once(cmd, preload);
	for (int i = 0; i < n; i++) {
		struct cost a, b;
		if (i % 2)
			a = once(cmd, NULL), b = once(cmd, preload);
		else
			b = once(cmd, preload), a = once(cmd, NULL);
		double x[6] = { a.wall, b.wall, b.wall / a.wall, a.cpu, b.cpu, b.cpu / a.cpu };
		for (int k = 0; k < 6; k++)
			v[k][i] = x[k];
		fprintf(stderr, "\rpair %d of %d", i + 1, n);
	}
	fprintf(stderr, "\r%20s\r", "");
	static const char *const name[6] = { "plain_s", "preloaded_s", "ratio", "plain_cpu_s", "preloaded_cpu_s", "cpu_ratio" };
	printf("{\"pairs\": %d", n);
	for (int k = 0; k < 6; k++)
		printf(", \"%s\": %.4f", name[k], median(v[k], n));
	/* median() has sorted them: on a busy machine the fastest of each say more */
	printf(", \"cpu_ratio_of_fastest\": %.4f}\n", v[4][0] / v[3][0]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 3 && !strcmp(argv[1], "pairs"))
		return pairs(atoi(argv[2]), argv + 3);
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	if (argc < 3 || !libc)
		return 2;
	*(void **)&direct.open = dlsym(libc, "open");
	*(void **)&direct.openat = dlsym(libc, "openat");
	*(void **)&direct.fstat = dlsym(libc, "fstat");
	*(void **)&direct.read = dlsym(libc, "read");
	*(void **)&direct.close = dlsym(libc, "close");
	zero = direct.open("/dev/zero", O_RDONLY);
	dir = direct.open("/usr/lib", O_RDONLY | O_DIRECTORY);
	int fd = open(argv[2], O_RDONLY);
	char byte;
	if (fd < 0 || read(fd, &byte, 1) != 1) {
		perror(argv[2]);
		return 1;
	}
	if (!strcmp(argv[1], "calls")) {
		calls();
		return 0;
	}
	for (unsigned k = 0; argc == 5 && k < CALLS; k++)
		if (!strcmp(argv[3], all[k].name)) {
			for (int i = atoi(argv[4]); i > 0; i--) {
				if (i % BATCH == 0)
					prepare(k);
				all[k].call(&hooked);
			}
			return 0;
		}
	return 2;
}
