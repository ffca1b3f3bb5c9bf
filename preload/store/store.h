/* store.h - the door of the store: what is resident, where, and within which budget.
 *
 *     layout.h   what lies in the shared index, byte for byte
 *     tier.h     the places where objects lie
 *     ssd.h      the second of them, which outlives us
 *
 * and, here, the session as this process sees it, its lock, its directory and index, names, records, room, repair. The
 * store knows files and budgets; of when something is needed next it knows nothing: that is the order house's, which is
 * told what concerns it through `struct store_above`.
 *
 * Errors are -errno. Each part says whether it wants the session lock. */
#ifndef OPT4_STORE_H
#define OPT4_STORE_H

#include <stdio.h>
#include <sys/stat.h>
#include "../base/base.h"
#include "layout.h"
#include "tier.h"
#include "ssd.h"

struct view {
	struct index_header *h;   /* NULL: not attached */
	size_t index_bytes;
	uint64_t index_ino;
	uint32_t nfiles, ncap;    /* as they were when it was mapped: what bounds an access is not read from shared memory again */
	struct slot *slots;
	struct epoch_stat *epochs;
	_Atomic uint64_t *reserved; /* bit per CHUNK of the index: tmpfs has given its pages */
	_Atomic uint64_t *touched; /* bit per record: its page exists, look there when walking */
	struct record *rec;
	char *names;
	_Atomic uint32_t *name_slots, *link_slots;

	char dir[PATH_BYTES];     /* the session's directory */
	char prefix[PATH_BYTES + 16]; /* "<dir>/objects/" */
	size_t prefix_len;

	char ssd_dir[PATH_BYTES]; /* the second tier's folder, once ssd_here() has said yes */
	char ssd_prefix[PATH_BYTES + 16];
	size_t ssd_prefix_len;

	uint32_t slot;            /* ours */
	uint32_t policy_gen;      /* the state of the orders that is mapped here; 0 = none. The order house's to set */
	uint8_t root_of[CONF_ROOTS]; /* our root number -> the session's, + 1 */
	/* The trace whose files are records 0 .. nfiles-1, and the session's root -> its root, + 1; NULL: none is mapped here.
	 * The order house's to set. */
	const struct trace *first;
	uint8_t first_root[CONF_ROOTS];

	_Atomic bool attached;    /* mapped, with a slot and our trace: ready for use */
	bool disabled;
	uint64_t retry_at;        /* attach failed: not again before (coarse ns) */
	uint64_t revalidate_ns;
};
extern struct view view;

/* What the order house does for the store; NULL where that house is not linked (tests of the store alone). */
struct store_above {
	int (*refresh)(void);     /* no lock: what is in force of the orders is mapped from now on. 0; -EAGAIN: it changed meanwhile */
	void (*repaired)(void);   /* the lock was taken from a dead owner: what it may have left half done is made anew */
	void (*bury)(uint32_t slot); /* a dead process's places in orders are free again; takes the lock */
	int (*create)(void);      /* an index is being made: its first plan and state */
	bool (*adopt)(uint32_t rec); /* under the lock: may this kept record become resident, and is it filed now? */
	void (*abandon)(uint32_t rec); /* under the lock: it is to be resident no more */
	void (*unmap)(void);      /* the index is about to be unmapped */
};
extern const struct store_above *store_above;

/* Off for good in this process; why: for the log. */
void view_disable(const char *why);
void view_unmap(void);
extern uint64_t session_dev;               /* the session's tmpfs; 0 until one was mapped */
extern uint64_t session_ssd_dev;           /* the file system of its second tier; 0: none */

/* ---- lock.c: the session lock ---- */
/* Takes it within 10 ms or says no (counted). Takes it over from a dead owner after repairing what that
 * one may have left half done. Never called twice by one thread. Also brings the mapping of the policy's
 * state and of joined traces up to date. */
bool session_lock(void);
void session_unlock(void);
uint32_t lock_word(void);                  /* ours, while we have it */
void lock_abandoned(void);                 /* a signal handler has left by longjmp: lets go of what this thread has */

