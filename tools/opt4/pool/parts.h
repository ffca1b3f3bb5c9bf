/* parts.h - the parts of `opt4 pool` among themselves. */
#ifndef OPT4_POOL_PARTS_H
#define OPT4_POOL_PARTS_H

#include <sys/types.h>
#include "pool.h"

/* ---- memcached.c ---- */
#define PORT_TAKEN (-EADDRINUSE)
/* Starts memcached for s, bound to its address alone, with room for so many bytes, never to evict; waits until it answers.
 * ours: it ends with this process. Its pid, or -errno with the reason in why. */
pid_t memcached_start(const struct server *s, uint64_t bytes, bool ours, char why[200]);
void memcached_end(pid_t pid);             /* of memcached_start(), ours */
/* The one that listens there, of this user: asked to end, and waited for. 0 or -errno; why: a line. */
int memcached_stop(const struct server *s, char why[200]);
uint64_t memcached_room(const char *size); /* OPT4_POOL_SIZE or --pool-size as text, or NULL: half of what is free */

#endif
