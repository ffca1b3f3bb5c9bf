/* links.c - one object for one file that has several names: which record stands for an inode.
 *
 * A table from (device, inode) to a record, in the index; it only grows, and is made anew from the records when it is full. It is a
 * hint: who finds something asks the file system whether both names lead to one file (session/link.c), and a name that is not found
 * costs a second object, no more. */
#include <string.h>
#include "store.h"

#define PROBES 64u
#define FULL(mask) ((mask) / 4 * 3)

static uint64_t hash(const uint64_t *in, size_t bytes)
{
	uint64_t h = trace_hash(0, (const char *)in, bytes);
	return h ? h : 1;
}

uint64_t origin_inode(const struct origin *o)
{
	uint64_t in[] = { o->dev, o->ino };
	return hash(in, sizeof(in));
}

uint64_t origin_same_as(const struct origin *o)
{
	uint64_t in[] = { o->dev, o->ino, o->size, (uint64_t)o->mtime, (uint64_t)o->ctime };
	return hash(in, sizeof(in));
}

static uint32_t mask_now(void) { return atomic_load_explicit(&view.h->link_mask, memory_order_acquire) & (NAME_SLOTS - 1); }
static uint64_t inode_of(uint32_t rec) { return atomic_load_explicit(&view.rec[rec].inode, memory_order_relaxed); }

/* The slot of this inode's record, else the one where it would be; *rec: the record, or REC_NONE. */
static uint32_t probe(uint64_t inode, uint32_t mask, uint32_t *rec)
{
	uint32_t at = (uint32_t)inode & mask;
	*rec = REC_NONE;
	for (uint32_t n = 0; n <= mask && n < PROBES; n++, at = (at + 1) & mask) {
		uint32_t s = atomic_load_explicit(&view.link_slots[at], memory_order_acquire);
		if (!s || s > view.ncap)
			break;
		if (inode_of(s - 1) == inode) {
			*rec = s - 1;
			break;
		}
	}
	return at;
}

uint32_t links_find(uint64_t inode)
{
	uint32_t rec = REC_NONE;
	if (atomic_load_explicit(&view.h->nlinks, memory_order_acquire))
		probe(inode, mask_now(), &rec);
	return rec;
}

static uint32_t add(uint32_t rec, uint32_t mask)
{
	uint32_t is, at = probe(inode_of(rec), mask, &is);
	bool fresh = !atomic_load_explicit(&view.link_slots[at], memory_order_relaxed);
	atomic_store_explicit(&view.link_slots[at], rec + 1, memory_order_release);
	return fresh;
}

/* Calls fn for each record that stands for an inode; the sum of what it says. */
static uint32_t each(uint32_t (*fn)(uint32_t rec, uint32_t mask), uint32_t mask)
{
	uint32_t files = index_files(), sum = 0;
	for (uint32_t w = 0; w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec < files && inode_of(rec))
				sum += fn(rec, mask);
		}
	return sum;
}

static uint32_t one(__attribute__((unused)) uint32_t rec, __attribute__((unused)) uint32_t mask) { return 1; }

/* As many slots as those that are in use now want, and as many again. Readers without the lock may miss some meanwhile. */
static bool renew(void)
{
	uint32_t n = each(one, 0), mask = NAME_SLOTS_FIRST - 1;
	while (mask < NAME_SLOTS - 1 && FULL(mask) / 2 <= n)
		mask = mask * 2 + 1;
	if (FULL(mask) <= n || !index_reserve((void *)view.link_slots, ((size_t)mask + 1) * 4))
		return false;
	memset((void *)view.link_slots, 0, ((size_t)mask + 1) * 4);
	atomic_store_explicit(&view.h->link_mask, mask, memory_order_release);
	atomic_store_explicit(&view.h->nlinks, each(add, mask) + 1, memory_order_release);
	return true;
}

void links_put(uint32_t rec, uint64_t inode)
{
	uint32_t n = atomic_load_explicit(&view.h->nlinks, memory_order_relaxed);
	if (inode_of(rec) == inode && links_find(inode) == rec)
		return;
	if (inode_of(rec) && inode_of(rec) != inode && atomic_load(&view.rec[rec].writers))
		return;            /* writers of the file that it stands for are counted there */
	atomic_store_explicit(&view.rec[rec].inode, inode, memory_order_relaxed);
	if ((!n || n > FULL(mask_now())) && !renew())
		return;
	n = atomic_load_explicit(&view.h->nlinks, memory_order_relaxed);
	atomic_store_explicit(&view.h->nlinks, n + add(rec, mask_now()), memory_order_release);
}

void links_drop(uint32_t rec) { atomic_store_explicit(&view.rec[rec].inode, 0, memory_order_relaxed); }
