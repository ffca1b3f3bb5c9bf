/* next.h - the next definitions of what we hook, in the preload chain after us.
 *
 * Other libraries' constructors and allocators may call us before our constructor has run, and dlsym() may
 * allocate: so the table starts with raw system calls where an allocator may need them (stub.c), and with
 * stubs that resolve the table first for the rest.
 */
#ifndef OPT4_NEXT_H
#define OPT4_NEXT_H

#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utime.h>
#include <wchar.h>

#undef fread_unlocked       /* macros, too */
#undef fwrite_unlocked
#undef getc_unlocked
#undef fgetc_unlocked

/* In glibc's binary interface, but not (or no longer) in its headers. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);
ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t off, size_t room);
size_t __fread_chk(void *p, size_t room, size_t size, size_t n, FILE *f);
size_t __fread_unlocked_chk(void *p, size_t room, size_t size, size_t n, FILE *f);
char *__fgets_chk(char *p, size_t room, int n, FILE *f);
ssize_t __getdelim(char **line, size_t *room, int end_of, FILE *f);
int _IO_getc(FILE *f);
int __uflow(FILE *f);       /* what getc_unlocked() calls where its stream's buffer is empty */
int __underflow(FILE *f);
char *__fgets_unlocked_chk(char *p, size_t room, int n, FILE *f);
wchar_t *__fgetws_chk(wchar_t *p, size_t room, int n, FILE *f);
wchar_t *__fgetws_unlocked_chk(wchar_t *p, size_t room, int n, FILE *f);
int __isoc99_vfscanf(FILE *f, const char *how, va_list ap);
int __isoc23_vfscanf(FILE *f, const char *how, va_list ap);
int __isoc99_vfwscanf(FILE *f, const wchar_t *how, va_list ap);
int __isoc23_vfwscanf(FILE *f, const wchar_t *how, va_list ap);
int __xstat(int ver, const char *path, struct stat *st);
int __xstat64(int ver, const char *path, struct stat64 *st);
int __fxstat(int ver, int fd, struct stat *st);
int __fxstat64(int ver, int fd, struct stat64 *st);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);
int __fxstatat64(int ver, int dirfd, const char *path, struct stat64 *st, int flags);
ssize_t __readlink_chk(const char *path, char *buf, size_t n, size_t room);
ssize_t __readlinkat_chk(int dirfd, const char *path, char *buf, size_t n, size_t room);
char *__realpath_chk(const char *path, char *buf, size_t room);
int pivot_root(const char *new_root, const char *put_old);

/* Not in the headers of glibc 2.28, which is enough; nor in its library: dlsym() says whether this machine has them. */
int close_range(unsigned first, unsigned last, int flags);
void closefrom(int low);
int execveat(int dirfd, const char *path, char *const argv[], char *const env[], int flags);
FTS64 *fts64_open(char *const *paths, int flags, int (*cmp)(const FTSENT64 **, const FTSENT64 **));

/* An allocator, or dlsym itself, may call these before the table is resolved: raw system calls until then. */
#define NEXT_RAW(X) \
	X(open) X(open64) X(openat) X(openat64) X(creat) X(creat64) \
	X(__open_2) X(__open64_2) X(__openat_2) X(__openat64_2) \
	X(read) X(__read_chk) X(pread) X(pread64) X(__pread_chk) X(__pread64_chk) \
	X(readv) X(preadv) X(preadv64) X(preadv2) X(preadv64v2) \
	X(mmap) X(mmap64) X(lseek) X(lseek64) X(close) X(fcntl) X(fcntl64) X(ioctl) \
	X(dup) X(dup2) X(dup3) X(write) X(pwrite) X(pwrite64) X(writev) X(pwritev) X(pwritev64) \
	X(stat) X(stat64) X(fstat) X(fstat64) X(fstatat) X(fstatat64) \
	X(__xstat) X(__xstat64) X(__fxstat) X(__fxstat64) X(__fxstatat) X(__fxstatat64) \
	X(readlink) X(readlinkat) X(_exit) X(_Exit)

/* Never called that early by an allocator: resolved at the first call. */
#define NEXT_LAZY(X) \
	X(fopen) X(fopen64) X(freopen) X(freopen64) X(fwrite) X(fwrite_unlocked) X(fdopen) X(fclose) \
	X(fread) X(fread_unlocked) X(__fread_chk) X(__fread_unlocked_chk) X(fgets) X(__fgets_chk) X(fgetc) X(getc) X(_IO_getc) X(getline) X(getdelim) X(__getdelim) \
	X(getc_unlocked) X(fgetc_unlocked) X(getw) X(fgetwc) X(getwc) X(fgetwc_unlocked) X(getwc_unlocked) X(__uflow) X(__underflow) \
	X(fgets_unlocked) X(__fgets_unlocked_chk) X(fgetws) X(fgetws_unlocked) X(__fgetws_chk) X(__fgetws_unlocked_chk) \
	X(vfscanf) X(__isoc99_vfscanf) X(__isoc23_vfscanf) X(vfwscanf) X(__isoc99_vfwscanf) X(__isoc23_vfwscanf) \
	X(statx) \
	X(sendfile) X(sendfile64) X(copy_file_range) X(splice) X(sendmsg) X(sendmmsg) X(recvmsg) X(recvmmsg) \
	X(close_range) X(closefrom) \
	X(truncate) X(truncate64) X(ftruncate) X(ftruncate64) X(fallocate) X(fallocate64) X(posix_fallocate) X(posix_fallocate64) X(shm_open) \
	X(rename) X(renameat) X(renameat2) \
	X(unlink) X(unlinkat) X(remove) X(link) X(linkat) \
	X(flock) X(lockf) X(lockf64) X(chmod) X(fchmod) X(fchown) X(futimens) X(futimes) \
	X(fstatfs) X(fstatfs64) X(fstatvfs) X(fstatvfs64) \
	X(fsetxattr) X(fremovexattr) X(fgetxattr) X(flistxattr) \
	X(__readlink_chk) X(__readlinkat_chk) X(realpath) X(__realpath_chk) X(canonicalize_file_name) \
	X(chdir) X(fchdir) X(nftw) X(nftw64) X(fts_open) X(fts64_open) X(chroot) X(pivot_root) X(setns) X(unshare) \
	X(execve) X(execv) X(execvp) X(execvpe) X(execl) X(execlp) X(execle) X(fexecve) X(execveat) \
	X(posix_spawn) X(posix_spawnp) X(system) X(popen) X(vfork) \
	X(fchmodat) X(chown) X(lchown) X(fchownat) X(utimensat) X(utimes) X(lutimes) X(utime) X(futimesat) \
	X(setxattr) X(lsetxattr) X(removexattr) X(lremovexattr) \
	X(mkstemp) X(mkstemp64) X(mkostemp) X(mkostemp64) X(mkstemps) X(mkstemps64) X(mkostemps) X(mkostemps64)

struct next {
#define X(name) __typeof__(name) *name;
	NEXT_RAW(X)
	NEXT_LAZY(X)
#undef X
};
extern struct next next;

/* The initial entries. NEXT_LAZY ones call next_resolve(), then what they find; while the table is being
 * resolved they fail with ENOSYS. */
extern const struct next next_stubs;

/* Resolves the whole table by dlsym(RTLD_NEXT); what the C library lacks keeps its stub. Idempotent. */
void next_resolve(void);

/* True when next_resolve() has filled the table in. */
bool next_resolved(void);

#endif
