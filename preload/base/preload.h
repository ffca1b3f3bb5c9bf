/* preload.h - LD_PRELOAD, and which programs a library can be loaded into.
 *
 * All of it may be called in a signal handler, right after vfork() and in a child of a process with threads: no
 * allocation, no lock, plain system calls (never a hooked name). */
#ifndef OPT4_PRELOAD_H
#define OPT4_PRELOAD_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PRELOAD_NAME "libopt4.so"

/* Does the list, as LD_PRELOAD is (entries between spaces and colons), have an entry whose last component is `name`? */
bool preload_has(const char *list, const char *name);

/* The list without such entries; the others as they were, a colon between. to: room for strlen(list) + 1 bytes.
 * Returns the length of what is left. */
size_t preload_without(char *to, const char *list, const char *name);

/* Can the dynamic linker read this path as one entry? */
bool preload_can_name(const char *path);

/* Would the loader of the program at `path` (as openat() understands both; path NULL: dirfd itself) fail to load a library
 * that is of this machine and this C library: another ELF class or machine, another C library's loader? A script is asked
 * by its interpreter. False also where there is nothing to fail (static programs) and where it cannot be told. */
bool preload_fails(int dirfd, const char *path);

/* Where execvp() and posix_spawnp() would find the file: in `path`, or the name itself where it has a slash or is nowhere. */
const char *preload_find(const char *file, char path[PATH_MAX]);

#endif
