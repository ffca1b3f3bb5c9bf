/* layout.h - what lies in the shared index, byte for byte. All zero is valid for everything but the header.
 *
 * Truth is the record's state word; all else (used pages, policy state, cursors) can be rebuilt from the
 * records and objects/. Every writer holds the session lock unless a field says otherwise.
 */
#ifndef OPT4_LAYOUT_H
#define OPT4_LAYOUT_H

#include <stdatomic.h>
#include <stdint.h>
#include "../base/base.h"
#include "../../policy/policy.h"

#define INDEX_MAGIC   "OPT4IDX\n"
#define GONE_OVER     1            /* by its last job, or by opt4 clean */
#define GONE_LOST     2            /* by somebody else: its jobs go on, and make another */
#define INDEX_VERSION 13
#define PAGE          page_size     /* of the machine, or as the mapped index counts (base.h) */

#define REC_NONE    0xFFFFFFFFu  /* no record; as session.h says to hooks */
#define SLOTS_MAX   1024         /* processes at a time */
#define JOBS_MAX    64
#define PLANS_MAX   AXES_MAX     /* joined traces */
#define ROOTS_MAX   16
#define SPOOLED_MAX 16
#define LOADERS_MAX 64           /* running loaders whose dataset is remembered */
#define EPOCHS_MAX  2048         /* later ones are added to the last */
#define INFLIGHT_MAX 512
#define LATE_MAX    20
#define PROMISES_MAX 128         /* processes that have lately made a file on this tmpfs larger */
#define PROMISED_MAX 4           /* of these files as many are known by their descriptor */
#define ASKED_MAX   64           /* files that clients wait for, and that the pool may have */
#define FILLED_MAX  256          /* files that clients have read of the store themselves, and that it may not have */
#define POOL_MAX    64           /* its servers */
#define EXTRA_FILES (4u << 20)   /* files that no first trace names; sparse, so room costs nothing */
#define NAME_SLOTS  (8u << 20)   /* twice that, a power of two */
#define NAME_BYTES  (512ull << 20)
#define NAME_SLOTS_FIRST 1024u
#define CHUNK       65536u       /* of the index's sparse part: reserved on tmpfs before it is first touched */
#define PATH_BYTES  4096

/* Record states; in the low byte of the state word. */
enum rec_state {
	REC_ABSENT   = 0,
	REC_FILLING  = 1,         /* slot says who reads it; not yet in the policy */
	REC_RESIDENT = 2,         /* objects/KEY exists; in the policy */
	REC_EVICTING = 3,         /* slot says who renames it away; no longer in the policy */
};
/* state word: state 0..7, slot 8..23, generation 24..63 (grows with every change, so that a reader who
 * sees the same word before and after has read a record that nobody changed meanwhile) */
#define ST_STATE(w) ((enum rec_state)((w) & 0xFF))
#define ST_GEN(w)   ((w) >> 24)
#define ST_SLOT(w)  ((uint32_t)((w) >> 8) & 0xFFFF)

enum { TIER_RAM, TIER_SSD, TIERS };         /* where objects lie: tier.h */

/* Hash of (the root's path, path); hash of (size, mtime ns, ctime ns). Neither device nor inode: what lies on an SSD must be
 * found after a remount, and on file systems that invent inode numbers. */
struct key { uint64_t path, stat; };

struct origin {                   /* the original as it was when it was read: what fstat answers */
	uint64_t dev, ino, rdev, size, blocks;
	uint32_t mode, nlink, uid, gid, blksize, pad;
	int64_t atime, mtime, ctime, btime;   /* ns since 1970 */
};

