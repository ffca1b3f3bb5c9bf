/* faults.c - see faults.h */
#include "faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

__attribute__((visibility("default"))) struct fault_plan fault_plan = { .call = -1 };

static struct { uintptr_t from, to; } library;
static const char *names[] = {
#define X(name) #name,
	FAULT_CALLS(X)
#undef X
};

static int find(struct dl_phdr_info *i, __attribute__((unused)) size_t size, __attribute__((unused)) void *arg)
{
	/* The library; in the keeper, which has none, the program itself. */
	const char *name = strrchr(i->dlpi_name, '/');
	bool main = !*i->dlpi_name && !strcmp(program_invocation_short_name, "opt4d");
	if (!main && (!name || (strcmp(name, "/libopt4.so") && strcmp(name, "/libeager.so"))))
		return 0;
	for (int n = 0; n < i->dlpi_phnum; n++) {
		const ElfW(Phdr) *p = &i->dlpi_phdr[n];
		if (p->p_type == PT_LOAD && (p->p_flags & PF_X))
			library.from = i->dlpi_addr + p->p_vaddr, library.to = library.from + p->p_memsz;
	}
	return 1;
}

__attribute__((constructor)) static void begin(void)
{
	const char *s = getenv("FAULT");
	char call[32];
	int error, when;
	dl_iterate_phdr(find, NULL);
	if (!s || strcmp(program_invocation_short_name, getenv("FAULT_PROGRAM") ? getenv("FAULT_PROGRAM") : "") ||
	    sscanf(s, "%31[^:]:%d:%d", call, &error, &when) != 3)
		return;
	for (int n = 0; n < FAULT_CALL_COUNT; n++)
		if (!strcmp(names[n], call))
			fault_plan = (struct fault_plan){ .call = n, .error = error, .when = when };
}

__attribute__((destructor)) static void end(void)
{
	const char *to = getenv("FAULT_COUNTS");
	if (!to || strcmp(program_invocation_short_name, getenv("FAULT_PROGRAM") ? getenv("FAULT_PROGRAM") : ""))
		return;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND, 0600);
	for (int n = 0; fd >= 0 && n < FAULT_CALL_COUNT; n++) {
		char line[80];
		int len = snprintf(line, sizeof line, "%s %d %d\n", names[n], fault_plan.count[n][0] + fault_plan.count[n][1], fault_plan.fired);
		syscall(SYS_write, fd, line, len);
	}
}

static bool original_path(const char *path)
{
	const char *root = getenv("FAULT_ROOT");
	return path && root && (path[0] != '/' || !strncmp(path, root, strlen(root)));
}

static bool original_fd(int fd)
{
	char link[40], to[4096];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	long n = syscall(SYS_readlink, link, to, sizeof to - 1);
	to[n > 0 ? n : 0] = 0;
	return n > 0 && original_path(to);
}

/* Does the call come from within a hooked function itself? Then it is the program's own, handed down. */
static bool handed_down(const void *from)
{
	Dl_info info;
	ElfW(Sym) *sym = NULL;
	return dladdr1(from, &info, (void **)&sym, RTLD_DL_SYMENT) && sym && info.dli_saddr &&
	       (const char *)from < (const char *)info.dli_saddr + sym->st_size;
}

/* Is this the one? Sets errno if so. */
static bool fails(enum fault_call call, const void *from, bool original)
{
	struct fault_plan *p = &fault_plan;
	original = original || handed_down(from);
	if ((uintptr_t)from < library.from || (uintptr_t)from >= library.to)
		return false;
	int n = __atomic_add_fetch(&p->count[call][original], 1, __ATOMIC_RELAXED);
	if (p->call != (int)call || (p->only && p->only != 1 + original))
		return false;
	if (!p->only)
		n = p->count[call][0] + p->count[call][1];
	if (p->when && n != p->when)
		return false;
	p->fired++;
	p->original |= original;
	if (p->error > 0)
		errno = p->error;
	return true;
}

static void *next(void **p, const char *name)
{
	if (!*p)
		*p = dlsym(RTLD_NEXT, name);
	return *p;
}

