/* ssd_up.c - whose the second tier's folder is, and how it becomes a session's: see ssd.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "store.h"

#define WAIT_MS 10000              /* for the keeper of a session that is just leaving */

static int lock_fd = -1;

/* ---- whose it is ---- */

static void owner_path(char *path, const char *dir) { snprintf(path, PATH_BYTES + 16, "%s/owner", dir); }

/* Which session's it is, and whether that one has left it in order; 0: nobody's. */
static uint64_t owner_read(const char *dir, bool *clean)
{
	char path[PATH_BYTES + 16], text[64] = "", word[16] = "";
	unsigned long long id = 0;
	owner_path(path, dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n > 0 && sscanf(text, "%llx %15s", &id, word) < 1)
		id = 0;
	*clean = !strcmp(word, "clean");
	return id;
}

static int owner_write(const char *dir, uint64_t id, const char *state)
{
	char path[PATH_BYTES + 16], text[64];
	owner_path(path, dir);
	int n = snprintf(text, sizeof(text), "%016llx %s\n", (unsigned long long)id, state);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = write(fd, text, (size_t)n) == n && fdatasync(fd) == 0 ? 0 : -EIO;
	close(fd);
	return rc;
}

static int take_lock(const char *dir, int ms)
{
	char path[PATH_BYTES + 16];
	snprintf(path, sizeof(path), "%s/lock", dir);
	int fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);   /* a disk can be made read-only under us */
	if (fd < 0)
		return -errno;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		bool leaves;
		char mark[PATH_BYTES + 16];
		struct stat st;
		snprintf(mark, sizeof(mark), "%s/leaving", dir);
		leaves = lstat(mark, &st) == 0;     /* its keeper has said that it goes */
		if ((ms -= 5) < 0 || (!leaves && ms < WAIT_MS - 1500)) {
			close(fd);
			return -EBUSY;
		}
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	return fd;
}

int ssd_own(void)
{
	bool clean;
	if (lock_fd >= 0)
		return 0;
	int fd = take_lock(view.ssd_dir, WAIT_MS);
	if (fd < 0)
		return fd;
	uint64_t owner = owner_read(view.ssd_dir, &clean);
	if (owner != view.h->ssd_owner) {
		close(fd);
		return owner ? -EBUSY : -EIO;
	}
	lock_fd = fd;
	return 0;
}