struct record {                   /* 256 bytes */
	_Atomic uint64_t state;
	struct key key;
	struct origin st;         /* valid in RESIDENT */
	uint64_t obj_ino;
	_Atomic uint64_t checked; /* coarse monotonic ns when the original was last seen unchanged; no lock */
	struct use use;           /* where the policy has it filed */
	uint32_t pages;
	uint32_t seen;            /* accesses so far: the epoch, when no trace tells */
	_Atomic uint32_t writers; /* descriptors open for writing; no lock */
	uint32_t name_len, name_root;
	uint32_t prefetched;      /* 1: brought by prefetch and not read yet */
	uint64_t name_off;        /* into the names, for files no first trace names */
	uint32_t filed;           /* the filing + 1 whose state holds it under `use`; 0 = none */
	uint32_t tier;            /* where its object lies: index into tiers[] */
	_Atomic uint64_t spoiled; /* generation of the filling during which the original was changed: it is thrown away */
	uint32_t asked;           /* the session's accesses (their low half) when it was filled, or read last */
	_Atomic uint32_t unfetched; /* 1: the keeper could not read the original: nobody waits for it */
	uint64_t read_at;         /* clock at its last access */
	uint64_t hash;            /* tier SSD: of its bytes (hash.c) */
	uint64_t left_ino;        /* of the object in memory from which the one on the SSD was made; 0 = none. Who has it open has it yet */
	_Atomic uint32_t ssd;     /* SSD_* */
	_Atomic uint32_t spilling; /* 1: the keeper copies it to the SSD just now: no victim */
	/* Several names of one file have one object: the record of the name that was first. Not under the lock: hints, see session/link.c. */
	_Atomic uint64_t inode;   /* hash of (device, inode) that it stands for in the table of links; 0: none */
	_Atomic uint64_t same;    /* hash of which original, and as of when, its object is of, or its name was last seen to lead to; 0: unknown */
	_Atomic uint32_t twin;    /* record + 1 that has the object of what this name leads to; 0: it itself */
	_Atomic uint32_t more;    /* the next of an object's names, + 1: those whose twin is another by now are passed over */
};
#define SSD_SEALED    1u          /* in the log of what outlives us */
#define SSD_UNSEEN    2u          /* brought by an earlier session: of `st` only size, mtime and ctime are known */
#define SSD_UNCHECKED 4u          /* so brought, and its bytes have not been compared with their hash yet */
_Static_assert(sizeof(struct record) == 256, "record");

struct slot {                     /* 128 bytes: one process */
	_Atomic uint32_t pid;     /* 0 = free */
	uint32_t plan_run;        /* run in its own plan + 1; 0 = none */
	uint64_t start;           /* start time in clock ticks since boot: with pid, who it is */
	uint64_t pidns;           /* inode of its pid namespace */
	uint32_t plan;            /* its trace + 1; 0 = none */
	uint32_t last_rec;        /* + 1: opened again at once is the same access */
	uint32_t job;             /* index of its job + 1 */
	uint32_t kind;            /* 0 client, 1 keeper, 2 tool */
	uint64_t accesses, hits;
	uint32_t last_kind;       /* how last_rec was counted, + 1 */
	uint32_t live_plan;       /* the live order that it follows + 1, its generation, and its run in it + 1; 0 = none */
	uint32_t live_gen, live_run;
	_Atomic uint32_t burier;  /* slot + 1 of who finishes what this one began; pid is UINT32_MAX then */
	_Atomic uint32_t claims;  /* processes that have had it */
	uint32_t held;            /* its byte of `alive` is locked while its process lives */
	uint32_t joined;          /* it has a run in one of the plans at least */
	uint32_t reserved[10];
};
_Static_assert(sizeof(struct slot) == 128, "slot");
/* Slot + 1, and which of its owners: one that comes into a slot just left must not seem to be the one before, which is
 * found dead, and lose the lock. */
#define LOCK_WORD(slot, claims) (((slot) + 1) | (claims) << 16)
#define LOCK_SLOT(word)         (((word) & 0xFFFF) - 1)

struct job { uint32_t pid; uint32_t had_client; uint64_t start, pidns; };

