/* told.h - what the job's processes tell `opt4 run` (base.h: tell()): which sessions they made, and why the job gets less
 * than it could. */
#ifndef OPT4_TOLD_H
#define OPT4_TOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "launch.h"

/* The sockets, and OPT4_RUN for the job. spool: a folder for one of them, or ""; session: called with each that is new. Where
 * none can be had nobody tells. beside: looked at while the job runs, too. */
void told_begin(const char *spool, void (*session)(const char *dir, uid_t uid), const struct launch_also *beside);
const struct launch_also *told_also(void); /* for launch(), which listens while the job runs */
void told_end(void);

struct told_session { const char *dir; uid_t uid; };   /* uid: the user who told */
bool told_session(unsigned n, struct told_session *s); /* the nth; false: there is none */
const char *told_reason(unsigned n);       /* the nth line; NULL: there is none. No two are alike */
bool told_listens(void);                   /* what has not been told is not so */
bool told_loaded(void);                    /* the library was in some process of the job, .. */
bool told_python(void);                    /* .. in one of Python's, .. */
bool told_looked(void);                    /* .. and torch's loaders were looked at */
uint64_t told_fetches(void);               /* since when samples are fetched by torch's loaders, as now_coarse(); 0: not yet */

#endif
