/* session.h - what a hooked call, the keeper and the tools may ask of the session.
 *
 * A session is one directory on tmpfs, shared by all processes of the jobs on one dataset:
 *     index            one mapped file: header, process slots, records (layout.h)
 *     objects/xx/KEY   the bytes of a resident file, an ordinary tmpfs file, never written after its link
 *     alive            a byte of it is locked for each process and job that lives
 *     dead/KEY.SLOT.N  evicted objects that somebody may still have open
 *     plan.N           follower's shared block of the Nth joined trace;  policy.G  the policy's state
 *
 * Whatever fails here ends at the original file: every function that gives a descriptor may say no, and
 * the caller then goes on with the original. Nothing here prints to stdout, exits or waits without bound.
 *
 * The session does its own system calls by libc's names. Inside libopt4.so those are hooked; the caller
 * sets `opt4_inside` around every call, and the hooks then pass straight down the chain. errno may be
 * clobbered by everything here: hooks save it.
 */
#ifndef OPT4_SESSION_H
#define OPT4_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include "../base/base.h"

#define REC_NONE 0xFFFFFFFFu

/* The process's roots may have become more (conf_add_root()), where the session may have been attached already. */
void session_roots_added(void);

/* Comes to the session, or makes it: true, all is mapped and this process has a place in it. False: not now, or not at
 * all; asked again it tries anew, no more than once a second. A look at two words where it was there before. */
bool session_attach(void);

/* ---- whose file ---- */

/* Record of the file `rel` (no leading slash, no `.`/`..`/empty components) below root `root`, or
 * REC_NONE: not a dataset file, or the session cannot be had. Attaches to the session at the first
 * call that could matter (creates it when there is none). No system call on the original once attached,
 * no lock unless the name is new to the session. ~100-200 ns. */
uint32_t session_record(unsigned root, const char *rel, size_t len);
/* The same for a file that the program named as its dataset's, or read while a sample was fetched: whatever its name. */
uint32_t session_record_named(unsigned root, const char *rel, size_t len);

/* ---- open and first data access ---- */

/* What a descriptor of ours stands for. Kept by the caller beside the fd. */
struct cached {
	uint32_t rec;
	uint32_t peeked;          /* a hint: its header has been read past the cache, and session_peeked() told so */
	uint64_t obj_ino;         /* object's inode on the session's tmpfs; 0 for a descriptor on the original */
	uint64_t dev, ino;        /* the original's */
	uint64_t checked;         /* coarse monotonic ns of the last look at the original */
	uint64_t size;            /* a hint: the original's, as session_hint() saw it */
};

/* Opens the resident object of `rec` read only with flags' O_CLOEXEC, O_NONBLOCK, O_NOATIME,
 * O_NOFOLLOW.. kept. If a look at the original is due it is made by fstatat(dirfd, path, at_flags):
 * one system call. Returns a descriptor >= 0 and fills c, or
 *   -ENOENT  not resident: open the original, and ask session_fetch() at the first data access
 *   -ESTALE  the original changed or is gone: invalidated; open the original, then as -ENOENT
 *   other    open the original and forget it. */
int session_open(uint32_t rec, int dirfd, const char *path, int flags, struct cached *c);

/* A descriptor on the original `fd` (opened read only, not yet read) stands for rec: fills c from one
 * fstat. 0, or -errno: do not track it (not a regular file, too large, on tmpfs, ..). */
int session_hint(uint32_t rec, int fd, struct cached *c);

/* First data access of a descriptor on the original. Looks that fd is still c's file, makes the file
 * resident (one filler, the others wait a bounded time), and returns a *new* descriptor on the object
 * with `flags` (F_GETFL's, plus O_CLOEXEC where wanted), offset 0, and updates c; or -errno: stay with
 * the original. Counts the access (hit, late, miss) in every case. */
int session_fetch(int fd, int flags, struct cached *c);

/* ---- a look at a file is no access ----
 * Of a larger file the header may be all that is wanted, or a slice: such a read goes to the original, and the file is
 * fetched when its reader goes on. Where only the size matters these bound it: */
#define SESSION_SMALL  (128u << 10)        /* bytes: up to here a file is fetched at its first read */
#define SESSION_HEADER (64u << 10)         /* a read that ends by here is of the header */
#define SESSION_MAPPED (8u << 20)          /* larger files that are mapped and not resident stay the original's */
/* Neither resident nor being fetched just now. No lock, no call. */
bool session_absent(uint32_t rec);
/* A header or a slice of c's file is about to be read past the cache: counted, once a descriptor (sets c->peeked). */
void session_peeked(struct cached *c);

/* First data access of a descriptor that session_open() gave: counts the hit, tells follower and
 * policy. No system call; takes the session lock for ~200 ns, waits for it 10 ms at most. */
void session_touch(const struct cached *c);

/* ---- identity ---- */

