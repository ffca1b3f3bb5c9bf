/* log.c - the folder of the buckets: whose it is, its files, and what of a keeper before us is of use.
 *
 *     DIR/opt4-<uid>/rebucket-<hash of the dataset's path>/
 *         lock    flock by the keeper whose it is
 *         log.N   a segment: pieces, and behind them what they hold
 *
 * A keeper that comes after one that was killed goes on with the segments of the same boot, trace and width; all others are left
 * over, and go. They hold a dataset's bytes, for this user only. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "../opt4d.h"
#include "rebucket.h"

#define TAIL_MAGIC 0x4F50543454414231ull

struct tail { uint64_t magic, trace, hash; uint8_t boot[40]; uint32_t width, npieces, nentries, bytes; };   /* bytes: of the pieces */

static char dir[PATH_BYTES];
static int lock_fd = -1;
static struct tail ours;           /* trace, boot and width */
static struct found *left;
static uint64_t held;

static void name_of(char *path, uint32_t no) { snprintf(path, PATH_BYTES + 32, "%s/log.%u", dir, no); }

static uint32_t table_bytes(uint64_t npieces, uint64_t nentries)
{
	uint64_t n = npieces * sizeof(struct piece) + nentries * sizeof(struct entry) + sizeof(struct tail);
	return (uint32_t)((n + SECTOR - 1) / SECTOR * SECTOR);
}

static uint64_t hash_of(const void *p, size_t n)
{
	struct hash h;
	hash_begin(&h);
	hash_add(&h, p, n);
	return hash_end(&h);
}

uint32_t log_table(char **table, const struct flush *f)
{
	uint32_t n = table_bytes(f->n, f->nentries);
	void *room;
	if (posix_memalign(&room, SECTOR, n) != 0)
		return 0;
	char *p = memset(room, 0, n);
	struct tail t = ours;
	memcpy(p, f->p, f->n * sizeof(*f->p));
	memcpy(p + f->n * sizeof(*f->p), f->entries, f->nentries * sizeof(*f->entries));
	t.magic = TAIL_MAGIC;
	t.npieces = f->n;
	t.nentries = f->nentries;
	t.bytes = f->bytes;
	t.hash = hash_of(p, n - sizeof(t));
	memcpy(p + n - sizeof(t), &t, sizeof(t));
	*table = p;
	return n;
}

uint64_t log_place(int fd)
{
	union { struct fiemap f; char room[sizeof(struct fiemap) + sizeof(struct fiemap_extent)]; } m = { .room = { 0 } };
	m.f.fm_length = SECTOR;
	m.f.fm_extent_count = 1;
	return ioctl(fd, FS_IOC_FIEMAP, &m.f) == 0 && m.f.fm_mapped_extents ? m.f.fm_extents[0].fe_physical : 0;
}

/* Is it a whole segment of this trace? Then it is remembered. */
static bool of_use(int fd, uint32_t no)
{
	struct stat st;
	struct tail t;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < (off_t)SECTOR ||
	    pread(fd, &t, sizeof(t), st.st_size - (off_t)sizeof(t)) != sizeof(t) || t.magic != TAIL_MAGIC || t.trace != ours.trace ||
	    t.width != ours.width || memcmp(t.boot, ours.boot, sizeof(t.boot)) || !t.npieces || t.npieces > PIECES_MAX || t.nentries > UINT32_MAX / 64)
		return false;
	uint32_t n = table_bytes(t.npieces, t.nentries);
	if ((off_t)t.bytes + n != st.st_size)
		return false;
	struct found *f = calloc(1, sizeof(*f));
	char *p = malloc(n);
	bool ok = f && p && pread(fd, p, n, t.bytes) == (ssize_t)n && hash_of(p, n - sizeof(t)) == t.hash;
	if (ok) {
		*f = (struct found){ .no = no, .place = log_place(fd), .npieces = t.npieces, .nentries = t.nentries, .next = left };
		f->p = (void *)p;
		f->e = (void *)(p + t.npieces * sizeof(*f->p));
		for (uint32_t k = 0; k < t.npieces; k++) {
			off_t data = lseek(fd, f->p[k].at, SEEK_DATA);     /* a hole: its keeper had read it */
			if (data < 0 || data >= (off_t)f->p[k].at + f->p[k].bytes)
				f->p[k].bucket = PIECE_GONE;
		}
		left = f;
		held += (uint64_t)st.st_blocks * 512;
	} else {
		free(p);
		free(f);
	}
	return ok;
}

