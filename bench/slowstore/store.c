/* store.c - whose file is it, what does it cost, does it fail: the model behind the hooks.
 *
 * Calls the kernel directly: the libc names would lead back into the library under test, which is
 * loaded before us. */
#include "disk.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROOTS_MAX 8
#define FDS_MAX   65536
#define SECOND    1000000000ull
#define NAP       50000ull         /* shorter waits are not slept: the debt stays in busy_until */

enum { UNKNOWN, OTHER, SLOW = 2, STARTED = 4, FAILS = 8 };   /* flags of a descriptor */
enum fail { FAIL_NONE, FAIL_EIO, FAIL_ENOENT, FAIL_SHORT, FAIL_HANG };

struct root { char path[PATH_MAX]; size_t len; };

static struct root roots[2 * ROOTS_MAX];   /* as given and as resolved */
static int nroots;
static uint64_t latency_ns, bandwidth, hang_ns, fail_every;
static enum fail fail;
static struct store_state private_state, *state = &private_state;
/* A number may be closed and reused by calls that we do not see, so a mark is believed only while the
 * inode is still the same. */
static struct { _Atomic uint32_t flags; _Atomic uint64_t ino; } fds[FDS_MAX];

#define ADD(field, n) __atomic_fetch_add(&state->field, (n), __ATOMIC_RELAXED)

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* Not cut short by signals: neither is a wait for a disk. */
static void wait_until(uint64_t when)
{
	uint64_t start = now_ns();
	if (when < start + NAP)
		return;
	struct timespec t = { (time_t)(when / SECOND), (long)(when % SECOND) };
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
	ADD(wait_ns, now_ns() - start);
}

static bool fstat_raw(int fd, struct stat *st)
{
	return syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH) == 0;
}

/* The part of an absolute path below a root, or NULL. */
static const char *below(const char *path)
{
	for (int i = 0; i < nroots; i++) {
		if (strncmp(path, roots[i].path, roots[i].len) == 0 && path[roots[i].len] == '/')
			return path + roots[i].len + 1;
	}
	return NULL;
}

static const char *link_target(const char *link, char buf[PATH_MAX])
{
	ssize_t n = syscall(SYS_readlinkat, AT_FDCWD, link, buf, PATH_MAX - 1);
	if (n <= 0)
		return NULL;
	buf[n] = 0;
	return buf;
}

static const char *fd_link(int fd, char buf[32])
{
	char *p = buf + 31;
	*p = 0;
	do
		*--p = (char)('0' + fd % 10);
	while (fd /= 10);
	return memcpy(p - 14, "/proc/self/fd/", 14);
}

static bool chosen(const char *rel)   /* FNV-1a, 64 bit */
{
	if (fail == FAIL_NONE)
		return false;
	uint64_t h = 0xCBF29CE484222325ull;
	for (; *rel; rel++)
		h = (h ^ (unsigned char)*rel) * 0x100000001B3ull;
	return (h ^ h >> 32) % fail_every == 0;
}

/* What the descriptor is, looked up anew; *ino is set for the store's. */
static uint32_t classify(int fd, uint64_t *ino)
{
	char link[32], path[PATH_MAX];
	struct stat st;
	const char *rel;
	if (!fstat_raw(fd, &st) || !S_ISREG(st.st_mode) || !link_target(fd_link(fd, link), path))
		return OTHER;
	rel = below(path);
	*ino = st.st_ino;
	return !rel ? OTHER : chosen(rel) ? SLOW | FAILS : SLOW;
}

static uint32_t mark(int fd)
{
	uint64_t ino = 0;
	uint32_t flags = classify(fd, &ino);
	if (fd < FDS_MAX) {
		fds[fd].ino = ino;
		fds[fd].flags = flags;
	}
	return flags;
}

static uint32_t flags_of(int fd)
{
	if (fd < 0)
		return OTHER;
	uint32_t flags = fd < FDS_MAX ? fds[fd].flags : UNKNOWN;
	if (flags == OTHER)
		return OTHER;
	struct stat st;
	if (flags == UNKNOWN || !fstat_raw(fd, &st) || st.st_ino != fds[fd].ino)
		flags = mark(fd);
	return flags;
}

