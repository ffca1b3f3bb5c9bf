/* stub.c - what the table of next definitions holds before it is resolved. */
#include "hook.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#ifndef SYS_close_range       /* older headers; the same on every machine */
#define SYS_close_range 436
#endif

#define RAW(ret, name, params, ...) \
	static ret stub_##name params { return (ret)syscall(__VA_ARGS__); }

/* glibc's variadic ones: what was not passed is read as garbage, which the kernel does not look at. */
#define OPENER(name, params, last, ...) \
	static int stub_##name params \
	{ \
		va_list ap; \
		va_start(ap, last); \
		unsigned long arg = va_arg(ap, unsigned long); \
		va_end(ap); \
		return (int)syscall(__VA_ARGS__); \
	}

OPENER(open, (const char *p, int fl, ...), fl, SYS_openat, AT_FDCWD, p, fl, arg)
OPENER(open64, (const char *p, int fl, ...), fl, SYS_openat, AT_FDCWD, p, fl, arg)
OPENER(openat, (int d, const char *p, int fl, ...), fl, SYS_openat, d, p, fl, arg)
OPENER(openat64, (int d, const char *p, int fl, ...), fl, SYS_openat, d, p, fl, arg)
OPENER(fcntl, (int fd, int cmd, ...), cmd, SYS_fcntl, fd, cmd, arg)
OPENER(fcntl64, (int fd, int cmd, ...), cmd, SYS_fcntl, fd, cmd, arg)
OPENER(ioctl, (int fd, unsigned long req, ...), req, SYS_ioctl, fd, req, arg)

#define O_CREATE (O_CREAT | O_WRONLY | O_TRUNC)
RAW(int, creat, (const char *p, mode_t m), SYS_openat, AT_FDCWD, p, O_CREATE, m)
RAW(int, creat64, (const char *p, mode_t m), SYS_openat, AT_FDCWD, p, O_CREATE, m)
RAW(int, __open_2, (const char *p, int fl), SYS_openat, AT_FDCWD, p, fl, 0)
RAW(int, __open64_2, (const char *p, int fl), SYS_openat, AT_FDCWD, p, fl, 0)
RAW(int, __openat_2, (int d, const char *p, int fl), SYS_openat, d, p, fl, 0)
RAW(int, __openat64_2, (int d, const char *p, int fl), SYS_openat, d, p, fl, 0)

RAW(ssize_t, read, (int fd, void *b, size_t n), SYS_read, fd, b, n)
RAW(ssize_t, __read_chk, (int fd, void *b, size_t n, size_t room), SYS_read, fd, b, n < room ? n : room)
RAW(ssize_t, pread, (int fd, void *b, size_t n, off_t o), SYS_pread64, fd, b, n, o)
RAW(ssize_t, pread64, (int fd, void *b, size_t n, off64_t o), SYS_pread64, fd, b, n, o)
RAW(ssize_t, __pread_chk, (int fd, void *b, size_t n, off_t o, size_t room), SYS_pread64, fd, b, n < room ? n : room, o)
RAW(ssize_t, __pread64_chk, (int fd, void *b, size_t n, off64_t o, size_t room), SYS_pread64, fd, b, n < room ? n : room, o)
RAW(ssize_t, write, (int fd, const void *b, size_t n), SYS_write, fd, b, n)
RAW(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), SYS_pwrite64, fd, b, n, o)
RAW(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), SYS_pwrite64, fd, b, n, o)
RAW(ssize_t, writev, (int fd, const struct iovec *v, int n), SYS_writev, fd, v, n)
RAW(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t o), SYS_pwritev, fd, v, n, o, 0)
RAW(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t o), SYS_pwritev, fd, v, n, o, 0)
RAW(ssize_t, readv, (int fd, const struct iovec *v, int n), SYS_readv, fd, v, n)
RAW(ssize_t, preadv, (int fd, const struct iovec *v, int n, off_t o), SYS_preadv, fd, v, n, o, 0)
RAW(ssize_t, preadv64, (int fd, const struct iovec *v, int n, off64_t o), SYS_preadv, fd, v, n, o, 0)
RAW(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t o, int f), SYS_preadv2, fd, v, n, o, 0, f)
RAW(ssize_t, preadv64v2, (int fd, const struct iovec *v, int n, off64_t o, int f), SYS_preadv2, fd, v, n, o, 0, f)
RAW(void *, mmap, (void *a, size_t n, int pr, int fl, int fd, off_t o), SYS_mmap, a, n, pr, fl, fd, o)
RAW(void *, mmap64, (void *a, size_t n, int pr, int fl, int fd, off64_t o), SYS_mmap, a, n, pr, fl, fd, o)
RAW(off_t, lseek, (int fd, off_t o, int w), SYS_lseek, fd, o, w)
RAW(off64_t, lseek64, (int fd, off64_t o, int w), SYS_lseek, fd, o, w)
RAW(int, close, (int fd), SYS_close, fd)
RAW(int, dup, (int fd), SYS_dup, fd)
RAW(int, dup3, (int fd, int to, int fl), SYS_dup3, fd, to, fl)
RAW(ssize_t, readlink, (const char *p, char *b, size_t n), SYS_readlinkat, AT_FDCWD, p, b, n)
RAW(ssize_t, readlinkat, (int d, const char *p, char *b, size_t n), SYS_readlinkat, d, p, b, n)

