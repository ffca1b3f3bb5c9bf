/* record.h - what `opt4 run` and the Python side (tools/live) tell each other through a folder of their own, the spool:
 * the dataset's folder where nobody named it, and, for --record, the orders that were dispatched. */
#ifndef OPT4_RECORD_H
#define OPT4_RECORD_H

#include <stdbool.h>
#include <sys/types.h>

/* Before the job: the spool and what the job's environment must say. file: of --record, NULL: not asked for. lib: the
 * library's path. 0, or the exit status after a message. */
int record_begin(const char *file, const char *lib);

const char *record_spool(void);            /* the folder; "": there is none */

/* From now on it is that user's, too. */
void record_give(uid_t uid);

/* Is the dataset's folder to be found by the running loader? */
bool record_wants_root(void);

/* After the job: takes the folder that was found into the configuration. */
void record_root(void);

/* Writes the trace. session: it is mapped. False: it could not be; the reason has been said. True where none was asked for. */
bool record_write(bool session);

/* Removes the spool. */
void record_end(void);

#endif
