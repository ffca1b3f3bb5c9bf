/* rebucket.h - the parts of re-bucketing among themselves: an external distribution sort of the files by their next place.
 *
 * rebucket.c  whether it is on, what its next turn is, the turns that fetch nothing: writing, gathering
 * copies.c    which file's bytes lie where: the index
 * bucket.c    the buckets: what goes into them, what comes next from them
 * gather.c    evicted files and originals on their way there
 * chunks.c    what waits in memory to be written
 * segment.c   what has been written: files of the folder, their pieces, reading
 * log.c       the folder: whose it is, what a keeper before left there; adopt.c takes it over
 *
 * A bucket is a run of positions of the trace whose files fit in memory together. What is evicted waits in the chunks, in the
 * stream of the bucket of its next use. From time to time some streams, going round, are written one behind the other into a
 * new file, a segment, and are pieces of their buckets then. A bucket is read piece by piece in the order of the disk. A piece
 * that nobody needs any more is punched out, so that the whole takes the dataset's room and a bucket's.
 *
 * All under keeper_lock unless it says otherwise. */
#ifndef OPT4D_REBUCKET_H
#define OPT4D_REBUCKET_H

#include <sys/uio.h>
#include "../opt4d.h"

#define SECTOR     4096u           /* what O_DIRECT wants of offsets and lengths, on any disk */
#define STREAM_MAX (1u << 30)
#define PIECES_MAX 64u

/* ---- chunks.c ---- */
struct string { uint32_t first, last, bytes; };      /* all zero: empty */
/* So large, and `beside` bytes of others': charged to the budget until chunks_end(), or the keeper's end. */
bool chunks_begin(uint64_t bytes, uint64_t beside);
void chunks_end(void);
void chunks_uncharge(void);                            /* at the end: who is at it goes on */
uint64_t chunks_free(void);
uint64_t chunks_bytes(void);
bool chunks_grow(struct string *s, uint32_t bytes);    /* room for so many more at its end; false: there is none */
void chunks_give(struct string *s);                    /* its room is free again, it is empty */
/* Without the lock, within what chunks_grow() gave. */
void chunks_put(const struct string *s, uint32_t at, const void *buf, uint64_t n);
void chunks_get(const struct string *s, uint32_t at, void *buf, uint64_t n);
uint32_t chunks_pieces(const struct string *s);        /* entries of .. */
uint32_t chunks_iov(const struct string *s, struct iovec *v);  /* .. its bytes, whole sectors; their number */

/* ---- copies.c ---- */
/* Before each file's bytes, in the chunks and on the disk: nothing is believed of what has another one, or other bytes. */
struct stamp { uint64_t magic, key, hash; struct origin o; };
#define STAMP_MAGIC 0x4F50543442554B54ull
enum { SEG_NONE, SEG_CHUNKS, SEG_FIRST };              /* of copies: not there; waits in the chunks; segment + SEG_FIRST */
struct copy { uint32_t pos, bytes, seg, at; };       /* where the stamp is: offset in the bucket's stream, or the segment */
struct entry { uint32_t pos, bytes, at; };           /* a segment's table: its files */

bool copies_begin(uint32_t plan, uint32_t width);    /* positions to a bucket; false: no memory */
void copies_end(void);
void copies_use(bool so);                            /* others may go by them */
uint32_t copies_room(void);                          /* records that can have one */
uint32_t copies_plan(void);
struct copy *copy_of(uint32_t rec);
void copy_set(uint32_t rec, const struct copy *c);   /* in the place of the one before */
uint32_t bucket_of(uint32_t pos);
bool bucket_has(uint32_t rec);
uint32_t bucket_files(void);                         /* copies there are */
void bucket_drop(uint32_t rec);                      /* its copy, if there is one */
void bucket_drop_segment(uint32_t seg);              /* all that should lie there */

/* ---- bucket.c ---- */
bool bucket_begin(uint32_t plan, uint32_t width);    /* as copies_begin() */
void bucket_end(void);                               /* what is in flight comes to nothing */
bool bucket_idle(void);                              /* nothing is in flight */
/* A file's bytes on their way to the chunks: reserved, filled without the lock, filed or given up. */
struct put { uint32_t rec, pos, at, bytes; struct hash hash; };
bool bucket_reserve(struct put *p, uint32_t rec, uint32_t pos, uint64_t bytes);
void bucket_put(struct put *p, const void *buf, size_t n);   /* the next n; without the lock */
void bucket_file(struct put *p, const struct origin *o, bool whole);
void bucket_adopt(uint32_t rec, const struct entry *e, uint32_t seg);
void bucket_pass(uint32_t oldest);                   /* nothing before this position is needed any more */
/* The next file of the buckets of these positions, or (NEXT_ERRAND) a buffer that is to be loaded. *waits: there will be one
 * when something has been read. */
