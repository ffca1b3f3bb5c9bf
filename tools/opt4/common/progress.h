/* progress.h - a bar on stderr, where that is a terminal, for work that takes longer than half a second. */
#ifndef OPT4_PROGRESS_H
#define OPT4_PROGRESS_H

#include <stdbool.h>

struct progress { const char *what; double start; bool on, shown; };

void progress_begin(struct progress *p, const char *what);
/* part: of the whole, 0 to 1. Called every 200 ms or so. */
void progress_at(struct progress *p, double part);
/* The line is empty again. */
void progress_end(struct progress *p);

#endif
