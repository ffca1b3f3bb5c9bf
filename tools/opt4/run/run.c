/* run.c - `opt4 run`: arguments, the job, a few lines of result. See run.h. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "../pool/pool.h"
#include "launch.h"
#include "minute.h"
#include "order.h"
#include "record.h"
#include "result.h"
#include "run.h"
#include "settings.h"
#include "told.h"

static const char help[] =
"usage: opt4 run [option]... -- COMMAND [argument]...\n"
"Runs a training job with its image files cached in shared memory; ends with the job's status.\n"
"\n"
"  --trace FILE     the job's order, from opt4-trace\n"
"  --order LIST     the same, as a list of paths in the order of use, a line each; an empty line ends an epoch\n"
"  --root DIR[:DIR] the dataset's folder(s), to replace the trace's, or when the job's DataLoaders don't tell them\n"
"  --cache SIZE     bytes, K M G T, or % of the dataset (default: what /dev/shm and the cgroup leave)\n"
"  --ssd DIR        a folder on a local disk: a second tier, which outlives jobs and reboots\n"
"  --ssd-size SIZE  what it may take there (default: 90 % of what is free)\n"
"  --ssd-writes N   N drive writes a day at most, e.g. .3: so much of the disk's size (default: as often as it pays)\n"
"  --pool LIST|auto the nodes' servers, host[:port],..: what one has read of the store no other reads again; this node's is started\n"
"  --pool-size SIZE what that may take (default: half of what is free)\n"
"  --rebucket DIR   a folder on a spinning disk: the next epoch is written there in its order while this one runs (needs --trace)\n"
"  --policy NAME    opt lru lfu fifo random keep none (default: opt with a known order, else keep)\n"
"  --prefetch N|off how many batches ahead (default: as deep as it pays)\n"
"  --record FILE    write the trace of what the job asked for, for the next run with the same seed\n"
"  --stats FILE     the session's statistics as JSON when the job ends\n"
"  --keep           leave the cache behind for the next job\n"
"  --quiet          no lines of result\n"
"  --help, --version\n";

/* The library into the job, by a path that LD_PRELOAD can name; or a line that says why not. named: that path. */
static void preload(const char *lib, const char *named, const char *program)
{
	char path[PATH_MAX];
	if (preload_fails(AT_FDCWD, preload_find(program, path)))
		fprintf(stderr, "opt4: run: %s: of another machine or C library than libopt4.so, which can't be loaded into it; it runs uncached\n",
			program);
	else if (!preload_can_name(named))
		fprintf(stderr, "opt4: run: %s: LD_PRELOAD can't name a path with a space, a colon or a dollar, and no folder takes a link; "
			"the job runs uncached; install opt4 elsewhere, or set TMPDIR\n", lib);
	else
		library_preload(named);
}

/* The job from begin to end. stats: --stats, or NULL; programs: its OPT4_PROGRAMS, or NULL. */
static int run(char **argv, bool quiet, const char *stats, const char *programs)
{
	int status, err = launch(argv, programs, told_also(), &status);
	bool written = true;
	if (err) {
		fail("run: %s: %s; give a program that can be run", argv[0], strerror(err));
	} else {
		if (!quiet)
			result_say();
		written = result_stats(stats);
		launch_over();     /* a long record's writing can be ended */
		written = result_record() && written;
	}
	record_end();
	result_over();
	session_leave();
	library_unname();
	order_end();
	pool_job_end();
	if (status == 0 && !written)
		return 1;
	launch_end(status);
}

int cmd_run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "trace", 1, 0, 't' }, { "root", 1, 0, 'r' }, { "cache", 1, 0, 'c' }, { "policy", 1, 0, 'p' }, { "prefetch", 1, 0, 'f' },
		{ "ssd", 1, 0, 'd' }, { "ssd-size", 1, 0, 'D' }, { "ssd-writes", 1, 0, 'W' }, { "pool", 1, 0, 'n' }, { "pool-size", 1, 0, 'N' }, { "rebucket", 1, 0, 'B' },
		{ "stats", 1, 0, 's' }, { "record", 1, 0, 'R' }, { "order", 1, 0, 'o' }, { "keep", 0, 0, 'k' }, { "quiet", 0, 0, 'q' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 } };
	struct run_settings set = { 0 };
	const char *programs = getenv("OPT4_PROGRAMS");
	char lib[PATH_MAX + 64], named[PATH_MAX + 64];
	const char *pool = NULL, *pool_size = NULL;
	bool quiet = false;
	int c, rc;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (c) {
		case 't': set.trace = optarg; break;
		case 'r': set.root = optarg; break;
		case 'c': set.cache = optarg; break;
		case 'p': set.policy = optarg; break;
		case 'f': set.prefetch = optarg; break;
		case 'd': set.ssd = optarg; break;
		case 'D': set.ssd_size = optarg; break;
		case 'W': set.ssd_writes = optarg; break;
		case 'n': pool = optarg; break;
		case 'N': pool_size = optarg; break;
		case 'B': set.rebucket = optarg; break;
		case 's': set.stats = optarg; break;
		case 'R': set.record = optarg; break;
		case 'o': set.order = optarg; break;
		case 'k': set.keep = true; break;
		case 'q': quiet = true; break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("run: %s is no option of it or wants a value; see opt4 run --help", argv[optind - 1]);
		}
	if (optind >= argc)
		return usage("run: no command; opt4 run --trace run.trace -- python train.py");
	if ((rc = run_settings(&set)) != 0 || (rc = pool_job_begin(pool, pool_size, set.keep)) != 0)
		return rc;
	if (!find_library(lib, sizeof(lib))) {
		fail("run: libopt4.so: not found beside this program; run make, or make install%s", set.record ? "" : "; the job runs uncached");
		if (set.record) {
			order_end();
			pool_job_end();
			return 1;
		}
		setenv("OPT4_DISABLE", "1", 1);
		return run(argv + optind, quiet, NULL, programs);
	}
	sessions_sweep();
	library_sweep();
	library_name(lib, named, sizeof(named));   /* where it can't, preload() says so */
	if ((rc = record_begin(set.record, named)) != 0) {
		library_unname();
		order_end();
		pool_job_end();
		return rc;
	}
	told_begin(record_spool(), result_hold, minute_begin(quiet));
	unsetenv("OPT4_PROGRAMS");         /* it says in which of the job's programs, and we are none of them */
	conf_load();
	if (conf_active() || record_wants_root())
		session_job_begin();
	preload(lib, named, argv[optind]);
	return run(argv + optind, quiet, set.stats, programs);
}
