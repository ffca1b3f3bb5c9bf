/* sealed.c - the log of what is known to be on the disk, so that a tier of a million files comes up by reading one file.
 *
 * Entries are appended when what they name has been made durable; each has a check of its own, and the first one that fails
 * is the end. A later entry of a file takes the place of an earlier one. What has been evicted since is found out at its
 * first open; the log is written anew when most of it is of such. Roots are named in it by numbers of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store.h"

#define MAGIC   "OPT4SEA1"
#define BUFFER  (1u << 20)
#define LIVELY  2u                 /* the log may have so many entries a resident, and .. */
#define LEAST   4096u              /* .. so many besides */
#define USUAL   96u                /* bytes of an entry */

enum { ENTRY_ROOT = 1, ENTRY_FILE };

struct entry {
	uint64_t check;           /* of all that follows */
	uint32_t bytes;           /* of the entry, a multiple of 8 */
	uint16_t type, name_len;
	uint32_t root, pages;
	uint64_t size;
	int64_t mtime, ctime;
	uint64_t hash;
	char name[];              /* of a root: its path */
};
_Static_assert(sizeof(struct entry) == 56, "entry");
#define MOST (sizeof(struct entry) + PATH_BYTES + 8)

static uint64_t check_of(const struct entry *e)
{
	struct hash h;
	hash_begin(&h);
	hash_add(&h, (const char *)e + 8, e->bytes - 8);
	return hash_end(&h);
}

static void log_path(char *path, const char *name) { snprintf(path, PATH_BYTES + 32, "%s/%s", view.ssd_dir, name); }

/* ---- reading ---- */

struct reading { uint8_t roots[ROOTS_MAX]; int64_t n; };  /* the log's number -> the session's, + 1 */

static void adopt_root(struct reading *r, const struct entry *e)
{
	struct index_header *h = view.h;
	char path[PATH_BYTES];
	if (e->root >= ROOTS_MAX || e->name_len >= PATH_BYTES)
		return;
	memcpy(path, e->name, e->name_len);
	path[e->name_len] = 0;
	r->roots[e->root] = 0;
	uint32_t n = index_roots(), i = 0;
	while (i < n && strcmp(h->roots[i].path, path))
		i++;
	if (i == n && n < ROOTS_MAX) {
		strcpy(h->roots[n].path, path);
		h->nroots = n + 1;
	}
	r->roots[e->root] = (uint8_t)(i < ROOTS_MAX ? i + 1 : 0);
}

static void take_back(uint32_t rec)
{
	struct record *r = &view.rec[rec];
	tier_ssd.drop(&r->key);
	atomic_fetch_sub(&view.h->account[TIER_SSD].charged, r->pages);
	view.h->account[TIER_SSD].resident--;
	rec_set(rec, REC_ABSENT);
}

static void adopt_file(struct reading *rd, const struct entry *e)
{
	struct tier_account *a = &view.h->account[TIER_SSD];
	if (e->root >= ROOTS_MAX || !rd->roots[e->root] || !e->size)
		return;
	uint32_t root = rd->roots[e->root] - 1u, rec = view.nfiles ? names_find(root, e->name, e->name_len) : REC_NONE;
	if (rec == REC_NONE)       /* which finds it, too, if no trace names it */
		rec = names_add(root, e->name, e->name_len);
	if (rec == REC_NONE || !index_reserve(&view.rec[rec], sizeof(struct record)))
		return;            /* no place in this session: what nobody names is swept */
	struct record *r = &view.rec[rec];
	struct origin o = { .size = e->size, .mtime = e->mtime, .ctime = e->ctime };
	struct key k = object_key(record_key_hash(rec), &o);
	if (rec_state(rec) == REC_RESIDENT) {
		if (r->key.path == k.path && r->key.stat == k.stat) {
			r->hash = e->hash;
			return;
		}
		if (store_above && store_above->abandon)
			store_above->abandon(rec);
		take_back(rec);
	}
	if (a->charged + e->pages > a->budget) {
		tier_ssd.drop(&k);
		return;
	}
	r->key = k;
	r->st = o;
	r->obj_ino = r->left_ino = 0;
	r->pages = (uint32_t)ssd_pages(e->size);
	r->tier = TIER_SSD;
	r->hash = e->hash;
	r->prefetched = 0;
	atomic_store(&r->ssd, SSD_SEALED | SSD_UNSEEN | SSD_UNCHECKED);
	atomic_store(&r->checked, 0);
	atomic_store_explicit(&r->same, 0, memory_order_relaxed);   /* which file it is will be seen */
	a->charged += r->pages;
	a->resident++;
	rec_set(rec, REC_RESIDENT);
	if (store_above)
		store_above->adopt(rec);   /* beyond the policy's state: filed when that grows */
	rd->n++;
}

/* Entries in the buffer; how many bytes of it are whole ones. Stops at the first that is none: *bad. */
static size_t adopt_some(struct reading *r, const char *buf, size_t n, bool *bad)
{
	size_t at = 0;
	while (n - at >= sizeof(struct entry)) {
		const struct entry *e = (const void *)(buf + at);
		*bad = e->bytes < sizeof(*e) || e->bytes > MOST || e->bytes % 8 || e->name_len > e->bytes - sizeof(*e);
		if (!*bad && e->bytes > n - at)
			break;
		*bad = *bad || check_of(e) != e->check;
		if (*bad)
			break;
		if (e->type == ENTRY_ROOT)
			adopt_root(r, e);
		else if (e->type == ENTRY_FILE)
			adopt_file(r, e);
		at += e->bytes;
	}
	return at;
}