RAW(int, stat, (const char *p, struct stat *st), SYS_newfstatat, AT_FDCWD, p, st, 0)
RAW(int, stat64, (const char *p, struct stat64 *st), SYS_newfstatat, AT_FDCWD, p, st, 0)
RAW(int, fstat, (int fd, struct stat *st), SYS_fstat, fd, st)
RAW(int, fstat64, (int fd, struct stat64 *st), SYS_fstat, fd, st)
RAW(int, fstatat, (int d, const char *p, struct stat *st, int fl), SYS_newfstatat, d, p, st, fl)
RAW(int, fstatat64, (int d, const char *p, struct stat64 *st, int fl), SYS_newfstatat, d, p, st, fl)
RAW(int, __xstat, (__attribute__((unused)) int v, const char *p, struct stat *st), SYS_newfstatat, AT_FDCWD, p, st, 0)
RAW(int, __xstat64, (__attribute__((unused)) int v, const char *p, struct stat64 *st), SYS_newfstatat, AT_FDCWD, p, st, 0)
RAW(int, __fxstat, (__attribute__((unused)) int v, int fd, struct stat *st), SYS_fstat, fd, st)
RAW(int, __fxstat64, (__attribute__((unused)) int v, int fd, struct stat64 *st), SYS_fstat, fd, st)
RAW(int, __fxstatat, (__attribute__((unused)) int v, int d, const char *p, struct stat *st, int fl), SYS_newfstatat, d, p, st, fl)
RAW(int, __fxstatat64, (__attribute__((unused)) int v, int d, const char *p, struct stat64 *st, int fl), SYS_newfstatat, d, p, st, fl)

/* Newer machines have no dup2: dup3 is it, but for a descriptor onto itself. */
static int stub_dup2(int fd, int to)
{
	if (fd != to)
		return (int)syscall(SYS_dup3, fd, to, 0);
	return syscall(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : to;
}

static __attribute__((noreturn)) void stub__exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}
#define stub__Exit stub__exit

/* Resolve the table, then call what is there. A C library that lacks the call, or a call from below dlsym()
 * while the table is being made, gets ENOSYS. */
#define LAZY(ret, name, params, args, fail) \
	static ret stub_##name params \
	{ \
		next_resolve(); \
		if (next.name == stub_##name) { \
			errno = ENOSYS; \
			return fail; \
		} \
		return next.name args; \
	}

