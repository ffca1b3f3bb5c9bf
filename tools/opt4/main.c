/* main.c - `opt4`: which command. Each is a house, named as it is; below them all is common/. */
#ifndef OPT4_BUILD
#define OPT4_BUILD "no build of make's"
#endif

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "common/common.h"
#include "doctor/doctor.h"
#include "plan/plan.h"
#include "pool/pool.h"
#include "report/report.h"
#include "run/run.h"
#include "stat/stat.h"
#include "top/top.h"
#include "warm/warm.h"

/* Each parses its own arguments (argv[0] is its name) and returns the exit status: 0 done, 1 what was asked failed,
 * 2 wrong usage. */
static const struct { const char *name; int (*run)(int, char **); const char *what; } commands[] = {
	{ "run",   cmd_run,   "run a training job with its images cached" },
	{ "warm",  cmd_warm,  "fill the cache before a job, or without one" },
	{ "stat",  cmd_stat,  "what a session has done so far" },
	{ "ls",    cmd_ls,    "the sessions on this machine" },
	{ "clean", cmd_clean, "remove sessions that nobody uses" },
	{ "plan",  cmd_plan,  "what each policy would hit at each size, simulated on a trace" },
	{ "pool",  cmd_pool,  "what several nodes share of what they have read: its servers, its secret" },
	{ "top",   cmd_top,   "a session as it runs" },
	{ "report", cmd_report, "how close to the best a job came, as a page of HTML" },
	{ "doctor", cmd_doctor, "what would keep opt4 from working here, and the mend" },
};

/* What was asked for is out, or it is said that it is not; once. */
static int finish(int rc)
{
	if ((fflush(stdout) == 0 && !ferror(stdout)) || rc)
		return rc;
	return fail("standard output: %s; send it where it can be written", strerror(errno));
}

static void help(void)
{
	puts("usage: opt4 COMMAND [option]...\n"
	     "A cache of a training job's image files in shared memory that knows the job's future.\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].what);
	puts("\n"
	     "  opt4-trace imagefolder /data/train --epochs 90 --seed 7 --batch-size 256 -o run.trace\n"
	     "  opt4 run --trace run.trace -- python train.py\n\n"
	     "opt4 COMMAND --help says more of each; opt4 --version.");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage("no command; see opt4 --help");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		help();
		return finish(0);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("opt4 " OPT4_VERSION " (" OPT4_BUILD ")");
		return finish(0);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return finish(commands[i].run(argc - 1, argv + 1));
	return usage("%s: no such command; see opt4 --help", argv[1]);
}
