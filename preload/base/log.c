/* log.c - one line messages, without stdio or allocation. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base.h"

#define EARLY 8                    /* lines kept until there is a ring */

__thread int opt4_inside;
static _Atomic uint32_t *ring_next;
static char (*ring)[LOG_BYTES];
static char early[EARLY][LOG_BYTES];
static _Atomic uint32_t nearly;

static void to_ring(const char *line)
{
	memcpy(ring[atomic_fetch_add(ring_next, 1) % LOG_LINES], line, strlen(line) + 1);
}

static bool in_ring(const char *line)
{
	for (int i = 0; i < LOG_LINES; i++)
		if (!strncmp(ring[i], line, LOG_BYTES))
			return true;
	return false;
}

void log_ring(_Atomic uint32_t *next, char (*lines)[LOG_BYTES])
{
	ring = lines;
	ring_next = next;
}

void log_settled(void)
{
	uint32_t n = ring_next ? atomic_exchange(&nearly, 0) : 0;
	/* other processes of the job may have found the same */
	for (uint32_t i = 0; i < n && i < EARLY; i++)
		if (!in_ring(early[i]))
			to_ring(early[i]);
}

static void to_file(char *line, size_t n)
{
	struct calm calm;
	calm_begin(&calm);
	bool own = strcmp(conf.log, "stderr");
	int fd = own ? open(conf.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600) : 2;
	line[n] = '\n';
	if (fd >= 0)               /* if that fails, there is nowhere left to say it */
		(void)!write(fd, line, n + 1);
	if (own && fd >= 0)
		close(fd);
	calm_end(&calm);
}

static void say(bool reason, const char *fmt, va_list ap)
{
	char line[LOG_BYTES];
	int saved = errno;
	/* vsnprintf into a stack buffer neither allocates nor locks for %s %d %zu and the like */
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	opt4_inside++;
	if (ring_next) {
		if (!reason || !in_ring(line))
			to_ring(line);
	} else {
		uint32_t at = atomic_fetch_add(&nearly, 1);
		if (at < EARLY)
			memcpy(early[at], line, (size_t)n + 1);
	}
	if (reason || !ring_next)
		tell(TOLD_REASON, line);
	if (*conf.log)
		to_file(line, (size_t)n);
	opt4_inside--;
	errno = saved;
}

void opt4_log(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(false, fmt, ap);
	va_end(ap);
}

void note_reason(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(true, fmt, ap);
	va_end(ap);
}