/* ---- dir.c: the directory ---- */
/* Path of the session for the configured roots (or OPT4_DIR); create: makes the user's folder, in which it is to lie.
 * other: where that is in use for another folder of the same path (in another container).
 * 0 or -errno (-ENOENT also: there is no such folder). */
int dir_name(char *path, size_t room, bool create, bool other);
/* Makes sure it is ours: a directory on tmpfs, mode 0700, our uid, no symlink; creates it. 0 or -errno. */
int dir_secure(const char *path, bool create);
/* Exclusive advisory lock on creation and removal; bounded (1 s). fd or -errno; dir_unlock closes it. */
int dir_lock(const char *path);
void dir_unlock(int fd);
/* Under dir_lock. Removes what a session holds: index, plans, policy (CLEAR_INDEX); objects too
 * (CLEAR_INSIDE); the directory too (CLEAR_ALL). */
enum clear { CLEAR_INDEX, CLEAR_INSIDE, CLEAR_ALL };
void dir_clear(const char *path, enum clear what);
/* fn for each name in the open directory but `.` and `..`; it may unlink it. No allocation (readdir makes one): a signal
 * handler that opens a file may have interrupted malloc. */
void dir_each(int fd, void (*fn)(int fd, const char *name, void *arg), void *arg);
void dir_clear_sub(const char *path, const char *sub); /* one flat folder of it */
int dir_boot_id(uint8_t id[40]);

/* ---- index.c ---- */
void index_layout(struct index_header *h);  /* offsets and index_bytes from nfiles, ncap */
int index_create(const char *dir, int dirfd);  /* builds `index` under dir_lock; 0 or -errno */
int index_map(const char *dir);            /* maps and validates into view; 0 or -errno (-ESTALE: not usable) */
/* ---- budget.c ---- */
void index_budget(struct index_header *h, const char *dir); /* of an index that is being made: what it may hold, and of how large files */
void index_resize(uint64_t dataset_bytes); /* what a guess was made of is known now; takes the lock. Once */
/* A file of so many bytes is read for the first time. Where the budget is a part of the dataset, and more has been read than its lists
 * named (what lies beside a sample's file, another loader's dataset), that is the dataset. No lock; an addition, and seldom more. */
void index_seen(uint64_t bytes);
bool index_abandoned(const char *dir);     /* is there one in it that its jobs took for lost, or over, so that none comes back? */
/* Before the first touch, reading too, of anything from the records on: on a full tmpfs a hole is a SIGBUS.
 * False: no room, leave it alone. One or two bit tests; a fallocate once a chunk. */
bool index_reserve(const void *p, size_t len);
bool index_here(void);                     /* is the one that is mapped still the one in the session's folder? */
bool index_lost(void);                     /* no: somebody has removed it. Then all its processes know */
bool index_live(void);                     /* any job or client of the mapped index alive? */
/* Numbers that others write, never more than there is room for: a wild write into the index must not lead us out of it. */
static inline uint32_t index_files(void)   /* records in use */
{
	uint32_t extra = atomic_load(&view.h->nextra), room = view.ncap - view.nfiles;
	return view.nfiles + (extra < room ? extra : room);
}
static inline uint32_t index_plans(void) { return view.h->nplans < PLANS_MAX ? view.h->nplans : PLANS_MAX; }
static inline uint32_t index_roots(void) { return view.h->nroots < ROOTS_MAX ? view.h->nroots : ROOTS_MAX; }

/* True: it was less. No lock. */
static inline bool raise_to(_Atomic uint64_t *most, uint64_t to)
{
	uint64_t was = atomic_load_explicit(most, memory_order_relaxed);
	while (was < to && !atomic_compare_exchange_weak(most, &was, to))
		;
	return was < to;
}
/* Larger files stay the original's, bytes: OPT4_MAXFILE; by default 64 MiB, where the dataset's own files are about that
 * large or larger an eighth of all budgets. One stray archive among images is not worth a thousand of them. */
uint64_t index_maxfile(void);
bool index_shape(struct policy_shape *shape); /* the policy's; false: it cannot be */

