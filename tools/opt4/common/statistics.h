/* statistics.h - a session's statistics, from a running session or from a file. */
#ifndef OPT4_STATISTICS_H
#define OPT4_STATISTICS_H

#include "jsonread.h"

/* source: a file that `opt4 run --stats` or `opt4 stat --json` wrote; or a session as `opt4 ls` prints
 * it; or NULL, the only session. Returns 0 and *stats (json_free() it), or an exit status: it has been
 * said then what is wrong. */
int statistics_load(const char *source, struct json **stats);

#endif