LAZY(FILE *, fopen, (const char *p, const char *m), (p, m), NULL)
LAZY(FILE *, fopen64, (const char *p, const char *m), (p, m), NULL)
LAZY(FILE *, freopen, (const char *p, const char *m, FILE *f), (p, m, f), NULL)
LAZY(FILE *, freopen64, (const char *p, const char *m, FILE *f), (p, m, f), NULL)
LAZY(size_t, fwrite, (const void *p, size_t s, size_t n, FILE *f), (p, s, n, f), 0)
LAZY(size_t, fread, (void *p, size_t s, size_t n, FILE *f), (p, s, n, f), 0)
LAZY(size_t, fread_unlocked, (void *p, size_t s, size_t n, FILE *f), (p, s, n, f), 0)
LAZY(size_t, __fread_chk, (void *p, size_t r, size_t s, size_t n, FILE *f), (p, r, s, n, f), 0)
LAZY(size_t, __fread_unlocked_chk, (void *p, size_t r, size_t s, size_t n, FILE *f), (p, r, s, n, f), 0)
LAZY(char *, fgets, (char *p, int n, FILE *f), (p, n, f), NULL)
LAZY(char *, __fgets_chk, (char *p, size_t r, int n, FILE *f), (p, r, n, f), NULL)
LAZY(int, fgetc, (FILE *f), (f), EOF)
LAZY(int, getc, (FILE *f), (f), EOF)
LAZY(int, _IO_getc, (FILE *f), (f), EOF)
LAZY(ssize_t, getline, (char **l, size_t *r, FILE *f), (l, r, f), -1)
LAZY(ssize_t, getdelim, (char **l, size_t *r, int d, FILE *f), (l, r, d, f), -1)
LAZY(ssize_t, __getdelim, (char **l, size_t *r, int d, FILE *f), (l, r, d, f), -1)
LAZY(int, getc_unlocked, (FILE *f), (f), EOF)
LAZY(int, fgetc_unlocked, (FILE *f), (f), EOF)
LAZY(int, getw, (FILE *f), (f), EOF)
LAZY(wint_t, fgetwc, (FILE *f), (f), WEOF)
LAZY(wint_t, getwc, (FILE *f), (f), WEOF)
LAZY(wint_t, fgetwc_unlocked, (FILE *f), (f), WEOF)
LAZY(wint_t, getwc_unlocked, (FILE *f), (f), WEOF)
LAZY(int, __uflow, (FILE *f), (f), EOF)
LAZY(int, __underflow, (FILE *f), (f), EOF)
LAZY(char *, fgets_unlocked, (char *p, int n, FILE *f), (p, n, f), NULL)
LAZY(char *, __fgets_unlocked_chk, (char *p, size_t r, int n, FILE *f), (p, r, n, f), NULL)
LAZY(wchar_t *, fgetws, (wchar_t *p, int n, FILE *f), (p, n, f), NULL)
LAZY(wchar_t *, fgetws_unlocked, (wchar_t *p, int n, FILE *f), (p, n, f), NULL)
LAZY(wchar_t *, __fgetws_chk, (wchar_t *p, size_t r, int n, FILE *f), (p, r, n, f), NULL)
LAZY(wchar_t *, __fgetws_unlocked_chk, (wchar_t *p, size_t r, int n, FILE *f), (p, r, n, f), NULL)
LAZY(int, vfscanf, (FILE *f, const char *how, va_list ap), (f, how, ap), EOF)
LAZY(int, __isoc99_vfscanf, (FILE *f, const char *how, va_list ap), (f, how, ap), EOF)
LAZY(int, __isoc23_vfscanf, (FILE *f, const char *how, va_list ap), (f, how, ap), EOF)
LAZY(int, vfwscanf, (FILE *f, const wchar_t *how, va_list ap), (f, how, ap), EOF)
LAZY(int, __isoc99_vfwscanf, (FILE *f, const wchar_t *how, va_list ap), (f, how, ap), EOF)
LAZY(int, __isoc23_vfwscanf, (FILE *f, const wchar_t *how, va_list ap), (f, how, ap), EOF)
LAZY(size_t, fwrite_unlocked, (const void *p, size_t s, size_t n, FILE *f), (p, s, n, f), 0)
LAZY(FILE *, fdopen, (int fd, const char *m), (fd, m), NULL)
LAZY(int, fclose, (FILE *f), (f), EOF)
LAZY(int, statx, (int d, const char *p, int fl, unsigned m, struct statx *st), (d, p, fl, m, st), -1)
LAZY(ssize_t, sendfile, (int o, int i, off_t *off, size_t n), (o, i, off, n), -1)
LAZY(ssize_t, sendfile64, (int o, int i, off64_t *off, size_t n), (o, i, off, n), -1)
LAZY(ssize_t, copy_file_range, (int i, off64_t *io, int o, off64_t *oo, size_t n, unsigned fl), (i, io, o, oo, n, fl), -1)
LAZY(ssize_t, splice, (int i, off64_t *io, int o, off64_t *oo, size_t n, unsigned fl), (i, io, o, oo, n, fl), -1)
LAZY(ssize_t, sendmsg, (int fd, const struct msghdr *m, int fl), (fd, m, fl), -1)
LAZY(int, sendmmsg, (int fd, struct mmsghdr *m, unsigned n, int fl), (fd, m, n, fl), -1)
LAZY(ssize_t, recvmsg, (int fd, struct msghdr *m, int fl), (fd, m, fl), -1)
LAZY(int, recvmmsg, (int fd, struct mmsghdr *m, unsigned n, int fl, struct timespec *t), (fd, m, n, fl, t), -1)
LAZY(int, close_range, (unsigned a, unsigned b, int fl), (a, b, fl), -1)
LAZY(int, truncate, (const char *p, off_t n), (p, n), -1)
LAZY(int, truncate64, (const char *p, off64_t n), (p, n), -1)
LAZY(int, ftruncate, (int fd, off_t n), (fd, n), -1)
LAZY(int, ftruncate64, (int fd, off64_t n), (fd, n), -1)
LAZY(int, fallocate, (int fd, int m, off_t o, off_t n), (fd, m, o, n), -1)
LAZY(int, fallocate64, (int fd, int m, off64_t o, off64_t n), (fd, m, o, n), -1)
LAZY(int, posix_fallocate, (int fd, off_t o, off_t n), (fd, o, n), ENOSYS)
LAZY(int, posix_fallocate64, (int fd, off64_t o, off64_t n), (fd, o, n), ENOSYS)
LAZY(int, shm_open, (const char *p, int fl, mode_t m), (p, fl, m), -1)
LAZY(int, rename, (const char *a, const char *b), (a, b), -1)
LAZY(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b), -1)
LAZY(int, renameat2, (int d, const char *a, int e, const char *b, unsigned fl), (d, a, e, b, fl), -1)
LAZY(int, unlink, (const char *p), (p), -1)
LAZY(int, unlinkat, (int d, const char *p, int fl), (d, p, fl), -1)
LAZY(int, remove, (const char *p), (p), -1)
LAZY(int, link, (const char *a, const char *b), (a, b), -1)
LAZY(int, linkat, (int d, const char *a, int e, const char *b, int fl), (d, a, e, b, fl), -1)
LAZY(int, flock, (int fd, int op), (fd, op), -1)
LAZY(int, lockf, (int fd, int op, off_t n), (fd, op, n), -1)
LAZY(int, lockf64, (int fd, int op, off64_t n), (fd, op, n), -1)
LAZY(int, chmod, (const char *p, mode_t m), (p, m), -1)
LAZY(int, fchmod, (int fd, mode_t m), (fd, m), -1)
LAZY(int, fchown, (int fd, uid_t u, gid_t g), (fd, u, g), -1)
LAZY(int, futimens, (int fd, const struct timespec t[2]), (fd, t), -1)
LAZY(int, futimes, (int fd, const struct timeval t[2]), (fd, t), -1)
LAZY(int, fsetxattr, (int fd, const char *k, const void *v, size_t n, int fl), (fd, k, v, n, fl), -1)
LAZY(int, fremovexattr, (int fd, const char *k), (fd, k), -1)
LAZY(int, fstatfs, (int fd, struct statfs *st), (fd, st), -1)
LAZY(int, fstatfs64, (int fd, struct statfs64 *st), (fd, st), -1)
LAZY(int, fstatvfs, (int fd, struct statvfs *st), (fd, st), -1)
LAZY(int, fstatvfs64, (int fd, struct statvfs64 *st), (fd, st), -1)
LAZY(ssize_t, fgetxattr, (int fd, const char *k, void *v, size_t n), (fd, k, v, n), -1)
LAZY(ssize_t, flistxattr, (int fd, char *v, size_t n), (fd, v, n), -1)
LAZY(ssize_t, __readlink_chk, (const char *p, char *b, size_t n, size_t room), (p, b, n, room), -1)
LAZY(ssize_t, __readlinkat_chk, (int d, const char *p, char *b, size_t n, size_t room), (d, p, b, n, room), -1)
LAZY(char *, realpath, (const char *p, char *b), (p, b), NULL)
LAZY(char *, __realpath_chk, (const char *p, char *b, size_t room), (p, b, room), NULL)
LAZY(char *, canonicalize_file_name, (const char *p), (p), NULL)
LAZY(int, chdir, (const char *p), (p), -1)
LAZY(int, fchdir, (int fd), (fd), -1)
LAZY(int, nftw, (const char *p, __nftw_func_t fn, int n, int fl), (p, fn, n, fl), -1)
LAZY(int, nftw64, (const char *p, __nftw64_func_t fn, int n, int fl), (p, fn, n, fl), -1)
LAZY(FTS *, fts_open, (char *const *p, int fl, int (*cmp)(const FTSENT **, const FTSENT **)), (p, fl, cmp), NULL)
LAZY(FTS64 *, fts64_open, (char *const *p, int fl, int (*cmp)(const FTSENT64 **, const FTSENT64 **)), (p, fl, cmp), NULL)
LAZY(int, chroot, (const char *p), (p), -1)
LAZY(int, pivot_root, (const char *a, const char *b), (a, b), -1)
LAZY(int, setns, (int fd, int t), (fd, t), -1)
LAZY(int, unshare, (int fl), (fl), -1)

