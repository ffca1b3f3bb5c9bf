/* reader.c - drives preload/base/trace.c for tests/trace.bats.
 *   reader walk F            every file, path, position by the reader's functions, as text
 *   reader find F ROOT REL.. file number of each path, or -
 *   reader flip F SEED N     N copies of F with a few bits flipped or cut short: never a wild access
 *   reader attach F N        median ns of N times trace_open, one trace_find, trace_close
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../preload/base/trace.h"

static unsigned long sum;   /* of all that is read, so that nothing is optimised away */

static void touch_all(const struct trace *t)
{
	char gone[] = "not/there.jpg";
	for (uint32_t f = 0; f < t->h->nfiles + 2; f++) {
		size_t len;
		uint32_t root = 0;
		const char *p = trace_path(t, f, &len, &root);
		for (size_t i = 0; p && i < len; i++)
			sum += (unsigned char)p[i];
		if (p)
			sum += trace_find(t, root, p, len);
	}
	for (uint32_t r = 0; r < t->h->nroots + 1; r++)
		sum += trace_find(t, r, gone, sizeof gone - 1) + trace_find(t, r, gone, 0);
	for (uint32_t p = 0; p < t->h->npos + 2; p++)
		sum += trace_at(t, p) + trace_next(t, p);
}

static int walk(const char *file)
{
	struct trace t;
	char err[256];
	int r = trace_open(&t, file, err);
	if (r) {
		printf("%d %s\n", r, err);
		return 1;
	}
	for (uint32_t f = 0; f < t.h->nfiles; f++) {
		size_t len;
		uint32_t root;
		const char *p = trace_path(&t, f, &len, &root);
		if (!p || trace_find(&t, root, p, len) != f)
			return printf("file %u is not found\n", f), 1;
		printf("file %u %u %u %u %.*s\n", f, root, t.first[f], t.sizes[f], (int)len, p);
		char *longer = malloc(len + 1);
		memcpy(longer, p, len);
		longer[len] = 'x';
		if (trace_find(&t, root, longer, len + 1) == f || trace_find(&t, root, p, len - 1) == f ||
		    trace_find(&t, root + 1, p, len) == f)
			return printf("file %u is found by another name\n", f), 1;
		free(longer);
	}
	for (uint32_t p = 0; p < t.h->npos; p++)
		printf("pos %u %u %u\n", p, trace_at(&t, p), trace_next(&t, p));
	trace_close(&t);
	if (t.h || t.map_bytes)
		return printf("closed, but not empty\n"), 1;
	return 0;
}

static int find(const char *file, uint32_t root, char **rel)
{
	struct trace t;
	char err[256];
	if (trace_open(&t, file, err))
		return 1;
	for (; *rel; rel++) {
		uint32_t f = trace_find(&t, root, *rel, strlen(*rel));
		if (f == 0xFFFFFFFFu)
			printf("-\n");
		else
			printf("%u\n", f);
	}
	trace_close(&t);
	return 0;
}

/* As the file is, but for its header's checksum: flips beyond it must reach the look-ups. */
static uint32_t crc32_slow(const unsigned char *p, size_t n)
{
	uint32_t c = 0xFFFFFFFFu;
	for (size_t i = 0; i < n; i++)
		for (int b = 0; b < 8; b++)
			c = (c >> 1) ^ (((c ^ (p[i] >> b)) & 1) ? 0xEDB88320u : 0);
	return ~c;
}

static int flip(const char *file, unsigned seed, int n)
{
	char copy[4096];
	snprintf(copy, sizeof copy, "%s.flipped", file);
	int fd = open(file, O_RDONLY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st))
		return 1;
	size_t size = (size_t)st.st_size;
	unsigned char *good = malloc(size), *bad = malloc(size);
	if (read(fd, good, size) != (ssize_t)size)
		return 1;
	close(fd);
	srandom(seed);
	int refused = 0;
	for (int i = 0; i < n; i++) {
		memcpy(bad, good, size);
		size_t bytes = size;
		int kind = i % 4;   /* header as it falls, header with a right checksum, contents, truncation */
		for (int k = 0; k < 3; k++) {
			size_t at = kind == 2 ? 512 + (size_t)random() % (size - 512) : (size_t)random() % 508;
			bad[at] ^= (unsigned char)(1 << random() % 8);
		}
		if (kind == 1) {
			uint32_t c = crc32_slow(bad, 508);
			memcpy(bad + 508, &c, 4);
		}
		if (kind == 3) {
			memcpy(bad, good, size);
			bytes = (size_t)random() % size;
		}
		fd = open(copy, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || write(fd, bad, bytes) != (ssize_t)bytes)
			return 1;
		close(fd);
		struct trace t;
		memset(&t, 0x5A, sizeof t);
		struct trace before = t;
		char err[256] = "";
		int r = trace_open(&t, copy, err);
		if (r) {
			refused++;
			if (r != -EINVAL || !err[0] || memcmp(&t, &before, sizeof t))
				return printf("refused by %d '%s', or touched\n", r, err), 1;
		} else if (kind == 0 || kind == 3) {
			return printf("a damaged header was taken (%d)\n", i), 1;
		} else {
			touch_all(&t);
			trace_close(&t);
		}
	}
	unlink(copy);
	free(good);
	free(bad);
	printf("%d of %d refused (sum %lu)\n", refused, n, sum);
	return refused < n / 2;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int attach(const char *file, int n)
{
	double *ns = calloc((size_t)n, sizeof *ns);
	for (int i = 0; i < n; i++) {
		struct timespec a, b;
		struct trace t;
		char err[256];
		clock_gettime(CLOCK_MONOTONIC, &a);
		if (trace_open(&t, file, err))
			return printf("%s\n", err), 1;
		size_t len;
		uint32_t root;
		const char *p = trace_path(&t, t.h->nfiles / 2, &len, &root);
		sum += trace_find(&t, root, p, len);
		trace_close(&t);
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns[i] = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	}
	qsort(ns, (size_t)n, sizeof *ns, by_value);
	printf("%.0f\n", ns[n / 2]);
	free(ns);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && !strcmp(argv[1], "walk"))
		return walk(argv[2]);
	if (argc >= 4 && !strcmp(argv[1], "find"))
		return find(argv[2], (uint32_t)atoi(argv[3]), argv + 4);
	if (argc == 5 && !strcmp(argv[1], "flip"))
		return flip(argv[2], (unsigned)atoi(argv[3]), atoi(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "attach"))
		return attach(argv[2], atoi(argv[3]));
	return 2;
}
