/* opt4d.h - the keeper's parts among themselves.
 *
 * main.c     starts, goes round (life of the job, tidying), leaves
 * ahead.c    which missing file comes next, how far ahead to look
 * spare.c    what may be evicted for it ahead of time
 * stale.c    which originals are to be looked at again
 * pace.c     measures the store and the job
 * disk.c     is it a spinning disk (rotates.c), and where does each file lie there
 * elevator.c what is missing ahead, in the order of the disk
 * turn.c     whose turn it is there: the sweep's, or what is needed at once
 * rebucket.c the next epoch is written down in its order (rebucket.h: and the files that belong to it)
 * take.c     .. and read from there
 * arm.c      .. one after the other
 * copies.c   which files lie in a bucket
 * original.c originals as they are opened, and those that lie on the way
 * fetch.c    the threads that read
 * claim.c    admission
 * asked.c    what clients wait for
 * nodes*.c   the pool over several nodes (nodes.h): before the original, and after it
 * spill.c    what goes to the second tier, and is sealed there
 * seal.c     what is there is made durable, and written down
 * wear.c     how much may be written there
 * near.c     what is read next there comes near
 * uneven.c   whether it pays to replace there
 * skip.c     files whose original fails
 * stay.c     whether it stays while nothing is to be done
 * lock.c     the lock
 * order.c    a process of its own: an epoch's order from a generator's state (replay.c)
 * size.c     another: what the dataset takes, for a budget in percent
 *
 * One mutex, `keeper_lock`, guards all that is the keeper's own and every call that takes the session lock, so that
 * the session lock is contended by clients only. No original is touched under it. */
#ifndef OPT4D_H
#define OPT4D_H

#include <pthread.h>
#include "../../preload/session/keeper.h"

extern pthread_mutex_t keeper_lock;

/* ---- ahead.c; all under keeper_lock ---- */
/* how: in the order of need, or where the disk has one arm in the order of the disk, or out of turn there; from a bucket, in the
 * order of that; or something else that takes the arm (rebucket.c). turn: 0, or whose it is (turn_wait()). through: files that
 * are read on the way there, and thrown away. bucket, seg, at, chunk: where it lies in its bucket; seg: of an errand, which. */
#define THROUGH_MAX 16u
struct next {
	uint32_t plan, pos, rec;
	enum { NEXT_NEEDED, NEXT_SWEPT, NEXT_SOON, NEXT_BUCKET, NEXT_ERRAND } how;
	uint32_t bucket, seg, at, chunk;
#define NO_ARM UINT32_MAX                  /* chunk, of an errand: it takes no turn, or by itself */
	uint64_t bytes, turn;
	uint32_t nthrough, through[THROUGH_MAX];
};

/* Plans that joined since; false: no memory. */
bool ahead_plans(void);
/* The next missing file within the look-ahead of its plan, the soonest needed over all plans. It is not offered again
 * before ahead_restart(). False: nothing is missing there, or the order is not what is followed. */
bool ahead_next(struct next *n);
/* Begins again at the oldest positions that may still be read. */
void ahead_restart(void);
/* `bytes` more (less) are missing at this position. */
void ahead_missing(struct use at, int64_t bytes);
/* A share of the counters of missing bytes is made anew; the depths follow. */
void ahead_tick(void);
/* Asks the clients for a ring when the front has moved on by half a batch. */
void ahead_wake(void);

/* Plans that are looked at: 0 .. n-1. */
uint32_t ahead_count(void);
bool ahead_consumed(uint32_t plan, uint32_t pos);
/* Is the file of this position read there next? Then *rec and *bytes (0: the trace does not know) are set. A hint, as the
 * next: without the session lock. */
bool ahead_read_at(uint32_t plan, uint32_t pos, uint32_t *rec, uint64_t *bytes);
/* The same, and neither resident nor on its way, nor too large. */
bool ahead_is_missing(uint32_t plan, uint32_t pos, uint32_t *rec, uint64_t *bytes);
/* False: absent, and its page of the index may not even exist. */
bool ahead_touched(uint32_t rec);
/* The next position of this record's file; POS_NEVER: none. A hint likewise. */
uint32_t ahead_use(uint32_t plan, uint32_t rec);
/* The end of the look-ahead, or of what is read within so many ns if that is less; 0: the order is not followed. */
uint32_t ahead_end(uint32_t plan, uint64_t ns);
/* idle.c: once a second, under keeper_lock: gives back what nobody seems to want. */
void idle_look(uint64_t now);
/* Are files of this size read whole, as far as the job has shown? Larger ones are not fetched ahead before one was, nor where
 * most are only looked at. */
