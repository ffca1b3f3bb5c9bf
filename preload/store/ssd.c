/* ssd.c - the second tier's objects: see ssd.h. */
#include "ssd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "objects.h"

static const struct shelf shelf = { TIER_SSD, view.ssd_dir, view.ssd_prefix, &view.ssd_prefix_len };

bool ssd_here(void)
{
	struct index_header *h = view.h;
	struct stat st;
	if (!h || atomic_load_explicit(&h->ssd_ready, memory_order_acquire) != 1)
		return false;
	if (view.ssd_prefix_len)
		return true;
	if (!memchr(h->ssd_dir, 0, PATH_BYTES) || stat(h->ssd_dir, &st) < 0)
		return false;
	char prefix[sizeof(view.ssd_prefix)];
	size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s/objects/", h->ssd_dir);
	strcpy(view.ssd_dir, h->ssd_dir);
	strcpy(view.ssd_prefix, prefix);   /* threads write the same */
	session_ssd_dev = st.st_dev;
	view.ssd_prefix_len = len;
	return true;
}

static int ssd_open(const struct key *k, int flags) { return ssd_here() ? shelf_open(&shelf, k, flags) : -ENODEV; }
static int ssd_evict(uint32_t slot, const struct key *k) { return ssd_here() ? shelf_evict(&shelf, slot, k) : -ENOENT; }
static int ssd_evicted(uint32_t slot, const struct key *k) { return ssd_here() ? shelf_evicted(&shelf, slot, k) : -ENOENT; }

static void ssd_drop(const struct key *k)
{
	if (ssd_here())
		shelf_drop(&shelf, k);
}

static uint64_t ssd_reap(bool now)
{
	static _Atomic uint64_t last;
	return ssd_here() ? shelf_reap(&shelf, &last, now) : 0;
}

const struct tier tier_ssd = { .name = "ssd", .open = ssd_open, .evict = ssd_evict, .evicted = ssd_evicted, .drop = ssd_drop, .reap = ssd_reap };

void ssd_unmake(const struct key *k)
{
	char path[PATH_BYTES + 64], name[33];
	if (!ssd_here())
		return;
	object_name(name, k);
	snprintf(path, sizeof(path), "%s/new/%s", view.ssd_dir, name);
	unlink(path);
	shelf_drop(&shelf, k);
}

int ssd_make(const struct key *k, uint64_t bytes)
{
	char path[PATH_BYTES + 64], name[33];
	if (!ssd_here())
		return -ENODEV;
	object_name(name, k);
	snprintf(path, sizeof(path), "%s/new/%s", view.ssd_dir, name);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = fallocate(fd, 0, 0, (off_t)bytes) < 0 ? -errno : 0;
	if (rc == -EOPNOTSUPP)
		rc = -posix_fallocate(fd, 0, (off_t)bytes);
	if (rc == 0)
		return fd;
	close(fd);
	unlink(path);
	return rc;
}

int ssd_link(const struct key *k)
{
	char from[PATH_BYTES + 64], to[OBJECT_PATH], name[33];
	object_name(name, k);
	snprintf(from, sizeof(from), "%s/new/%s", view.ssd_dir, name);
	shelf_path(&shelf, to, k);
	return rename(from, to) < 0 ? -errno : 0;
}

uint64_t ssd_pages(uint64_t bytes)
{
	uint64_t block = view.h->ssd_block >= PAGE ? view.h->ssd_block : PAGE;
	return (bytes + block - 1) / block * (block / PAGE);
}

void ssd_fail(const char *why)
{
	uint32_t on = 1;
	if (view.h && atomic_compare_exchange_strong(&view.h->ssd_ready, &on, 2))
		opt4_log("opt4: OPT4_SSD: %.200s: %s; the rest of the job goes without it", view.h->ssd_dir, why);
}

int64_t ssd_room(void)
{
	struct statvfs fs;
	if (statvfs(view.ssd_dir, &fs) < 0)
		return -1;
	return (int64_t)(fs.f_bavail * fs.f_frsize) - (int64_t)(fs.f_blocks * fs.f_frsize / SSD_FREE);
}
