/* fake_session.c - the dumbest thing that keeps session.h's contract, to try the hooks alone: FAKE_DIR (on tmpfs) holds
 * a link NAME.path to the original for each file, where NAME is a hash of its path, and a copy NAME-INODE with what the
 * original was in NAME-INODE.stat. Every call writes a line to FAKE_LOG. Nothing is evicted, nothing shared but the
 * directory. FAKE_DELAY_MS slows fetches, FAKE_STALE names a file: while it exists, session_stat() says -ESTALE. */
#include "../../preload/session/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-parameter"   /* most of the contract is beside the point here */

__thread int opt4_inside;
uint64_t session_dev, session_ssd_dev;
uint8_t conf_last_byte[256];

static char root[PATH_MAX], real[PATH_MAX], dir[PATH_MAX];
static bool active, disabled;

static void say(const char *fmt, ...)
{
	char line[PATH_MAX + 64];
	va_list ap;
	const char *log = getenv("FAKE_LOG");

	if (!opt4_inside && log)
		abort(); /* the contract: raised around every call */
	if (!log)
		return;
	va_start(ap, fmt);
	int n = vsnprintf(line, sizeof line - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0) {
		if (write(fd, line, (size_t)n) != n)
			abort();
		close(fd);
	}
}

static const char *tail(const char *path)
{
	const char *p = strrchr(path, '/');
	return p ? p + 1 : path;
}

static void object(uint32_t rec, uint64_t ino, char *to) { snprintf(to, PATH_MAX, "%.3000s/%08x-%llx", dir, rec, (unsigned long long)ino); }

/* What the original was when it was copied. */
static bool told(const char *obj, struct stat *st, bool tell)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof path, "%s.stat", obj);
	int fd = open(path, tell ? O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0600);
	bool done = fd >= 0 && (tell ? write(fd, st, sizeof *st) : read(fd, st, sizeof *st)) == sizeof *st;
	if (fd >= 0)
		close(fd);
	return done;
}

/* Is there a copy of it as it is now? */
static bool copied(const char *obj, const struct stat *st)
{
	struct stat was;
	return access(obj, F_OK) == 0 && told(obj, &was, false) && st->st_size == was.st_size && st->st_mtim.tv_sec == was.st_mtim.tv_sec &&
	       st->st_mtim.tv_nsec == was.st_mtim.tv_nsec;
}

static void original(uint32_t rec, char *to)
{
	char link[PATH_MAX];
	snprintf(link, sizeof link, "%.3000s/%08x.path", dir, rec);
	ssize_t n = readlink(link, to, PATH_MAX - 1);
	to[n < 0 ? 0 : n] = 0;
}

void conf_load(void)
{
	const char *r = getenv("FAKE_ROOT"), *d = getenv("FAKE_DIR");
	struct stat st;

	if (!r || !d)
		return;
	strcpy(root, r);
	strcpy(dir, d);
	conf_last_byte['g'] = conf_last_byte['G'] = 1;
	active = true;
	if (stat(dir, &st) == 0)
		session_dev = st.st_dev;
}
bool conf_active(void) { return active; }
unsigned conf_nroots(void) { return active; }
const char *conf_root(unsigned n, size_t *len) { *len = strlen(root); return root; }
const char *conf_root_real(unsigned n, size_t *len)
{
	if (!*real && !realpath(root, real))
		return NULL;
	*len = strlen(real);
	return real;
}

uint32_t session_record(unsigned n, const char *rel, size_t len)
{
	char path[PATH_MAX], link[PATH_MAX];
	uint32_t h = 2166136261u;

	if (disabled || len >= 1000)
		return REC_NONE;
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)rel[i]) * 16777619u;
	snprintf(path, sizeof path, "%.2000s/%.*s", root, (int)len, rel);
	snprintf(link, sizeof link, "%.3000s/%08x.path", dir, h);
	if (symlink(path, link) && errno != EEXIST)
		return REC_NONE;
	return h;
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int fill(uint32_t rec, int fd, struct cached *c)
{
	struct stat st;
	c->rec = rec;
	c->obj_ino = 0;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size)
		return -EINVAL;
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	c->checked = now();
	return 0;
}

static bool written(uint32_t rec)
{
	char w[PATH_MAX];
	snprintf(w, sizeof w, "%.3000s/%08x.w", dir, rec);
	return access(w, F_OK) == 0;
}