/* ---- kept.c: a session that OPT4_KEEP left behind ---- */
int kept_take(const char *dir);            /* remembers its residents, clears its index; 0 or -errno */
void kept_adopt(void);                     /* makes them resident in the new one; drops the others */

/* ---- names.c ---- */
uint32_t names_find(uint32_t root, const char *rel, size_t len);  /* lock-free, the first trace's too; REC_NONE */
uint32_t names_add(uint32_t root, const char *rel, size_t len);   /* under the lock; REC_NONE when full */
/* About so many will be added: makes their table in one piece, where it is empty. Under the lock. */
void names_expect(uint64_t n);
/* A record's name within its root (not NUL terminated); NULL: it has none, or it is damaged. */
const char *record_name(uint32_t rec, size_t *len, uint32_t *root);
/* Absolute path of a record's file, NUL terminated; its length or 0. */
size_t record_path(uint32_t rec, char *path, size_t room);
uint64_t record_path_hash(uint32_t rec);   /* of its root's number and its name: for the table of names */
uint64_t record_key_hash(uint32_t rec);    /* of its root's path and its name: the same in every session */

/* ---- links.c: one object for one file that has several names ---- */
uint64_t origin_inode(const struct origin *o);    /* hashes, never 0: of which file it is; */
uint64_t origin_same_as(const struct origin *o);  /* and as of when: of its size, mtime and ctime, too */
uint32_t links_find(uint64_t inode);       /* the record that stands for it, or REC_NONE. No lock: some may be missed */
void links_put(uint32_t rec, uint64_t inode); /* under the lock: from now on that is rec, unless another inode's writers are counted there */
void links_drop(uint32_t rec);             /* rec stands for none any more */
/* The record that has the object of what rec's name leads to: as a rule rec itself. No lock, no call. */
static inline uint32_t record_twin(uint32_t rec)
{
	uint32_t twin = atomic_load_explicit(&view.rec[rec].twin, memory_order_relaxed);
	return twin && twin <= view.ncap ? twin - 1 : rec;
}
static inline bool rec_touched(uint32_t rec) { return atomic_load_explicit(&view.touched[rec >> 6], memory_order_relaxed) >> (rec & 63) & 1; }
/* The same for a record that may never have been touched. */
static inline uint32_t record_object(uint32_t rec) { return rec < view.ncap && rec_touched(rec) ? record_twin(rec) : rec; }
/* The next of its object's names; some may have another by now. REC_NONE: that was the last. */
static inline uint32_t record_more(uint32_t rec)
{
	return rec < view.ncap && rec_touched(rec) ? atomic_load_explicit(&view.rec[rec].more, memory_order_relaxed) - 1u : REC_NONE;
}

/* ---- room.c ---- */
struct room { uint64_t budget, maxfile, floor; char why[160]; bool shared; }; /* shared: less than half, see memory_shared() */
void room_default(const char *dir, uint64_t dataset_bytes, struct room *r);
/* Sets the limits on a file's bytes by h's budgets; not less than `least`. */
void room_limits(struct index_header *h, uint64_t least);
/* Bytes that may still be taken in dir's tmpfs and in the memory cgroup, `floor` left free in each (0: by default
 * rule); negative: too much is taken already. */
int64_t room_above(const char *dir, uint64_t floor);
void room_look(void);                      /* reads the floors anew if 100 ms have passed; no lock */
/* Takes the victims away, of whichever tier, and reserves `pages` in the tier `into` in the same breath. No lock. False:
 * something lingers or another took the room; then nothing is reserved (the victims are gone all the same). */
bool room_evict_reserve(const uint32_t *victims, int n, uint32_t into, uint64_t pages);
void room_release(uint32_t tier, uint64_t pages);   /* a reservation that came to nothing */
bool room_for(uint32_t pages);             /* do so many go into memory without others' leaving? A hint */

