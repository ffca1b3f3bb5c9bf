/* ls.c - `opt4 ls`: the sessions, a line each. */
#include "stat.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include "../common/common.h"
#include "options.h"

static int list(const struct session_info *s, void *arg)
{
	char a[16], dir[4096], root[4096];
	if ((*(int *)arg)++ == 0)
		printf("%-44s %-6s %10s  %s\n", "SESSION", "STATE", "BYTES", "ROOT");
	const char *name = strrchr(s->dir, '/') + 1;
	name_text(dir, strncmp(s->dir, "/dev/shm/opt4-", 14) ? s->dir : name);
	printf("%-44s %-6s %10s  %s\n", dir, !s->valid ? "broken" : s->live ? "live" : s->keep ? "kept" : "stale", size_text(a, s->bytes), name_text(root, s->root));
	if (*s->ssd)
		printf("%-44s %-6s %10s  %s\n", "", "ssd", size_text(a, s->ssd_bytes), name_text(root, s->ssd));
	return 0;
}

int cmd_ls(int argc, char **argv)
{
	bool none;
	int n = 0, rc = stat_options(argc, argv, "usage: opt4 ls\nThe sessions of this user on this machine. live: a job uses it; kept: OPT4_KEEP"
				" left it for the next job;\nstale: its jobs were killed (opt4 clean removes it, the next job would too);"
				" broken: of another version or boot.\n", "", &none, NULL);
	if (rc)
		return rc - 1;
	if (optind < argc)
		return usage("ls: takes no argument; see opt4 ls --help");
	sessions_each(list, &n);
	return 0;
}
