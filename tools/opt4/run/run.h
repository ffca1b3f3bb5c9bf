/* run.h - the door of `opt4 run`. The parts: run.c (arguments, the job, its result), settings.c (what the job is given),
 * launch.c (the job as a child), signals.c and witness.c (what is sent to it), record.c (the spool, and --record), order.c
 * (--order), tool.c (opt4-trace, for both), told.c (what the job's processes say), result.c (what is said in the end). */
#ifndef OPT4_RUN_H
#define OPT4_RUN_H

int cmd_run(int argc, char **argv);

#include "settings.h"

#endif
