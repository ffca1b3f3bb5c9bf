/* record.c - a record's state word, a look at it without the lock, and the original that it stands for. */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "store.h"

/* Those who wait for a state look at the half of its word that holds it. */
static uint32_t *state_half(struct record *r)
{
	return (uint32_t *)&r->state + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
}

void rec_set(uint32_t rec, enum rec_state s)
{
	struct record *r = &view.rec[rec];
	uint64_t w = atomic_load_explicit(&r->state, memory_order_relaxed);
	uint64_t gen = (w >> 24) + 1;
	rec_touch(rec);
	atomic_store_explicit(&r->state, gen << 24 | (uint64_t)(view.slot & 0xFFFF) << 8 | s, memory_order_release);
	/* What is written to the record from here on must not be seen before the word says that it is being written: a store
	 * that releases holds back only those before it. */
	atomic_thread_fence(memory_order_release);
	if (ST_STATE(w) == REC_FILLING || (ST_STATE(w) == REC_ABSENT && (atomic_load_explicit(&view.h->elevator, memory_order_relaxed) ||
									  atomic_load_explicit(&view.h->pool_state, memory_order_relaxed))))
		syscall(SYS_futex, state_half(r), FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

bool rec_wait(uint32_t rec, uint64_t word, uint64_t ns)
{
	struct record *r = &view.rec[rec];
	if (atomic_load(&r->state) != word)
		return true;
	struct timespec ts = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };
	syscall(SYS_futex, state_half(r), FUTEX_WAIT, (uint32_t)word, &ts, NULL, 0);
	return atomic_load(&r->state) != word;
}

/* The word, what it stands for, the word again: the first load keeps the others behind it, the fence before the last. */
bool record_read(uint32_t rec, struct resident *out)
{
	struct record *r = &view.rec[rec];
	uint64_t w = atomic_load_explicit(&r->state, memory_order_acquire);
	if (ST_STATE(w) != REC_RESIDENT)
		return false;
	out->key = r->key;
	out->st = r->st;
	out->obj_ino = r->obj_ino;
	out->tier = r->tier;
	out->same = atomic_load_explicit(&r->same, memory_order_relaxed);
	out->checked = atomic_load_explicit(&r->checked, memory_order_relaxed);
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&r->state, memory_order_relaxed) == w;
}

static int64_t ns_of(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

void origin_from(struct origin *o, const struct stat *st)
{
	*o = (struct origin){ .dev = st->st_dev, .ino = st->st_ino, .rdev = st->st_rdev, .size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks, .mode = st->st_mode, .nlink = (uint32_t)st->st_nlink, .uid = st->st_uid,
		.gid = st->st_gid, .blksize = (uint32_t)st->st_blksize, .atime = ns_of(st->st_atim),
		.mtime = ns_of(st->st_mtim), .ctime = ns_of(st->st_ctim) };
}
