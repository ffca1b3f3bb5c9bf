/* nodes_key.c - under which key a file lies in the pool.
 *
 * Two nodes must find the same file under one key, though each has its own numbers of devices and may have mounted the store
 * elsewhere; and two files must never have one key, though datasets are packed with one date for all and sizes that are all
 * alike (images/0001.raw and masks/0001.raw of two roots). So: the path within its root, size, mtime, ctime, which is the
 * store's own clock, and the file's number there. Where the file system invents numbers (FUSE, SMB, 9p) the place of the root
 * on its store stands for that: type and source of the mount, and the path below it. Sees a node another size or time of a
 * file than the others, it has another key, and misses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "nodes.h"

#define LINE 8192

/* \040 and its like of mountinfo, in place. */
static void plain(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (*s == '\\' && strspn(s + 1, "01234567") >= 3) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

/* The longest mount point above path, the last of those: "type source root-within path-below". */
static void place_of(const char *path, char *place, size_t room)
{
	char *line = malloc(LINE), *part = malloc(4 * LINE);
	size_t best = 0;
	FILE *f = line && part ? fopen("/proc/self/mountinfo", "re") : NULL;
	snprintf(place, room, "? %s", path);
	while (f && fgets(line, LINE, f)) {
		char *within = part, *point = part + LINE, *type = part + 2 * LINE, *source = part + 3 * LINE;
		const char *rest = strstr(line, " - ");
		if (!rest || sscanf(line, "%*d %*d %*s %8191s %8191s", within, point) != 2 || sscanf(rest + 3, "%8191s %8191s", type, source) != 2)
			continue;
		plain(within);
		plain(point);
		plain(source);
		size_t n = strcmp(point, "/") ? strlen(point) : 0;
		if (n + 1 < best || strncmp(path, point, n) || (path[n] && path[n] != '/'))
			continue;
		best = n + 1;
		snprintf(place, room, "%s %s %s %s", type, source, within, path + n);
	}
	if (f)
		fclose(f);
	free(line);
	free(part);
}

static const char *root_place(uint32_t root)
{
	static char *known[ROOTS_MAX];
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	if (root >= ROOTS_MAX)
		return NULL;
	pthread_mutex_lock(&once);
	if (!known[root] && (known[root] = malloc(2 * LINE)))
		place_of(view.h->roots[root].path, known[root], 2 * LINE);
	pthread_mutex_unlock(&once);
	return known[root];
}

bool nodes_key(char key[KEY_TEXT], struct macs *m, uint32_t rec, const struct origin *o)
{
	char text[2 * LINE + PATH_BYTES + 160];
	size_t len;
	uint32_t root, how = atomic_load_explicit(&view.h->renumbered, memory_order_relaxed);
	const char *name = record_name(rec, &len, &root), *place = "";
	if (!name || len >= PATH_BYTES)
		return false;
	bool numbered = how == NUMBERS_HOLD || (how == NUMBERS_TYPE && major(o->dev) != 0);
	if (!numbered && !(place = root_place(root)))
		return false;
	int n = snprintf(text, sizeof(text), "%llu %lld %lld %llu %zu %s\n", (unsigned long long)o->size, (long long)o->mtime, (long long)o->ctime,
			 numbered ? (unsigned long long)o->ino : 0ull, len, place);
	if (n < 0 || (size_t)n + len >= sizeof(text))
		return false;
	memcpy(text + n, name, len);
	return value_key(key, m->names, text, (size_t)n + len);
}
