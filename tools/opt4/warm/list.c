/* list.c - what is to be brought, in which order: see list.h. */
#include "list.h"

#include <fcntl.h>
#include <fts.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"
#include "../../opt4d/disk/rotates.h"

static bool add(struct wanted_list *l, uint32_t rec, uint64_t size, uint64_t place)
{
	if ((l->n & (l->n - 1)) == 0) {
		struct wanted *more = realloc(l->at, (l->n ? l->n * 2 : 1) * sizeof(*more));
		if (!more)
			return false;
		l->at = more;
	}
	l->at[l->n++] = (struct wanted){ rec, size, place };
	l->bytes += size;
	return true;
}

/* ---- by a trace ---- */

static bool by_trace(struct wanted_list *l)
{
	const struct trace *t = &conf.trace;
	uint8_t *seen = calloc(t->h->nfiles ? t->h->nfiles : 1, 1);
	bool ok = seen != NULL;
	for (uint32_t pos = 0; ok && pos < t->h->npos; pos++) {
		uint32_t f = trace_at(t, pos), root;
		size_t len;
		const char *rel;
		if (f >= t->h->nfiles || seen[f] || !(rel = trace_path(t, f, &len, &root)))
			continue;
		seen[f] = 1;
		uint32_t rec = session_record(root, rel, len);
		ok = rec == REC_NONE || add(l, rec, t->sizes[f], pos);
	}
	free(seen);
	return ok;
}

/* ---- by the store ---- */

/* As the keeper asks, of the disk that a mount of its own device (btrfs) lies on; OPT4_ELEVATOR has the last word. */
static bool has_arm(uint64_t dev)
{
	return conf.elevator >= 0 ? conf.elevator > 0 : rotates_below(dev) == ROTATES;
}

/* Where its first extent lies; its inode number where that can't be told. */
static uint64_t place_of(const char *path, const struct stat *st)
{
	_Alignas(struct fiemap) char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)] = { 0 };
	struct fiemap *m = (void *)room;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	m->fm_length = 1;
	m->fm_extent_count = 1;
	bool told = fd >= 0 && ioctl(fd, FS_IOC_FIEMAP, m) == 0 && m->fm_mapped_extents == 1;
	if (fd >= 0)
		close(fd);
	return told ? m->fm_extents[0].fe_physical : st->st_ino;
}

static int by_name(const FTSENT **a, const FTSENT **b) { return strcmp((*a)->fts_name, (*b)->fts_name); }

static int by_place(const void *a, const void *b)
{
	const struct wanted *x = a, *y = b;
	return x->place < y->place ? -1 : x->place > y->place;
}

static bool local(const char *path)
{
	struct statfs fs;
	struct stat st;
	return statfs(path, &fs) == 0 && stat(path, &st) == 0 && major(st.st_dev) != 0;   /* on a block device */
}

static bool walk(struct wanted_list *l, unsigned root, struct filling *f)
{
	size_t len, first = l->n;
	const char *top = conf_root_real(root, &len);
	struct stat st;
	if (!top || stat(top, &st) < 0)
		return true;
	bool near = local(top), arm = has_arm(st.st_dev), ok = true;
	l->arm |= arm;
	char *const paths[] = { (char *)(uintptr_t)top, NULL };
	FTS *fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
	for (FTSENT *e; ok && fts && (e = fts_read(fts));) {
		if (e->fts_info == FTS_DNR || e->fts_info == FTS_NS)
			fill_failed(f, e->fts_path, e->fts_errno);
		if (e->fts_info != FTS_F || !S_ISREG(e->fts_statp->st_mode) || e->fts_pathlen <= len + 1)
			continue;
		uint32_t rec = session_record(root, e->fts_path + len + 1, e->fts_pathlen - len - 1);
		if (rec == REC_NONE || (uint64_t)e->fts_statp->st_size > index_maxfile() || !e->fts_statp->st_size)
			continue;
		ok = add(l, rec, (uint64_t)e->fts_statp->st_size, arm ? place_of(e->fts_path, e->fts_statp) : near ? e->fts_statp->st_ino : l->n);
	}
	if (fts)
		fts_close(fts);
	if (ok && l->n > first)
		qsort(l->at + first, l->n - first, sizeof(*l->at), by_place);
	return ok;
}

uint64_t list_guess(void)
{
	uint64_t sum = 0;
	for (unsigned r = 0; r < conf_nroots(); r++) {
		size_t len;
		const char *top = conf_root_real(r, &len);
		char *const paths[] = { (char *)(uintptr_t)top, NULL };
		FTS *fts = top ? fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL) : NULL;
		for (FTSENT *e; fts && (e = fts_read(fts));)
			if (e->fts_info == FTS_F && S_ISREG(e->fts_statp->st_mode))
				sum += pages_of((uint64_t)e->fts_statp->st_size) * PAGE;
		if (fts)
			fts_close(fts);
	}
	return sum;
}

bool list_make(struct wanted_list *l, struct filling *f)
{
	bool ok = true;
	*l = (struct wanted_list){ 0 };
	if (conf.have_trace)
		return by_trace(l);
	for (unsigned r = 0; ok && r < conf_nroots(); r++)
		ok = walk(l, r, f);
	return ok;
}
