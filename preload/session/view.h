/* view.h - the session as this process sees it: mappings and handles. Internal to the session. */
#ifndef OPT4_VIEW_H
#define OPT4_VIEW_H

#include <signal.h>
#include <stdio.h>
#include "conf.h"
#include "follow.h"
#include "layout.h"
#include "proc.h"
#include "session.h"

struct plan {                     /* a joined trace, as mapped here */
	bool mapped;
	uint32_t gen;             /* of the live order that is mapped; 0 a trace */
	struct trace trace;
	struct follow follow;
	size_t file_bytes;        /* of the mapped plan.N */
	const uint32_t *map;      /* trace file -> record; NULL for plan 0: the same */
	const uint32_t *rmap;     /* record -> trace file + 1; NULL for plan 0 */
	/* What it was before: the keeper's threads may still be reading there. Unmapped at the next replacement. */
	struct { struct trace trace; void *block; size_t bytes; } before;
};

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
	_Atomic uint32_t *name_slots;

	char dir[PATH_BYTES];     /* the session's directory */
	char prefix[PATH_BYTES + 16]; /* "<dir>/objects/" */
	size_t prefix_len;

	uint32_t slot;            /* ours */
	uint32_t own_plan;        /* the plan that this process follows + 1; 0 = none */
	struct run *run;          /* our place in it; NULL until the first access */
	uint64_t live_loader;     /* the loader that this process works for; 0 = none. Survives fork */
	uint32_t live_plan, live_gen; /* its order + 1, and which; 0 = none */
	struct run *live_run;     /* our place in that */

	uint32_t policy_gen;      /* of the mapping below */
	void *policy_state;
	size_t policy_bytes;
	struct policy_shape shape; /* of the mapping */
	struct policy_ctx pol;
	struct axis axes[AXES_MAX];
	struct plan plans[PLANS_MAX];
	uint8_t root_of[CONF_ROOTS]; /* our root number -> the session's, + 1 */
	uint8_t plan_root[PLANS_MAX][CONF_ROOTS]; /* the session's root -> the plan's trace's, + 1 */

	_Atomic bool attached;    /* mapped, with a slot and our trace: ready for use */
	bool disabled;
	uint64_t retry_at;        /* attach failed: not again before (coarse ns) */
	uint64_t revalidate_ns;
};
extern struct view view;

/* ---- calm.c ---- */
/* Between begin and end none of the program's signal handlers runs on this thread, and a SIGXFSZ for what we write is
 * taken away again. Nests. Keeps errno. */
struct calm { sigset_t was; bool xfsz; };
void calm_begin(struct calm *c);
void calm_end(const struct calm *c);

/* ---- lock.c: the session lock ---- */
/* Takes it within 10 ms or says no (counted). Takes it over from a dead owner after repairing what that
 * one may have left half done. Never called twice by one thread. Also brings the mapping of the policy's
 * state and of joined traces up to date. */
bool session_lock(void);
void session_unlock(void);
uint32_t lock_word(void);                  /* ours, while we have it */

/* ---- attach.c ---- */
bool session_attach(void);                 /* true: view.h is mapped and we have a slot */
void view_unmap(void);
bool slot_claim(uint32_t kind);            /* kind as in layout.h; false: all taken by the living */

/* ---- dir.c: the directory ---- */
/* Path of the session for the configured roots (or OPT4_DIR); create: makes the user's folder, in which it is to lie.
 * 0 or -errno (-ENOENT also: there is no such folder). */
int dir_name(char *path, size_t room, bool create);
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
/* Before the first touch, reading too, of anything from the records on: on a full tmpfs a hole is a SIGBUS.
 * False: no room, leave it alone. One or two bit tests; a fallocate once a chunk. */
bool index_reserve(const void *p, size_t len);
bool index_here(void);                     /* is the one that is mapped still the one in the session's folder? */
bool index_live(void);                     /* any job or client of the mapped index alive? */
/* Numbers that others write, never more than there is room for: a wild write into the index must not lead us out of it. */
static inline uint32_t index_files(void)   /* records in use */
{
	uint32_t extra = atomic_load(&view.h->nextra), room = view.ncap - view.nfiles;
	return view.nfiles + (extra < room ? extra : room);
}
static inline uint32_t index_plans(void) { return view.h->nplans < PLANS_MAX ? view.h->nplans : PLANS_MAX; }
static inline uint32_t index_roots(void) { return view.h->nroots < ROOTS_MAX ? view.h->nroots : ROOTS_MAX; }
bool index_shape(struct policy_shape *shape); /* the policy's; false: it cannot be */