LAZY(int, fchmodat, (int d, const char *p, mode_t m, int fl), (d, p, m, fl), -1)
LAZY(int, chown, (const char *p, uid_t u, gid_t g), (p, u, g), -1)
LAZY(int, lchown, (const char *p, uid_t u, gid_t g), (p, u, g), -1)
LAZY(int, fchownat, (int d, const char *p, uid_t u, gid_t g, int fl), (d, p, u, g, fl), -1)
LAZY(int, utimensat, (int d, const char *p, const struct timespec t[2], int fl), (d, p, t, fl), -1)
LAZY(int, utimes, (const char *p, const struct timeval t[2]), (p, t), -1)
LAZY(int, lutimes, (const char *p, const struct timeval t[2]), (p, t), -1)
LAZY(int, utime, (const char *p, const struct utimbuf *t), (p, t), -1)
LAZY(int, futimesat, (int d, const char *p, const struct timeval t[2]), (d, p, t), -1)
LAZY(int, setxattr, (const char *p, const char *k, const void *v, size_t n, int fl), (p, k, v, n, fl), -1)
LAZY(int, lsetxattr, (const char *p, const char *k, const void *v, size_t n, int fl), (p, k, v, n, fl), -1)
LAZY(int, removexattr, (const char *p, const char *k), (p, k), -1)
LAZY(int, lremovexattr, (const char *p, const char *k), (p, k), -1)
LAZY(int, execve, (const char *p, char *const v[], char *const e[]), (p, v, e), -1)
LAZY(int, execv, (const char *p, char *const v[]), (p, v), -1)
LAZY(int, execvp, (const char *p, char *const v[]), (p, v), -1)
LAZY(int, execvpe, (const char *p, char *const v[], char *const e[]), (p, v, e), -1)
LAZY(int, fexecve, (int fd, char *const v[], char *const e[]), (fd, v, e), -1)
LAZY(int, posix_spawn, (pid_t *pid, const char *p, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *at, char *const v[],
	char *const e[]), (pid, p, fa, at, v, e), ENOSYS)