bool ahead_worth(uint64_t bytes);
/* Pages charged for so many bytes; for 0 a guess, by what ahead_seen() was told of other files. */
uint32_t ahead_pages(uint64_t bytes);
bool ahead_sure(void);             /* is that guess worth anything? Till then a file of unknown size is opened first */
void ahead_seen(uint32_t pages);
/* Where the job can still be: after a jump (a resumed job, an epoch left early) the horizon follows late, and what
 * lies far behind the front is read by nobody any more. */
uint32_t ahead_oldest(uint32_t plan);

/* For the elevator, whose look-ahead is what the budget allows: its end, and the end of what is needed within two batches. */
uint32_t ahead_window(uint32_t plan);
uint32_t ahead_soon(uint32_t plan);
uint32_t ahead_room(void);                 /* pages of what is fetched in it at a time */
void ahead_tell(void);                     /* tells the elevator what is missing in it and it has not been told of */
void ahead_want_all(void);                 /* it knows nothing any more */

/* ---- spare.c; all under keeper_lock ---- */
/* Residents needed later than the position returned, on this plan's axis, may go for `pages` that are fetched ahead;
 * POS_UNKNOWN: only those never needed again. Some ms at most; mostly a look at what was found before. */
uint32_t spare_beyond(uint32_t plan, uint32_t pages);
/* So many pages are fetched ahead. */
void spare_taken(uint32_t plan, uint32_t pages);
/* Too little: it is looked at anew when the job has gone on. */
void spare_scarce(uint32_t plan);
bool spare_knows(uint32_t plan);   /* is most of what is read next known to be needed again? */

/* ---- pace.c; all under keeper_lock ---- */
/* A fetch of so many bytes took ns; bytes 0: it failed, which says nothing of the pace. */
void pace_done(uint64_t bytes, uint64_t ns);
/* Fetches that may run at a time now. */
uint32_t pace_allowed(void);
/* The number of fetches that run changes; busy time is counted by it. */
void pace_running(uint32_t before, uint32_t after);
/* Nothing to fetch was found: what is measured now says little of what the store could give. */
void pace_starved(void);
double pace_bandwidth(void);               /* bytes a ns that the store gives for long; 0 = it was never full */
double pace_latency(void);                 /* ns a fetch */
/* Items of a plan that were read and the time that the job waited for files, as totals; gives ns an item would take
 * if it never waited. 0 = not known yet. */
struct pace_items { uint64_t items, wait, at, sum_items; double sum_ns, item_ns; };
double pace_items(struct pace_items *p, uint64_t items, uint64_t wait_ns, uint32_t workers);

/* ---- disk.c ---- */
/* Every file by its place: start = device << 56 | block of 4 KiB; pages: such blocks, 0 = in pieces. rank: of a record; UINT32_MAX: it has no name. */
struct spot { uint64_t start; uint32_t pages, rec; };
struct disk_map { struct spot *spots; uint32_t *rank; uint32_t n, nrecs; };
/* Begins to look, in a thread of its own, which reads every inode once; true: it is at it. Under keeper_lock. */
bool disk_look(void);
/* 1: *m is the caller's; 0: not ready; -1: there will be none, the disk does not rotate. Under keeper_lock. */
int disk_taken(struct disk_map **m);
void disk_unmap(struct disk_map *m);

/* ---- elevator.c; all under keeper_lock ---- */
bool elevator_on(void);
bool elevator_take(struct disk_map *m);    /* owns m from now on; wants nothing; false: it is off */
uint32_t elevator_unknown(void);           /* files that have been named since */
void elevator_want(uint32_t plan, uint32_t pos, uint32_t rec);
void elevator_unwant(uint32_t rec);
bool elevator_next(struct next *n);        /* the next one in the order of the disk; stays wanted. bytes: not set */
bool elevator_near(uint32_t rec);          /* is the head about to come by? */
void elevator_pass(const struct next *n);  /* this one not now: in the next sweep */
void elevator_took(struct next *n);        /* it will be read next: sets through; the head is behind it */
void elevator_left(void);                  /* the arm goes elsewhere */
bool elevator_at(uint32_t rank, uint32_t *rec);   /* the nth file in the order of the disk; false: there are fewer */

