/* sessions.c - finding the sessions of this user. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "say.h"
#include "sessions.h"

static void look(const char *dir, struct session_info *s)
{
	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	if (index_map(dir) < 0)
		return;
	s->valid = true;
	s->live = index_live();
	s->keep = view.h->keep;
	s->bytes = (unsigned long long)(view.h->account[TIER_RAM].charged) * PAGE;
	if (*view.h->ssd_dir && memchr(view.h->ssd_dir, 0, sizeof(view.h->ssd_dir))) {
		s->ssd_bytes = (unsigned long long)(view.h->account[TIER_SSD].charged) * PAGE;
		snprintf(s->ssd, sizeof(s->ssd), "%s", view.h->ssd_dir);
	}
	snprintf(s->root, sizeof(s->root), "%s", view.h->roots[0].path);
	view_unmap();
}

int sessions_each(int (*each)(const struct session_info *, void *), void *arg)
{
	struct session_info s;
	char parent[64], dir[4096];
	int n = 0;
	const char *own = getenv("OPT4_DIR");
	snprintf(parent, sizeof(parent), "/dev/shm/opt4-%u", (unsigned)geteuid());
	if (own && *own && dir_secure(own, false) == 0 && strncmp(own, parent, strlen(parent))) {
		look(own, &s);
		n++;
		each(&s, arg);
	}
	DIR *d = dir_secure(parent, false) == 0 ? opendir(parent) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(dir, sizeof(dir), "%s/%s", parent, e->d_name);
		if (dir_secure(dir, false) < 0)
			continue;
		look(dir, &s);
		n++;
		each(&s, arg);
	}
	if (d)
		closedir(d);
	return n;
}

static bool dead(const char *dir)
{
	if (index_map(dir) < 0)
		return index_abandoned(dir);
	bool is = !view.h->keep && !index_live();
	view_unmap();
	return is;
}

/* What is being made has its job in the table before its lock is let go. */
static int sweep(const struct session_info *s, __attribute__((unused)) void *arg)
{
	int lock = (s->valid && !s->live && !s->keep) || index_abandoned(s->dir) ? dir_lock(s->dir) : -1;
	if (lock < 0)
		return 0;
	if (dead(s->dir))
		dir_clear(s->dir, CLEAR_ALL);
	dir_unlock(lock);
	return 0;
}

void sessions_sweep(void) { sessions_each(sweep, NULL); }

struct only { char dir[4096]; int n; };

static int take(const struct session_info *s, void *arg)
{
	struct only *o = arg;
	if (s->valid) {
		memcpy(o->dir, s->dir, sizeof(o->dir));
		o->n++;
	}
	return 0;
}

void session_path(const char *name, char dir[4096])
{
	if (strchr(name, '/'))
		snprintf(dir, 4096, "%s", name);
	else
		snprintf(dir, 4096, "/dev/shm/opt4-%u/%s", (unsigned)geteuid(), name);
}

int session_named(const char *name, char dir[4096])
{
	if (name && !*name)
		return usage("session: '' is no name; name one as opt4 ls prints it");
	if (name) {
		session_path(name, dir);
	} else {
		struct only o = { .n = 0 };
		sessions_each(take, &o);
		if (o.n == 0)
			return fail("session: none is running; start a job with opt4 run, or set OPT4_KEEP=1 to keep one");
		if (o.n > 1)
			return usage("session: %d are there; name one as opt4 ls prints it", o.n);
		memcpy(dir, o.dir, 4096);
	}
	int rc = dir_secure(dir, false);
	if (rc < 0)
		return fail("%s: %s; opt4 ls shows the sessions", name ? name : dir, rc == -ENOENT || rc == -ENOTDIR ? "no such session" : strerror(-rc));
	return 0;
}
