/* tmpfs.c - the tier in memory: the files in objects/ and dead/ of the session's own folder. No lock is held here; names make it safe: an object is never
 * written after its link, a name in dead/ is its evictor's alone. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "store.h"

#define FILLS_MAX 64
static _Atomic int filling[FILLS_MAX];     /* descriptors + 1 of O_TMPFILEs, for the child of a fork to close */

struct key object_key(uint64_t path_hash, const struct origin *st)
{
	struct key k = { .path = path_hash };
	uint64_t in[5] = { st->size, (uint64_t)st->mtime, (uint64_t)st->ctime, st->dev, st->ino };
	k.stat = trace_hash(7, (const char *)in, sizeof(in));
	return k;
}

static char *hex(char *to, uint64_t v)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[v >> shift & 15];
	return to;
}

/* <dir>/objects/xx/KEY; no stdio, it is on the hit path */
void object_path(char *buf, const struct key *k)
{
	char name[33];
	*hex(hex(name, k->path), k->stat) = 0;
	memcpy(buf, view.prefix, view.prefix_len);
	buf += view.prefix_len;
	*buf++ = name[14];
	*buf++ = name[15];
	*buf++ = '/';
	memcpy(buf, name, 33);
}

static int tmpfs_open(const struct key *k, int flags)
{
	char path[sizeof(view.prefix) + 48];
	object_path(path, k);
	int fd = open(path, O_RDONLY | (flags & (O_CLOEXEC | O_NONBLOCK | O_NOATIME | O_NOFOLLOW | O_SYNC | O_DSYNC | O_NOCTTY)));
	return fd < 0 ? -errno : fd;
}

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

/* Unlinks a file of dead/ if nobody has it open or mapped: that is when a write lease is granted. Who had found it by its
 * old name, and is about to open it just now, breaks the lease: its holder would be killed by SIGIO. So it is told by
 * SIGURG, which is ignored by default, and of which every handler knows false alarms. 1 it is unlinked, 0 somebody
 * has it, -errno not there: who unlinked it gives its charge back. */
static int unlink_if_free(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc = 0;
	if (fd < 0 && errno == EACCES && chmod(path, 0600) == 0)
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : 0;
	if (fcntl(fd, F_SETSIG, SIGURG) == 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		rc = unlink(path) == 0 ? 1 : errno == ENOENT ? -ENOENT : 0;
	}
	close(fd);
	return rc;
}

static void take_one(int fd, const char *name, void *folder)
{
	char path[PATH_BYTES + 300];
	(void)fd;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", (const char *)folder, name) < sizeof(path))
		unlink_if_free(path);
}

void object_take_all(const char *folder)
{
	char path[PATH_BYTES];
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if ((size_t)snprintf(path, sizeof(path), "%s", folder) < sizeof(path))
		dir_each(fd, take_one, path);
	close(fd);
}

static int tmpfs_evict(uint32_t slot, const struct key *k)
{
	char path[sizeof(view.prefix) + 48], dead[sizeof(view.dir) + 96], name[33];
	object_path(path, k);
	*hex(hex(name, k->path), k->stat) = 0;
	snprintf(dead, sizeof(dead), "%s/dead/%s.%u.%u", view.dir, name, slot, atomic_fetch_add(&view.h->dead_seq, 1));
	if (rename(path, dead) < 0)
		return -errno;
	return unlink_if_free(dead);
}

static int dead_open(char path[sizeof(view.dir) + 8])
{
	snprintf(path, sizeof(view.dir) + 8, "%s/dead", view.dir);
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

struct newest { char start[48], name[256]; unsigned long most; };

static void look_newest(__attribute__((unused)) int fd, const char *name, void *arg)
{
	struct newest *w = arg;
	unsigned long n = strncmp(name, w->start, strlen(w->start)) ? 0 : strtoul(name + strlen(w->start), NULL, 10) + 1;
	if (n <= w->most)
		return;
	w->most = n;
	snprintf(w->name, sizeof(w->name), "%s", name);
}

static int tmpfs_evicted(uint32_t slot, const struct key *k)
{
	char path[sizeof(view.dir) + 300];
	struct newest w = { .most = 0 };
	*hex(hex(w.start, k->path), k->stat) = 0;
	snprintf(w.start + 32, sizeof(w.start) - 32, ".%u.", slot);
	int fd = dead_open(path);
	if (fd >= 0) {
		dir_each(fd, look_newest, &w);
		close(fd);
	}
	if (!w.most)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/dead/%s", view.dir, w.name);
	return unlink_if_free(path);
}

/* Unlinks what nobody has open in dead/, but for what some process is evicting at this moment: that is its
 * own. Adds up pages freed. */
static void reap_one(int fd, const char *name, void *freed)
{
	char path[sizeof(view.dir) + 300];
	struct stat st;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	const char *dot = strchr(name, '.');
	uint32_t slot = dot ? (uint32_t)strtoul(dot + 1, NULL, 10) : 0;
	for (int i = 0; i < INFLIGHT_MAX; i++) {
		uint32_t rec = view.h->inflight[i].rec;
		if (rec && rec <= view.ncap && view.h->inflight[i].slot == slot && rec_state(rec - 1) == REC_EVICTING)
			return;
	}
	snprintf(path, sizeof(path), "%s/dead/%s", view.dir, name);
	if (unlink_if_free(path) > 0)  /* its evictor may have finished since it was listed: that is none of ours */
		*(uint64_t *)freed += pages_of((uint64_t)st.st_size);
}

static uint64_t reap(void)
{
	char path[sizeof(view.dir) + 8];
	uint64_t freed = 0;
	int fd = dead_open(path);
	if (fd < 0)
		return 0;
	dir_each(fd, reap_one, &freed);
	close(fd);
	return freed;
}

static uint64_t tmpfs_reap(bool now)
{
	static _Atomic uint64_t last;
	uint64_t t = now_coarse(), freed;
	uint32_t none = 0;
	if (!atomic_load(&view.h->lingering_pages) || (!now && t - atomic_load(&last) < 5000000))
		return 0;
	atomic_store(&last, t);
	/* one reaper at a time: a second one would break the first one's lease */
	if (!atomic_compare_exchange_strong(&view.h->reaper, &none, view.slot + 1)) {
		struct slot *s = none <= SLOTS_MAX ? &view.slots[none - 1] : NULL;
		if (s && s->pid && proc_alive(s->pid, s->start, s->pidns))
			return 0;
		if (!atomic_compare_exchange_strong(&view.h->reaper, &none, view.slot + 1))
			return 0;
	}
	freed = reap();
	if (freed) {
		uint64_t was = atomic_load(&view.h->lingering_pages);   /* an evictor that died may not have added its part */
		while (!atomic_compare_exchange_weak(&view.h->lingering_pages, &was, was > freed ? was - freed : 0))
			;
		atomic_fetch_sub(&view.h->charged_pages, freed);
		atomic_fetch_add(&view.h->room_left, (int64_t)(freed * PAGE));
	}
	atomic_store(&view.h->reaper, 0);
	return freed;
}

static void tmpfs_drop(const struct key *k)
{
	char path[sizeof(view.prefix) + 48];
	object_path(path, k);
	unlink(path);
}

const struct tier tier_tmpfs = { .name = "ram", .open = tmpfs_open, .create = tmpfs_create, .link = tmpfs_link, .close = tmpfs_close,
	.after_fork = tmpfs_after_fork, .evict = tmpfs_evict, .evicted = tmpfs_evicted, .drop = tmpfs_drop, .reap = tmpfs_reap };

const struct tier *const tiers[TIERS] = { [TIER_RAM] = &tier_tmpfs };
