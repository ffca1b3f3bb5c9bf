/* fd.h - the descriptors that stand for dataset files in this process.
 *
 * A byte of flags a descriptor answers "ours or not" with one load; an entry beside it says whose file it is.
 * Programs may close and reuse descriptors by raw system calls, so an entry may be stale at any time; whoever
 * acts on one compares it with the real descriptor first. Losing an entry costs a miss or a look-up, never a
 * wrong byte.
 */
#ifndef OPT4_FD_H
#define OPT4_FD_H

#include "hook.h"

#define FD_MAX 65536              /* descriptors from here on are never ours */

enum fd_kind {
	FD_HINT = 1,              /* on the original, opened read only, not read yet */
	FD_OBJECT,                /* on the object */
	FD_WRITER,                /* on the original, open for writing: counted by session_writer() */
};

#define FD_OURS    1u
#define FD_PENDING 2u             /* its next data access matters: a hint, or an object not yet counted */
#define FD_ELSEWHERE 4u           /* not ours: a directory that has nothing to do with any root. May be stale too, and
                                   * then costs a hit; never set together with FD_OURS */
#define FD_GROWS   8u             /* not ours: open for writing on the tmpfs of sessions, so that a write may make it larger. May be
                                   * stale, and then costs an fstat */
#define FD_DISK    16u            /* an object that may lie on a disk: a read may fail, and the original has its bytes yet */
#define FD_NOT_NONE (FD_OURS | FD_ELSEWHERE | FD_GROWS)
extern uint8_t fd_flags[FD_MAX];

static inline bool fd_is(int fd, unsigned bit)
{
	return (unsigned)fd < FD_MAX && (__atomic_load_n(&fd_flags[fd], __ATOMIC_ACQUIRE) & bit);
}

struct fd_entry {                 /* a copy of what is remembered */
	enum fd_kind kind;
	uint32_t group;           /* duplicates of one open file description share it */
	uint32_t claim;           /* see swap.c */
	bool shared;              /* a hint: there are copies of this descriptor in its group */
	uint64_t at, sum;         /* a hint: where the last read past the cache ended, and the bytes of them all */
	struct cached c;
};

/* Remembers fd as `kind`; whatever was remembered of that number before is forgotten. group 0 = a new one. */
void fd_install(int fd, enum fd_kind kind, const struct cached *c, uint32_t group, bool pending);

/* [from, from + n) of hint e is about to be read past the cache; n 0: nobody knows what of it. */
void fd_peeked(int fd, struct fd_entry *e, uint64_t from, uint64_t n);

/* The next read past the cache by hint fd is in sequence if it is from `at`. */
void fd_stands(int fd, uint64_t at);

/* Hint `to` is a copy of hint `from`, with one offset: one group. */
void fd_install_copy(int from, int to, const struct fd_entry *e);

/* fd_forget() for a hint and its copies. */
void fd_forget_all(int fd);

/* A consistent copy of fd's entry; false if there is none. */
bool fd_get(int fd, struct fd_entry *e);

/* The descriptor is being closed or replaced: forgets it. A writer is counted down at once. Waits (bounded) while
 * another thread swaps the descriptor at this instant. Keeps errno. */
void fd_clear(int fd);

/* fd_clear() for a whole range, both ends included. */
void fd_clear_range(unsigned first, unsigned last);

/* Like fd_clear(), but a writer stays counted for ever: somebody else may hold it open too. */
void fd_forget(int fd);

/* The descriptor is about to be closed: a writer is forgotten but stays counted until fd_writer_closed(rec), to be
 * called when the close, and what it writes, is done. REC_NONE: not a writer, nothing done. */
uint32_t fd_take_writer(int fd);
void fd_writer_closed(uint32_t rec);

/* fd is a directory away from all roots: names relative to it need no look any more, until it is closed. */
void fd_set_elsewhere(int fd);

/* fd has been opened for writing on the tmpfs of sessions. */
void fd_set_grows(int fd);

/* Nobody has accessed data by this descriptor before: true for exactly one caller. */
bool fd_take_pending(int fd);

/* From now on data accesses by this descriptor come to fd_demand() again. False: they did already. */
bool fd_set_pending(int fd);

/* Remembers when the original was last looked at. */
void fd_set_checked(int fd, const struct cached *c);

/* Every offset is about to be shared with another process: a swap in one would part it from the other. Hints are
 * forgotten for good; of a writer nobody can say any more when it ends. */
void fd_share(void);

/* Highest descriptor that was ever remembered; -1 = none. */
int fd_highest(void);

/* Claims: who may fetch for a hint, and who may swap a hint or an object. A claim word belongs to one installation of the entry, so
 * that a reused number never answers to an old claim. */
enum { CLAIM_NONE, CLAIM_READY, CLAIM_BUSY, CLAIM_SWAP, CLAIM_STATES = 4 };
#define CLAIM_STATE(w) ((w) % CLAIM_STATES)

/* Moves fd's claim word from `from` (as in fd_entry.claim) to state `to` of the same installation. */
bool fd_claim(int fd, uint32_t *from, unsigned to);
/* Sleeps until fd's claim word is no longer `seen`, 10 ms at most. Returns the word. */
uint32_t fd_claim_wait(int fd, uint32_t seen);

#endif