/* The original's stat of an object descriptor. `fd` is looked at first when more than 1 s has passed
 * since c->checked: then one stat of the original by its path, and -ESTALE if it moved on (the caller
 * gives the original back, see session_reopen). 0 = *st filled; -ENOENT = unknown. */
int session_stat(struct cached *c, struct stat *st);
/* mask: as of statx(). When it has STATX_BTIME, one look at the original. */
int session_statx(struct cached *c, unsigned mask, struct statx *stx);

/* The session's tmpfs (0 until attached), and the file system of its second tier (0: none), where others' files lie, too: an
 * fstat result with such an st_dev may be an object. */
extern uint64_t session_dev, session_ssd_dev;
static inline bool session_on(uint64_t dev) { return dev == session_dev || dev == session_ssd_dev; }

/* Whose object is this descriptor, when nothing is remembered of it (after exec, SCM_RIGHTS)? Goes by
 * the name in /proc/self/fd. 0 and c filled, or -ENOENT. Slow (us to ms), rare. */
int session_whose(int fd, struct cached *c);

/* A new descriptor on the original of c with these open flags (any access mode); -errno (-ESTALE when the
 * path no longer leads to the same dev and ino). For locks, fchmod, writes to /proc/self/fd, staleness. */
int session_reopen(const struct cached *c, int flags);

/* An object of the second tier could not be read (EIO): dropped, said once. */
void session_failed(const struct cached *c);
/* Can all of c's object, open as fd, be read? Who can't be given EIO asks before: stdio reads by itself, a mapping's reader gets
 * SIGBUS. Reads what lies on the SSD (up to SESSION_MAPPED) into the page cache, with its failures as session_failed(); memory's is true at once. */
bool session_readable(const struct cached *c, int fd);

/* ---- change ---- */

/* The file is about to be changed, renamed or removed, or has been: drop its object. */
void session_invalidate(uint32_t rec);
/* .. and that which it has by another name; st: of the file, or NULL. */
void session_changed(uint32_t rec, const struct stat *st);
/* A descriptor open for writing exists (+1) or is closed (-1): while any does, the file is not cached. */
void session_writer(uint32_t rec, int delta);
/* One more does, on the file st (NULL: unknown) that rec's name leads to, and its object goes, whatever the name it has it by. Returns
 * the record that it is counted at, by the inode, for session_writer(.., -1). Takes the session's lock: microseconds. */
uint32_t session_writes(uint32_t rec, const struct stat *st);
/* Everything below this directory of a root may have changed (rename of a directory). */
void session_invalidate_tree(unsigned root, const char *rel, size_t len);

/* ---- room for others (grow.c) ----
 * Files on the tmpfs of sessions that are about to become larger: batches of a DataLoader, buffers of NCCL. The cache makes
 * room for them before they ask in vain: without it ftruncate() succeeds, and the write that finds no page is a SIGBUS. */

/* fd, a regular file of tmpfs st->st_dev, will hold the bytes [from, to) and has st->st_blocks now. `later`: not all of them
 * are written by the call that follows. Evicts of this user's sessions there, this process's own first and by policy, until
 * there is room, or nothing to evict any more. Does nothing where there is no session. Inside the guard. Costs some system
 * calls; where room is short as much as the evictions do, and waits 1 s at most for the session's lock. */
void session_grow(int fd, const struct stat *st, uint64_t from, uint64_t to, bool later);

/* fd, which was given to session_grow(), is about to be closed: what its file has by now is promised no more. Inside the guard. */
void session_grown(int fd);

/* The tmpfs on which sessions of this process's user would lie; 0 if it can't be told. One stat, once. */
uint64_t session_tmpfs(void);

/* ---- processes ---- */

/* Threads of this process that have been here: the caller counts each once. Where it is one, and somebody has removed the
 * session, the process can come to another: session_moves (NULL: nothing) is called first, and what is remembered of records
 * is void after it. */
extern _Atomic unsigned session_users;
extern void (*session_moves)(void);
/* Called in the child of a fork before anything else: forget slot, locks and held descriptors. */
void session_after_fork(void);
/* Constructor: makes this process the job when no live OPT4_JOB is set (setenv). No I/O on the session. */
void session_job_begin(void);
/* Process ends (destructor, _exit): leave the slot; the job's own process removes the session when no
 * other job lives in it. Idempotent. */
void session_leave(void);
/* The job's own process, which need not come to it: as long as it lives, the session at dir stays. Nothing is mapped before
 * or afterwards. */
void session_hold(const char *dir);
/* The job's own process: the session that is mapped is no longer its, and is removed when it was its last. */
void session_over(void);

/* A signal handler has left one of these functions by longjmp: releases what this thread held. */
void session_abandoned(void);

/* Switch off for good in this process (chroot, setns, a failure that will not mend). */
void session_disable(const char *why);

#endif
