/* swap.h - exchanging what a descriptor stands on: original for object, and back. */
#ifndef OPT4_SWAP_H
#define OPT4_SWAP_H

#include "fd.h"

/* The first data access by a pending descriptor is about to happen. An object is counted; a hint is fetched,
 * and the object put under the descriptor at the same offset and flags. Threads that come meanwhile wait
 * about a second at most, then the descriptor stays the original's. Afterwards fd is no longer pending.
 * Does nothing inside opt4. Keeps errno. */
void fd_demand(int fd);

/* A read of n bytes at `at` (-1: where fd stands) by a pending descriptor is about to happen. True: it is no access, only a
 * look (peek.c), and goes to the original; fd is held until fd_release(fd, *claim). False: what fd_demand() does is done. */
bool fd_peek(int fd, size_t n, off64_t at, uint32_t *claim);
/* A mapping of n bytes by a pending descriptor: true, it is made of the original and is no access. */
bool fd_slice(int fd, size_t n);
/* A copy of a pending descriptor is about to be made: true, the two can wait together for what is read by them. */
bool fd_copies(int fd);
size_t fd_bytes(const struct iovec *v, int n);
/* A hint on a larger file than that, neither resident nor on its way. */
bool fd_absent(const struct fd_entry *e, uint64_t larger);

/* Wraps a call that moves a pending hint's offset: no swap happens between begin and end. *claim is for end. */
bool fd_hold(int fd, uint32_t *claim);
void fd_release(int fd, uint32_t claim);

/* The call that follows must reach the original itself (locks, mode changes): a hint is forgotten, an object
 * exchanged for the original at the same offset, together with its duplicates in this process. False if fd
 * stays on the object, because the original cannot be opened any more. Keeps errno. */
bool fd_original(int fd);

/* A call by fd has failed as it may not on an original: true if fd was on an object, and is on the original now: for another
 * attempt. errno is then what it was `before` the call. */
bool fd_left_object(int fd, int before);
/* A read of fd failed with EIO: if it was of an object, that is dropped, and fd is on the original now: read again. */
bool fd_failed(int fd, int before);

/* fd_original() for every descriptor of this process on file `rec` (REC_NONE: on any): it is about to be changed here. With
 * st (the original's; or NULL) also for those on the same file by another name (a link's, or through one). */
void fd_original_all(uint32_t rec, const struct stat *st);

/* Entry of a descriptor that a stat result (dev, ino) shows to be an object of the session: as remembered, or by
 * session_whose() and then remembered. False if it is none. To be called inside the guard. */
bool fd_object(int fd, uint64_t ino, struct fd_entry *e);

/* From now on there may be descriptors on objects that nothing is remembered of. */
void fd_strangers(void);

/* Is any descriptor of this process ours? Gets to know such strangers first. Keeps errno. */
bool fd_any(void);

/* A new descriptor `to` was made from `from`: shares its entry. */
void fd_duplicate(int from, int to);

#endif
