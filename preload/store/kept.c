/* kept.c - objects of a session that OPT4_KEEP left behind, taken into the next one.
 *
 * Keys bind an object to a path and to the original's size, times and inode; the record's stat comes along,
 * and the first open compares it with the original whatever OPT4_REVALIDATE says. What the new session
 * can't name is removed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "store.h"

struct kept { uint32_t root, len; struct record rec; char name[]; };
static struct kept **list;
static size_t nlist;
static char kept_roots[ROOTS_MAX][PATH_BYTES];

static void forget(void)
{
	for (size_t i = 0; i < nlist; i++)
		free(list[i]);
	free(list);
	list = NULL;
	nlist = 0;
}

static bool remember(uint32_t root, const char *rel, size_t len, const struct record *r)
{
	if ((nlist & (nlist - 1)) == 0) {
		struct kept **more = realloc(list, (nlist ? nlist * 2 : 1) * sizeof(*list));
		if (!more)
			return false;
		list = more;
	}
	struct kept *k = malloc(sizeof(*k) + len);
	if (!k)
		return false;
	k->root = root;
	k->len = (uint32_t)len;
	memcpy(&k->rec, r, sizeof(*r));
	memcpy(k->name, rel, len);
	list[nlist++] = k;
	return true;
}

int kept_take(const char *dir)
{
	struct trace old;
	char err[256];
	bool have = view.nfiles && trace_open(&old, view.h->plans[0].path, err) == 0;
	if (have && (old.h->id != view.h->plans[0].trace_id || old.h->nfiles != view.nfiles)) {
		trace_close(&old);
		have = false;
	}
	for (uint32_t i = 0; i < index_roots(); i++)
		memcpy(kept_roots[i], view.h->roots[i].path, PATH_BYTES);
	uint32_t files = index_files();
	forget();                  /* what was taken for a session that then could not be made */
	for (uint32_t w = 0; w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits), root;
			const char *rel = NULL;
			size_t len;
			const struct record *r = &view.rec[rec];
			if (rec >= files || rec_state(rec) != REC_RESIDENT)
				continue;
			if (rec >= view.nfiles) {
				rel = record_name(rec, &len, &root);
			} else if (have) {
				rel = trace_path(&old, rec, &len, &root);
			}
			if (rel && root < ROOTS_MAX && !remember(root, rel, len, r))
				break;
		}
	if (have)
		trace_close(&old);
	char objects[PATH_BYTES + 16], aside[PATH_BYTES + 16];
	snprintf(objects, sizeof(objects), "%s/objects", dir);
	snprintf(aside, sizeof(aside), "%s/objects.kept", dir);
	if (rename(objects, aside) < 0) {
		int rc = -errno;
		forget();
		return rc;
	}
	dir_clear(dir, CLEAR_INSIDE);
	return 0;
}

/* The record that the new session has for it; REC_NONE if none. Under the lock. */
static uint32_t record_of(const struct kept *k)
{
	for (uint32_t r = 0; r < index_roots(); r++) {
		if (strcmp(view.h->roots[r].path, kept_roots[k->root]))
			continue;
		uint32_t rec = names_find(r, k->name, k->len);
		const char *base = memrchr(k->name, '/', k->len);
		base = base ? base + 1 : k->name;
		if (rec == REC_NONE && conf_match(base, k->len - (size_t)(base - k->name)))
			rec = names_add(r, k->name, k->len);
		return rec;
	}
	return REC_NONE;
}

static void adopt(const struct kept *k)
{
	char from[PATH_BYTES + 80], to[sizeof(view.prefix) + 48];
	struct stat st;
	uint32_t rec = record_of(k);
	if (rec == REC_NONE || !index_reserve(&view.rec[rec], sizeof(struct record)))
		return;
	if (atomic_load(&view.h->account[TIER_RAM].charged) + k->rec.pages > view.h->account[TIER_RAM].budget || rec_state(rec) != REC_ABSENT)
		return;
	object_path(to, &k->rec.key);
	snprintf(from, sizeof(from), "%s/objects.kept/%s", view.dir, to + view.prefix_len);
	if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != k->rec.st.size || st.st_ino != k->rec.obj_ino ||
	    rename(from, to) < 0)
		return;
	struct record *r = &view.rec[rec];
	r->key = k->rec.key;
	r->st = k->rec.st;
	r->obj_ino = k->rec.obj_ino;
	r->pages = k->rec.pages;
	r->tier = TIER_RAM;
	atomic_store(&r->checked, 0);
	atomic_store_explicit(&r->same, origin_same_as(&r->st), memory_order_relaxed);
	links_put(rec, origin_inode(&r->st));
	if (store_above && !store_above->adopt(rec)) {
		unlink(to);
		return;
	}
	atomic_fetch_add(&view.h->account[TIER_RAM].charged, r->pages);
	view.h->account[TIER_RAM].resident++;
	rec_set(rec, REC_RESIDENT);
}

void kept_adopt(void)
{
	if (!list)
		return;
	if (session_lock()) {      /* nobody else is here yet: we hold the directory's lock */
		for (size_t i = 0; i < nlist; i++)
			adopt(list[i]);
		session_unlock();
	}
	view.h->account[TIER_RAM].peak = atomic_load(&view.h->account[TIER_RAM].charged);
	forget();
	char old[PATH_BYTES + 32];
	for (int i = 0; i < 256; i++) {
		snprintf(old, sizeof(old), "objects.kept/%02x", i);
		dir_clear_sub(view.dir, old);
	}
	dir_clear_sub(view.dir, "objects.kept");
}