/* ---- claims.c ---- */
/* Bytes that are free in the session's tmpfs, but not for us, beside the floor. growing: others are just now taking more. */
int64_t room_wanted(bool growing);
/* This process will write so many pages more to files on this tmpfs that are larger than what they hold: room that is
 * nobody else's for as long as that is true, as far as the files can be seen (the first n of them; they are to have `to` bytes),
 * 1 s at most. Replaces what it said before. No lock. */
void room_promise(uint64_t pages, const struct promised *files, uint32_t n);

/* ---- alive.c ---- */
/* Does the process live that has had this pid in this slot? The slot may change hands meanwhile: who acts upon it does so by
 * a compare and swap of the pid, or of the lock's word. ~3 us. */
bool slot_alive(const struct slot *s, uint32_t pid);
bool job_alive(const struct job *j);       /* one of the session's; ~3 us, of another pid namespace some more */
/* This process lives, for those who can't see its number: until alive_drop() or its end. NULL: it can't be said. */
#define ALIVE_SLOT(n) (n)
#define ALIVE_JOB(n)  (SLOTS_MAX + (n))
void *alive_hold(uint32_t what);
void alive_drop(void *held);

/* ---- repair.c ---- */
void repair_bury(void);                    /* finishes what dead processes began; takes the lock */

/* ---- inflight (repair.c): marks of FILLING and EVICTING records, so that the dead's can be found ---- */
struct inflight *inflight_add(uint32_t rec, uint64_t pages); /* under the lock; NULL: table full */
struct inflight *inflight_of(uint32_t rec);  /* its MARK_STATE */
/* The same for a mark of another kind, of that object. */
struct inflight *inflight_mark(uint32_t rec, uint64_t pages, uint32_t kind, const struct key *k);
void inflight_end(struct inflight *f);     /* of this process's */
void inflight_del(uint32_t rec);
uint32_t inflight_room(void);              /* free entries; under the lock */

/* ---- record.c ---- */
/* ---- identity.c ---- */
/* Is what st shows still the file that o was read of? No call. */
bool origin_same(const struct origin *o, const struct stat *st);
/* It is not, but for its number: does the number change with every look? One more look; remembered for the session. */
bool origin_renumbered(const struct origin *o, const struct stat *st, int dirfd, const char *path);
/* Is st the file that (dev, ino) named when it was opened, o being its record's? */
bool origin_at(const struct origin *o, uint64_t dev, uint64_t ino, const struct stat *st);
enum { NUMBERS_HOLD, NUMBERS_TYPE, NUMBERS_SEEN };   /* of index_header.renumbered: by the file system's type; seen */
void identity_of(const char *root);        /* a root of the mapped index: does its file system invent numbers? */
bool numbers_hold(const char *path);       /* can the numbers of this file's file system be trusted, so that one is one file? */
bool root_same(void);                      /* is this process's first root the mapped index's: its path, and the folder there */

void origin_from(struct origin *o, const struct stat *st);
/* A consistent look at a resident record without the lock; false: it is not resident (any more). */
struct resident { struct key key; struct origin st; uint64_t obj_ino, checked, same; uint32_t tier; };
bool record_read(uint32_t rec, struct resident *r);
/* The account of the tier that has its object. Statistics ask without the lock: of an object that has gone it may be its successor's. */
static inline struct tier_account *record_account(const struct record *r)
{
	uint32_t tier = __atomic_load_n(&r->tier, __ATOMIC_RELAXED);
	return &view.h->account[tier < TIERS ? tier : TIER_RAM];
}
static inline enum rec_state rec_state(uint32_t rec) { return ST_STATE(atomic_load_explicit(&view.rec[rec].state, memory_order_acquire)); }
void rec_set(uint32_t rec, enum rec_state s);   /* under the lock; wakes those who wait for it */
bool rec_wait(uint32_t rec, uint64_t word, uint64_t ns); /* until the word changes; no lock held */
/* Relaxed: who sees the bit late passes a record over once. */
static inline void rec_touch(uint32_t rec)
{
	if (!rec_touched(rec))
		atomic_fetch_or_explicit(&view.touched[rec >> 6], 1ull << (rec & 63), memory_order_relaxed);
}

#endif
