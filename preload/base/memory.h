/* memory.h - what the memory cgroups leave, v1 and v2, all levels up. */
#ifndef OPT4_MEMORY_H
#define OPT4_MEMORY_H
#include <stdbool.h>
#include <stdint.h>

/* The tightest level: its limit, and limit - (usage - what can be reclaimed), both bytes. False: no limit
 * anywhere. Reads a few files of /sys/fs/cgroup: ~20 us a level. */
bool memory_available(uint64_t *limit, uint64_t *available);

#endif
