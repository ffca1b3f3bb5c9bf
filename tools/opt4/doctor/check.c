/* check.c - what the checks share: see check.h. */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void doctor_say(struct doctor *d, enum verdict v, const char *what, const char *fmt, ...)
{
	static const char *const word[] = { "ok", "warn", "bad" };
	va_list ap;

	printf("%-5s %-11s ", word[v], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	d->bad += v == DOCTOR_BAD;
}

/* /proc/self/mountinfo writes space, tab, newline and backslash of a path as \040 and the like. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	*to = 0;
}

bool doctor_mount(const char *path, struct doctor_mount *m)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char *line = NULL, *at, *mount, *opt, *fs;
	size_t room = 0, best = 0, n;
	bool found = false;

	while (f && getline(&line, &room, f) > 0) {
		char *save, *dash = strstr(line, " - ");

		if (!dash)
			continue;
		*dash = 0;
		strtok_r(line, " ", &save);                   /* id, parent, dev, root */
		for (int i = 0; i < 3; i++)
			strtok_r(NULL, " ", &save);
		mount = strtok_r(NULL, " ", &save);
		opt = strtok_r(NULL, " ", &save);
		fs = strtok_r(dash + 3, " ", &save);
		strtok_r(NULL, " ", &save);
		at = strtok_r(NULL, " \n", &save);            /* the file system's own options */
		if (!mount || !opt || !fs)
			continue;
		unescape(mount);
		n = strcmp(mount, "/") ? strlen(mount) : 0;
		if (strncmp(path, mount, n) || (path[n] && path[n] != '/') || n < best)
			continue;
		best = n;                                     /* of equals the later covers the earlier */
		found = true;
		snprintf(m->point, sizeof(m->point), "%s", mount);
		snprintf(m->type, sizeof(m->type), "%s", fs);
		snprintf(m->options, sizeof(m->options), ",%s,%s,", opt, at ? at : "");
	}
	free(line);
	if (f)
		fclose(f);
	return found;
}