int session_open(uint32_t rec, int dirfd, const char *path, int flags, struct cached *c)
{
	char obj[PATH_MAX], orig[PATH_MAX];
	struct stat st, ost;

	original(rec, orig);
	if (written(rec) || fstatat(dirfd, path, &st, flags & O_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0))
		return -ENOENT;
	object(rec, st.st_ino, obj);
	if (!copied(obj, &st) || stat(obj, &ost))
		return unlink(obj) ? -ENOENT : -ESTALE;
	int fd = open(obj, O_RDONLY | flags);
	if (fd < 0)
		return -errno;
	fill(rec, fd, c);
	c->obj_ino = ost.st_ino;
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	say("hit %s", tail(orig));
	return fd;
}

int session_hint(uint32_t rec, int fd, struct cached *c)
{
	char orig[PATH_MAX];
	original(rec, orig);
	say("hint %s", tail(orig));
	return fill(rec, fd, c);
}

int session_fetch(int fd, int flags, struct cached *c)
{
	char obj[PATH_MAX], tmp[PATH_MAX], orig[PATH_MAX], buf[8192];
	const char *delay = getenv("FAKE_DELAY_MS");
	struct stat st;
	ssize_t n;

	original(c->rec, orig);
	say("fetch %s", tail(orig));
	if (fstat(fd, &st) || st.st_ino != c->ino || st.st_dev != c->dev || written(c->rec))
		return -ESTALE;
	if (delay)
		usleep((unsigned)atoi(delay) * 1000);
	object(c->rec, c->ino, obj);
	snprintf(tmp, sizeof tmp, "%.3000s.%d.%d", obj, getpid(), fd);
	int out = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	for (off_t at = 0; (n = pread(fd, buf, sizeof buf, at)) > 0; at += n)
		if (write(out, buf, (size_t)n) != n)
			abort();
	if (copied(obj, &st)) {
		unlink(tmp);
	} else {
		rename(tmp, obj);
		told(obj, &st, true);
	}
	close(out);
	out = open(obj, O_RDONLY | flags);
	if (out < 0 || fstat(out, &st))
		return -errno;
	c->obj_ino = st.st_ino;
	return out;
}

void session_touch(const struct cached *c)
{
	char orig[PATH_MAX];
	original(c->rec, orig);
	say("touch %s", tail(orig));
}

static int look(struct cached *c, char *orig)
{
	const char *stale = getenv("FAKE_STALE");
	original(c->rec, orig);
	c->checked = now();
	return stale && access(stale, F_OK) == 0 ? -ESTALE : *orig ? 0 : -ENOENT;
}

int session_stat(struct cached *c, struct stat *st)
{
	char orig[PATH_MAX], obj[PATH_MAX];
	int r = look(c, orig);
	if (r || (stat(orig, st) == 0 && st->st_ino == c->ino))
		return r;
	object(c->rec, c->ino, obj);   /* it goes by another name now */
	return told(obj, st, false) ? 0 : -ENOENT;
}

int session_statx(struct cached *c, unsigned mask, struct statx *stx)
{
	char orig[PATH_MAX];
	int r = look(c, orig);
	return r ? r : statx(AT_FDCWD, orig, 0, STATX_BASIC_STATS | STATX_BTIME, stx) ? -errno : 0;
}

int session_whose(int fd, struct cached *c)
{
	char link[64], obj[PATH_MAX], orig[PATH_MAX];
	struct stat st;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, obj, sizeof obj - 1);
	if (n < 0)
		return -ENOENT;
	obj[n] = 0;
	say("whose %s", tail(obj));
	if (strncmp(obj, dir, strlen(dir)) || fstat(fd, &st))
		return -ENOENT;
	c->rec = (uint32_t)strtoul(tail(obj), NULL, 16);
	c->obj_ino = st.st_ino;
	original(c->rec, orig);
	if (stat(orig, &st))
		return -ENOENT;
	c->dev = st.st_dev;
	c->ino = st.st_ino;
	return 0;
}

int session_reopen(const struct cached *c, int flags)
{
	char orig[PATH_MAX];
	struct stat st;

	original(c->rec, orig);
	say("reopen %s", tail(orig));
	int fd = open(orig, flags);
	if (fd < 0)
		return -ESTALE;
	if (fstat(fd, &st) || st.st_ino != c->ino) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}

/* All copies whose name begins so. */
static void forget(const char *start)
{
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && (e = readdir(d)))
		if (!strchr(e->d_name, '.') && !strncmp(e->d_name, start, strlen(start)))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

void session_invalidate(uint32_t rec)
{
	char orig[PATH_MAX], name[16];
	original(rec, orig);
	say("invalidate %s", tail(orig));
	snprintf(name, sizeof name, "%08x-", rec);
	forget(name);
}

