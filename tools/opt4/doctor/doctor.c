/* doctor.c - `opt4 doctor`: arguments and the list of checks. See doctor.h. */
#include "doctor.h"

#include "../common/common.h"
#include "check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

static const char help[] =
"usage: opt4 doctor [--trace FILE] [--root DIR[:DIR]] [--ssd DIR] [--pool LIST]\n"
"Looks at all that opt4 needs on this machine and says what is wrong and how to mend it: one line each, ok, warn\n"
"(works, but not as well as it could) or bad (opt4 would not work, or not for this job). Exit status 1 if\n"
"a line is bad. PYTHON names the job's interpreter (default: python3).\n"
"\n"
"  --trace FILE     the job's trace (default: OPT4_TRACE): is it of these files, and of this torch?\n"
"  --root DIR[:DIR] the dataset (default: OPT4_ROOT, or the trace's)\n"
"  --ssd DIR        the second tier (default: OPT4_SSD): may it lie there, and is there room?\n"
"  --pool LIST      the nodes' servers (default: OPT4_POOL): can they be reached, and does a value get there and back?\n"
"  --help, --version\n";

int cmd_doctor(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "trace", 1, 0, 't' }, { "root", 1, 0, 'r' }, { "ssd", 1, 0, 'd' }, { "pool", 1, 0, 'p' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 },
	};
	struct doctor d = { .trace = getenv("OPT4_TRACE"), .roots = getenv("OPT4_ROOT"), .ssd = getenv("OPT4_SSD"), .pool = getenv("OPT4_POOL"),
			    .cache = getenv("OPT4_CACHE") };
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		switch (c) {
		case 't': d.trace = optarg; break;
		case 'r': d.roots = optarg; break;
		case 'd': d.ssd = optarg; break;
		case 'p': d.pool = optarg; break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("doctor: %s is no option of it or wants a value; see opt4 doctor --help", argv[optind - 1]);
		}
	if (optind < argc)
		return usage("doctor: %s: it takes no argument; see opt4 doctor --help", argv[optind]);
	if (d.trace && !*d.trace)
		d.trace = NULL;
	if (d.roots && !*d.roots)
		d.roots = NULL;
	if (d.ssd && !*d.ssd)
		d.ssd = NULL;
	if (d.pool && !*d.pool)
		d.pool = NULL;
	if (d.cache && (!*d.cache || !doctor_is_size(d.cache)))
		d.cache = NULL;
	doctor_environment(&d);
	doctor_library(&d);
	doctor_keeper(&d);
	doctor_python(&d);
	doctor_trace(&d);
	doctor_roots(&d);
	doctor_shm(&d);
	doctor_pages(&d);
	doctor_cgroup(&d);
	doctor_swap(&d);
	doctor_ssd(&d);
	doctor_sessions(&d);
	doctor_pool(&d);
	return d.bad ? 1 : 0;
}