/* ---- turn.c ---- */
/* Goes on with getting the disk's map where there is an arm. Under keeper_lock, as all up to the next remark. */
void turn_tick(void);
bool turn_next(struct next *n);            /* where elevator_on(): what is to be fetched next */
bool turn_full(struct next *n);            /* the sweep found no room: what must be had all the same; false: nothing */
bool turn_due(const struct next *n);       /* out of turn, and the job is there: somebody waits for it, or will at once */
void turn_took(struct next *n);            /* it is being fetched; sets turn and through */
void turn_missed(const struct next *n);    /* it can't be fetched, or is being */
void turn_refused(void);                   /* nothing can be fetched: readers shall not wait for it */
#define TURNS 3u                           /* fetches in flight: one reads, the others have opened theirs */
/* ---- arm.c: without keeper_lock, but for the first ---- */
uint64_t turn_give(void);                  /* the next turn; turn_over() must follow */
/* Waits until all turns before have ended (2 s at most); ends one, in any order, any number of times. */
void turn_wait(uint64_t turn);
void turn_over(uint64_t turn);

/* ---- copies.c; all under keeper_lock ---- */
bool rebucket_on(uint32_t plan);           /* by this plan */
bool rebucket_has(uint32_t rec);           /* it will come from its bucket */
uint32_t rebucket_end_of(uint32_t pos);    /* the last position of its bucket */
uint32_t rebucket_depth(uint32_t front);   /* look-ahead: to the end of the bucket after the front's */

/* ---- rebucket.c; all under keeper_lock, but for rebucket_run() ---- */
void rebucket_never(const char *why);      /* if it was asked for, it is said */
void rebucket_tick(void);
bool rebucket_due(struct next *n);         /* an errand that can't wait */
bool rebucket_gather(struct next *n);      /* the next file to gather */
bool rebucket_next(struct next *n);        /* the next file from a bucket */
bool rebucket_waits(void);                 /* none now, but when something has been read there will be */
void rebucket_took(struct next *n);
void rebucket_missed(const struct next *n); /* it was offered, and can't be fetched from there */
void rebucket_got(const struct next *n, int rc); /* it was fetched from there, or could not be */
void rebucket_keep(uint32_t rec);          /* it is evicted: its bytes go to the bucket of its next use. Its record is EVICTING, ours */
void rebucket_run(const struct next *n, const struct transfer *own);  /* an errand. Without the lock */
void rebucket_over(void);                  /* the keeper leaves */
/* take.c: a file's bytes from its bucket in a new object; its descriptor or -errno. Without the lock. */
int bucket_fetch(const struct next *n, const struct transfer *own, struct origin *o);

/* ---- original.c; without keeper_lock: may hang as long as the store does ---- */
int original_open(uint32_t rec, struct origin *o);   /* the original's descriptor or -errno */
/* Files that lie on the way are shorter to read than to pass over, unless a reader takes the arm meanwhile. */
void original_through(const struct next *n, const struct transfer *own);

/* What it is now. 0 or -errno. */
int original_look(uint32_t rec, struct origin *o);

/* ---- nodes*.c: the pool over several nodes ---- */
struct transfer;
void nodes_begin(void);
void nodes_end(void);
bool nodes_on(void);                       /* a server of it is alive */
/* The rest without keeper_lock: on the network. o: the file as it is now.
 * Its bytes into a new object, whose descriptor; or -errno: read the original. anew: what is there is wrong. */
int nodes_get(uint32_t rec, const struct origin *o, const struct transfer *own, bool *anew);
/* What was read of the original, as it lies in obj (which may be evicted), goes there, or not. */
void nodes_put(uint32_t rec, const struct origin *o, int obj, bool anew, const struct transfer *own);
void nodes_origin_took(uint64_t ns);
bool nodes_filled(uint32_t *rec);          /* the next file that a client has read of the original */
void nodes_put_filled(uint32_t rec, const struct transfer *own);
void nodes_last(void);                     /* with the last job: what they have read goes there yet; 1 s at most */

