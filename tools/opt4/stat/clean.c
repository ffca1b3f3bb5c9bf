/* clean.c - `opt4 clean`: removes sessions. */
#include "stat.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

struct ssd_cleaning { bool all; int failed, busy; };

static void clean_ssd_one(const char *folder, void *arg)
{
	struct ssd_cleaning *c = arg;
	int rc = ssd_remove(folder, c->all);
	if (rc == -EBUSY)
		c->busy++;
	else if (rc < 0)
		c->failed = fail("%s: %s", folder, rc == -EPERM ? "holds what is not opt4's; remove it yourself if it is not needed" : strerror(-rc));
}

/* What opt4 has on a disk: the folders that no session has; all: those, too. */
static int clean_ssd(const char *dir, bool all)
{
	struct ssd_cleaning c = { .all = all };
	char full[4096 * 2], user[4096];
	struct stat st;
	if (*dir == '/')
		snprintf(full, sizeof(full), "%s", dir);
	else if (getcwd(user, sizeof(user)))
		snprintf(full, sizeof(full), "%s/%s", user, dir);
	if (stat(full, &st) < 0)
		return fail("--ssd: %s: %s", dir, strerror(errno));
	ssd_each(full, clean_ssd_one, &c);
	if (c.busy)
		fprintf(stderr, "opt4: --ssd: %s: %d in use by a job, left; --all takes them, too\n", dir, c.busy);
	ssd_user_folder(user, sizeof(user), full);
	rmdir(user);               /* stays while it holds anything */
	return c.failed;
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
	const char *ssd = NULL;
	int rc = stat_options(argc, argv, "usage: opt4 clean [SESSION | --all]\n       opt4 clean --ssd DIR | --rebucket DIR [--all]\nRemoves the sessions that no job uses and none was asked to keep;"
			 " SESSION: that one, used or not;\n--all: all of this user's. A job whose session goes reads its files as"
			 " without opt4.\n--ssd, --rebucket: what opt4 has below that folder of a disk and no job uses; with"
			 " --all that, too.\n", "ad", &c.all, &ssd);
	if (rc)
		return rc - 1;
	if (argc - optind > 1 || (c.all && !ssd && optind < argc))
		return usage("clean: one SESSION, or --all, or neither; see opt4 clean --help");
	if (ssd)
		return optind < argc ? usage("clean: --ssd DIR and SESSION: one of them; see opt4 clean --help") : clean_ssd(ssd, c.all);
	if (optind < argc)
		return (rc = session_named(argv[optind], dir)) ? rc : clean_dir(dir);
	sessions_each(clean_one, &c);
	library_sweep();
	snprintf(parent, sizeof(parent), "/dev/shm/opt4-%u", (unsigned)geteuid());
	rmdir(parent);             /* stays while it holds anything */
	return c.failed;
}