int64_t sealed_adopt(void)
{
	char path[PATH_BYTES + 32], magic[8], *buf;
	struct reading r = { .n = 0 };
	struct stat st;
	size_t have = 0;
	off_t good = sizeof(magic);
	ssize_t got;
	bool bad = false;
	log_path(path, "sealed");
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	buf = malloc(BUFFER);
	if (!buf || read(fd, magic, sizeof(magic)) != sizeof(magic) || memcmp(magic, MAGIC, sizeof(magic))) {
		unlink(path);
		free(buf);
		close(fd);
		return buf ? -EBADMSG : -ENOMEM;
	}
	if (!view.nfiles && fstat(fd, &st) == 0)
		names_expect((uint64_t)st.st_size / USUAL);
	while (!bad && (got = read(fd, buf + have, BUFFER - have)) > 0) {
		have += (size_t)got;
		size_t used = adopt_some(&r, buf, have, &bad);
		good += (off_t)used;
		memmove(buf, buf + used, have -= used);
	}
	if (lseek(fd, 0, SEEK_END) > good && ftruncate(fd, good) < 0)   /* a power cut in the middle of an entry */
		r.n = -errno;
	free(buf);
	close(fd);
	view.h->account[TIER_SSD].peak = view.h->account[TIER_SSD].charged;
	return r.n;
}

/* ---- writing ---- */

struct writing { int fd; size_t n; char *buf; int rc; };

static void put_bytes(struct writing *w)
{
	for (size_t at = 0; w->rc == 0 && at < w->n;) {
		ssize_t did = write(w->fd, w->buf + at, w->n - at);
		if (did <= 0)
			w->rc = did < 0 ? -errno : -EIO;
		else
			at += (size_t)did;
	}
	w->n = 0;
}

static void put(struct writing *w, struct entry *e, const char *name, size_t len)
{
	e->name_len = (uint16_t)len;
	e->bytes = (uint32_t)((sizeof(*e) + len + 7) & ~7ul);
	if (w->n + e->bytes > BUFFER)
		put_bytes(w);
	struct entry *to = (void *)(w->buf + w->n);
	memset(to, 0, e->bytes);
	*to = *e;
	memcpy(to->name, name, len);
	to->check = check_of(to);
	w->n += e->bytes;
}

static void put_roots(struct writing *w)
{
	for (uint32_t i = 0; i < index_roots(); i++) {
		struct entry e = { .type = ENTRY_ROOT, .root = i };
		put(w, &e, view.h->roots[i].path, strnlen(view.h->roots[i].path, PATH_BYTES - 1));
	}
}

/* False: it is not there any more. */
static bool put_file(struct writing *w, uint32_t rec)
{
	struct record *r = &view.rec[rec];
	uint64_t word = atomic_load(&r->state);
	size_t len;
	uint32_t root;
	const char *rel = record_name(rec, &len, &root);
	struct entry e = { .type = ENTRY_FILE, .pages = r->pages, .size = r->st.size, .mtime = r->st.mtime, .ctime = r->st.ctime, .hash = r->hash };
	if (ST_STATE(word) != REC_RESIDENT || r->tier != TIER_SSD || !rel || len >= PATH_BYTES || atomic_load(&r->state) != word)
		return false;
	e.root = root;
	put(w, &e, rel, len);
	return true;
}

/* False: w->rc says why. */
static bool begin(struct writing *w, const char *name, int flags)
{
	char path[PATH_BYTES + 32];
	log_path(path, name);
	*w = (struct writing){ .buf = malloc(BUFFER) };
	w->fd = !w->buf ? -1 : open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (w->fd < 0) {
		w->rc = w->buf ? -errno : -ENOMEM;
		free(w->buf);
		return false;
	}
	if (lseek(w->fd, 0, SEEK_END) == 0) {
		memcpy(w->buf, MAGIC, 8);
		w->n = 8;
	}
	return true;
}

static int sync_all(void)
{
	int fd = open(view.ssd_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = fd < 0 ? -errno : syncfs(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return rc;
}

int sealed_add(struct sealing *s, const uint32_t *recs, uint32_t n)
{
	struct writing w;
	int rc = sync_all();
	if (rc < 0)
		return rc;
	if (!begin(&w, "sealed", 0))
		return w.rc;
	put_roots(&w);
	for (uint32_t i = 0; i < n; i++)
		if (put_file(&w, recs[i])) {
			s->entries++;
			atomic_fetch_or(&view.rec[recs[i]].ssd, SSD_SEALED);
		}
	put_bytes(&w);
	if (w.rc == 0 && fdatasync(w.fd) < 0)
		w.rc = -errno;
	close(w.fd);
	free(w.buf);
	return w.rc;
}

int sealed_compact(struct sealing *s)
{
	char from[PATH_BYTES + 32], to[PATH_BYTES + 32];
	struct writing w;
	if (s->entries < LIVELY * (uint64_t)view.h->account[TIER_SSD].resident + LEAST)
		return 0;
	if (!begin(&w, "sealed.new", O_TRUNC))
		return w.rc;
	put_roots(&w);
	s->entries = 0;
	for (uint32_t i = 0, files = index_files(); i < (files + 63) / 64; i++)
		for (uint64_t bits = view.touched[i]; bits; bits &= bits - 1) {
			uint32_t rec = i * 64 + (uint32_t)__builtin_ctzll(bits);
			if (rec < files && atomic_load(&view.rec[rec].ssd) & SSD_SEALED && put_file(&w, rec))
				s->entries++;
		}
	put_bytes(&w);
	if (w.rc == 0 && fsync(w.fd) < 0)
		w.rc = -errno;
	close(w.fd);
	free(w.buf);
	log_path(from, "sealed.new");
	log_path(to, "sealed");
	if (w.rc == 0 && rename(from, to) < 0)
		w.rc = -errno;
	if (w.rc < 0)
		unlink(from);
	return w.rc;
}
