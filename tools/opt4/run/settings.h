/* settings.h - what the job is given. */
#ifndef OPT4_RUN_SETTINGS_H
#define OPT4_RUN_SETTINGS_H

#include <stdbool.h>

struct run_settings {              /* each as its option has it; NULL: not given */
	const char *trace, *root, *cache, *policy, *prefetch, *ssd, *ssd_size, *ssd_writes, *rebucket, *stats, *record, *order;
	bool keep;
};

/* Checks them and puts them into the environment, with paths made absolute (--order: as the trace that it becomes).
 * Returns 0, or the exit status: it has been said then what is wrong. */
int run_settings(const struct run_settings *s);

#endif