/* ---- kept.c: a session that OPT4_KEEP left behind ---- */
int kept_take(const char *dir);            /* remembers its residents, clears its index; 0 or -errno */
void kept_adopt(void);                     /* makes them resident in the new one; drops the others */

/* ---- names.c ---- */
uint32_t names_find(uint32_t root, const char *rel, size_t len);  /* lock-free; REC_NONE */
uint32_t names_add(uint32_t root, const char *rel, size_t len);   /* under the lock; REC_NONE when full */
/* A record's name within its root (not NUL terminated); NULL: it has none, or it is damaged. */
const char *record_name(uint32_t rec, size_t *len, uint32_t *root);
/* Absolute path of a record's file, NUL terminated; its length or 0. */
size_t record_path(uint32_t rec, char *path, size_t room);
uint64_t record_path_hash(uint32_t rec);   /* of its root and name */

/* ---- plans.c ---- */
int plan_join(void);                       /* (join.c) joins OPT4_TRACE as a plan; sets view.own_plan; 0 or -errno */
void *plan_map_file(const char *name, size_t *bytes, bool create); /* a reserved file of the session; NULL, errno */
size_t plan_bytes(const struct trace *t, bool identity, size_t *map_at, size_t *rmap_at);
void plan_match_roots(uint32_t n, const struct trace *t);
int plan_map(uint32_t n);                  /* 0 or -errno; nothing to do when it is mapped */
int plans_refresh(void);                   /* maps what others joined; 0 or -errno. Under the guard where others may be at it */
int policy_refresh(void);
/* One thread of a process maps at a time. False: another has been at it for too long. */
bool plans_guard(void);
void plans_unguard(void);
/* What policy.G takes; `keep` has no state, a file of no bytes can't be mapped. */
static inline size_t policy_bytes(const struct policy *ops, const struct policy_shape *shape)
{
	size_t n = ops->bytes(shape);
	return n ? n : 64;
}
/* Takes the lock: a fresh state for this shape, filled from the records. 0 or -errno */
int policy_rebuild(uint32_t nfiles, uint32_t naxes, uint32_t npos_of_last);
/* Under the lock and the guard, number gen's file being all zero: from now on it is the state, for this shape. The residents
 * go into it as filing_anew() says, for lru and fifo in their order. 0 or -errno */
int policy_carry(const struct policy_shape *shape, uint32_t gen);
int plan_first(void);                      /* plan 0 and the first policy state of a session being made */
uint32_t plan_file(uint32_t plan, uint32_t rec);          /* FILE_NONE if the plan does not name it */
struct use plans_use(uint32_t rec);        /* soonest over all plans; under the lock */
void plans_fronts(void);                   /* view.axes[] fronts and scales; under the lock */
void policy_expire(uint32_t plan);         /* moves on residents filed below the plan's horizon */

/* ---- filing.c: residents in the policy's state. All under the lock ---- */
#define FILING_SHARE 2048u                 /* residents that are filed while the lock is held: less than a millisecond */
void filing_put(uint32_t rec, struct use use);  /* it became resident, or its use changed */
void filing_take(uint32_t rec);            /* it is resident no more */
bool filing_holds(uint32_t rec, struct use use);   /* resident, and filed there? */
void filing_anew(void);                    /* the state is all zero: files the residents, in shares where the policy goes by the order */
bool filing_settle(uint32_t max);          /* up to max more of them; true: all are filed */
bool filing_settled(void);                 /* no lock needed: a hint */

/* ---- access.c ---- */
enum access_kind { ACCESS_HIT, ACCESS_LATE, ACCESS_MISS, ACCESS_BYPASS };
struct access {
	struct use use;            /* where the file is needed next */
	uint32_t epoch;
	bool again;                /* the same access as the one before: opened again at once by this process */
	bool wake;                 /* the keeper waits for the front to have come this far */
	bool gate_shut;            /* `opt`, and the trace is not what is followed: evict nothing for it */
};
/* One access of ours to rec, under the lock: follower, and the policy if it is resident. */
void access_begin(uint32_t rec, struct access *a);
/* Into the counters; with or without the lock. `read`: bytes that we read of the original for it. */
void access_count(const struct access *a, enum access_kind kind, uint32_t rec, uint64_t bytes, uint64_t waited_ns);

