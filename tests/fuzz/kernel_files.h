/* kernel_files.h - what kernel_calls.c answers from: the session's files in memory, the fate and the clock. One thread. */
#ifndef FUZZ_KERNEL_FILES_H
#define FUZZ_KERNEL_FILES_H

#include "kernel.h"

#define NODES 17                  /* index; policy.0 .. 7 and plan.0 .. 7, modulo */
#define MS    1000000u

struct node {
	char *p;
	size_t room, bytes;       /* that it may have; that it has */
	size_t end, open;         /* of the pages in reach; of what is not poisoned */
	bool there;
};
extern struct node nodes[NODES];
struct node *node_at(const char *path);        /* NULL: none of those */
struct node *node_of(int fd);                  /* its descriptor is its number + 3; NULL: not a node's */
int node_grow(struct node *n, size_t bytes);   /* what is new is zero; 0 or ENOSPC (n may be NULL) */
void node_remove(struct node *n);              /* n may be NULL */

/* Not strncmp: its interceptor, and the fuzzer's interest in what it compares, cost more than the rest of a call. */
static inline bool starts(const char *path, const char *with)
{
	while (*with && *path == *with)
		path++, with++;
	return !*with;
}

bool kernel_fails(void);                       /* this call, by the fate's next byte: errno is set */
extern bool kernel_entries;                    /* of dead/, still to be told */
extern uint64_t kernel_now;                    /* ns */

#endif
