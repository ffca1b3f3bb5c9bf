/* tier.h - a place where objects lie, behind a struct of functions, as a policy is.
 *
 * Resident or not is one decision over all tiers, by the policy; which tier holds an object is said by its record. Above
 * the store nobody knows where a byte came from. What a tier promises:
 *   - an object is an ordinary file, never written after its link, so that its descriptor is a real one;
 *   - a name that is gone stays charged until its bytes are (dead/, for those that somebody still has open);
 *   - every function may fail, and the caller then goes on with the original.
 * None takes the session lock, none is called under it but drop(); each may be called by several threads. Return values
 * are 0, a descriptor, or -errno. */
#ifndef OPT4_TIER_H
#define OPT4_TIER_H

#include <stdbool.h>
#include <stdint.h>
#include "layout.h"

struct tier {
	const char *name;          /* as in the statistics */

	/* A descriptor on a resident object, read only, with flags' O_CLOEXEC, O_NONBLOCK, O_NOATIME, O_NOFOLLOW .. kept. On
	 * the hit path: one system call, no allocation, no stdio. */
	int (*open)(const struct key *k, int flags);

	/* A nameless object with room for so many bytes: ENOSPC is an answer here, SIGBUS later would not be. Its descriptor,
	 * for close() below. */
	int (*create)(uint64_t bytes);
	int (*link)(int fd, const struct key *k);   /* gives it its name */
	void (*close)(int fd);     /* of create(), linked or not */
	void (*after_fork)(void);  /* the child closes what was being filled */

	/* Takes an object away in the name of that slot's process: no longer found by anyone; gone at once if nobody has it
	 * open. 1 gone, 0 it lingers, -errno not there. */
	int (*evict)(uint32_t slot, const struct key *k);
	/* What a process that died in the middle of evict() had renamed already: as evict(). */
	int (*evicted)(uint32_t slot, const struct key *k);
	/* Unlinks it and nothing else, where the record can't be filed: then who opens it next drops it. */
	void (*drop)(const struct key *k);
	/* Tries all that linger again, every 5 ms at most unless `now`; gives their charge back; returns pages freed. */
	uint64_t (*reap)(bool now);
};

extern const struct tier tier_tmpfs;       /* tmpfs.c */
extern const struct tier tier_ssd;         /* ssd.c: ssd.h; create(), link() and close() are ssd_make() and ssd_link() there */
extern const struct tier *const tiers[TIERS];

/* A damaged record may name any. */
static inline const struct tier *tier_at(uint32_t n) { return tiers[n < TIERS ? n : TIER_RAM]; }

struct key object_key(uint64_t path_hash, const struct origin *st);
/* <dir>/objects/xx/KEY on the session's tmpfs; buf: sizeof view.prefix + 48. */
void object_path(char *buf, const struct key *k);
/* Unlinks the objects in this folder that nobody has open. Not of the session that is mapped here. */
void object_take_all(const char *folder);

#endif
