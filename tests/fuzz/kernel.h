/* kernel.h - the system calls that the session makes, answered from memory: its sources are built with each name in
 * fuzz.mk's FUZZ_CALLS redirected to fuzz_NAME() in kernel.c, so that an execution makes none that is real.
 *
 * There is one session directory on a tmpfs, and in it index, policy.N and plan.N, each a block of memory with guards behind
 * it; one folder /data with FILES files f0.jpg ..; and objects that are there unless the fate says otherwise. Time goes on
 * by a millisecond a look. One thread. */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FUZZ_DIR   "/dev/shm/session"
#define FUZZ_ROOT  "/data"
#define FUZZ_FILES 12
#define FUZZ_PID   100u           /* ours; every process of this or a higher number lives, those below are dead */

/* Which calls fail: each that may takes a byte; what is not there is no failure. */
void kernel_fate(const uint8_t *bytes, size_t n);

enum kernel_file { KERNEL_INDEX, KERNEL_POLICY, KERNEL_PLAN, KERNEL_FILES };
/* The first file of that kind (policy.1, plan.0) as it is mapped; bytes: as it was made. */
void *kernel_memory(enum kernel_file which, size_t *bytes);
/* The files as they are now, but of the index these ranges only, the rest being zero; so they are again. `often`: it is written
 * at every execution; the others, and the other files (whose `often` ranges are named here, too), only if all. The first
 * range begins where the index does. */
#define KERNEL_RANGES 24
struct kernel_range { enum kernel_file file; size_t at, len; bool often; };
struct kernel_state;
struct kernel_state *kernel_save(const struct kernel_range *ranges, size_t n);
void kernel_restore(const struct kernel_state *s, bool all);
int fuzz_open(const char *path, int flags, ...);
/* No session yet. */
void kernel_forget(void);

#endif
