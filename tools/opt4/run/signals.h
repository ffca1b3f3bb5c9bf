/* signals.h - which of the signals that come to `opt4 run` its job has not got by itself: those are handed on.
 *
 * A signal to the whole process group (a terminal's, kill -- -PGID, timeout), to a cgroup's processes, to all of one name
 * reaches the job and its parent alike; one to the parent's number reaches the parent only. The signal itself does not say
 * which it was. What came to the parent and to the witness (witness.h) came to the job, too. A decision takes 10 ms, in
 * which a killer goes from process to process (longer while it wants to run and does not get to), and the witness's word that
 * it has nothing more. */
#ifndef OPT4_SIGNALS_H
#define OPT4_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

void signals_begin(pid_t job);
/* A signal has come to this process. early: NULL, or what the job, when it was about to run, had got by itself; of what came
 * before that the witness may know nothing. */
void signals_came(const struct signalfd_siginfo *s, const sigset_t *early);
/* The witness has said something. */
void signals_witnessed(void);
/* Hands on what is due; returns ms until it wants to be called again, -1: nothing waits. */
int signals_due(void);
bool signals_waiting(int sig);             /* one of these is not decided yet */

#endif
