/* options.h - the few options of stat, ls and clean. */
#ifndef OPT4_STAT_OPTIONS_H
#define OPT4_STAT_OPTIONS_H

#include <stdbool.h>

/* Reads them; optind: the first argument. letters: those of `j` (--json) and `a` (--all) that this command has; *flag is
 * set when one is given. ssd: not NULL where --ssd DIR is one of them, too. 0: go on; else the exit status + 1, and all has been said. */
int stat_options(int argc, char **argv, const char *help, const char *letters, bool *flag, const char **ssd);

#endif
