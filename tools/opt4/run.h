/* run.h - `opt4 run`. The parts: run.c (arguments, the job, its result), run_settings.c (what the job is given),
 * record.c (the spool, and --record). */
#ifndef OPT4_RUN_H
#define OPT4_RUN_H

#include <stdbool.h>

struct run_settings {              /* each as its option has it; NULL: not given */
	const char *trace, *root, *cache, *policy, *prefetch, *stats, *record;
	bool keep;
};

/* Checks them and puts them into the environment, with paths made absolute. Returns 0, or the exit status: it has
 * been said then what is wrong. */
int run_settings(const struct run_settings *s);

#endif
