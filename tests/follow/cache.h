/* cache.h - a cache of unit-size files under policy opt, as a session keeps one, without any bytes. */
#ifndef OPT4_TESTS_FOLLOW_CACHE_H
#define OPT4_TESTS_FOLLOW_CACHE_H

#include "../../preload/order/follow.h"

#define ABSENT 0xFFFFFFFDu

struct cache {
	struct policy_ctx c;
	struct policy_shape shape;
	struct axis axis;
	uint32_t *filed;                     /* use of each resident; 0xFFFFFFFD: not resident */
	uint32_t n, room;
};

/* room: files that fit. Exits on lack of memory. */
void cache_init(struct cache *k, const uint32_t *order, uint32_t npos, uint32_t nfiles, uint32_t room);
void cache_free(struct cache *k);

/* One access to a file that is needed next at `next`; true: a hit. shut: the gate is, nothing is evicted. */
bool cache_access(struct cache *k, uint32_t file, uint32_t next, bool shut);

/* Residents whose position has expired are filed anew. */
void cache_expire(struct cache *k, struct follow *f);

/* calloc that exits on failure. */
void *cache_get(size_t n, size_t size);

#endif