/* A joined trace, or a live order: one epoch of one running loader, replaced when its next begins. */
struct plan_entry {
	uint32_t nfiles, npos;
	uint32_t rate_pos;        /* front when `rate_clock` was noted */
	uint32_t identity;        /* its files are records 0 .. nfiles-1 (plan 0 of a session made with a trace; live orders) */
	uint64_t trace_id;
	uint64_t rate_clock;
	double scale;             /* accesses of the session a position; 0 = not measured yet */
	_Atomic uint32_t wake_front; /* the front from which on the keeper wants to be woken; 0 = not */
	/* live orders only; 0 with a trace */
	_Atomic uint32_t gen;     /* which: files live.GEN.*; changes with every epoch */
	_Atomic uint64_t loader;  /* whose workers follow it */
	uint64_t stream;          /* the loader over its epochs */
	_Atomic uint32_t ended;   /* its epoch is over: nothing of it is needed until the stream comes round again. ROUND_LIED: it goes on, otherwise */
	uint32_t same;            /* it is expected in this order then */
	uint32_t left;            /* where its last epoch was left early; 0: it was not */
	uint32_t least;           /* so far its epochs are read, of late; 0: none is over yet, POS_NEVER: all to their ends */
	uint32_t dealt;           /* batches that its workers read unasked */
	uint32_t named;           /* files in it */
	uint32_t endless;         /* it has no end, and reads them over and over */
	uint32_t asked;           /* more of it was asked for than is dealt, under the order before */
	uint32_t told;            /* by opt4.order(): who works for no loader of its own reads by it, too */
	uint32_t then;            /* its next epoch's order is known, too: live.GEN.order has it */
	uint32_t whole;           /* it reads each sample of its dataset once, and so will the next one */
	uint64_t order;           /* hash of this one; 0 = none before */
	uint64_t stirred;         /* clock at the last access on it */
	struct past past;
	struct owned owned;        /* which of its files the program has itself when their turn comes */
	double paced;             /* positions that `scale` is of */
	uint32_t pause_at;        /* endless: its position where others may be read, and after each pass once more; 0: unknown */
	uint32_t passed;          /* of follow_shared.npassed counted there */
	char path[PATH_BYTES];
};

struct live_loader {              /* a running loader; key 0 = free */
	uint64_t key, dataset;    /* which dataset its workers read */
	uint32_t epoch, pad;      /* the one that it is in */
};

struct counters {                 /* 64-bit totals; by COUNT(), with or without the lock */
	uint64_t accesses, hits, late, misses, bypassed, hit_bytes, miss_bytes, fills, fill_bytes, evictions,
		evicted_bytes, invalidated, revalidations, errors, origin_opens, origin_bytes, prefetched,
		prefetched_bytes, prefetch_wasted, wait_ns, lock_timeouts, repairs,
		files,            /* that were read at least once */
		unheard,          /* accesses by which no order was followed */
		peeked,           /* files of which only a header or a slice was read, past the cache: no accesses */
		too_large;        /* accesses to files over the limit: read past the cache */
};

/* What a mark stands for. Each has its pages charged in one tier. */
enum { MARK_STATE,                 /* a record that is FILLING or EVICTING, in its own tier */
       MARK_SPILL,                 /* an object in the making on the SSD, of one that is resident in memory */
       MARK_LEFT,                  /* an object in memory that is on the SSD now and is to go here */
       MARK_CHUNKS };                /* memory of the keeper's own, for no record */

/* Relaxed, as are the counters that steer nothing but a report or a pace. */
#define COUNT(field, n) __atomic_fetch_add(&(field), (n), __ATOMIC_RELAXED)
#define COUNTED(field)  __atomic_load_n(&(field), __ATOMIC_RELAXED)

struct epoch_stat { uint64_t accesses, hits, late, misses, reads, hit_bytes, origin_bytes, wait_ns, first_ns, last_ns; };

struct late_file { uint32_t rec, pad; uint64_t wait_ns; };

struct tier_account {             /* what one tier may hold, and holds */
	uint64_t budget;          /* pages; charged never exceeds it */
	/* Pages resident + in flight + lingering. Grows only by room_reserve()'s compare and swap; shrinks after
	 * the pages are gone. Who dies in between leaves too much charged, never too little. */
	_Atomic uint64_t charged;
	_Atomic uint64_t lingering; /* of these: in dead/, still open somewhere */
	_Atomic uint64_t peak;
	_Atomic uint32_t reaper;  /* slot + 1 of who tries dead/ again */
	uint32_t resident;        /* files */
	uint64_t fills, hits, hit_bytes, written_bytes, evictions;   /* by COUNT() */
	uint64_t reserved[4];
};

/* Nobody comes; the sweep; buckets, which come one after the other. */
enum { ELEVATOR_OFF, ELEVATOR_ON, ELEVATOR_BUCKETS };

struct index_header {
	char magic[8];
	uint32_t version, header_bytes;
	uint64_t index_bytes;
	uint32_t uid, pad0;
	uint8_t boot_id[40];
	_Atomic uint32_t nroots;   /* stored after the root that it counts */
	_Atomic uint32_t nplans;
	struct { uint64_t dev, ino; int64_t mtime, ctime; char path[PATH_BYTES]; } roots[ROOTS_MAX]; /* realpaths; as they were */
	_Atomic uint32_t renumbered; /* a file system of a root invents inode numbers: identity.c */
	uint32_t pad3;
	uint32_t nfiles;          /* files of the first trace: records 0 .. nfiles-1 */
	uint32_t ncap;            /* records there is room for */
	_Atomic uint32_t nextra;  /* records nfiles .. nfiles+nextra-1 are named in the index */
	uint32_t keep;
	uint64_t off_slots, off_epochs, off_reserved, off_touched, off_records, off_names, off_name_slots, off_links;
	_Atomic uint64_t names_used;
	_Atomic uint32_t name_mask; /* name slots in use now, less one; grows */
	uint32_t pad1;

