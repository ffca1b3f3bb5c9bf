/* say.c - see say.h. */
#include "say.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* In one write: others write to the same terminal. */
static int say(int status, const char *fmt, va_list ap)
{
	char *line;

	if (vasprintf(&line, fmt, ap) >= 0) {
		fprintf(stderr, "opt4: %s\n", line);
		free(line);
	}
	return status;
}

int fail(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = say(1, fmt, ap);
	va_end(ap);
	return rc;
}

int usage(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int rc = say(2, fmt, ap);
	va_end(ap);
	return rc;
}

const char *size_text(char *buf, unsigned long long bytes)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double v = (double)bytes;
	int u = 0;
	for (; v >= 1023.95 && u < 4; u++)
		v /= 1024;
	snprintf(buf, 16, u ? "%.1f %s" : "%.0f %s", v, unit[u]);
	return buf;
}

const char *name_text(char buf[4096], const char *name)
{
	size_t n = 0;

	for (; name[n] && n < 4095; n++)
		buf[n] = (unsigned char)name[n] < 0x20 || name[n] == 0x7F ? '?' : name[n];
	buf[n] = 0;
	return buf;
}
