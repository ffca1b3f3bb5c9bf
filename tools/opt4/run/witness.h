/* witness.h - a process beside the job that does nothing but tell `opt4 run` which signals come to it: it is in the same
 * group and cgroup and has the job's name and arguments, so that whoever means the job means it, too. It ends with either.
 *
 * And it is awake when its parent is stopped: it stops the job then, and wakes the parent that was stopped with the job
 * when the job goes on. It looks four times a second. */
#ifndef OPT4_WITNESS_H
#define OPT4_WITNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* To be made after the job; all signals are blocked. argv: the job's, ending where this process's own ends. False: there
 * is none. */
bool witness_begin(pid_t job, char **argv);
void witness_end(void);
int witness_fd(void);                      /* readable: witness_next() is due; -1: there is no witness */
bool witness_was(pid_t pid);               /* this child, which has ended, was the witness */

/* This process stops now since its job has (true), or goes on again (false). */
void witness_stopped(bool with_job);

struct witnessed { int sig; uint32_t pid; uint64_t at; };
/* The next that it says: a signal with its sender and time; or, sig 0, that it has said all, as asked at that time. False:
 * nothing. */
bool witness_next(struct witnessed *w);
void witness_ask(uint64_t at);

#endif
