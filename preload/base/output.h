/* output.h - a file that is written whole or not at all.
 *
 * It is written beside the file asked for, under a name of its own, and takes its place when all is there: a
 * full disk or a signal costs nobody the file from before. What is no regular file (a pipe, a terminal,
 * /dev/null) is written as it is. No lock is held. */
#ifndef OPT4_OUTPUT_H
#define OPT4_OUTPUT_H

#include <limits.h>
#include <stdio.h>

struct output { FILE *f; char path[PATH_MAX], temp[PATH_MAX + 32]; };

/* Can the file be written? 0, or -errno. Makes and changes nothing. */
int output_possible(const char *path);

/* Opens o->f for writing. 0, or -errno: there is nothing to close then. */
int output_open(struct output *o, const char *path);

/* Closes it and puts it in its place. 0, or -errno of whatever failed since output_open(): nothing is left then. */
int output_close(struct output *o);

#endif
