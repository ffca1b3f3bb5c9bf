/* disk.c - the arm: where requests lie, and what they cost. See disk.h. */
#include "disk.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK    4096u
#define UNIT     4000u             /* ns of the clock in the word: 4.7 hours from the state's first use on */
#define EXTENTS  16u
#define NOWHERE  0x80000000u       /* blocks of files that have no place: by inode, 64 blocks each .. */
#define INODES   0xC0000000u       /* .. and of the inodes themselves, 16 a block */
#define AHEAD    32u               /* blocks of inodes that are read with one */
#define MEAN     (8. / 15)         /* of sqrt(|x - y|), x and y anywhere in [0, 1] */

static double short_ms, stroke_ms, turn_ms, span, per_byte_ns, scale;

#define ADD(field, n) __atomic_fetch_add(&s->field, (n), __ATOMIC_RELAXED)

void disk_start(double bandwidth)
{
	const char *v = getenv("SLOWSTORE_DISK");
	char *end;
	if (!v || !*v)
		return;
	short_ms = strtod(v, &end);
	stroke_ms = *end == ':' ? strtod(end + 1, &end) : 0;
	turn_ms = *end == ':' ? strtod(end + 1, &end) : 0;
	per_byte_ns = bandwidth > 0 ? 1e9 / bandwidth : 0;
	v = getenv("SLOWSTORE_SPAN");
	span = v ? (double)store_parse(v) : 0;
	if (span <= 0)
		span = 1e12;
	v = getenv("SLOWSTORE_SCALE");
	scale = v ? strtod(v, NULL) : 1;
	if (!(scale > 0))
		scale = 1;
}

bool disk_is(void) { return scale > 0; }

static uint32_t area(uint32_t block) { return block < NOWHERE ? 0 : block < INODES ? NOWHERE : INODES; }

/* Of moving the head there. *seek: it had to. */
static double move_ns(uint32_t head, uint32_t block, bool *seek)
{
	*seek = block != head && block + 1 != head;   /* + 1: the last request ended within this block */
	if (!*seek)
		return 0;
	double blocks = head > block ? head - block : block - head, part = blocks * BLOCK / span;
	part = area(head) != area(block) ? MEAN : sqrt(part < 1 ? part : 1);
	return (short_ms + stroke_ms * part + turn_ms) * 1e6;
}

static uint64_t clock_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One request: blocks [block, block + n), `bytes` of which are asked for. */
static uint64_t request(struct store_state *s, uint32_t block, uint32_t n, uint64_t bytes)
{
	uint64_t base = __atomic_load_n(&s->disk_base, __ATOMIC_RELAXED), now = clock_ns(), new, end;
	if (!base && __atomic_compare_exchange_n(&s->disk_base, &base, now, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		base = now;
	uint64_t old = __atomic_load_n(&s->disk_arm, __ATOMIC_RELAXED);
	double cost;
	bool seek;
	do {
		cost = move_ns((uint32_t)(old >> 32), block, &seek) + (double)bytes * per_byte_ns;
		uint64_t busy = base + (old & UINT32_MAX) * UNIT, start = busy > now ? busy : now;
		end = start + (uint64_t)(cost / scale);
		new = (uint64_t)(block + n) << 32 | (end > base ? (end - base) / UNIT & UINT32_MAX : 0);
	} while (!__atomic_compare_exchange_n(&s->disk_arm, &old, new, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	s->scale = scale;
	ADD(disk_ns, (uint64_t)cost);
	ADD(requests, 1);
	ADD(seeks, seek);
	return end;
}

/* The extents of [at, at + n): their number, 0 where nothing is known. */
static uint32_t extents(int fd, uint64_t at, uint64_t n, struct fiemap *f)
{
	memset(f, 0, sizeof(*f));
	f->fm_start = at;
	f->fm_length = n;
	f->fm_extent_count = EXTENTS;
	if (syscall(SYS_ioctl, fd, FS_IOC_FIEMAP, f) < 0)
		return 0;
	for (uint32_t i = 0; i < f->fm_mapped_extents; i++)
		if (f->fm_extents[i].fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE))
			return 0;
	return f->fm_mapped_extents;
}

uint64_t disk_book(struct store_state *s, int fd, uint64_t at, uint64_t n)
{
	union { struct fiemap f; char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)]; } map;
	uint64_t end = at + n, until = 0;
	int saved = errno;
	struct stat st = { 0 };
	if (!n)
		return 0;
	uint32_t got = extents(fd, at, n, &map.f);
	if (!got) {
		syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH);
		uint32_t block = NOWHERE + (uint32_t)(((uint64_t)st.st_ino * 64 + at / BLOCK) % (INODES - NOWHERE));
		until = request(s, block, (uint32_t)((end + BLOCK - 1) / BLOCK - at / BLOCK), n);
	}
	while (got) {
		for (uint32_t i = 0; i < got; i++) {
			const struct fiemap_extent *e = &map.f.fm_extents[i];
			uint64_t from = e->fe_logical > at ? e->fe_logical : at, to = e->fe_logical + e->fe_length;
			to = to < end ? to : end;
			if (to <= from)
				continue;
			uint64_t place = e->fe_physical + (from - e->fe_logical), last = place + (to - from);
			until = request(s, (uint32_t)(place / BLOCK % NOWHERE), (uint32_t)((last + BLOCK - 1) / BLOCK - place / BLOCK), to - from);
			at = to;
		}
		got = got == EXTENTS && at < end ? extents(fd, at, end - at, &map.f) : 0;
	}
	errno = saved;
	return until;
}

uint64_t disk_inode(struct store_state *s, uint64_t ino)
{
	static int cold = -1;
	uint64_t bit = ino % (64 * DISK_INODES), mask = 1ull << bit % 64;
	const char *v;
	if (cold < 0)
		cold = (v = getenv("SLOWSTORE_COLD")) && *v == '1';
	if (!cold || !disk_is() || __atomic_fetch_or(&s->warm[bit / 64], mask, __ATOMIC_RELAXED) & mask)
		return 0;
	uint32_t block = (uint32_t)(ino / 16 % (NOWHERE / 2 - 1));
	uint32_t last = (uint32_t)__atomic_exchange_n(&s->last_inodes, block + 1, __ATOMIC_RELAXED);
	if (last && block + 1 - last < AHEAD)      /* came with it */
		return 0;
	ADD(cold_inodes, 1);
	return request(s, INODES + block, 1, BLOCK);
}
