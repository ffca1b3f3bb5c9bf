/* memory.h - what the memory cgroups leave, v1 and v2, all levels up. */
#ifndef OPT4_MEMORY_H
#define OPT4_MEMORY_H
#include <stdbool.h>
#include <stdint.h>

/* The tightest level: its limit, and limit - (usage - what can be reclaimed), both bytes. False: no limit
 * anywhere. Reads a few files of /sys/fs/cgroup: ~20 us a level. */
bool memory_available(uint64_t *limit, uint64_t *available);

/* The machine's: MemTotal and MemAvailable of /proc/meminfo, bytes. False: they can't be read. ~20 us. */
bool memory_machine(uint64_t *total, uint64_t *available);
/* What of the machine's is left to others at least: a tenth, but 512 MiB (a quarter of a small machine) to 8 GiB. */
uint64_t memory_floor(uint64_t total);

/* A container whose memory nobody limits (Kubernetes without a limit): what the machine has is others', too. */
bool memory_shared(void);

#endif
