/* stat.c - stat calls by path are counted (a store pays a round trip for each) and take part in
 * SLOWSTORE_FAIL=enoent. The __x names are those that older binaries and wheels were linked against. */
#include "store.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define HOOK __attribute__((visibility("default")))
#define STAT(dir, path, name, type, ...) ({                                      \
	static type next_;                                                       \
	if (!next_)                                                              \
		next_ = (type)dlsym(RTLD_NEXT, name);                            \
	int err_ = store_active() ? store_stat(dir, path) : 0;                   \
	if (err_)                                                                \
		errno = err_;                                                    \
	err_ ? -1 : next_(__VA_ARGS__);                                          \
})

int __xstat(int, const char *, struct stat *);
int __xstat64(int, const char *, struct stat64 *);
int __lxstat(int, const char *, struct stat *);
int __lxstat64(int, const char *, struct stat64 *);
int __fxstatat(int, int, const char *, struct stat *, int);
int __fxstatat64(int, int, const char *, struct stat64 *, int);

typedef int (*by_path)(const char *, void *);
typedef int (*by_dir)(int, const char *, void *, int);
typedef int (*by_statx)(int, const char *, int, unsigned, void *);
typedef int (*by_xpath)(int, const char *, void *);
typedef int (*by_xdir)(int, int, const char *, void *, int);

HOOK int stat(const char *restrict p, struct stat *restrict s)
{
	return STAT(AT_FDCWD, p, "stat", by_path, p, s);
}
HOOK int stat64(const char *restrict p, struct stat64 *restrict s)
{
	return STAT(AT_FDCWD, p, "stat64", by_path, p, s);
}
HOOK int lstat(const char *restrict p, struct stat *restrict s)
{
	return STAT(AT_FDCWD, p, "lstat", by_path, p, s);
}
HOOK int lstat64(const char *restrict p, struct stat64 *restrict s)
{
	return STAT(AT_FDCWD, p, "lstat64", by_path, p, s);
}
HOOK int fstatat(int d, const char *restrict p, struct stat *restrict s, int f)
{
	return STAT(d, p, "fstatat", by_dir, d, p, s, f);
}
HOOK int fstatat64(int d, const char *restrict p, struct stat64 *restrict s, int f)
{
	return STAT(d, p, "fstatat64", by_dir, d, p, s, f);
}
HOOK int statx(int d, const char *restrict p, int f, unsigned mask, struct statx *restrict s)
{
	return STAT(d, p, "statx", by_statx, d, p, f, mask, s);
}
HOOK int __xstat(int v, const char *p, struct stat *s)
{
	return STAT(AT_FDCWD, p, "__xstat", by_xpath, v, p, s);
}
HOOK int __xstat64(int v, const char *p, struct stat64 *s)
{
	return STAT(AT_FDCWD, p, "__xstat64", by_xpath, v, p, s);
}
HOOK int __lxstat(int v, const char *p, struct stat *s)
{
	return STAT(AT_FDCWD, p, "__lxstat", by_xpath, v, p, s);
}
HOOK int __lxstat64(int v, const char *p, struct stat64 *s)
{
	return STAT(AT_FDCWD, p, "__lxstat64", by_xpath, v, p, s);
}
HOOK int __fxstatat(int v, int d, const char *p, struct stat *s, int f)
{
	return STAT(d, p, "__fxstatat", by_xdir, v, d, p, s, f);
}
HOOK int __fxstatat64(int v, int d, const char *p, struct stat64 *s, int f)
{
	return STAT(d, p, "__fxstatat64", by_xdir, v, d, p, s, f);
}
