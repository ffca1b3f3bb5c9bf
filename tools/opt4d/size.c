/* size.c - opt4d --size: what a dataset's files take, where the budget is a part of that. The training process has looked at
 * some of them, and goes on with a guess; this one looks at each, once, many at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../preload/live/live.h"
#include "opt4d.h"

#define LOOKERS 16                 /* threads; a slow store answers them all at once */
#define BLOCK   64u                /* names that one takes at a time */

static struct { char **name; uint32_t n; _Atomic uint32_t next; _Atomic uint64_t pages; } files;

static void *look(void *arg)
{
	struct stat st;
	uint64_t sum = 0;
	for (uint32_t at; (at = atomic_fetch_add(&files.next, BLOCK)) < files.n;)
		for (uint32_t i = at; i < at + BLOCK && i < files.n; i++)
			if (stat(files.name[i], &st) == 0)
				sum += pages_of((uint64_t)st.st_size);
	atomic_fetch_add(&files.pages, sum);
	return arg;
}

static void look_at_all(void)
{
	pthread_t threads[LOOKERS];
	unsigned n = 0;
	while (n < LOOKERS && n < files.n / BLOCK && pthread_create(&threads[n], NULL, look, NULL) == 0)
		n++;
	look(NULL);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* The names, each with a NUL, from text. */
static int split(char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		files.n += !text[i];
	if (!files.n || text[bytes - 1] || !(files.name = calloc(files.n, sizeof(*files.name))))
		return files.n ? -ENOMEM : -EINVAL;
	for (uint32_t i = 0; i < files.n; i++, text += strlen(text) + 1)
		files.name[i] = text;
	return 0;
}

static int measure(const char *list)
{
	uint64_t all;
	void *text;
	ssize_t bytes = live_unmeasured(list, &all, &text);
	int rc = bytes < 0 ? (int)bytes : split(text, (size_t)bytes);
	if (rc == 0) {
		look_at_all();
		index_resize((uint64_t)((double)files.pages * (double)all / files.n) * PAGE);
	}
	return rc;
}

int size(const char *dir, const char *list)
{
	conf_load();
	if (chdir("/") < 0)
		return 1;
	int rc = keeper_visit(dir, 2);
	if (rc == 0) {
		atomic_store(&view.attached, true);
		rc = measure(list);
	}
	keeper_detach();
	if (rc < 0)
		fprintf(stderr, "opt4d: %s: %s; the budget stays a guess\n", list, strerror(-rc));
	return rc < 0;
}
