/* store.h - a model of a slow store below one or more directories, for tests and benches.
 *
 * slowstore.so is preloaded beside (after) the library under test. Files below SLOWSTORE_ROOT then
 * behave as if they lay on a remote store with no cache in front of it: each open pays a latency at its
 * first data access, all bytes of all processes share one bandwidth, nothing is ever "already there".
 *
 *   SLOWSTORE_ROOT       directories, ':' between; unset: the layer does nothing
 *   SLOWSTORE_LATENCY    milliseconds an open (fraction allowed); overlaps between threads and processes
 *   SLOWSTORE_BANDWIDTH  bytes a second, K M G allowed (powers of 1024); 0 or unset: no limit
 *   SLOWSTORE_STATE      file of a struct store_state shared by all processes; unset: forked ones only
 *   SLOWSTORE_FAIL       eio:N | enoent:N | short:N | hang:SECONDS:N: what befalls every Nth file
 *                        (chosen by a hash of its path below the root, so always the same ones)
 *
 * With SLOWSTORE_DISK the store is a disk with one arm (disk.h): then writes are charged, too.
 *
 * No locks: any process may be killed at any time. Not thread-private, fork-safe. None of these
 * functions changes errno unless it says so.
 */
#ifndef SLOWSTORE_STORE_H
#define SLOWSTORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_INODES 16384

struct store_state {               /* all zero is the initial state; updated atomically */
	uint64_t busy_until;       /* CLOCK_MONOTONIC ns at which the bandwidth promised so far ends */
	uint64_t opens;            /* successful opens of regular files below the root */
	uint64_t first_reads;      /* of these, how many went on to read: each paid the latency */
	uint64_t reads;            /* data accesses (read, pread, mmap, ...) */
	uint64_t bytes;            /* bytes that these returned */
	uint64_t stats;            /* stat calls by path */
	uint64_t failures;         /* times that SLOWSTORE_FAIL struck */
	uint64_t wait_ns;          /* time spent waiting, summed over threads */
	uint64_t writes, bytes_written;   /* counted with a disk only, as all that follows */
	uint64_t disk_arm;         /* disk.c's: where the head will be (high 32 bits: block) and when */
	uint64_t disk_base;        /* .. counted from here */
	uint64_t disk_ns;          /* the model's time, all requests together; not scaled */
	uint64_t requests, seeks;  /* one a stretch of the disk; of these, not where the one before ended */
	double scale;              /* SLOWSTORE_SCALE of whoever came last */
	uint64_t cold_inodes;      /* of these, for inodes */
	uint64_t last_inodes;      /* the block of the last inode read + 1 */
	uint64_t warm[DISK_INODES];   /* a bit an inode (modulo their number) */
};

/* A descriptor was opened (told from its /proc name, not from the path that was given): counts it and
 * remembers whether it is the store's. Returns 0, or ENOENT where SLOWSTORE_FAIL says so (the caller
 * closes fd and reports that). */
int store_opened(int fd);

/* The descriptor's number no longer means what it did. */
void store_forget(int fd);

/* Before a data access. Returns 0: not the store's, go ahead; 1: the store's, the latency has been
 * waited for; -1: fail with errno, which is set. */
int store_begin(int fd);

/* After it: counts the access and waits until the bandwidth, or the disk's arm, has let n bytes through. end: the offset
 * behind them; STORE_HERE: the descriptor's own now. */
#define STORE_HERE UINT64_MAX
void store_bytes(int fd, uint64_t end, uint64_t n);

/* Before a write: as store_begin(), but 0 without a disk, and no latency. After it: charges what was written. */
int store_write_begin(int fd);
void store_written(int fd, uint64_t end, uint64_t n);

/* Is it the store's? Nothing is charged. */
bool store_is(int fd);

/* Bytes of the file that [at, at+len) covers. */
uint64_t store_covered(int fd, uint64_t at, uint64_t len);

/* How many of n bytes asked for may be returned (less than n only under SLOWSTORE_FAIL=short). */
size_t store_cap(int fd, size_t n);

/* Charges the whole file at once and leaves the descriptor free of further charges (stdio, whose reads
 * cannot be seen). Returns 0 or -1 with errno set. No-op where fd is not the store's. */
int store_whole(int fd);

/* A stat by path. Returns 0 or ENOENT where SLOWSTORE_FAIL says so. */
int store_stat(int dirfd, const char *path);

/* A number of bytes with K, M, G or T (powers of 1024). */
uint64_t store_parse(const char *s);

/* Is there a SLOWSTORE_ROOT? */
bool store_active(void);

#endif
