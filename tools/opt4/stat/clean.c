/* clean.c - `opt4 clean`: removes sessions. */
#include "stat.h"

#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "options.h"

/* Has the directory nothing but what a session has? Whatever OPT4_DIR or SESSION name, else it is not touched. */
static bool is_session(const char *dir)
{
	static const char *const whole[] = { ".", "..", "lock", "alive", "dead" };
	static const char *const begin[] = { "index", "objects", "plan.", "policy.", "live." };
	DIR *d = opendir(dir);
	bool ours = d != NULL;
	for (struct dirent *e; ours && (e = readdir(d));) {
		ours = false;
		for (size_t i = 0; i < sizeof(whole) / sizeof(*whole); i++)
			ours |= !strcmp(e->d_name, whole[i]);
		for (size_t i = 0; i < sizeof(begin) / sizeof(*begin); i++)
			ours |= !strncmp(e->d_name, begin[i], strlen(begin[i]));
	}
	if (d)
		closedir(d);
	return ours;
}

static int clean_dir(const char *dir)
{
	if (!is_session(dir))
		return fail("%s: holds what is not a session's; remove it yourself if it is not needed", dir);
	int lock = dir_lock(dir);
	if (lock < 0)
		return fail("%s: cannot lock it: %s; is another job just starting? try again", dir, strerror(-lock));
	if (index_map(dir) == 0) {
		atomic_store(&view.h->gone, 1);
		view_unmap();
	}
	dir_clear(dir, CLEAR_ALL);
	dir_unlock(lock);
	return 0;
}

struct cleaning { bool all; int failed; };

static int clean_one(const struct session_info *s, void *arg)
{
	struct cleaning *c = arg;
	if (!c->all && s->valid && (s->live || s->keep))
		return 0;
	c->failed |= clean_dir(s->dir);
	return 0;
}

int cmd_clean(int argc, char **argv)
{
	struct cleaning c = { 0 };
	char dir[4096], parent[64];
	int rc = stat_options(argc, argv, "usage: opt4 clean [SESSION | --all]\nRemoves the sessions that no job uses and none was asked to keep;"
			 " SESSION: that one, used or not;\n--all: all of this user's. A job whose session goes reads its files as"
			 " without opt4.\n", "a", &c.all);
	if (rc)
		return rc - 1;
	if (argc - optind > 1 || (c.all && optind < argc))
		return usage("clean: one SESSION, or --all, or neither; see opt4 clean --help");
	if (optind < argc)
		return (rc = session_named(argv[optind], dir)) ? rc : clean_dir(dir);
	sessions_each(clean_one, &c);
	snprintf(parent, sizeof(parent), "/dev/shm/opt4-%u", (unsigned)geteuid());
	rmdir(parent);             /* stays while it holds anything */
	return c.failed;
}