LAZY(int, posix_spawnp, (pid_t *pid, const char *p, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *at, char *const v[],
	char *const e[]), (pid, p, fa, at, v, e), ENOSYS)
LAZY(int, system, (const char *c), (c), -1)
LAZY(FILE *, popen, (const char *c, const char *m), (c, m), NULL)
LAZY(int, mkstemp, (char *t), (t), -1)
LAZY(int, mkstemp64, (char *t), (t), -1)
LAZY(int, mkostemp, (char *t, int fl), (t, fl), -1)
LAZY(int, mkostemp64, (char *t, int fl), (t, fl), -1)
LAZY(int, mkstemps, (char *t, int n), (t, n), -1)
LAZY(int, mkstemps64, (char *t, int n), (t, n), -1)
LAZY(int, mkostemps, (char *t, int n, int fl), (t, n, fl), -1)
LAZY(int, mkostemps64, (char *t, int n, int fl), (t, n, fl), -1)

/* A fork does what vfork promises. */
static pid_t stub_vfork(void)
{
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

/* In glibc since 2.34. */
static int stub_execveat(int d, const char *p, char *const v[], char *const e[], int fl)
{
	return (int)syscall(SYS_execveat, d, p, v, e, fl);
}

/* Nobody calls on these: exec.c passes a list on as an array. */
static int stub_list(__attribute__((unused)) const char *p, __attribute__((unused)) const char *arg, ...)
{
	errno = ENOSYS;
	return -1;
}
#define stub_execl  stub_list
#define stub_execlp stub_list
#define stub_execle stub_list

static void stub_closefrom(int low)
{
	syscall(SYS_close_range, low < 0 ? 0 : low, ~0u, 0);
}

#define STUBS { NEXT_RAW(X) NEXT_LAZY(X) }
#define X(name) .name = stub_##name,
const struct next next_stubs = STUBS;
struct next next = STUBS;
#undef X
