/* launch.h - the job as a child of `opt4 run`, such that nobody need know of the parent: what is sent to the parent
 * comes to the job, and exactly as often as it would without (signals.h says how); a stop of the one is one of the other. */
#ifndef OPT4_LAUNCH_H
#define OPT4_LAUNCH_H

struct launch_also { int fd; void (*ready)(int fd); };  /* somebody else's descriptor, looked at while the job runs; fd -1: none */

/* Runs argv to its end. programs: its OPT4_PROGRAMS, or NULL. Returns 0 and the status as waitpid() has it; or the errno
 * with which it could not be executed, then *status is 126 or 127. Where the job can't have a parent (no process more is
 * allowed, say) this process becomes the job and the call does not return.
 * All signals are blocked from here on; until launch_over(). */
int launch(char **argv, const char *programs, const struct launch_also *also, int *status);

/* What was sent to the job too late is dropped; from now on Ctrl-C and its like end this process. */
void launch_over(void);

/* Ends this process as the job ended: by its exit status or its signal (a shell says 128 + n of it). */
_Noreturn void launch_end(int status);

#endif
