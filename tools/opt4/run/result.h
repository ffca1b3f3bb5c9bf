/* result.h - what `opt4 run` says and writes when its job has ended: of each session that the job's processes made, or why
 * there is none. */
#ifndef OPT4_RESULT_H
#define OPT4_RESULT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The job's processes have made or joined this session, with that user's rights: it stays until we have looked. */
void result_hold(const char *dir, uid_t uid);

/* session_advice() of the session that is asked for most, and how often it has been; false: nothing to say. */
bool result_advice(char *line, uint64_t *accesses);
/* The lines of result. */
void result_say(void);
/* --stats: of the session that was asked for most. False: it could not be written, which has been said. */
bool result_stats(const char *file);
/* --record. The same. */
bool result_record(void);
/* The sessions are no longer the job's; what is its last goes. */
void result_over(void);

#endif
