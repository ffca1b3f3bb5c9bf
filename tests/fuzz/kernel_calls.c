/* kernel_calls.c - see kernel.h: the calls, answered from kernel.c's files by the fate. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "kernel_files.h"

/* Descriptors; below these a node's is its number + 3. */
enum { FD_FILE = 100, FD_STAT = 200, FD_BOOT, FD_OBJECT, FD_DIR, FD_OTHER };
enum { DEV_ROOT = 1, DEV_SHM = 9 };

static uint32_t stat_pid;
static char object[300];          /* the last one opened */

/* ---- names ---- */

static int describe(struct stat *st, unsigned mode, uint64_t dev, uint64_t ino, size_t size)
{
	*st = (struct stat){ .st_mode = mode, .st_dev = dev, .st_ino = ino, .st_size = (off_t)size, .st_uid = 1000, .st_nlink = 1 };
	return 0;
}

static int number_of(const char *path)
{
	const char *name = strrchr(path, '/');
	int n = name && name[1] == 'f' ? atoi(name + 2) : -1;
	return n >= 0 && n < FUZZ_FILES ? n : -1;
}

int fuzz_open(const char *path, int flags, ...)
{
	unsigned pid;
	struct node *n = starts(path, FUZZ_DIR "/") ? node_at(path) : NULL;
	if (kernel_fails())
		return -1;
	if (n) {
		if (flags & O_CREAT && !n->there) {
			n->there = true;
			n->bytes = 0;
		}
		if (n->there)
			return (int)(n - nodes) + 3;
	} else if (starts(path, FUZZ_ROOT "/")) {
		if (number_of(path) >= 0)
			return FD_FILE + number_of(path);
	} else if (starts(path, FUZZ_DIR)) {
		if ((flags & O_TMPFILE) != O_TMPFILE && strstr(path, "/objects/"))
			snprintf(object, sizeof object, "%s", path);
		return (flags & O_TMPFILE) == O_TMPFILE || strlen(path) > sizeof FUZZ_DIR + 40 ? FD_OBJECT
			: flags & O_DIRECTORY ? FD_DIR : strstr(path, "/live.") ? (errno = ENOENT, -1) : FD_OTHER;
	} else if (sscanf(path, "/proc/%u/stat", &pid) == 1) {
		stat_pid = pid;
		if (pid >= FUZZ_PID)
			return FD_STAT;
	} else if (starts(path, "/proc/sys/kernel/random/boot_id")) {
		return FD_BOOT;
	}
	errno = ENOENT;
	return -1;
}

int fuzz_openat(int dirfd, const char *path, int flags, ...);
int fuzz_openat(int dirfd, const char *path, int flags, ...)
{
	char whole[400];
	snprintf(whole, sizeof whole, FUZZ_DIR "/%.300s", path);
	return fuzz_open(whole, flags);
}

int fuzz_stat(const char *path, struct stat *st);
int fuzz_stat(const char *path, struct stat *st)
{
	if (kernel_fails())
		return -1;
	if (!strcmp(path, FUZZ_ROOT))
		return describe(st, S_IFDIR | 0755, DEV_ROOT, 2, 0);
	if (!strcmp(path, "/proc/self/ns/pid"))
		return describe(st, S_IFREG | 0444, 4, 4, 0);
	if (!strcmp(path, FUZZ_DIR))
		return describe(st, S_IFDIR | 0700, DEV_SHM, 3, 0);
	if (starts(path, FUZZ_DIR "/"))
		return describe(st, S_IFREG | 0600, DEV_SHM, 1000, 5000);
	if (starts(path, FUZZ_ROOT "/") && number_of(path) >= 0)
		return describe(st, S_IFREG | 0644, DEV_ROOT, 10 + (unsigned)number_of(path), 5000 + (size_t)number_of(path) * 700);
	errno = ENOENT;
	return -1;
}
int fuzz_lstat(const char *path, struct stat *st);
int fuzz_lstat(const char *path, struct stat *st) { return fuzz_stat(path, st); }
int fuzz_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int fuzz_fstatat(int dirfd, const char *path, struct stat *st, int flags) { return fuzz_stat(path, st); }