#define FROM __builtin_extract_return_addr(__builtin_return_address(0))
#define NEXT(name) ((__typeof__(&name))next(&real_##name, #name))
#define CALL(ret, name, params, original, bad, ...) \
	static void *real_##name; \
	__attribute__((visibility("default"))) ret name params \
	{ \
		if (fails(FAULT_##name, FROM, original) && fault_plan.error > 0) \
			return bad; \
		return NEXT(name)(__VA_ARGS__); \
	}
/* Those that may do half of it, or nothing. */
#define DATA(name, params, original, n, ...) \
	static void *real_##name; \
	__attribute__((visibility("default"))) ssize_t name params \
	{ \
		if (fails(FAULT_##name, FROM, original)) { \
			if (fault_plan.error > 0) \
				return -1; \
			if (fault_plan.error == FAULT_NOTHING) \
				return 0; \
			n = (n + 1) / 2; \
		} \
		return NEXT(name)(__VA_ARGS__); \
	}

DATA(read, (int fd, void *b, size_t n), original_fd(fd), n, fd, b, n)
DATA(pread, (int fd, void *b, size_t n, off_t o), original_fd(fd), n, fd, b, n, o)
DATA(pread64, (int fd, void *b, size_t n, off64_t o), original_fd(fd), n, fd, b, n, o)
DATA(write, (int fd, const void *b, size_t n), original_fd(fd), n, fd, b, n)
DATA(pwrite, (int fd, const void *b, size_t n, off_t o), original_fd(fd), n, fd, b, n, o)
CALL(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t o, int fl), original_fd(fd), -1, fd, v, n, o, fl)
CALL(int, close, (int fd), original_fd(fd), (syscall(SYS_close, fd), -1), fd)   /* Linux closes it all the same */
CALL(int, fstat, (int fd, struct stat *st), original_fd(fd), -1, fd, st)
CALL(int, fstatat, (int d, const char *p, struct stat *st, int fl), original_path(p), -1, d, p, st, fl)
CALL(int, stat, (const char *p, struct stat *st), original_path(p), -1, p, st)
CALL(int, lstat, (const char *p, struct stat *st), original_path(p), -1, p, st)
CALL(int, statfs, (const char *p, struct statfs *s), original_path(p), -1, p, s)
CALL(int, statvfs, (const char *p, struct statvfs *s), original_path(p), -1, p, s)
CALL(int, access, (const char *p, int m), original_path(p), -1, p, m)
CALL(off_t, lseek, (int fd, off_t o, int w), original_fd(fd), -1, fd, o, w)
CALL(void *, mmap, (void *a, size_t n, int pr, int fl, int fd, off_t o), fd >= 0 && original_fd(fd), MAP_FAILED, a, n, pr, fl, fd, o)
CALL(int, madvise, (void *a, size_t n, int w), false, -1, a, n, w)
CALL(int, mkdir, (const char *p, mode_t m), original_path(p), -1, p, m)
CALL(int, mkdirat, (int d, const char *p, mode_t m), original_fd(d), -1, d, p, m)
CALL(int, rmdir, (const char *p), original_path(p), -1, p)
CALL(int, unlink, (const char *p), original_path(p), -1, p)
CALL(int, unlinkat, (int d, const char *p, int fl), original_fd(d), -1, d, p, fl)
CALL(int, rename, (const char *a, const char *b), original_path(a), -1, a, b)
CALL(int, renameat, (int d, const char *a, int e, const char *b), original_fd(d), -1, d, a, e, b)
CALL(int, link, (const char *a, const char *b), original_path(a), -1, a, b)
CALL(int, linkat, (int d, const char *a, int e, const char *b, int fl), original_path(b), -1, d, a, e, b, fl)
CALL(int, fallocate, (int fd, int m, off_t o, off_t n), original_fd(fd), -1, fd, m, o, n)
CALL(int, posix_fallocate, (int fd, off_t o, off_t n), original_fd(fd), fault_plan.error, fd, o, n)
CALL(int, ftruncate, (int fd, off_t n), original_fd(fd), -1, fd, n)
CALL(int, fchmod, (int fd, mode_t m), original_fd(fd), -1, fd, m)
CALL(int, chmod, (const char *p, mode_t m), original_path(p), -1, p, m)
CALL(int, futimens, (int fd, const struct timespec t[2]), original_fd(fd), -1, fd, t)
CALL(int, posix_fadvise, (int fd, off_t o, off_t n, int a), original_fd(fd), fault_plan.error, fd, o, n, a)
CALL(int, flock, (int fd, int op), original_fd(fd), -1, fd, op)
CALL(int, dup, (int fd), original_fd(fd), -1, fd)
CALL(int, dup3, (int fd, int to, int fl), original_fd(to), -1, fd, to, fl)
CALL(ssize_t, readlink, (const char *p, char *b, size_t n), original_path(p), -1, p, b, n)
CALL(char *, realpath, (const char *p, char *b), original_path(p), NULL, p, b)
CALL(int, getrlimit, (__rlimit_resource_t w, struct rlimit *l), false, -1, w, l)
CALL(FILE *, fopen, (const char *p, const char *m), original_path(p), NULL, p, m)
CALL(int, pthread_create, (pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg), false, fault_plan.error, t, a, f, arg)

#define OPENER(name, params, last, path, ...) \
	static void *real_##name; \
	__attribute__((visibility("default"))) int name params \
	{ \
		va_list ap; \
		va_start(ap, last); \
		mode_t mode = va_arg(ap, mode_t); \
		va_end(ap); \
		if (fails(FAULT_##name, FROM, original_path(path)) && fault_plan.error > 0) \
			return -1; \
		return NEXT(name)(__VA_ARGS__); \
	}
OPENER(open, (const char *p, int fl, ...), fl, p, p, fl, mode)
OPENER(openat, (int d, const char *p, int fl, ...), fl, p, d, p, fl, mode)

static void *real_fcntl, *real_clone, *real_syscall;
__attribute__((visibility("default"))) int fcntl(int fd, int cmd, ...)
{
	va_list ap;
	va_start(ap, cmd);
	unsigned long arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (fails(FAULT_fcntl, FROM, original_fd(fd)) && fault_plan.error > 0)
		return -1;
	return NEXT(fcntl)(fd, cmd, arg);
}

__attribute__((visibility("default"))) int clone(int (*fn)(void *), void *stack, int flags, void *arg, ...)
{
	if (fails(FAULT_clone, FROM, false) && fault_plan.error > 0)
		return -1;
	return NEXT(clone)(fn, stack, flags, arg);
}

__attribute__((visibility("default"))) long syscall(long nr, ...)
{
	long a[6];
	va_list ap;
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	int call = nr == SYS_futex ? FAULT_futex : nr == SYS_getdents64 ? FAULT_getdents64 : nr == SYS_getcwd ? FAULT_getcwd :
		nr == 451 ? FAULT_cachestat : -1;
	if (call >= 0 && fails((enum fault_call)call, FROM, false) && fault_plan.error > 0)
		return -1;
	return NEXT(syscall)(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The keeper ends so. */
static void *real__exit;
__attribute__((visibility("default"))) _Noreturn void _exit(int status)
{
	end();
	NEXT(_exit)(status);
	__builtin_unreachable();
}
