/* pool.h - the door of `opt4 pool`, and what `opt4 run --pool` does with a pool. The parts: pool.c (the command), job.c (for a
 * job), here.c (which server of a list is this machine's), memcached.c (that server as a process), reach.c (what a server
 * answers). */
#ifndef OPT4_POOL_H
#define OPT4_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include "../../wire/wire.h"

int cmd_pool(int argc, char **argv);

/* ---- job.c ---- */
/* Before a job: OPT4_POOL (or list, size: the options, or NULL) is looked at; this node's server runs, all have been waited for
 * a little, and OPT4_POOL and OPT4_POOL_SECRET say what the job's keeper needs. What stands in the way is said in a line, and
 * OPT4_POOL is not set then. 0; or an exit status: the list can't be meant so. keep: the server stays. */
int pool_job_begin(const char *list, const char *size, bool keep);
void pool_job_end(void);                   /* stops the server that was started */

/* ---- reach.c ---- */
#define REACH_NS 1000000000ull
/* Connects, asks how it is. took: ns that an answer took. 0 or -errno (-EPROTO: no memcached). */
int pool_reach(const struct server *s, struct server_stats *st, uint64_t *took);
/* One value there and back, with a key of its own. 0; -EBADMSG: another came back; or -errno. */
int pool_try(const struct server *s, uint64_t *took);

/* ---- here.c ---- */
/* Names to addresses; those without one are said in `why` (the last of them), their number returned. */
int pool_resolve(struct server *s, int n, char why[200]);
struct server *pool_here(struct server *s, int n);   /* this machine's, or NULL */

#endif