int fuzz_fstat(int fd, struct stat *st);
int fuzz_fstat(int fd, struct stat *st)
{
	struct node *n = node_of(fd);
	if (kernel_fails())
		return -1;
	if (n)
		return describe(st, S_IFREG | 0600, DEV_SHM, 100 + (unsigned)fd, n->bytes);
	if (fd >= FD_FILE && fd < FD_FILE + FUZZ_FILES)
		return describe(st, S_IFREG | 0644, DEV_ROOT, 10 + (unsigned)(fd - FD_FILE), 5000 + (size_t)(fd - FD_FILE) * 700);
	return describe(st, S_IFREG | 0600, DEV_SHM, 1000, 5000);
}

static int answer(void) { return kernel_fails() ? -1 : 0; }
#define CALL(name, ...) int name(__VA_ARGS__); int name(__VA_ARGS__)
CALL(fuzz_access, const char *path, int mode)
{
	if (!strcmp(path, FUZZ_DIR))
		return answer();
	errno = ENOENT;            /* no keeper to be started */
	return -1;
}
CALL(fuzz_unlink, const char *path) { node_remove(starts(path, FUZZ_DIR "/") ? node_at(path) : NULL); return answer(); }
CALL(fuzz_unlinkat, int fd, const char *path, int flags) { node_remove(node_at(path)); return answer(); }
CALL(fuzz_rename, const char *from, const char *to) { return answer(); }
CALL(fuzz_renameat, int fd, const char *from, int fd2, const char *to) { return answer(); }
CALL(fuzz_link, const char *from, const char *to) { return answer(); }
CALL(fuzz_linkat, int fd, const char *from, int fd2, const char *to, int flags) { return answer(); }
CALL(fuzz_mkdir, const char *path, mode_t mode) { return answer(); }
CALL(fuzz_mkdirat, int fd, const char *path, mode_t mode) { return answer(); }
CALL(fuzz_rmdir, const char *path) { return answer(); }
CALL(fuzz_chmod, const char *path, mode_t mode) { return answer(); }
CALL(fuzz_fchmod, int fd, mode_t mode) { return answer(); }
CALL(fuzz_futimens, int fd, const struct timespec ts[2]) { return answer(); }
CALL(fuzz_flock, int fd, int how) { return answer(); }
CALL(fuzz_fcntl, int fd, int how, ...) { return answer(); }
CALL(fuzz_close, int fd) { return 0; }
CALL(fuzz_statfs, const char *path, struct statfs *fs)
{
	*fs = (struct statfs){ .f_type = starts(path, "/dev/shm") ? 0x01021994 : 0xEF53 };
	return answer();
}
CALL(fuzz_statvfs, const char *path, struct statvfs *fs)
{
	*fs = (struct statvfs){ .f_frsize = 4096, .f_blocks = 1 << 20, .f_bavail = kernel_fails() ? 100 : 1 << 19 };
	return 0;
}

ssize_t fuzz_readlink(const char *path, char *buf, size_t n);
ssize_t fuzz_readlink(const char *path, char *buf, size_t n)
{
	size_t len = strlen(object);
	memcpy(buf, object, len < n ? len : n);
	return (ssize_t)len;
}

/* ---- contents ---- */

