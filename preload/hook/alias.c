/* alias.c - roots by other names: files that are opened through a link above the dataset's folder, or a bind mount of it.
 *
 * Names are compared as text, and neither the root as it was given nor its real path begins such a name. So where a name
 * that could be an image's matches no root, the folders that it leads through are looked at once, whether one of them is a
 * root: then what leads to it is a name of that root from now on. Of folders that lead to none that is remembered. */
#include "path.h"

#include <stdatomic.h>
#include <string.h>

#define ALIASES 8
#define FOLDERS 1024u              /* remembered, and looked at at most */
#define ROOTS   16u

static struct { char path[PATH_ROOM]; size_t len; unsigned root; } alias[ALIASES];
static _Atomic unsigned naliases, looks;
static _Atomic uint64_t elsewhere[FOLDERS];
static struct { dev_t dev; ino_t ino; } root[ROOTS];
static _Atomic unsigned nroots;            /* of which that is known */
static _Atomic int busy;

void alias_forget(void)
{
	nroots = 0;
	looks = 0;
	for (unsigned i = 0; i < FOLDERS; i++)
		elsewhere[i] = 0;
}

static bool known(const char *abs, size_t len, unsigned *which, size_t *rest)
{
	unsigned n = naliases;
	for (unsigned i = 0; i < n; i++)
		if (len > alias[i].len + 1 && abs[alias[i].len] == '/' && !memcmp(abs, alias[i].path, alias[i].len)) {
			*which = alias[i].root;
			*rest = alias[i].len + 1;
			return true;
		}
	return false;
}

static void load_roots(void)
{
	struct stat st;
	unsigned n = conf_nroots() < ROOTS ? conf_nroots() : ROOTS;
	for (unsigned r = nroots; r < n; r++) {
		size_t len;
		const char *path = conf_root(r, &len);
		bool there = len && next.stat(path, &st) == 0;
		root[r].dev = there ? st.st_dev : 0;
		root[r].ino = there ? st.st_ino : 0;
	}
	nroots = n;
}

/* The longest folder on the way that is a root. */
static bool learn(const char *abs, size_t folder)
{
	char path[PATH_ROOM];
	struct stat st;
	unsigned at = naliases;
	memcpy(path, abs, folder);
	for (size_t len = folder; len > 0 && at < ALIASES;) {
		path[len] = 0;
		if (next.stat(path, &st) < 0)
			return false;      /* then nothing is opened either */
		for (unsigned r = 0; r < nroots; r++)
			if (st.st_ino == root[r].ino && st.st_dev == root[r].dev) {
				memcpy(alias[at].path, path, len + 1);
				alias[at].len = len;
				alias[at].root = r;
				naliases = at + 1;
				return true;
			}
		while (len > 0 && path[--len] != '/')
			;
	}
	return false;
}

/* Its folder has not been looked at yet. */
static COLD bool look(const char *abs, size_t len, size_t folder, uint64_t h, unsigned *which, size_t *rest)
{
	if (looks >= FOLDERS || atomic_exchange(&busy, 1))
		return false;
	int err = errno;
	struct guard g = hook_enter();
	looks++;
	load_roots();
	bool found = learn(abs, folder);
	if (!found)
		elsewhere[h / 2 % FOLDERS] = h;
	hook_leave(g);
	busy = 0;
	errno = err;
	return found && known(abs, len, which, rest);
}

bool alias_match(const char *abs, size_t len, unsigned *which, size_t *rest)
{
	if (unlikely(naliases) && known(abs, len, which, rest))
		return true;
	const char *slash = memrchr(abs, '/', len);
	if (!slash || slash == abs || len >= PATH_ROOM || !conf_nroots())
		return false;
	size_t folder = (size_t)(slash - abs);
	uint64_t h = trace_hash(0, abs, folder) | 1;   /* a word at a time: each name elsewhere pays it */
	return unlikely(elsewhere[h / 2 % FOLDERS] != h) && look(abs, len, folder, h, which, rest);
}