bool bucket_next(struct next *n, uint32_t from, uint32_t to, bool *waits);
int bucket_load(const struct next *n);               /* .. does so; without the lock */
void bucket_loaded(const struct next *n, int rc);
const char *bucket_bytes(const struct next *n);      /* where it lies in its buffer; without the lock */
void bucket_took(struct next *n);                    /* it is being fetched: where from */
void bucket_got(const struct next *n);               /* it has been, or could not be: the copy goes */
/* Streams that are to be written become pieces of segment seg: their number, bytes (whole sectors) and table. */
struct piece { uint32_t bucket, at, bytes, live; };
#define PIECE_GONE UINT32_MAX                        /* of its bucket: punched out */
struct flush { struct string s[PIECES_MAX]; struct piece p[PIECES_MAX]; uint32_t n, bytes, nentries, *recs; struct entry *entries; };
bool bucket_flush(struct flush *f, uint64_t want, uint32_t seg);
void bucket_flushed(struct flush *f);                /* they have been, or could not be: their room is free */
void bucket_settle(struct flush *f, uint32_t seg);   /* they have been: which of the files are still to be had */
const struct string *bucket_string(uint32_t bucket);

/* ---- gather.c ---- */
/* An original's bytes go to the chunks; false: they are full. Without the lock, as an errand. */
bool gather(const struct next *n, const struct transfer *own);

/* ---- segment.c ---- */
#define BUFFERS 2u
bool segment_begin(uint32_t room);                   /* bytes of a buffer */
uint32_t segment_buffer(void);
const char *segment_loaded(uint32_t buffer);         /* without the lock */
/* Whole sectors into a buffer; without the lock, one at a time, of a segment that is in use. 0 or -errno */
int segment_load(uint32_t buffer, uint32_t seg, uint32_t at, uint32_t n);
bool segment_room(uint32_t *seg);                    /* a number for a new one */
int segment_write(uint32_t seg, const struct flush *f);   /* without the lock; in a turn of its own. 0 or -errno */
void segment_written(uint32_t seg, const struct flush *f);
void segment_fail(uint32_t seg);                     /* nothing of it can be had: its file goes, too */
void segment_forget(uint32_t seg);                   /* there is no such file */
bool segment_ready(uint32_t seg);
uint64_t segment_place(uint32_t seg);                /* where on the disk */
void segment_use(uint32_t seg, int by);              /* somebody reads there */
void segment_less(uint32_t seg, uint32_t at);        /* a file there is not needed any more */
bool segment_loose(void);                            /* there is something to punch out or remove .. */
void segment_tidy(void);                             /* .. which lets keeper_lock go meanwhile */
void segment_end(void);
int segment_adopt(uint32_t no, const struct piece *p, uint32_t n, uint64_t place, uint32_t *seg);

/* ---- adopt.c ---- */
uint32_t adopt(uint32_t plan);                       /* takes over what log_open() found; files */

/* ---- log.c ---- */
/* The folder, without the lock: NULL, or why not. */
const char *log_open(uint64_t trace, uint32_t width);
int log_make(uint32_t no, uint64_t bytes);           /* a new file there with so much room; its descriptor or -errno */
int log_look(uint32_t no);                           /* that file, for reading */
void log_remove(uint32_t no);
void log_punch(uint32_t no, const uint32_t *at, const uint32_t *bytes, uint32_t n);
uint64_t log_place(int fd);                          /* where it begins on the disk; 0: that is not told */
int64_t log_room(void);                              /* bytes that may be taken yet; negative: the disk's floor is reached */
uint64_t log_held(void);                             /* bytes of what a keeper before left, and that is of use */
struct found { uint32_t no, npieces, nentries; uint64_t place; struct piece *p; struct entry *e; struct found *next; };
const struct found *log_left(void);                  /* .. which is this, .. */
void log_forget(void);                               /* .. and has been taken over */
void log_close(bool keep);
/* Behind a segment's pieces, in one write with them: what it holds, for a keeper that comes after us. */
uint32_t log_table(char **table, const struct flush *f); /* bytes, whole sectors; 0: no memory */

#endif
