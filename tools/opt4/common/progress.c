/* progress.c - see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 40

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){ .what = what, .start = now(), .on = isatty(STDERR_FILENO) };
}

void progress_at(struct progress *p, double part)
{
	double gone = now() - p->start;
	char line[WIDTH + 1];

	if (!p->on || gone < .5)
		return;
	memset(line, '.', WIDTH);
	memset(line, '#', (size_t)(part < 1 ? part * WIDTH : WIDTH));
	line[WIDTH] = 0;
	fprintf(stderr, "\r%s [%s] %3.0f%%  %4.0f s left ", p->what, line, part * 100, part > .001 ? gone / part - gone : 0);
	p->shown = true;
}

void progress_end(struct progress *p)
{
	if (p->shown)
		fprintf(stderr, "\r%70s\r", "");
}
