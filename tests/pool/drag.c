/* drag.c - preloaded below the keeper's pool of a node: stat() and fstat() say another mtime (DRAG_NS later) of files whose path
 * has DRAG_NAME in it: a node whose attribute cache is not of today. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEXT(f) ((__typeof__(&f))dlsym(RTLD_NEXT, #f))

static void drag(const char *path, struct stat *st)
{
	const char *name = getenv("DRAG_NAME");
	if (name && *name && strstr(path, name) && S_ISREG(st->st_mode))
		st->st_mtim.tv_sec += 3;
}

int stat(const char *path, struct stat *st)
{
	int rc = NEXT(stat)(path, st);
	if (rc == 0)
		drag(path, st);
	return rc;
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
	int rc = NEXT(fstatat)(dir, path, st, flags);
	if (rc == 0)
		drag(path, st);
	return rc;
}

int fstat(int fd, struct stat *st)
{
	char link[64], path[4096];
	int rc = NEXT(fstat)(fd, st);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	if (rc == 0)
		drag(path, st);
	return rc;
}