bool store_active(void)
{
	return nroots > 0;
}

int store_opened(int fd)
{
	int saved = errno;
	uint32_t flags = mark(fd);
	errno = saved;
	if (!(flags & SLOW))
		return 0;
	if (flags & FAILS && fail == FAIL_ENOENT) {
		ADD(failures, 1);
		store_forget(fd);
		return ENOENT;
	}
	ADD(opens, 1);
	struct stat st;
	if (disk_is() && fstat_raw(fd, &st))
		wait_until(disk_inode(state, st.st_ino));
	errno = saved;
	return 0;
}

void store_forget(int fd)
{
	if (fd >= 0 && fd < FDS_MAX)
		fds[fd].flags = UNKNOWN;
}

int store_begin(int fd)
{
	int saved = errno;
	uint32_t flags = flags_of(fd);
	errno = saved;
	if (!(flags & SLOW))
		return 0;
	if (fd < FDS_MAX)
		flags = atomic_fetch_or(&fds[fd].flags, STARTED);
	if (!(flags & STARTED)) {
		ADD(first_reads, 1);
		wait_until(now_ns() + latency_ns);
		if (flags & FAILS && fail == FAIL_HANG) {
			ADD(failures, 1);
			wait_until(now_ns() + hang_ns);
		}
	}
	if (flags & FAILS && fail == FAIL_EIO) {
		ADD(failures, 1);
		errno = EIO;
		return -1;
	}
	return 1;
}

static void book(int fd, uint64_t end, uint64_t n)
{
	if (end == STORE_HERE)
		end = (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR);
	wait_until(disk_book(state, fd, end > n ? end - n : 0, n));
}

int store_write_begin(int fd)
{
	return disk_is() && store_is(fd);
}

void store_written(int fd, uint64_t end, uint64_t n)
{
	ADD(writes, 1);
	ADD(bytes_written, n);
	book(fd, end, n);
}

