/* path.c - lexical matching of paths against the dataset's roots. */
#include "path.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#define ROOTS 16

/* Realpaths of the roots: asked for once, at the first path that could matter. */
static struct { const char *path; size_t len; } real[ROOTS];
static _Atomic int have_real;

static void load_real(void)
{
	struct guard g = hook_enter();
	for (unsigned n = 0; n < conf_nroots() && n < ROOTS; n++) {
		size_t len = 0;
		const char *p = conf_root_real(n, &len);
		real[n].len = len;
		__atomic_store_n(&real[n].path, p, __ATOMIC_RELEASE);
	}
	have_real = 1;
	hook_leave(g);
}

void path_roots_changed(void)
{
	have_real = 0;
	alias_forget();
}

/* ---- the cwd: cached, because getcwd costs a system call ---- */

static struct {
	_Atomic uint32_t seq;     /* odd while it is being written */
	_Atomic uint32_t gen;     /* grows with every chdir */
	uint32_t cached_gen;      /* gen + 1 as of when path was asked for; 0 = never */
	uint32_t len;
	char path[PATH_ROOM];
} cwd;

static _Atomic bool cwd_wanders;

void path_cwd_changed(void)
{
	cwd.gen++;
}

void path_cwd_wanders(void)
{
	cwd_wanders = true;
	path_cwd_changed();
}

/* Copies the cwd to buf; its length (0 for "/": the names that follow bring their own slash), or -1 if it cannot
 * be told (removed, unreachable, too long). */
static ssize_t get_cwd(char buf[PATH_ROOM])
{
	uint32_t gen = cwd.gen, seq = cwd.seq;

	if (!(seq & 1) && cwd.cached_gen == gen + 1 && cwd.len < PATH_ROOM) {
		size_t len = cwd.len;
		memcpy(buf, cwd.path, len);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (cwd.seq == seq)
			return (ssize_t)len;
	}
	int err = errno;
	long n = syscall(SYS_getcwd, buf, PATH_ROOM); /* counts the NUL */
	errno = err;
	if (n < 2 || buf[0] != '/')
		return -1;
	size_t len = n == 2 ? 0 : (size_t)n - 1;
	seq = cwd.seq;
	/* Not for a vfork child, whose memory is its parent's but whose cwd is not. */
	if (!(seq & 1) && !cwd_wanders && getpid() == hook_pid &&
	    atomic_compare_exchange_strong_explicit(&cwd.seq, &seq, seq + 1, memory_order_acq_rel, memory_order_relaxed)) {
		__atomic_thread_fence(__ATOMIC_RELEASE);   /* nothing of the new path is seen before the odd number */
		memcpy(cwd.path, buf, len);
		cwd.len = (uint32_t)len;
		cwd.cached_gen = gen + 1;
		atomic_store_explicit(&cwd.seq, seq + 2, memory_order_release);
	}
	return (ssize_t)len;
}

/* The real path of an open descriptor; its length (0 for "/", as get_cwd()), or -1. */
static ssize_t fd_path(int fd, char buf[PATH_ROOM])
{
	char link[32];
	int err = errno;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = next.readlink(link, buf, PATH_ROOM);
	errno = err;
	return n < 1 || n >= PATH_ROOM || buf[0] != '/' ? -1 : n == 1 ? 0 : n;
}

/* ---- matching ---- */

static bool below(const char *abs, size_t len, const char *root, size_t rlen)
{
	return root && len > rlen + 1 && abs[rlen] == '/' && !memcmp(abs, root, rlen);
}

/* The longest root that abs lies below. */
static bool match(const char *abs, size_t len, struct where *w)
{
	size_t best = 0, rlen;
	unsigned nroots = conf_nroots();

	for (unsigned n = 0; n < nroots; n++) {
		const char *root = conf_root(n, &rlen);
		if (rlen > best && below(abs, len, root, rlen)) {
			best = rlen;
			w->root = n;
		}
	}
	if (!best) {
		if (unlikely(!have_real) && !stack_small())
			load_real();
		for (unsigned n = 0; n < nroots && n < ROOTS; n++)
			if (real[n].len > best && below(abs, len, real[n].path, real[n].len)) {
				best = real[n].len;
				w->root = n;
			}
	}
	if (!best && alias_match(abs, len, &w->root, &rlen))
		best = rlen - 1;
	if (!best)
		return false;
	w->rel = abs + best + 1;
	w->len = len - best - 1;
	return true;
}

typedef uint8_t bytes16 __attribute__((vector_size(16)));

/* No empty, `.` or `..` component, no slash at the end. Names that begin with a dot go the long way too. Sixteen bytes at a
 * time beside those that follow each: every name that could be an image's pays this. */
static bool clean(const char *path, size_t len)
{
	for (size_t i = 0; len < 16 && i < len; i++)
		if (path[i] == '/' && (path[i + 1] == '/' || path[i + 1] == '.' || !path[i + 1]))
			return false;
	bytes16 bad = { 0 }, at, follows;
	uint64_t any[2];
	for (size_t i = 0; len >= 16; i = i + 16 < len - 16 ? i + 16 : len - 16) {
		memcpy(&at, path + i, 16);
		memcpy(&follows, path + i + 1, 16);   /* its last is the NUL at most */
		bad |= (bytes16)((at == '/') & ((follows == '/') | (follows == '.') | (follows == 0)));
		if (i == len - 16)
			break;
	}
	memcpy(any, &bad, 16);
	return !(any[0] | any[1]);
}

