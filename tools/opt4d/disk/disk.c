/* disk.c - is the dataset on a spinning disk, and where on it does each file lie.
 *
 * Where a file lies is asked once a session, by FIEMAP, in a thread of its own. That reads every inode, and a cold one is
 * a seek; so directories are read whole, one after the other, and the inodes in the order of their numbers, which is that
 * of the disk: they come 512 at a time, and are warm when their files are fetched. A file whose place is not known
 * (no FIEMAP, not written yet, gone) is sorted behind all others by its inode's number. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../opt4d.h"
#include "rotates.h"

#define STACK     (256u << 10)
#define EXTENTS   4u               /* more than one: in pieces */
#define DEVICES   16u
#define BLOCK     4096u            /* of the disk, whatever the machine's pages are */
#define PLACELESS (1ull << 62)

/* One file on the way to its place. hash: of its directory; name: of its name there. */
struct found { uint64_t hash, ino; uint32_t name, rec; };

static struct disk_map *done;              /* made, not taken yet; as the next two under keeper_lock */
static bool busy, none;

/* May hang as long as the store does. */
static enum rotates roots(void)
{
	enum rotates is = ROTATES;
	uint32_t n = index_roots();
	struct stat st;
	for (uint32_t i = 0; i < n; i++) {
		if (stat(view.h->roots[i].path, &st) < 0)
			return ROTATES_UNKNOWN;
		enum rotates r = rotates_below(st.st_dev);
		is = r < is ? r : is;
	}
	return n ? is : ROTATES_UNKNOWN;
}

static uint64_t hash(const char *s, size_t n)  /* FNV-1a */
{
	uint64_t h = 0xCBF29CE484222325ull;
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 0x100000001B3ull;
	return h ^ h >> 29;
}

static int by_directory(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->name < y->name ? -1 : x->name > y->name;
}

static int by_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct found *)a)->ino, y = ((const struct found *)b)->ino;
	return x < y ? -1 : x > y;
}

static int by_place(const void *a, const void *b)
{
	uint64_t x = ((const struct spot *)a)->start, y = ((const struct spot *)b)->start;
	return x < y ? -1 : x > y;
}

/* The inode numbers of one directory's files. */
static void inodes(struct found *f, size_t n)
{
	char path[PATH_BYTES];
	if (!record_path(f->rec, path, sizeof(path)))
		return;
	char *slash = strrchr(path, '/');
	slash[slash == path] = 0;
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		struct found want = { .hash = f->hash, .name = (uint32_t)hash(e->d_name, strlen(e->d_name)) };
		struct found *at = bsearch(&want, f, n, sizeof(*f), by_directory);
		if (at)            /* of two names with one hash either: it is for the order only */
			at->ino = e->d_ino;
	}
	if (d)
		closedir(d);
}

/* The file's place, and its length if it lies in one piece. */
static void place(struct found *f, uint64_t *devices, struct spot *s)
{
	union { struct fiemap f; char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)]; } map = { .room = { 0 } };
	char path[PATH_BYTES];
	struct stat st;
	uint64_t d = 0;
	*s = (struct spot){ .start = PLACELESS | (f->ino & (PLACELESS - 1)), .rec = f->rec };
	int fd = record_path(f->rec, path, sizeof(path)) ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK) : -1;
	if (fd < 0)
		return;
	map.f.fm_length = UINT64_MAX;
	map.f.fm_extent_count = EXTENTS;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ioctl(fd, FS_IOC_FIEMAP, &map.f) == 0 && map.f.fm_mapped_extents &&
	    !(map.f.fm_extents[0].fe_flags & (FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_DATA_INLINE))) {
		while (d < DEVICES - 1 && devices[d] && devices[d] != st.st_dev)
			d++;
		devices[d] = st.st_dev;
		s->start = d << 56 | (map.f.fm_extents[0].fe_physical / BLOCK & ((1ull << 56) - 1));
		if (map.f.fm_mapped_extents == 1)
			s->pages = (uint32_t)(((uint64_t)st.st_size + BLOCK - 1) / BLOCK);
	}
	close(fd);
}

static struct disk_map *make(void)
{
	uint32_t n = index_files(), nfound = 0;
	uint64_t devices[DEVICES] = { 0 };
	char path[PATH_BYTES];
	struct disk_map *m = calloc(1, sizeof(*m));
	struct found *f = malloc((size_t)n * sizeof(*f) + 1);
	if (!m || !f || !(m->spots = malloc((size_t)n * sizeof(*m->spots) + 1)) || !(m->rank = malloc((size_t)n * sizeof(*m->rank) + 1)))
		goto no;
	for (uint32_t rec = 0; rec < n; rec++) {
		size_t len = record_path(rec, path, sizeof(path));
		const char *slash = len ? strrchr(path, '/') : NULL;
		if (slash)
			f[nfound++] = (struct found){ .hash = hash(path, (size_t)(slash - path)), .ino = rec, .rec = rec,
				.name = (uint32_t)hash(slash + 1, strlen(slash + 1)) };
		m->rank[rec] = UINT32_MAX;
	}
	qsort(f, nfound, sizeof(*f), by_directory);
	for (uint32_t i = 0, end; i < nfound; i = end) {
		for (end = i + 1; end < nfound && f[end].hash == f[i].hash; end++)
			;
		if (atomic_load(&view.h->gone))
			goto no;
		inodes(f + i, end - i);
	}
	qsort(f, nfound, sizeof(*f), by_inode);
	for (uint32_t i = 0; i < nfound && !atomic_load(&view.h->gone); i++)
		place(&f[i], devices, &m->spots[m->n++]);
	free(f);
	qsort(m->spots, m->n, sizeof(*m->spots), by_place);
	for (uint32_t i = 0; i < m->n; i++)
		m->rank[m->spots[i].rec] = i;
	m->nrecs = n;
	return m;
no:
	free(f);
	disk_unmap(m);
	return NULL;
}

void disk_unmap(struct disk_map *m)
{
	if (m) {
		free(m->spots);
		free(m->rank);
		free(m);
	}
}

static void *mapper(void *arg)
{
	enum rotates is = conf.elevator > 0 ? ROTATES : roots();
	struct disk_map *m = is == ROTATES ? make() : NULL;
	(void)arg;
	pthread_mutex_lock(&keeper_lock);
	done = m;
	none = !m;
	busy = false;
	pthread_mutex_unlock(&keeper_lock);
	return NULL;
}

bool disk_look(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	if (busy || done)
		return true;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK + (size_t)PTHREAD_STACK_MIN);
	busy = pthread_create(&thread, &attr, mapper, NULL) == 0;
	pthread_attr_destroy(&attr);
	return busy;
}

int disk_taken(struct disk_map **m)
{
	*m = done;
	done = NULL;
	return *m ? 1 : none ? -1 : 0;
}
