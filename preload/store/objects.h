/* objects.h - objects/ and dead/ of one folder, the same for every tier whose objects are files there; part of the store.
 *
 * No lock is held here; names make it safe: an object is never written after its link, a name in dead/ is its evictor's
 * alone. Return values are those of tier.h. */
#ifndef OPT4_OBJECTS_H
#define OPT4_OBJECTS_H

#include "store.h"

struct shelf {                    /* a folder with objects/ and dead/ in it */
	uint32_t tier;            /* whose account it is */
	const char *dir;
	const char *prefix;       /* "<dir>/objects/" */
	const size_t *prefix_len;
};

#define OBJECT_PATH (PATH_BYTES + 64)
/* <dir>/objects/xx/KEY; buf: OBJECT_PATH. No stdio, it is on the hit path. */
void shelf_path(const struct shelf *s, char *buf, const struct key *k);
void object_name(char name[33], const struct key *k);  /* KEY */

int shelf_open(const struct shelf *s, const struct key *k, int flags);
int shelf_evict(const struct shelf *s, uint32_t slot, const struct key *k);
int shelf_evicted(const struct shelf *s, uint32_t slot, const struct key *k);
void shelf_drop(const struct shelf *s, const struct key *k);
/* Unlinks what nobody has open in dead/; gives its charge back; pages freed. `last`: when this process did it last. */
uint64_t shelf_reap(const struct shelf *s, _Atomic uint64_t *last, bool now);

#endif