static void leaving(bool so)
{
	char path[PATH_BYTES + 16];
	snprintf(path, sizeof(path), "%s/leaving", view.ssd_dir);
	if (!so)
		unlink(path);
	else
		close(open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
}

void ssd_leaving(bool so)
{
	if (lock_fd >= 0)
		leaving(so);
}

void ssd_leave(void)
{
	if (lock_fd < 0)
		return;
	owner_write(view.ssd_dir, view.h->ssd_owner, "clean");
	leaving(false);
	close(lock_fd);
	lock_fd = -1;
}

/* ---- coming up ---- */

/* Its bytes as they were asked for: a part of such a dataset. 0: not asked for, or of an unknown whole. */
static uint64_t asked(uint64_t dataset)
{
	uint64_t bytes;
	return *conf.ssd_size && parse_size(conf.ssd_size, dataset, &bytes) == 0 ? bytes : 0;
}

uint64_t ssd_resized(uint64_t dataset)
{
	uint64_t bytes = strchr(conf.ssd_size, '%') ? asked(dataset) : 0, now = view.h->account[TIER_SSD].budget;
	return !now || !bytes ? now : (bytes > SSD_LEAST ? bytes : SSD_LEAST) / PAGE;
}

/* What is asked for, and what the disk has. */
static void room_said(const char *dir, uint64_t pages, uint64_t held)
{
	struct statvfs fs;
	uint64_t dataset = view.h->dataset_bytes / PAGE, want = dataset && dataset < pages ? dataset : pages;
	if (statvfs(dir, &fs) < 0)
		return;
	int64_t room = ssd_room() + (int64_t)(held * PAGE);
	if (pages * PAGE < SSD_LEAST)
		note_reason("opt4: OPT4_SSD: the disk of %.200s is full, but for the twentieth that is left to others; nothing goes there; free some of it",
			    dir);
	else if (room < 0 || (uint64_t)room < want * PAGE)
		note_reason("opt4: OPT4_SSD_SIZE: room for %lld of %llu MiB on the disk of %.200s, a twentieth left to others; the second tier stays smaller",
			    room > 0 ? (long long)room >> 20 : 0, (unsigned long long)(want * PAGE) >> 20, dir);
}

/* In pages. first: before it is known what is held there already; UINT64_MAX: the default rule. */
static uint64_t budget(const char *dir, uint64_t held, bool first)
{
	struct statvfs fs;
	uint64_t bytes = asked(view.h->dataset_bytes);
	if (bytes)
		return bytes / PAGE;
	if (first)
		return UINT64_MAX;
	if (*conf.ssd_size)
		opt4_log("opt4: OPT4_SSD_SIZE: %s of an unknown whole: no trace names the dataset's files; give a size; 90 %% of what is free holds", conf.ssd_size);
	if (statvfs(dir, &fs) < 0)
		return 0;
	uint64_t avail = fs.f_bavail * fs.f_frsize + held * PAGE, leave = fs.f_blocks * fs.f_frsize / SSD_FREE;
	avail = avail / 10 * 9 < avail - (avail < leave ? avail : leave) ? avail / 10 * 9 : avail - (avail < leave ? avail : leave);
	return avail / PAGE > held ? avail / PAGE : held;
}

static int make_folders(const char *dir)
{
	static const char *const sub[] = { "objects", "dead", "new" };
	char path[PATH_BYTES + 32];
	for (size_t i = 0; i < sizeof(sub) / sizeof(*sub); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, sub[i]);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	for (int i = 0; i < 256; i++) {
		snprintf(path, sizeof(path), "%s/objects/%02x", dir, i);
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static void remove_it(int fd, const char *name, __attribute__((unused)) void *arg) { unlinkat(fd, name, 0); }

static void empty(const char *dir, const char *sub)
{
	char path[PATH_BYTES + 32];
	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	dir_each(fd, remove_it, NULL);
	close(fd);
}

/* What a session that was not left in order has linked and not sealed is not known to be whole, nor charged. */
static void sweep_one(int fd, const char *name, void *arg)
{
	struct key *known = arg, k = { 0 };
	char hex[17] = "";
	if (strlen(name) == 32) {
		memcpy(hex, name, 16);
		k.path = strtoull(hex, NULL, 16);
		k.stat = strtoull(name + 16, NULL, 16);
	}
	uint64_t n = known[0].path, at = (k.path ^ k.stat) & (n - 1);
	for (; known[1 + at].path | known[1 + at].stat; at = (at + 1) & (n - 1))
		if (known[1 + at].path == k.path && known[1 + at].stat == k.stat)
			return;
	unlinkat(fd, name, 0);
}

static void sweep(const char *dir)
{
	uint64_t n = 1024;
	while (n < 2ull * view.h->account[TIER_SSD].resident)
		n *= 2;
	struct key *known = calloc(n + 1, sizeof(*known));
	if (!known)
		return;
	known[0].path = n;
	for (uint32_t w = 0, files = index_files(); w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[rec];
			if (rec >= files || rec_state(rec) != REC_RESIDENT || r->tier != TIER_SSD)
				continue;
			uint64_t at = (r->key.path ^ r->key.stat) & (n - 1);
			while (known[1 + at].path | known[1 + at].stat)
				at = (at + 1) & (n - 1);
			known[1 + at] = r->key;
		}
	for (int i = 0; i < 256; i++) {
		char path[PATH_BYTES + 32];
		snprintf(path, sizeof(path), "%s/objects/%02x", dir, i);
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		dir_each(fd, sweep_one, known);
		close(fd);
	}
	free(known);
}

static int64_t adopt(void)
{
	for (int i = 0; i < 100; i++)
		if (session_lock()) {
			int64_t n = sealed_adopt();
			session_unlock();
			return n;
		}
	return -ETIMEDOUT;
}

static int come_up(const char *dir, const char **why)
{
	struct index_header *h = view.h;
	struct statvfs fs;
	bool clean;
	int lock = take_lock(dir, WAIT_MS), rc;
	*why = "another session has it; give this job a folder of its own";
	if (lock < 0)
		return lock;
	owner_read(dir, &clean);   /* no word, or half of one that a power cut has left: not known to be in order */
	if (getrandom(&h->ssd_owner, sizeof(h->ssd_owner), 0) != sizeof(h->ssd_owner))
		h->ssd_owner = (h->created_ns ^ (uint64_t)getpid() << 40) | 1;
	*why = "cannot write there";
	rc = owner_write(dir, h->ssd_owner, "live");
	if (rc == 0)
		rc = make_folders(dir);
	if (rc == 0 && statvfs(dir, &fs) < 0)
		rc = -errno;
	if (rc == 0) {
		strcpy(h->ssd_dir, dir);
		h->ssd_block = fs.f_frsize > PAGE ? fs.f_frsize : PAGE;
		empty(dir, "new");
		empty(dir, "dead");
		atomic_store(&h->ssd_ready, 1);
		rc = ssd_here() ? 0 : -EIO;
	}
	if (rc == 0) {
		leaving(false);
		/* by default no less than what is there: the keeper sees to the disk's floor */
		h->account[TIER_SSD].budget = budget(dir, 0, true);
		int64_t n = adopt();
		if (h->account[TIER_SSD].budget == UINT64_MAX)
			h->account[TIER_SSD].budget = budget(dir, h->account[TIER_SSD].charged, false);
		room_said(dir, h->account[TIER_SSD].budget, h->account[TIER_SSD].charged);
		room_limits(h, h->maxfile);    /* files may be larger than for memory alone */
		if (n < 0)
			opt4_log("opt4: OPT4_SSD: %.200s/sealed: %s; it is begun anew", dir, strerror((int)-n));
		if (!clean || n < 0)
			sweep(dir);
	}
	if (rc < 0)
		atomic_store(&h->ssd_ready, 0);
	close(lock);
	return rc;
}

void ssd_asked(void)
{
	const struct index_header *h = view.h;
	char own[PATH_BYTES];
	uint64_t has = h->account[TIER_SSD].budget, want = asked(h->dataset_bytes) / PAGE;
	if (!*conf.ssd)
		return;
	ssd_user_folder(own, sizeof(own), conf.ssd);
	if (atomic_load(&h->ssd_ready) != 1 || strncmp(h->ssd_dir, own, strlen(own)))
		note_reason("opt4: OPT4_SSD: %.150s: left alone: this job shares the session of one that runs already, whose second tier is %.150s", conf.ssd,
			    atomic_load(&h->ssd_ready) == 1 ? h->ssd_dir : "none");
	else if (want && want != has && !strchr(conf.ssd_size, '%'))   /* a part may have grown */
		note_reason("opt4: OPT4_SSD_SIZE: %.30s: left alone: this job shares the session of one that runs already, whose second tier has %llu MiB",
			    conf.ssd_size, (unsigned long long)(has * PAGE) >> 20);
}

void ssd_begin(void)
{
	char dir[PATH_BYTES];
	const char *why;
	uint64_t bytes;
	if (!*conf.ssd || view.h->ntiers < 2)
		return;
	why = ssd_refused(conf.ssd);
	if (*conf.ssd_size && parse_size(conf.ssd_size, view.h->dataset_bytes, &bytes) == 0 && bytes < SSD_LEAST)
		why = "of less than 1 MiB, by OPT4_SSD_SIZE, which holds nothing; use e.g. 800G or 50%";
	for (uint32_t i = 0; !why && i < index_roots(); i++)
		if (ssd_within(conf.ssd, view.h->roots[i].path))
			why = "within the dataset, where the job would find it; name another folder";
	if (why) {
		opt4_log("opt4: OPT4_SSD: %.200s: %s; the job goes without it", conf.ssd, why);
		return;
	}
	why = "cannot make a folder there";
	int rc = ssd_folder(dir, sizeof(dir), conf.ssd, view.h->roots[0].path);
	if (rc == 0)
		rc = come_up(dir, &why);
	if (rc == -EBUSY)
		opt4_log("opt4: OPT4_SSD: %.200s: %s; the job goes without it", conf.ssd, why);
	else if (rc < 0)
		opt4_log("opt4: OPT4_SSD: %.200s: %s: %s; the job goes without it", conf.ssd, why, strerror(-rc));
}