/* ---- stale.c ---- */
/* The next resident file whose original is due for a look before it is read. False: none. Under keeper_lock. */
bool stale_next(uint32_t *rec);
/* Looks at it. Takes keeper_lock; may hang as long as the store does. */
void stale_look(uint32_t rec);

/* ---- spill.c ---- */
/* The second tier's share of a round: owns the folder, moves what is in memory there, seals. Under keeper_lock. */
void spill_tick(void);
/* Memory lacks room for so many pages. True: it is being made, by moving to the SSD what would else be evicted. Under
 * keeper_lock. */
bool spill_rather(uint32_t wanted);
uint64_t spill_moves(void);                /* what has been moved so far: when it grows there may be room */
/* The session is over: what has been written is sealed. Under keeper_lock. */
void spill_end(void);

/* ---- wear.c; all under keeper_lock ---- */
bool wear_allows(uint64_t bytes);          /* may so much be written to the SSD now? */
void wear_wrote(uint64_t bytes);           /* it was, or is about to be */
void wear_save(void);                      /* for the next keeper */

/* ---- seal.c; all under keeper_lock ---- */
void seal_later(uint32_t rec);             /* it has been linked there */
bool seal_due(void);
int seal(void);                            /* makes them durable and writes them down; lets keeper_lock go meanwhile. 0 or -errno */
void seal_find(void);                      /* what an earlier keeper of this session had linked and did not come to seal */
int seal_rest(void);                       /* at the end. 0 or -errno */

/* ---- near.c ---- */
/* The front may have moved: what is on the SSD and is read next is brought into the page cache. Under keeper_lock. */
void near_look(void);

/* ---- uneven.c; under keeper_lock ---- */
/* Is the future so uneven that what is on the SSD is worth replacing? */
bool uneven(void);

/* What an earlier session left on the SSD and nobody has opened yet, one after the other: its original may be gone, and it would lie
 * there for ever. False: none, or no more just now. Under keeper_lock. */
bool stale_left(uint32_t *rec);
/* Looks at it; gone or changed, it is dropped. Takes keeper_lock; may hang as long as the store does. */
void stale_left_look(uint32_t rec);

/* ---- skip.c; under keeper_lock ---- */
/* Its original failed: not again for a while, longer each time. */
void skip_failed(uint32_t rec);
/* It takes so many pages, whatever the trace says. */
void skip_resize(uint32_t rec, uint32_t pages);
bool skip_now(uint32_t rec);
uint32_t skip_pages(uint32_t rec);         /* 0: as the trace says */

/* ---- stay.c ---- */
/* Asked every now and then; false: somebody may be waiting for this process to end, and nobody needs it now. */
bool stay(uint64_t now);

/* ---- order.c ---- */
/* opt4d --order: replays what the session's file `spool` asks for and publishes it, in a process of its own that
 * ends with it. Exit status. */
int order(const char *dir, const char *spool);
/* ---- size.c ---- */
/* opt4d --size: the same for what the dataset's files take, which sets the budget right. */
int size(const char *dir, const char *list);

/* ---- claim.c ---- */
/* order: of next.plan, its generation (0: a trace). fd: of an original that was opened before its room was charged, or -1.
 * asked: a client waits for it. pooled: it came from the pool; anew: what the pool has of it is to be replaced. */
struct task { struct next next; uint32_t pages, order; int fd; uint64_t start; bool hung, asked, pooled, anew; };
enum pick { PICKED, UNSIZED, NOTHING, LATER };
/* Marks the file FILLING and charges its room. UNSIZED: its size is wanted first (skip_resize()). running: fetches under way.
 * Under keeper_lock. */
enum pick claim(const struct next *n, struct task *j, uint32_t running);

/* ---- asked.c ---- */
/* The next file that a client asks for, marked FILLING and charged. False: none, or refused. Under keeper_lock. */
bool claim_asked(struct task *j);

/* ---- fetch.c ---- */
/* There may be something to fetch. Under keeper_lock. */
void fetch_look(void);
/* Fetches that have hung for long count as running no more. Under keeper_lock. */
void fetch_tick(void);

#endif