static void look(int at, const char *name, void *arg)
{
	uint32_t no;
	char end;
	(void)arg;
	if (sscanf(name, "log.%u%c", &no, &end) != 1)
		return;
	int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !of_use(fd, no))
		unlinkat(at, name, 0);
	if (fd >= 0)
		close(fd);
}

const char *log_open(uint64_t trace, uint32_t width)
{
	char path[PATH_BYTES + 32], root[PATH_BYTES + 16];
	const char *why = ssd_refused(conf.rebucket);
	for (uint32_t i = 0; !why && i < index_roots(); i++)
		if (ssd_within(conf.rebucket, view.h->roots[i].path))
			why = "within the dataset, where the job would find it; name another folder";
	if (why)
		return why;
	ours.trace = trace;
	ours.width = width;
	dir_boot_id(ours.boot);
	snprintf(root, sizeof(root), "%s/./rebucket", view.h->roots[0].path);   /* no root's own path */
	int rc = ssd_folder(dir, sizeof(dir), conf.rebucket, root);
	if (rc < 0)
		return strerror(-rc);
	snprintf(path, sizeof(path), "%s/lock", dir);
	lock_fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock_fd < 0)
		return strerror(errno);
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		close(lock_fd);
		lock_fd = -1;
		return "another job's buckets are there; name another folder";
	}
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return strerror(errno);
	dir_each(fd, look, NULL);
	close(fd);
	return NULL;
}

uint64_t log_held(void) { return held; }

const struct found *log_left(void) { return left; }

void log_forget(void)
{
	for (struct found *f = left, *next; f; f = next) {
		next = f->next;
		free(f->p);
		free(f);
	}
	left = NULL;
}

int log_make(uint32_t no, uint64_t bytes)
{
	char path[PATH_BYTES + 32];
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	if (log_room() < (int64_t)bytes)
		return -ENOSPC;
	name_of(path, no);
	int fd = open(path, flags | O_DIRECT, 0600);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, flags, 0600);
	if (fd < 0)
		return -errno;
	int rc = fallocate(fd, 0, 0, (off_t)bytes) < 0 ? -errno : 0;
	if (rc == -EOPNOTSUPP)
		rc = ftruncate(fd, (off_t)bytes) < 0 ? -errno : 0;
	if (rc == 0)
		return fd;
	close(fd);
	unlink(path);
	return rc;
}

int log_look(uint32_t no)
{
	char path[PATH_BYTES + 32];
	name_of(path, no);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_DIRECT);
	if (fd < 0 && errno == EINVAL)
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void log_remove(uint32_t no)
{
	char path[PATH_BYTES + 32];
	name_of(path, no);
	unlink(path);
}

void log_punch(uint32_t no, const uint32_t *at, const uint32_t *bytes, uint32_t n)
{
	char path[PATH_BYTES + 32];
	name_of(path, no);
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	for (uint32_t i = 0; i < n && fd >= 0; i++)   /* where the file system can't, the room comes back with the segment */
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at[i], bytes[i]);
	if (fd >= 0)
		close(fd);
}

int64_t log_room(void)
{
	struct statvfs fs;
	if (statvfs(dir, &fs) < 0)
		return -1;
	return (int64_t)(fs.f_bavail * fs.f_frsize) - (int64_t)(fs.f_blocks * fs.f_frsize / SSD_FREE);
}

void log_close(bool keep)
{
	char user[PATH_BYTES];
	if (lock_fd < 0)
		return;
	if (!keep) {
		close(lock_fd);            /* else it would look used */
		ssd_remove(dir, false);
		ssd_user_folder(user, sizeof(user), conf.rebucket);
		rmdir(user);               /* stays while it holds anything */
	} else {
		close(lock_fd);
	}
	lock_fd = -1;
}