ssize_t fuzz_read(int fd, void *buf, size_t n);
ssize_t fuzz_read(int fd, void *buf, size_t n)
{
	if (kernel_fails())
		return -1;
	if (fd == FD_STAT)
		return snprintf(buf, n, "%u (x) R 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0", stat_pid, stat_pid);
	memset(buf, 'b', n < 36 ? n : 36);
	return n < 36 ? (ssize_t)n : 36;
}
ssize_t fuzz_write(int fd, const void *buf, size_t n);
ssize_t fuzz_write(int fd, const void *buf, size_t n) { return (ssize_t)n; }
ssize_t fuzz_pwrite(int fd, const void *buf, size_t n, off_t at);
ssize_t fuzz_pwrite(int fd, const void *buf, size_t n, off_t at) { return kernel_fails() ? -1 : (ssize_t)n; }
ssize_t fuzz_pread(int fd, void *buf, size_t n, off_t at);
ssize_t fuzz_pread(int fd, void *buf, size_t n, off_t at)
{
	if (kernel_fails())
		return -1;
	*(char *)buf = 1;          /* its bounds are looked at, its bytes are nobody's here */
	((char *)buf)[n - 1] = 1;
	return (ssize_t)n;
}
ssize_t fuzz_preadv2(int fd, const void *v, int n, off_t at, int flags);
ssize_t fuzz_preadv2(int fd, const void *v, int n, off_t at, int flags) { return 1; }
CALL(fuzz_posix_fadvise, int fd, off_t at, off_t n, int what) { return 0; }
CALL(fuzz_ftruncate, int fd, off_t n) { return kernel_fails() || node_grow(node_of(fd), (size_t)n) ? -1 : 0; }
CALL(fuzz_fallocate, int fd, int mode, off_t at, off_t n) { return answer(); }
CALL(fuzz_posix_fallocate, int fd, off_t at, off_t n) { return kernel_fails() ? errno : node_grow(node_of(fd), (size_t)n); }

void *fuzz_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off);
void *fuzz_mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	struct node *node = node_of(fd);
	if (kernel_fails())
		return MAP_FAILED;
	return node ? node->p : mmap(NULL, n, prot, flags, -1, 0);
}
CALL(fuzz_munmap, void *p, size_t n)
{
	for (int i = 0; i < NODES; i++)
		if (p == nodes[i].p)
			return 0;
	return munmap(p, n);
}
CALL(fuzz_madvise, void *p, size_t n, int what) { return 0; }

long fuzz_syscall(long number, ...);
long fuzz_syscall(long number, ...)
{
	va_list ap;
	va_start(ap, number);
	if (number == SYS_getdents64 && kernel_entries && (va_arg(ap, int), true)) {
		struct { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[61]; } *e = va_arg(ap, void *);
		memset(e, 0, 80);
		e->len = 80;
		snprintf(e->name, sizeof e->name, "%s.0.3", strrchr(object, '/') ? strrchr(object, '/') + 1 : "x");
		kernel_entries = false;
		va_end(ap);
		return 80;
	}
	va_end(ap);
	errno = ENOSYS;
	return number == SYS_getdents64 || number == SYS_futex ? 0 : -1;
}

/* ---- the process ---- */

CALL(fuzz_getpid, void) { return (int)FUZZ_PID; }
CALL(fuzz_geteuid, void) { return 1000; }
CALL(fuzz_clone, int (*fn)(void *), void *stack, int flags, void *arg, ...) { abort(); }
CALL(fuzz_sched_yield, void) { return 0; }
CALL(fuzz_nanosleep, const struct timespec *ts, struct timespec *left) { kernel_now += MS; return 0; }
CALL(fuzz_clock_gettime, clockid_t id, struct timespec *ts)
{
	kernel_now += MS;
	*ts = (struct timespec){ (time_t)(kernel_now / 1000000000), (long)(kernel_now % 1000000000) };
	if (id == CLOCK_REALTIME)
		ts->tv_sec += 1000000000;
	return 0;
}
CALL(fuzz_getrlimit, int what, struct rlimit *lim) { *lim = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }; return 0; }
CALL(fuzz_pthread_sigmask, int how, const sigset_t *set, sigset_t *was) { return 0; }
CALL(fuzz_pthread_setcancelstate, int state, int *was) { return 0; }
CALL(fuzz_sigpending, sigset_t *set) { return sigemptyset(set); }
CALL(fuzz_sigaction, int sig, const struct sigaction *act, struct sigaction *was)
{
	*was = (struct sigaction){ .sa_handler = SIG_DFL };
	return 0;
}
