/* top.c - `opt4 top`: arguments. See top.h. */
#include "top.h"

#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "frame.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char help[] =
"usage: opt4 top [--once | --prometheus] [SESSION]\n"
"A session as it runs: epoch, hits, what is read of the store, how far ahead the cache is, each worker.\n"
"\n"
"  SESSION          as opt4 ls prints it; not needed when there is one\n"
"  --once           one frame of a second, as plain text\n"
"  --prometheus     the figures in Prometheus' text exposition format\n"
"  --help, --version\n"
"Keys: q quits, arrows scroll.\n";

static int once(void)
{
	struct top_frame *f = calloc(2, sizeof(*f));

	if (!f)
		return fail("top: no memory; free some");
	top_look(f);
	nanosleep(&(struct timespec){ 1, 0 }, NULL);
	top_look(f + 1);
	top_text(f + 1, f, 100, stdout);
	free(f);
	return 0;
}

static int prometheus(void)
{
	struct top_frame *f = calloc(1, sizeof(*f));

	if (!f)
		return fail("top: no memory; free some");
	top_look(f);
	top_prometheus(f, stdout);
	free(f);
	return 0;
}

int cmd_top(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "once", 0, 0, 'o' }, { "prometheus", 0, 0, 'p' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 },
	};
	int (*show)(void) = top_live;
	char dir[PATH_BYTES];
	int c, rc;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 'o':
		case 'p':
			if (show != top_live)
				return usage("top: one of --once and --prometheus; see opt4 top --help");
			show = c == 'o' ? once : prometheus;
			break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("top: %s is no option of it; see opt4 top --help", argv[optind - 1]);
		}
	if (argc - optind > 1)
		return usage("top: one session at a time; see opt4 top --help");
	if ((rc = session_named(argv[optind], dir)) != 0)
		return rc;
	if ((rc = index_map(dir)) < 0)
		return fail("%s: %s; opt4 ls shows the sessions", dir, rc == -ENOENT ? "no session" : "not a session of this version and boot");
	return show();
}
