/* names.c - files that the first trace does not name: a table in the index that only grows. */
#include <stdio.h>
#include <string.h>
#include "store.h"

/* Many times what a name needs in a table that is at most three quarters full: only damage leads further, round a few slots or along
 * names that are all one. */
#define PROBES 512u
#define FULL(mask) ((mask) / 4 * 3)

/* A slot: a name's number + 1 and, above, some bits of its hash, so that few others' records are looked at. */
#define NUMBER 23u
_Static_assert(EXTRA_FILES < 1u << NUMBER, "a name's number");
static uint32_t tag(uint64_t hash) { return (uint32_t)(hash >> (32 + NUMBER)) << NUMBER; }
static uint32_t number(uint32_t slot) { return slot & ((1u << NUMBER) - 1); }

static bool same(uint32_t rec, uint32_t root, const char *rel, size_t len)
{
	const struct record *r = &view.rec[rec];
	return r->name_root == root && r->name_len == len && len <= NAME_BYTES && r->name_off <= NAME_BYTES - len &&
	       !memcmp(view.names + r->name_off, rel, len);
}

/* The slot where the name is or would be; *rec = its record or REC_NONE. */
static uint32_t probe(uint32_t root, const char *rel, size_t len, uint32_t *rec)
{
	uint32_t mask = atomic_load_explicit(&view.h->name_mask, memory_order_acquire) & (NAME_SLOTS - 1);
	uint64_t hash = trace_hash(root, rel, len);
	uint32_t at = (uint32_t)hash & mask;
	*rec = REC_NONE;
	for (uint32_t n = 0; n <= mask && n < PROBES; n++, at = (at + 1) & mask) {
		if (!index_reserve((void *)&view.name_slots[at], 4))
			break;
		uint32_t s = atomic_load_explicit(&view.name_slots[at], memory_order_acquire);
		if (!s || number(s) - 1 >= EXTRA_FILES)
			break;
		if ((s ^ number(s)) == tag(hash) && same(view.nfiles + number(s) - 1, root, rel, len)) {
			*rec = view.nfiles + number(s) - 1;
			return at;
		}
	}
	return at;
}

/* Twice the slots. Readers without the lock may miss a name meanwhile; names_add() then finds it. */
static bool grow(void)
{
	uint32_t mask = view.h->name_mask * 2 + 1, n = index_files() - view.nfiles;
	if (mask >= NAME_SLOTS || (mask & (mask + 1)) || n > FULL(mask) || !index_reserve((void *)view.name_slots, ((size_t)mask + 1) * 4))
		return false;
	memset((void *)view.name_slots, 0, ((size_t)mask + 1) * 4);
	atomic_store(&view.h->name_mask, mask);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t hash = record_path_hash(view.nfiles + i);
		uint32_t at = (uint32_t)hash & mask, tries = 0;
		/* relaxed: only we write them, under the lock */
		while (atomic_load_explicit(&view.name_slots[at], memory_order_relaxed) && ++tries < PROBES)
			at = (at + 1) & mask;
		if (tries == PROBES)
			break;     /* these are no names */
		atomic_store_explicit(&view.name_slots[at], tag(hash) | (i + 1), memory_order_release);
	}
	return true;
}

void names_expect(uint64_t n)
{
	uint32_t mask = view.h->name_mask;
	while (FULL(mask) < n && mask < NAME_SLOTS - 1)
		mask = mask * 2 + 1;
	if (mask != view.h->name_mask && index_files() == view.nfiles && index_reserve((void *)view.name_slots, ((size_t)mask + 1) * 4))
		atomic_store(&view.h->name_mask, mask);    /* all slots are zero yet */
}

uint32_t names_find(uint32_t root, const char *rel, size_t len)
{
	uint32_t rec = REC_NONE;
	if (view.nfiles && view.first && view.first_root[root])
		rec = trace_find(view.first, view.first_root[root] - 1, rel, len);
	if (rec != REC_NONE || !atomic_load_explicit(&view.h->nextra, memory_order_acquire))
		return rec;
	probe(root, rel, len, &rec);
	return rec;
}

uint32_t names_add(uint32_t root, const char *rel, size_t len)
{
	uint32_t rec, at = probe(root, rel, len, &rec);
	if (rec != REC_NONE)
		return rec;
	uint32_t n = index_files() - view.nfiles;
	uint64_t off = atomic_load(&view.h->names_used);
	struct record *r = &view.rec[view.nfiles + n];
	if (n >= FULL(view.h->name_mask) && grow())
		at = probe(root, rel, len, &rec);
	if (n >= EXTRA_FILES || len >= PATH_BYTES || off > NAME_BYTES - PATH_BYTES || n >= FULL(view.h->name_mask) || !index_reserve(r, sizeof(*r)) ||
	    !index_reserve(view.names + off, len)) {
		uint32_t no = 0;
		if (atomic_compare_exchange_strong(&view.h->names_said, &no, 1))
			note_reason("opt4: index full: %u files that no trace names, or no room on tmpfs; further ones stay uncached; make a trace", n);
		return REC_NONE;
	}
	memcpy(view.names + off, rel, len);
	r->name_off = off;
	r->name_len = (uint32_t)len;
	r->name_root = root;
	rec_touch(view.nfiles + n);
	atomic_store(&view.h->names_used, off + len);
	atomic_store_explicit(&view.h->nextra, n + 1, memory_order_release);
	atomic_store_explicit(&view.name_slots[at], tag(trace_hash(root, rel, len)) | (n + 1), memory_order_release);
	return view.nfiles + n;
}

const char *record_name(uint32_t rec, size_t *len, uint32_t *root)
{
	if (rec < view.nfiles)     /* plan 0's roots are the session's, in order */
		return view.first ? trace_path(view.first, rec, len, root) : NULL;
	const struct record *r = &view.rec[rec];
	if (rec >= view.ncap || r->name_len >= PATH_BYTES || r->name_off > NAME_BYTES - PATH_BYTES)
		return NULL;
	*len = r->name_len;
	*root = r->name_root;
	return view.names + r->name_off;
}

size_t record_path(uint32_t rec, char *path, size_t room)
{
	size_t len;
	uint32_t root;
	const char *rel = record_name(rec, &len, &root);
	if (!rel || root >= index_roots() || !*view.h->roots[root].path)
		return 0;
	int n = snprintf(path, room, "%s/%.*s", view.h->roots[root].path, (int)len, rel);
	return n > 0 && (size_t)n < room ? (size_t)n : 0;
}

uint64_t record_key_hash(uint32_t rec)
{
	size_t len;
	uint32_t root;
	const char *rel = record_name(rec, &len, &root);
	if (!rel || root >= index_roots())
		return rec;
	return trace_hash(0, rel, len) * 3 + trace_hash(1, view.h->roots[root].path, strlen(view.h->roots[root].path));
}

uint64_t record_path_hash(uint32_t rec)
{
	size_t len;
	uint32_t root;
	const char *rel = record_name(rec, &len, &root);
	return rel ? trace_hash(root, rel, len) : rec;
}
