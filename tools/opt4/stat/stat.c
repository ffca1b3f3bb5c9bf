/* stat.c - `opt4 stat`, `opt4 ls`, `opt4 clean`. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "stat.h"

static const struct option version_help[] = { { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { "json", 0, 0, 'j' },
					      { "all", 0, 0, 'a' }, { 0 } };

/* Common to the three: 0 go on, else the exit status + 1. */
static int options(int argc, char **argv, const char *help, const char *letters, bool *flag)
{
	int c;
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", version_help, NULL)) != -1) {
		if (c == 'h')
			return fputs(help, stdout), 1;
		if (c == 'v')
			return puts("opt4 " OPT4_VERSION), 1;
		if (c != '?' && strchr(letters, c))
			*flag = true;
		else
			return 1 + usage("%s: %s is no option of it; see opt4 %s --help", argv[0], argv[optind - 1], argv[0]);
	}
	return 0;
}

static void table(void)
{
	char a[16], b[16], c[16], name[4096];
	const struct index_header *h = view.h;
	const struct counters *n = &h->n;
	uint64_t lingering = h->lingering_pages, used = h->charged_pages - lingering;
	printf("session   %s%s\n", name_text(name, view.dir), index_live() ? "" : "  (its jobs are gone)");
	printf("root      %s\n", name_text(name, h->roots[0].path));
	printf("policy    %s   budget %s   used %s   lingering %s\n", h->policy, size_text(a, h->budget_pages * PAGE),
	       size_text(b, used * PAGE), size_text(c, lingering * PAGE));
	printf("accesses  %llu   hits %llu   late %llu   misses %llu (%llu past the cache)\n", (unsigned long long)n->accesses,
	       (unsigned long long)n->hits, (unsigned long long)n->late, (unsigned long long)n->misses, (unsigned long long)n->bypassed);
	printf("reuse     %.4f   read of the store %s   prefetched %llu files\n",
	       n->accesses ? 1 - (double)(n->fills + n->bypassed) / (double)n->accesses : 0.0, size_text(a, n->origin_bytes),
	       (unsigned long long)n->prefetched);
	for (uint32_t p = 0; p < h->nplans; p++) {
		const struct follow_shared *sh = plan_map(p) == 0 ? orders.plans[p].follow.sh : NULL;
		if (sh)
			printf("trace     %s   matched %llu   diverged %llu   gate %s\n", name_text(name, h->plans[p].path), (unsigned long long)sh->matched,
			       (unsigned long long)sh->diverged, sh->gate_shut ? "shut" : "open");
	}
	if (h->nepochs) {
		printf("\n epoch   accesses       hits   late     misses    reuse    of the store    waited\n");
		for (uint32_t i = 0; i < h->nepochs && i < EPOCHS_MAX; i++) {
			const struct epoch_stat *e = &view.epochs[i];
			if (e->accesses)
				printf("%6u %10llu %10llu %6llu %10llu   %.4f %15s %8.2fs\n", i, (unsigned long long)e->accesses,
				       (unsigned long long)e->hits, (unsigned long long)e->late, (unsigned long long)e->misses,
				       1 - (double)e->reads / (double)e->accesses, size_text(a, e->origin_bytes), (double)e->wait_ns / 1e9);
		}
	}
	uint32_t next = h->log_next, lines = next < LOG_LINES ? next : LOG_LINES;
	for (uint32_t i = next - lines; i != next; i++)
		printf("%s%.*s\n", i == next - lines ? "\n" : "", LOG_BYTES, h->log[i % LOG_LINES]);
}

int cmd_stat(int argc, char **argv)
{
	bool json = false;
	char dir[4096];
	int rc = options(argc, argv, "usage: opt4 stat [--json] [SESSION]\nWhat a session has done so far; SESSION as opt4 ls prints it,"
			 " not needed when there is one.\n", "j", &json);
	if (rc)
		return rc - 1;
	if (argc - optind > 1)
		return usage("stat: one session at a time; see opt4 stat --help");
	if ((rc = session_named(argv[optind], dir)) != 0)
		return rc;
	if ((rc = index_map(dir)) < 0)
		return fail("%s: %s; opt4 clean removes it", dir, rc == -ENOENT ? "no session" : "not a session of this version and boot");
	for (uint32_t p = 0; p < view.h->nplans; p++)
		plan_map(p);
	if (json)
		stats_print(stdout);
	else
		table();
	return 0;
}

static int list(const struct session_info *s, void *arg)
{
	char a[16], dir[4096], root[4096];
	if ((*(int *)arg)++ == 0)
		printf("%-44s %-6s %10s  %s\n", "SESSION", "STATE", "BYTES", "ROOT");
	const char *name = strrchr(s->dir, '/') + 1;
	name_text(dir, strncmp(s->dir, "/dev/shm/opt4-", 14) ? s->dir : name);
	printf("%-44s %-6s %10s  %s\n", dir, !s->valid ? "broken" : s->live ? "live" : s->keep ? "kept" : "stale", size_text(a, s->bytes), name_text(root, s->root));
	return 0;
}

int cmd_ls(int argc, char **argv)
{
	bool none;
	int n = 0, rc = options(argc, argv, "usage: opt4 ls\nThe sessions of this user on this machine. live: a job uses it; kept: OPT4_KEEP"
				" left it for the next job;\nstale: its jobs were killed (opt4 clean removes it, the next job would too);"
				" broken: of another version or boot.\n", "", &none);
	if (rc)
		return rc - 1;
	if (optind < argc)
		return usage("ls: takes no argument; see opt4 ls --help");
	sessions_each(list, &n);
	return 0;
}

/* Has the directory nothing but what a session has? Whatever OPT4_DIR or SESSION name, else it is not touched. */
static bool is_session(const char *dir)
{
	static const char *const whole[] = { ".", "..", "lock", "dead" };
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
	int rc = options(argc, argv, "usage: opt4 clean [SESSION | --all]\nRemoves the sessions that no job uses and none was asked to keep;"
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
