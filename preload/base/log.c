/* log.c - one line messages, without stdio or allocation. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base.h"

__thread int opt4_inside;
struct log_ring log_ring;

void opt4_log(const char *fmt, ...)
{
	char line[LOG_BYTES];
	int saved = errno;
	va_list ap;
	va_start(ap, fmt);
	/* vsnprintf into a stack buffer neither allocates nor locks for %s %d %zu and the like */
	int n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	opt4_inside++;
	if (log_ring.next)
		memcpy(log_ring.lines[atomic_fetch_add(log_ring.next, 1) % LOG_LINES], line, (size_t)n + 1);
	line[n] = '\n';
	if (*conf.log) {
		struct calm calm;
		calm_begin(&calm);
		bool own = strcmp(conf.log, "stderr");
		int fd = own ? open(conf.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600) : 2;
		if (fd >= 0)       /* if that fails, there is nowhere left to say it */
			(void)!write(fd, line, (size_t)n + 1);
		if (own && fd >= 0)
			close(fd);
		calm_end(&calm);
	}
	opt4_inside--;
	errno = saved;
}
