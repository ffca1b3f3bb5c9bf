/* ssd.h - the second tier: a folder on a local disk that outlives jobs and reboots; part of the store.
 *
 *     DIR/opt4-<uid>/<root's name>-<hash of its path>/
 *         objects/xx/KEY   as in memory
 *         dead/            as in memory
 *         new/KEY          being written by the keeper
 *         sealed           what is known to be on the disk (sealed.c)
 *         lock, owner      whose it is now: flock by the keeper, and which session's it is
 *
 * Only the keeper writes objects there (tools/opt4d/spill.c). What comes from an earlier session counts only if it is in
 * `sealed`, and is read and compared with its hash before the first of its bytes is given to anybody. */
#ifndef OPT4_SSD_H
#define OPT4_SSD_H

#include <stdbool.h>
#include <stdint.h>
#include "layout.h"

#define SSD_FREE 20u               /* this part of the disk is left free */
#define SSD_LEAST (1u << 20)       /* bytes: a smaller one is none */

/* May DIR hold a second tier? NULL, or why not and what to do, a phrase. */
const char *ssd_refused(const char *dir);
/* Would it lie within this root (a list with `:` between)? Who lists the dataset would find it there. */
bool ssd_within(const char *dir, const char *roots);
/* The folder of all of this user's below DIR, and of one root in it. */
void ssd_user_folder(char *path, size_t room, const char *dir);
int ssd_folder(char *path, size_t room, const char *dir, const char *root);

/* fn for each folder of this user's below DIR. */
void ssd_each(const char *dir, void (*fn)(const char *folder, void *arg), void *arg);
/* Removes one with all that is in it. 0; -EBUSY: a session has it, and not `force`; -EPERM: it holds what is not ours; -errno. */
int ssd_remove(const char *folder, bool force);

/* An index has been made, nobody else is in it yet: OPT4_SSD's folder becomes its second tier, with what outlived earlier
 * sessions resident in it. Takes the session lock. Whatever fails is said, and the session goes without. */
void ssd_begin(void);
/* Pages that it may take, where the dataset turns out to have so many bytes. */
uint64_t ssd_resized(uint64_t dataset);
/* This job has come to a session that was there, with a second tier of its own or none: says so where it asks for another. */
void ssd_asked(void);
/* In a process that maps an index: true, its second tier is there and mapped. */
bool ssd_here(void);
/* Pages (of PAGE bytes) that a file of so many bytes is charged there. */
uint64_t ssd_pages(uint64_t bytes);
/* It has failed (why: for the log): nobody opens anything there any more. */
void ssd_fail(const char *why);
/* What is free above the part that stays free; negative: less. */
int64_t ssd_room(void);
/* Keeper: a file with room for so many bytes, to be object k; its descriptor or -errno. The folder's other errors, too. */
int ssd_make(const struct key *k, uint64_t bytes);
int ssd_link(const struct key *k);         /* it is whole: gets its name. 0 or -errno */
/* An object in the making, or one that must not be found any more: no new/KEY and no objects/xx/KEY. */
void ssd_unmake(const struct key *k);

/* ---- keeper ---- */
/* Takes the folder's lock for as long as this process lives. 0; -EBUSY: another session's keeper has it, or has had it. */
int ssd_own(void);
void ssd_leaving(bool so);                 /* the session is over: the next one may wait for us; or it is not after all */
/* Everything is sealed, nothing is being written: the next session need not look for what is not. Gives up the lock. */
void ssd_leave(void);

/* ---- sealed.c ---- */
struct sealing { int fd; uint64_t entries; };  /* the log, open for appending; fd -1: not yet */
/* Makes all that has been linked durable, then writes down these records' objects. 0 or -errno. Keeper. */
int sealed_add(struct sealing *s, const uint32_t *recs, uint32_t n);
/* Writes the log anew if most of it is of objects that are gone. 0 or -errno. Keeper. */
int sealed_compact(struct sealing *s);
/* Reads the log: what it names becomes resident. Under the session lock. The number of entries, or -errno. */
int64_t sealed_adopt(void);

/* ---- hash.c ---- */
struct hash { uint64_t lane[4], bytes; uint8_t rest[32]; uint32_t held; };
void hash_begin(struct hash *h);
void hash_add(struct hash *h, const void *bytes, size_t n);
uint64_t hash_end(struct hash *h);

#endif
