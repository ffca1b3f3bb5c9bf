/* proc.h - who a process is, whether it lives, whether it is stopped. No lock, no shared state. */
#ifndef OPT4_PROC_H
#define OPT4_PROC_H

#include <stdbool.h>
#include <stdint.h>

struct proc_id { uint32_t pid; uint64_t start, pidns; };

/* This process; cached, forgotten by proc_after_fork(). start 0: it can't be told just now. */
const struct proc_id *proc_self(void);
void proc_after_fork(void);

/* Is that very process (pid and start time) alive? A process of another pid namespace is taken to be:
 * we can't see it. So is one that we can't look at for want of a descriptor. A zombie is dead. ~3 us. */
bool proc_alive(uint32_t pid, uint64_t start, uint64_t pidns);
/* Running, or ready to run? False: asleep, stopped, frozen, gone. ~3 us. */
bool proc_runs(uint32_t pid);
/* Stopped or frozen (state T or t)? */
bool proc_stopped(uint32_t pid);
/* Start time of a pid of our namespace in clock ticks since boot; 0 if it is gone or a zombie. */
uint64_t proc_start(uint32_t pid);

/* Coarse monotonic clock in ns (~5 ns, 4 ms steps), and the exact one (~25 ns). */
uint64_t now_coarse(void);
uint64_t now_ns(void);

#endif
