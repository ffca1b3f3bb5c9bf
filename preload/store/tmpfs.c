/* tmpfs.c - the tier in memory: the files of the session's own folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>
#include "objects.h"

#define FILLS_MAX 64
static _Atomic int filling[FILLS_MAX];     /* descriptors + 1 of O_TMPFILEs, for the child of a fork to close */
static const struct shelf shelf = { TIER_RAM, view.dir, view.prefix, &view.prefix_len };

void object_path(char *buf, const struct key *k) { shelf_path(&shelf, buf, k); }
static int tmpfs_open(const struct key *k, int flags) { return shelf_open(&shelf, k, flags); }
static int tmpfs_evict(uint32_t slot, const struct key *k) { return shelf_evict(&shelf, slot, k); }
static int tmpfs_evicted(uint32_t slot, const struct key *k) { return shelf_evicted(&shelf, slot, k); }
static void tmpfs_drop(const struct key *k) { shelf_drop(&shelf, k); }

static int tmpfs_create(uint64_t bytes)
{
	char path[sizeof(view.prefix) + 8];
	struct rlimit lim;
	if (getrlimit(RLIMIT_FSIZE, &lim) == 0 && lim.rlim_cur < bytes)
		return -EFBIG;     /* else the program would get a SIGXFSZ that it has not earned */
	snprintf(path, sizeof(path), "%.*s", (int)view.prefix_len, view.prefix);
	int fd = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fallocate(fd, 0, 0, (off_t)bytes) < 0) { /* ENOSPC is an answer, SIGBUS would not be */
		int rc = -errno;
		close(fd);
		return rc;
	}
	for (int i = 0; i < FILLS_MAX; i++) {
		int none = 0;
		if (atomic_compare_exchange_strong(&filling[i], &none, fd + 1))
			break;
	}
	return fd;
}

static void filled(int fd)
{
	for (int i = 0; i < FILLS_MAX; i++) {
		int is = fd + 1;
		if (atomic_compare_exchange_strong(&filling[i], &is, 0))
			return;
	}
}

static void tmpfs_after_fork(void)
{
	/* else the pages of a fill that its owner gives up would live as long as this child, uncounted */
	for (int i = 0; i < FILLS_MAX; i++) {
		int fd = atomic_exchange(&filling[i], 0);
		if (fd)
			close(fd - 1);
	}
}

static int tmpfs_link(int fd, const struct key *k)
{
	char from[40], path[sizeof(view.prefix) + 48];
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	object_path(path, k);
	int rc = linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	if (rc == -EEXIST && unlink(path) == 0) /* left by someone who died; ours is as good and accounted for */
		rc = linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
	return rc;
}

static void tmpfs_close(int fd)
{
	filled(fd);
	close(fd);
}

static uint64_t tmpfs_reap(bool now)
{
	static _Atomic uint64_t last;
	return shelf_reap(&shelf, &last, now);
}

const struct tier tier_tmpfs = { .name = "ram", .open = tmpfs_open, .create = tmpfs_create, .link = tmpfs_link, .close = tmpfs_close,
	.after_fork = tmpfs_after_fork, .evict = tmpfs_evict, .evicted = tmpfs_evicted, .drop = tmpfs_drop, .reap = tmpfs_reap };

const struct tier *const tiers[TIERS] = { [TIER_RAM] = &tier_tmpfs, [TIER_SSD] = &tier_ssd };
