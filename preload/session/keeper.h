/* keeper.h - the session's second door, for the keeper (tools/opt4d), the tools and the live house: starting and waking the
 * keeper, the attachment of a process that is no client, what a fill is made of, statistics. The job never depends on the
 * keeper: each of these may fail and nothing else changes. */
#ifndef OPT4_KEEPER_H
#define OPT4_KEEPER_H

#include "../order/order.h"
#include "copy.h"
#include "session.h"

/* ---- keeper_start.c ---- */

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

/* Asks the keeper to let go of a session that is marked `gone`, and waits 100 ms at most until it has. */
void keeper_dismiss(void);

/* Starts the keeper's program once more, to replay the order that the session's file `spool` asks for (live.h). It is
 * nobody's child, as the keeper. 1-2 ms. 0 or -errno. */
int keeper_order(const char *spool);
/* The same, to measure what the session's file `list` names. */
int keeper_size(const char *list);

/* Maps the session at dir and takes a slot (kind as in layout.h). 0 or -errno; keeper_detach() ends it in every case. */
int keeper_visit(const char *dir, uint32_t kind);
/* Keeper: maps the session at dir and takes a slot and the keeper's office. 0; -EEXIST: another keeper lives. */
int keeper_attach(const char *dir);
/* Gives up office and slot. Idempotent. */
void keeper_detach(void);

/* ---- fill.c ---- */
bool origin_fit(const struct stat *st);    /* regular, 1 .. maxfile bytes, not on tmpfs, not changed just now */
/* A record that is FILLING, ours, with its pages charged and marked, in two steps, each 0 or -errno: fill_give_up() is
 * then the caller's. No lock held. */
int fill_link(uint32_t rec, int obj, const struct origin *o); /* gives obj its name; closes it in every case */
/* Now it is resident, filed under `use`, and the fill is counted. start: now_ns() when it began. given: a descriptor on
 * the object, closed if it can't be filed; or -1.
 * Prefetched (order: which generation of use.axis's order it was fetched for; else NULL): `use` is what it was fetched
 * for, even if that has been read meanwhile. Whoever waits for it must find it, and filed where it is needed next it might
 * be the first to go; policy_expire() moves it on. In another order that position says nothing. */
int fill_file(uint32_t rec, int given, struct use use, const uint32_t *order, uint64_t start);
/* Such a record is ABSENT again for reason rc; `pages` (0: none were) are charged no more. */
void fill_give_up(uint32_t rec, uint64_t pages, int rc);

/* ---- link.c ---- */
/* rec is FILLING, ours, and o was seen of its file just now. Has another of the file's names the object, or is it just being filled by it? True: rec
 * leads there from now on, and is given up (-ESTALE). Else rec stands for the file. Takes the lock; a stat where the file has several names. */
bool link_elsewhere(uint32_t rec, const struct origin *o);

/* ---- object.c ---- */
/* Is that original, as it is now, the one that r was made of? Of what an earlier session left only size and times are known
 * before the first look: then the rest is taken from st. */
bool object_seen(uint32_t rec, struct resident *r, const struct stat *st);
/* Compares an object of an earlier session, open as fd, with its hash, if nobody has yet. 0, or -errno: it has been dropped. */
int object_check(uint32_t rec, int fd);
/* The SSD gave something else (err 0) or an error: dropped, said once. */
void object_spoilt(uint32_t rec, int err);

/* ---- access.c ---- */
/* Called for each access of this process, under the lock, where somebody wants to know of them (live/learn.c); else NULL. */
extern void (*_Atomic access_watch)(uint32_t rec);

/* ---- advice.c ---- */
#define ADVICE_BYTES 1024
/* What is cached, from where, by which order, and what to do, where that is less than it could be: one line without our name
 * before it. False: all is well, or it is too soon to tell. Plans that are to be judged are mapped. */
bool session_advice(char line[ADVICE_BYTES]);

/* ---- stats.c ---- */
int stats_write(const char *file);         /* JSON; 0 or -errno */
void stats_print(FILE *f);
uint64_t session_reads(void);              /* accesses for which the original was read, by whomever: neither tier nor pool had the file */

#endif
