/* minute.h - what `opt4 run` says while the job runs: once, within a minute of the first samples (a model that is loaded or compiled
 * before is nobody's fault), what is cached and by which order where that is less than it could be, or why nothing is; once more if
 * that changes. Silence: all is well. A job in which nothing of ours is hears of it a minute after its start. */
#ifndef OPT4_MINUTE_H
#define OPT4_MINUTE_H

#include <stdbool.h>

#include "launch.h"

/* A descriptor that is readable when it is time to look and say what there is to say to stderr; quiet: none. */
const struct launch_also *minute_begin(bool quiet);

#endif
