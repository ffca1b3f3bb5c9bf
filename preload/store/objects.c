/* objects.c - see objects.h. */
#include "objects.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct key object_key(uint64_t path_hash, const struct origin *st)
{
	struct key k = { .path = path_hash };
	uint64_t in[3] = { st->size, (uint64_t)st->mtime, (uint64_t)st->ctime };   /* its number may be invented: identity.c */
	k.stat = trace_hash(7, (const char *)in, sizeof(in));
	return k;
}

static char *hex(char *to, uint64_t v)
{
	for (int shift = 60; shift >= 0; shift -= 4)
		*to++ = "0123456789abcdef"[v >> shift & 15];
	return to;
}

void object_name(char name[33], const struct key *k) { *hex(hex(name, k->path), k->stat) = 0; }

void shelf_path(const struct shelf *s, char *buf, const struct key *k)
{
	char name[33];
	object_name(name, k);
	memcpy(buf, s->prefix, *s->prefix_len);
	buf += *s->prefix_len;
	*buf++ = name[14];
	*buf++ = name[15];
	*buf++ = '/';
	memcpy(buf, name, 33);
}

int shelf_open(const struct shelf *s, const struct key *k, int flags)
{
	char path[OBJECT_PATH];
	shelf_path(s, path, k);
	int fd = open(path, O_RDONLY | (flags & (O_CLOEXEC | O_NONBLOCK | O_NOATIME | O_NOFOLLOW | O_SYNC | O_DSYNC | O_NOCTTY)));
	return fd < 0 ? -errno : fd;
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

int shelf_evict(const struct shelf *s, uint32_t slot, const struct key *k)
{
	char path[OBJECT_PATH], dead[PATH_BYTES + 96], name[33];
	shelf_path(s, path, k);
	object_name(name, k);
	snprintf(dead, sizeof(dead), "%s/dead/%s.%u.%u", s->dir, name, slot, atomic_fetch_add(&view.h->dead_seq, 1));
	if (rename(path, dead) < 0)
		return -errno;
	return unlink_if_free(dead);
}

static int dead_open(const struct shelf *s)
{
	char path[PATH_BYTES + 8];
	snprintf(path, sizeof(path), "%s/dead", s->dir);
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

int shelf_evicted(const struct shelf *s, uint32_t slot, const struct key *k)
{
	char path[PATH_BYTES + 300];
	struct newest w = { .most = 0 };
	object_name(w.start, k);
	snprintf(w.start + 32, sizeof(w.start) - 32, ".%u.", slot);
	int fd = dead_open(s);
	if (fd >= 0) {
		dir_each(fd, look_newest, &w);
		close(fd);
	}
	if (!w.most)
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/dead/%s", s->dir, w.name);
	return unlink_if_free(path);
}

struct reaping { const struct shelf *s; uint64_t freed; };

/* Unlinks what nobody has open in dead/, but for what some process is evicting at this moment: that is its
 * own. Adds up pages freed. */
static void reap_one(int fd, const char *name, void *arg)
{
	struct reaping *r = arg;
	char path[PATH_BYTES + 300];
	struct stat st;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	const char *dot = strchr(name, '.');
	uint32_t slot = dot ? (uint32_t)strtoul(dot + 1, NULL, 10) : 0;
	for (int i = 0; i < INFLIGHT_MAX; i++) {
		uint32_t rec = view.h->inflight[i].rec;
		if (rec && rec <= view.ncap && view.h->inflight[i].slot == slot && rec_state(rec - 1) == REC_EVICTING)
			return;
		if (rec && view.h->inflight[i].kind == MARK_LEFT && view.h->inflight[i].slot == slot)
			return;
	}
	snprintf(path, sizeof(path), "%s/dead/%s", r->s->dir, name);
	if (unlink_if_free(path) > 0)  /* its evictor may have finished since it was listed: that is none of ours */
		r->freed += r->s->tier == TIER_SSD ? ssd_pages((uint64_t)st.st_size) : pages_of((uint64_t)st.st_size);
}

static uint64_t reap(const struct shelf *s)
{
	struct reaping r = { s, 0 };
	int fd = dead_open(s);
	if (fd < 0)
		return 0;
	dir_each(fd, reap_one, &r);
	close(fd);
	return r.freed;
}

uint64_t shelf_reap(const struct shelf *s, _Atomic uint64_t *last, bool now)
{
	struct tier_account *a = &view.h->account[s->tier];
	uint64_t t = now_coarse(), freed;
	uint32_t none = 0;
	if (!atomic_load(&a->lingering) || (!now && t - atomic_load(last) < 5000000))
		return 0;
	atomic_store(last, t);
	/* one reaper at a time: a second one would break the first one's lease */
	if (!atomic_compare_exchange_strong(&a->reaper, &none, view.slot + 1)) {
		struct slot *by = none <= SLOTS_MAX ? &view.slots[none - 1] : NULL;
		if (by && by->pid && slot_alive(by, by->pid))
			return 0;
		if (!atomic_compare_exchange_strong(&a->reaper, &none, view.slot + 1))
			return 0;
	}
	freed = reap(s);
	if (freed) {
		uint64_t was = atomic_load(&a->lingering);   /* an evictor that died may not have added its part */
		while (!atomic_compare_exchange_weak(&a->lingering, &was, was > freed ? was - freed : 0))
			;
		atomic_fetch_sub(&a->charged, freed);
		if (s->tier == TIER_RAM)
			atomic_fetch_add(&view.h->room_left, (int64_t)(freed * PAGE));
	}
	atomic_store(&a->reaper, 0);
	return freed;
}

void shelf_drop(const struct shelf *s, const struct key *k)
{
	char path[OBJECT_PATH];
	shelf_path(s, path, k);
	unlink(path);
}