	_Atomic uint32_t lock;    /* 0 free, else the owner's LOCK_WORD() */
	_Atomic uint32_t lock_waiters;
	_Atomic uint32_t ready;   /* set last at creation */
	_Atomic uint32_t gone;    /* GONE_: the session has been removed: attach anew */
	_Atomic uint32_t policy_gen; /* policy.G holds the state */
	_Atomic uint32_t policy_seq; /* the last G given out */
	struct policy_shape shape;
	char policy[16];

	struct tier_account account[TIERS];
	uint64_t maxfile;         /* bytes; of files like the dataset's own: */
	uint64_t maxfile_own;
	uint64_t floor_bytes;     /* room to leave in /dev/shm and the cgroup; 0 = by default rule */
	uint64_t revalidate_ns;   /* 0 always, UINT64_MAX never */
	_Atomic uint64_t dataset_bytes; /* whole pages; 0 unknown */
	uint64_t created_ns;      /* CLOCK_REALTIME */
	_Atomic uint64_t room_checked; /* coarse ns when floors were last looked at */
	_Atomic int64_t room_left;     /* bytes above the floors at the last look, less what was filled since */
	_Atomic uint32_t dead_seq;     /* numbers names in dead/ */
	_Atomic uint32_t slots_hi;     /* slots above were never used */
	_Atomic uint64_t fill_ns; /* moving mean of a fill's time: how long it is worth to wait for one */
	struct job jobs[JOBS_MAX];
	struct plan_entry plans[PLANS_MAX];
	struct counters n;
	struct late_file late[LATE_MAX];
	_Atomic uint32_t log_next;
	char log[LOG_LINES][LOG_BYTES];
	uint32_t nepochs;
	/* FILLING and EVICTING records: rec + 1, whose, and the pages charged for it. Added under the lock,
	 * removed by its owner without, or by who buries that one. */
	struct inflight {
		_Atomic uint32_t rec, slot;
		_Atomic uint64_t pages;
		_Atomic uint32_t kind; /* MARK_*, and of the latter two whose object; */
		uint32_t pad;
		struct key key;
	} inflight[INFLIGHT_MAX];
	/* keeper; who it is changes under the lock */
	_Atomic uint32_t keeper_pid;   /* 0 none */
	_Atomic uint32_t keeper_bell;  /* futex: grows when there may be something to do */
	_Atomic uint64_t keeper_start, keeper_pidns;
	_Atomic uint64_t keeper_beat;  /* coarse ns of its last round */
	_Atomic uint64_t keeper_tried; /* coarse ns of the last attempt to start one */
	_Atomic uint32_t keeper_fails; /* starts in a row of which no keeper came */
	_Atomic uint32_t keeper_asleep;
	_Atomic uint64_t demand_ns;    /* coarse ns when a client last began to read an original */
	int32_t prefetch;              /* -1 auto, 0 off, else batches */
	uint32_t policy_default;       /* nobody asked for a policy: `opt` as soon as there is a future */
	_Atomic uint32_t live_seq;     /* generations of live orders given out */
	uint32_t live_next;            /* of loaders[]: the next to be overwritten */
	uint32_t foretold;             /* of one live order the next is known (plan_entry.then), of all others at least which files it reads */
	_Atomic uint64_t live_epochs;  /* live orders so far */
	uint64_t live_matched, live_diverged; /* of those replaced */
	struct live_loader loaders[LOADERS_MAX];
	_Atomic uint32_t spooled[SPOOLED_MAX]; /* live.N.spool that wait for the keeper to start their replay; 0 = free */
	uint32_t filing;               /* grows whenever the policy's state is made anew */
	uint32_t filing_at;            /* residents from this record on may not be in it yet; UINT32_MAX: all are */
	_Atomic uint32_t loader_made;  /* 1: live orders will come; the keeper may start */
	_Atomic uint64_t read_on;      /* larger files that were read beyond their header */
	_Atomic uint32_t large_said;   /* that some are too large */
	_Atomic uint32_t names_said;   /* that there is room for no more names */
	uint32_t page;                 /* bytes of the pages that all here is counted in */
	/* What else is to be found in this tmpfs: files that others have made larger, and will write to through mappings. No lock. */
	struct promise {
		_Atomic uint32_t pid, pages;
		_Atomic uint64_t ns;   /* not coarse; 0: kept */
		uint64_t pidns;
		_Atomic uint32_t nfiles;
		struct promised { int32_t fd; uint32_t pages; uint64_t ino, to; } file[PROMISED_MAX];
	} promises[PROMISES_MAX];
	_Atomic uint64_t others_peak[2]; /* the most pages that others have had here, in this span of time and the one before */
	_Atomic uint64_t others_away[2]; /* the complement of the fewest, then: what lies there for good comes no second time */
	_Atomic uint64_t others_since;   /* coarse ns: when this span began */
	_Atomic uint32_t others_said;
	_Atomic uint32_t size_guessed;   /* the budget is a part of dataset_bytes, which is a guess: index_resize() */
	_Atomic uint32_t last_bytes[8]; /* a bit for each byte that a named file ends in, though no glob of OPT4_MATCH does */
	uint64_t clock;                /* accesses so far, under the lock; `again` is not another */
	uint32_t filed[PLANS_MAX];     /* residents in the policy's state by plan */
	_Atomic uint32_t keeper_slot;  /* + 1 */
	/* keeper, where the disk has an arm. elevator: who misses a file that it is to read next may wait for it (ELEVATOR_*) */
	_Atomic uint32_t elevator;
	uint32_t disk_on;             /* the look-ahead is fetched in the order of the disk */
	_Atomic uint64_t awaited_ns;   /* coarse ns when a reader last began to */
	uint64_t disk_seeks, disk_runs, disk_soon, disk_through;
	/* The second tier. */
	uint32_t ntiers;               /* 2: a second tier was asked for */
	_Atomic uint32_t ssd_ready;    /* 1: ssd_dir is it; 2: it has failed, or is another's: nothing is opened there any more */
	uint64_t ssd_owner;            /* random: whose session's the folder is */
	uint64_t ssd_block;            /* bytes that a file takes there, at least and in steps */
	char ssd_dir[PATH_BYTES];
	/* Re-bucketing, keeper. */
	_Atomic uint64_t disk_beat;    /* coarse ns when the arm was last done with something */
	uint64_t bucket_read, bucket_written;
	uint32_t rebucket_on;          /* the next epoch is written down in its order */
	/* The pool over several nodes: only the keeper talks to it. Who misses a file asks the keeper for it. */
	_Atomic uint32_t pool_state;   /* POOL_* */
	uint32_t pool_servers;
	_Atomic uint64_t pool_since;   /* coarse ns: when it was first wanted */
	char pool[2048];               /* the servers, as given */
	char pool_secret[PATH_BYTES];  /* the file with their hashes' key */
	uint32_t pool_secret_given, pad4;
	uint64_t pool_wait_ns;         /* a server that has not answered after that is dead */
	_Atomic uint64_t asked[ASKED_MAX];   /* rec + 1, and its pages << 32; 0 = free. The keeper takes it away when it has been seen to */
	_Atomic uint32_t filled[FILLED_MAX]; /* rec + 1; 0 = free */
	struct pool_counters {
		uint64_t gets, hits, hit_bytes, sets, set_bytes, errors, /* by COUNT() */
			hedged,          /* gets that the original was faster than, or would have been */
			refused,         /* values that were not what had been put there */
			full, ns;        /* sets for which no server had room; time that gets took */
	} pool_n;
	struct pool_server { char address[80]; _Atomic uint32_t alive; uint32_t full; uint64_t items, bytes, limit_bytes; } pool_server[POOL_MAX];
	double part[TIERS];            /* a tier's budget is this part of dataset_bytes, and grows with it: index_seen(). 0: it is what it is */
	_Atomic uint64_t seen_bytes;   /* whole pages; of all files that have been read, each once */
	_Atomic uint32_t link_mask;    /* slots of the table of links in use now, less one; grows */
	_Atomic uint32_t nlinks;       /* of these taken, + 1; 0: there are none yet */
	uint32_t reserved[13];
};
enum { POOL_NONE, POOL_COMING, POOL_ON, POOL_OFF };

#endif