void store_bytes(int fd, uint64_t end_at, uint64_t n)
{
	ADD(reads, 1);
	ADD(bytes, n);
	if (disk_is() && n)
		book(fd, end_at, n);
	if (disk_is() || !bandwidth || !n)
		return;
	/* Each request books the next stretch of the store's time; an idle store earns no credit. */
	uint64_t ns = (uint64_t)((double)n * 1e9 / (double)bandwidth), end;
	uint64_t busy = __atomic_load_n(&state->busy_until, __ATOMIC_RELAXED);
	do {
		uint64_t start = now_ns();
		end = (busy > start ? busy : start) + ns;
	} while (!__atomic_compare_exchange_n(&state->busy_until, &busy, end, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	wait_until(end);
}

bool store_is(int fd)
{
	int saved = errno;
	bool slow = flags_of(fd) & SLOW;
	errno = saved;
	return slow;
}

uint64_t store_covered(int fd, uint64_t at, uint64_t len)
{
	struct stat st;
	int saved = errno;
	uint64_t size = fstat_raw(fd, &st) ? (uint64_t)st.st_size : 0;
	errno = saved;
	return at >= size ? 0 : len < size - at ? len : size - at;
}

size_t store_cap(int fd, size_t n)
{
	if (fail != FAIL_SHORT || n < 2 || !(flags_of(fd) & FAILS))
		return n;
	ADD(failures, 1);
	n /= 2;
	return n >= 4096 ? n & ~(size_t)4095 : n;   /* O_DIRECT goes on at an aligned offset */
}

int store_whole(int fd)
{
	int r = store_begin(fd);
	if (r <= 0)
		return r;
	uint64_t n = store_covered(fd, 0, UINT64_MAX);
	store_bytes(fd, n, n);
	if (fd < FDS_MAX)
		fds[fd].flags = OTHER;
	return 0;
}

int store_stat(int dirfd, const char *path)
{
	char link[32], full[2 * PATH_MAX];
	const char *rel;
	int saved = errno;
	if (!nroots || !path || !*path)
		return 0;
	if (*path == '/') {
		rel = below(path);
	} else {
		if (strlen(path) >= PATH_MAX ||
		    !link_target(dirfd == AT_FDCWD ? "/proc/self/cwd" : fd_link(dirfd, link), full)) {
			errno = saved;
			return 0;
		}
		rel = below(strcat(strcat(full, "/"), path));
	}
	errno = saved;
	if (!rel)
		return 0;
	ADD(stats, 1);
	struct stat st;
	if (disk_is() && syscall(SYS_newfstatat, dirfd, path, &st, 0) == 0 && S_ISREG(st.st_mode))
		wait_until(disk_inode(state, st.st_ino));
	errno = saved;
	if (fail != FAIL_ENOENT || !chosen(rel))
		return 0;
	ADD(failures, 1);
	return ENOENT;
}

static void add_root(const char *path)
{
	struct root *r = &roots[nroots];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		len--;
	if (*path != '/' || len < 2 || len >= PATH_MAX || nroots == 2 * ROOTS_MAX)
		return;
	memcpy(r->path, path, len);
	r->path[len] = 0;
	r->len = len;
	nroots++;
}

uint64_t store_parse(const char *s)
{
	static const char units[] = "KMGT";
	char *end;
	double v = strtod(s, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;
	return v <= 0 ? 0 : (uint64_t)(v * (double)(unit ? 1024ull << 10 * (unit - units) : 1));
}

static void parse_fail(const char *s)
{
	static const char *const names[] = { "", "eio:", "enoent:", "short:", "hang:" };
	for (enum fail f = FAIL_EIO; f <= FAIL_HANG; f++) {
		size_t len = strlen(names[f]);
		char *end = (char *)s + len;
		if (strncmp(s, names[f], len) != 0)
			continue;
		if (f == FAIL_HANG) {
			hang_ns = (uint64_t)(strtod(end, &end) * 1e9);
			end += *end == ':';
		}
		fail_every = strtoull(end, NULL, 10);
		fail = fail_every ? f : FAIL_NONE;
	}
}

static void map_state(const char *path)
{
	int flags = MAP_SHARED, fd = -1;
	if (path) {
		fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || syscall(SYS_ftruncate, fd, sizeof *state) != 0)
			goto out;
	} else {
		flags |= MAP_ANONYMOUS;
	}
	long p = syscall(SYS_mmap, NULL, sizeof *state, PROT_READ | PROT_WRITE, flags, fd, 0L);
	if (p != -1)
		state = (struct store_state *)p;
out:
	if (fd >= 0)
		syscall(SYS_close, fd);
}

__attribute__((constructor)) static void start(void)
{
	const char *root = getenv("SLOWSTORE_ROOT"), *v;
	int saved = errno;
	if (!root || !*root)
		return;
	syscall(SYS_prctl, PR_SET_TIMERSLACK, 1, 0, 0, 0);   /* waits of a fraction of a millisecond are to end in time */
	map_state(getenv("SLOWSTORE_STATE"));
	if ((v = getenv("SLOWSTORE_LATENCY")))
		latency_ns = (uint64_t)(strtod(v, NULL) * 1e6);
	if ((v = getenv("SLOWSTORE_BANDWIDTH")))
		bandwidth = store_parse(v);
	disk_start((double)bandwidth);
	if ((v = getenv("SLOWSTORE_FAIL")))
		parse_fail(v);
	char list[ROOTS_MAX * PATH_MAX], real[PATH_MAX], *save = NULL;
	strncpy(list, root, sizeof list - 1);
	list[sizeof list - 1] = 0;
	for (char *p = strtok_r(list, ":", &save); p; p = strtok_r(NULL, ":", &save)) {
		add_root(p);
		if (realpath(p, real) && strcmp(p, real) != 0)
			add_root(real);
	}
	errno = saved;
}
