/* keeper.h - the session's side of the keeper (tools/opt4d): starting it, waking it, and the attachment of the
 * keeper's own process. The job never depends on it: each of these may fail and nothing else changes. */
#ifndef OPT4_KEEPER_H
#define OPT4_KEEPER_H

#include "view.h"

/* A client, at attach and whenever it had to go to an original: starts a keeper when the session wants one (prefetch
 * is not off, a trace has joined or a loader has been made, there is a budget) and none lives. Costs a clock read but for every 250 ms, when it
 * looks at /proc; a start takes 1-2 ms. Also buries the keeper that died. No lock held. */
void keeper_check(void);

/* A look at /proc. */
bool keeper_lives(void);

/* Wakes the keeper if it sleeps. No lock held; async-signal safe. */
void keeper_ring(void);

/* A client reads an original now: prefetch that queues in the store stands back for a moment. A time, not a count:
 * a client that is killed takes nothing back. */
static inline void keeper_demand(void) { atomic_store_explicit(&view.h->demand_ns, now_coarse(), memory_order_relaxed); }

/* Starts `path` as a process of its own: not this one's child, no descriptor but 0-2 (/dev/null), its own session,
 * default signals but SIGINT, SIGHUP and SIGIO (ignored), nothing blocked. Blocks until it runs, without
 * copying page tables; no SIGCHLD, nothing for waitpid() in this process. 0 or -errno. */
int keeper_spawn(const char *path, char *const argv[], char *const envp[]);

/* Asks the keeper to let go of a session that is marked `gone`, and waits 100 ms at most until it has. */
void keeper_dismiss(void);

/* Starts the keeper's program once more, to replay the order that the session's file `spool` asks for (live.h). It is
 * nobody's child, as the keeper. 1-2 ms. 0 or -errno. */
int keeper_order(const char *spool);

/* Maps the session at dir and takes a slot (kind as in layout.h). 0 or -errno; keeper_detach() ends it in every case. */
int keeper_visit(const char *dir, uint32_t kind);
/* Keeper: maps the session at dir and takes a slot and the keeper's office. 0; -EEXIST: another keeper lives. */
int keeper_attach(const char *dir);
/* Gives up office and slot. Idempotent. */
void keeper_detach(void);

#endif