/* ---- object.c: the files in objects/ and dead/ ---- */
struct key object_key(uint64_t path_hash, const struct origin *st);
void object_path(char *buf, const struct key *k);          /* buf: sizeof view.prefix + 48 */
int object_open(const struct key *k, int flags);           /* fd or -errno */
int object_create(uint64_t bytes);                         /* O_TMPFILE, reserved; fd or -errno */
void object_close(int fd);                   /* of object_create */
int object_link(int fd, const struct key *k);              /* 0 or -errno */
void object_after_fork(void);              /* the child closes what was being filled */
/* Takes it away: rename to dead/, unlink if nobody has it open. 1 gone, 0 lingers, -errno not there. */
int object_evict(const struct key *k);
int object_evict_for(uint32_t slot, const struct key *k);  /* in the name of that slot's process */
/* Tries all in dead/ again, at most every 5 ms; returns pages freed. */
uint64_t object_reap(bool now);
/* An eviction by a process that has died in the middle: as object_evict(), for what it had renamed already. */
int object_evicted(const struct key *k, uint32_t slot);

/* ---- room.c ---- */
struct room { uint64_t budget, maxfile, floor; char why[160]; };
void room_default(const char *dir, uint64_t dataset_bytes, struct room *r);
/* Bytes that may still be taken in dir's tmpfs and in the memory cgroup, `floor` left free in each (0: by default
 * rule); negative: too much is taken already. */
int64_t room_above(const char *dir, uint64_t floor);
void room_look(void);                      /* reads the floors anew if 100 ms have passed; no lock */
/* Victims so that `pages` fit, for candidate cand (FILE_NONE: for nobody, always worth it). Under the
 * lock; marks them EVICTING and takes them out of the policy. Their number, or -1: bypass, nothing done. */
int room_victims(uint64_t pages, uint32_t cand, struct use use, uint32_t *victims, int max);
/* Takes the victims away and reserves `pages` in the same breath. No lock. False: something lingers or
 * another took the room; then nothing is reserved (the victims are gone all the same). */
bool room_evict_reserve(const uint32_t *victims, int n, uint64_t pages);
void room_release(uint64_t pages);         /* a reservation that came to nothing */
void room_shrink(void);                    /* evicts until the floors are respected again; no lock */
#define VICTIMS_MAX 256

/* ---- fill.c ---- */
bool origin_same(const struct origin *o, const struct stat *st);
void origin_from(struct origin *o, const struct stat *st);
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
void fill_after_fork(void);

/* ---- change.c ---- */
/* A consistent look at a resident record without the lock; false: it is not resident (any more). */
struct resident { struct key key; struct origin st; uint64_t obj_ino, checked; };
bool record_read(uint32_t rec, struct resident *r);
/* A resident that is to go: policy, state, file, charge. Takes the lock. */
void record_drop(uint32_t rec);

/* ---- repair.c ---- */
/* Does the process live that has had this pid in this slot? The slot may change hands meanwhile: who acts upon it does so by
 * a compare and swap of the pid, or of the lock's word. */
bool slot_alive(const struct slot *s, uint32_t pid);
void repair_bury(void);                    /* finishes what dead processes began; takes the lock */
void repair_locked(void);                  /* after taking the lock from a dead owner */

/* ---- inflight (repair.c): marks of FILLING and EVICTING records, so that the dead's can be found ---- */
struct inflight *inflight_add(uint32_t rec, uint64_t pages); /* under the lock; NULL: table full */
struct inflight *inflight_of(uint32_t rec);
void inflight_del(uint32_t rec);
uint32_t inflight_room(void);              /* free entries; under the lock */

/* ---- record state ---- */
static inline enum rec_state rec_state(uint32_t rec) { return ST_STATE(atomic_load_explicit(&view.rec[rec].state, memory_order_acquire)); }
void rec_set(uint32_t rec, enum rec_state s);   /* under the lock; wakes those who wait for it */
bool rec_wait(uint32_t rec, uint64_t word, uint64_t ns); /* until the word changes; no lock held */
static inline void rec_touch(uint32_t rec)
{
	uint64_t bit = 1ull << (rec & 63);
	if (!(atomic_load_explicit(&view.touched[rec >> 6], memory_order_relaxed) & bit))
		atomic_fetch_or_explicit(&view.touched[rec >> 6], bit, memory_order_relaxed);
}

/* ---- job.c ---- */
bool job_named(struct proc_id *p);         /* the job that OPT4_JOB (pid:start) names, into *p; false: it is gone, or none is named */
struct job *job_find(const struct proc_id *p); /* its entry in the session's table, or NULL */
const struct proc_id *job_orphan(void);    /* an orphan of its job is a job of its own */

/* ---- stats.c ---- */
int stats_write(const char *file);         /* JSON; 0 or -errno */
void stats_print(FILE *f);

#endif