/* Appends the components of path to the absolute, real directory buf[0..n). Its `..` are taken off by name, for
 * its components are no links; a `..` after one of path's own names might leave a link: PATH_ASK. */
static enum path_kind append(char *buf, size_t n, const char *path, size_t *len)
{
	size_t floor = n;

	size_t l = strlen(path);
	if (path[0] != '/' && path[0] != '.' && clean(path, l)) {   /* as nearly always */
		if (n + 1 + l >= PATH_ROOM)
			return PATH_OTHER;
		buf[n] = '/';
		memcpy(buf + n + 1, path, l);
		*len = n + 1 + l;
		return PATH_ROOT;
	}
	while (*path) {
		while (*path == '/')
			path++;
		l = strcspn(path, "/");
		if (l == 2 && path[0] == '.' && path[1] == '.') {
			if (n > floor)
				return PATH_ASK;
			while (n && buf[--n] != '/')
				;
			floor = n;
		} else if (l && !(l == 1 && path[0] == '.')) {
			if (n + 1 + l >= PATH_ROOM)
				return PATH_OTHER;
			buf[n++] = '/';
			memcpy(buf + n, path, l);
			n += l;
		}
		path += l;
	}
	*len = n;
	return PATH_ROOT;
}

enum path_kind path_where(int dirfd, const char *path, struct where *w)
{
	ssize_t n = 0;
	size_t len;

	if (path[0] == '/') {
		len = strlen(path);
		if (clean(path, len))
			return match(path, len, w) ? PATH_ROOT : PATH_OTHER;
	} else {
		n = dirfd == AT_FDCWD ? get_cwd(w->buf) : fd_path(dirfd, w->buf);
		if (n < 0)
			return PATH_OTHER;
	}
	enum path_kind kind = append(w->buf, (size_t)n, path, &len);
	if (kind == PATH_ROOT && !match(w->buf, len, w))
		kind = PATH_OTHER;
	return kind;
}

enum path_kind path_of_fd(int fd, struct where *w)
{
	ssize_t n = fd_path(fd, w->buf);
	return n > 0 && match(w->buf, (size_t)n, w) ? PATH_ROOT : PATH_OTHER;
}

size_t path_name_of_fd(int fd, char buf[PATH_ROOM])
{
	ssize_t n = fd_path(fd, buf);
	return n > 0 ? (size_t)n : 0;
}

/* Does directory a lie at or above b? */
static bool leads_to(const char *a, size_t alen, const char *b, size_t blen)
{
	return b && blen >= alen && !memcmp(a, b, alen) && (blen == alen || b[alen] == '/');
}

static bool root_leads_to(unsigned n, const char *path, size_t len)
{
	size_t rlen;
	const char *root = conf_root(n, &rlen);
	return leads_to(root, rlen, path, len) || (real[n].path && leads_to(real[n].path, real[n].len, path, len));
}

static bool leads_to_root(unsigned n, const char *path, size_t len)
{
	size_t rlen;
	const char *root = conf_root(n, &rlen);
	return leads_to(path, len, root, rlen) || leads_to(path, len, real[n].path, real[n].len);
}

bool path_dir_elsewhere(int dirfd)
{
	char buf[PATH_ROOM];
	ssize_t n = fd_path(dirfd, buf);

	if (n < 0)
		return false;
	if (!have_real)
		load_real();
	for (unsigned r = 0; r < conf_nroots(); r++)
		if (r >= ROOTS || root_leads_to(r, buf, (size_t)n) || leads_to_root(r, buf, (size_t)n))
			return false;
	return true;
}

void path_roots_below(int dirfd, const char *path, void (*fn)(unsigned root))
{
	struct where w;
	ssize_t n = 0;
	size_t len;

	if (path[0] != '/') {
		n = dirfd == AT_FDCWD ? get_cwd(w.buf) : fd_path(dirfd, w.buf);
		if (n < 0)
			return;
	}
	if (append(w.buf, (size_t)n, path, &len) != PATH_ROOT || !len)
		return;
	if (!have_real)
		load_real();
	for (unsigned r = 0; r < conf_nroots() && r < ROOTS; r++)
		if (leads_to_root(r, w.buf, len))
			fn(r);
}

/* The decimal number at s; where it ends, or NULL. */
static const char *number(const char *s, int *n)
{
	const char *p = s;
	for (*n = 0; *p >= '0' && *p <= '9' && *n < 100000000; p++)
		*n = *n * 10 + (*p - '0');
	return p > s && (*p < '0' || *p > '9') ? p : NULL;
}

int path_proc_fd_slow(const char *path)
{
	static const char *const dirs[] = { "/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/" };
	const char *num = NULL;

	if (!strcmp(path, "/dev/stdin"))
		return 0;
	if (!strcmp(path, "/dev/stdout"))
		return 1;
	if (!strcmp(path, "/dev/stderr"))
		return 2;
	for (unsigned i = 0; i < 3; i++)
		if (!strncmp(path, dirs[i], strlen(dirs[i])))
			num = path + strlen(dirs[i]);
	int n;
	if (!num && !strncmp(path, "/proc/", 6) && (num = number(path + 6, &n)) && n == getpid())
		num = strncmp(num, "/fd/", 4) ? NULL : num + 4;
	return num && (num = number(num, &n)) && !*num ? n : -1;
}