void session_changed(uint32_t rec, const struct stat *st) { session_invalidate(rec); }

void session_writer(uint32_t rec, int delta)
{
	char w[PATH_MAX], orig[PATH_MAX];
	snprintf(w, sizeof w, "%.3000s/%08x.w", dir, rec);
	original(rec, orig);
	say("writer%+d %s", delta, tail(orig));
	if (delta > 0)
		close(open(w, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	else
		unlink(w);
}

uint32_t session_writes(uint32_t rec, const struct stat *st) { session_writer(rec, 1); session_invalidate(rec); return rec; }

void session_invalidate_tree(unsigned r, const char *rel, size_t len)
{
	say("tree %.*s", (int)len, rel);
	forget("");
}

/* No tmpfs of its own that others might want. */
void session_grow(int fd, const struct stat *st, uint64_t from, uint64_t to, bool later) {}
void session_grown(int fd) {}
uint64_t session_tmpfs(void) { return 0; }

void session_after_fork(void) { say("forked"); }
void session_job_begin(void) { setenv("OPT4_JOB", "fake", 1); }   /* who comes by exec looks for what it inherited */
void session_leave(void) { say("leave"); }
void session_abandoned(void) { }
void session_disable(const char *why) { disabled = true; say("disable %s", why); }
void opt4_log(const char *fmt, ...) {}
void note_reason(const char *fmt, ...) {}
void tell_load(void) {}
_Atomic unsigned session_users;
void (*session_moves)(void);
bool tell(enum told what, const char *text) { return false; }

uint32_t session_record_named(unsigned n, const char *rel, size_t len) { return session_record(n, rel, len); }
bool session_absent(uint32_t rec) { return false; }   /* files are small here, and fetched whole */
void session_peeked(struct cached *c) {}

/* No live order here. */
#include "../../preload/live/live.h"
bool conf_live(void) { return false; }
bool conf_add_root(const char *path) { return false; }
bool conf_add_roots(const char *list) { return false; }
void session_roots_added(void) {}
void conf_set_size(uint64_t bytes, bool guess) {}
int live_measure(uint64_t all, const char *names, size_t bytes) { return -1; }
bool conf_may_learn(void) { return false; }
bool live_python_dir(const char *folder, char path[PATH_BYTES]) { return false; }
bool live_python_path(const char *folder) { return false; }
_Atomic bool live_watching;
void live_use(uint64_t dataset, uint32_t n) {}
void live_forget(uint64_t dataset) {}
void live_rest(void) {}
size_t live_fetched(bool whole) { return 0; }
size_t live_strangers(char *to, size_t room) { return 0; }
void live_learn(bool make) {}
void live_stranger(const char *path, size_t len) {}
void live_loader_again(void) {}
void live_apart_begin(bool (*ask)(void), const char *system, size_t bytes) {}
void live_apart_end(void) {}
_Atomic bool live_child;
bool live_child_begin(void) { return false; } bool live_roots_grew(void) { return false; }
void live_children_load(void) {} void live_child_end(void) {} void live_forked(void) {} void live_root_found(void) {}
size_t live_children_names(char *to, size_t room) { return 0; } size_t live_children_file(const char *name, char *to, size_t room) { return 0; }
bool live_children_has(const char *name) { return false; } size_t live_children_system(char to[LIVE_SYSTEM]) { return 0; }
size_t live_apart_names(char *to, size_t room) { return 0; }
void live_own(uint64_t key, uint64_t dataset) {}
int live_files(uint64_t dataset, uint32_t n, const char *paths, size_t bytes) { return -ENOSYS; }
int live_known(uint64_t dataset, uint32_t n) { return 0; }
int live_publish(const struct live_epoch *e) { return -ENOSYS; }
void live_lied(uint64_t key) { }
int live_fork(unsigned seconds) { return -ENOSYS; }
void live_reap(void) { }
struct cell_words *cell_new(uint32_t room) { return NULL; }
void cell_free(struct cell_words *w) { }
bool cell_lock(struct cell_words *w, const uint32_t ids[3]) { return false; }
int live_spool(const struct live_epoch *e, const void *what, size_t bytes) { return -ENOSYS; }
void live_ready(void) {}
void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch) {}
void live_follow(uint64_t key) {}
void live_sample(uint32_t n, uint32_t index) {}
void live_key(uint32_t key) {}
void live_end(uint64_t key) {}
bool session_readable(const struct cached *c, int fd) { return true; }
void session_failed(const struct cached *c) {}
