/* link.c - what /proc/self/fd/N leads to: for an object, the original's name. */
#include "swap.h"
#include "path.h"

#include <limits.h>
#include <string.h>

/* If path is a /proc/self/fd name of an object: the original's name in buf, and its length; else -1. Keeps errno. */
static ssize_t original_name(const char *path, char buf[PATH_MAX])
{
	struct fd_entry e;
	struct stat st;
	char link[32];
	ssize_t len = -1;
	int fd;

	if (!session_dev || hook_inside() || !path || (fd = path_proc_fd(path)) < 0)
		return -1;
	struct guard g = hook_enter();
	if (next.fstat(fd, &st) == 0 && session_on(st.st_dev) && fd_object(fd, st.st_ino, &e)) {
		int orig = session_reopen(&e.c, O_RDONLY | O_CLOEXEC);
		if (orig >= 0) {
			snprintf(link, sizeof link, "/proc/self/fd/%d", orig);
			len = next.readlink(link, buf, PATH_MAX - 1);
			next.close(orig);
		}
	}
	hook_leave(g);
	if (len > 0)
		buf[len] = 0;
	return len > 0 ? len : -1;
}

/* As readlink() answers: cut to n bytes, no NUL. */
static ssize_t answer(const char *name, ssize_t len, char *buf, size_t n)
{
	if ((size_t)len > n)
		len = (ssize_t)n;
	memcpy(buf, name, (size_t)len);
	return len;
}

#define READLINK(name, params, call) \
	EXPORT ssize_t name params \
	{ \
		char to[PATH_MAX]; \
		OPAQUE(path); \
		ssize_t r = call; \
		if (unlikely(session_dev && r > 0)) { \
			ssize_t len = original_name(path, to); \
			if (len > 0) \
				r = answer(to, len, buf, n); \
		} \
		return r; \
	}

READLINK(readlink, (const char *path, char *buf, size_t n), next.readlink(path, buf, n))
READLINK(readlinkat, (int dirfd, const char *path, char *buf, size_t n), next.readlinkat(dirfd, path, buf, n))
READLINK(__readlink_chk, (const char *path, char *buf, size_t n, size_t room), next.__readlink_chk(path, buf, n, room))
READLINK(__readlinkat_chk, (int dirfd, const char *path, char *buf, size_t n, size_t room),
	next.__readlinkat_chk(dirfd, path, buf, n, room))

/* The C library's result stands, but for the name in it. buf NULL: the caller frees what we return. */
static char *resolved(const char *path, char *buf, char *result)
{
	char to[PATH_MAX];
	ssize_t len = result ? original_name(path, to) : -1;

	if (len < 0)
		return result;
	if (buf)
		return memcpy(buf, to, (size_t)len + 1);
	char *copy = strdup(to);
	if (!copy)
		return result;
	free(result);
	return copy;
}

EXPORT char *realpath(const char *path, char *buf)
{
	OPAQUE(path);
	return resolved(path, buf, next.realpath(path, buf));
}

EXPORT char *__realpath_chk(const char *path, char *buf, size_t room)
{
	OPAQUE(path);
	return resolved(path, buf, next.__realpath_chk(path, buf, room));
}

EXPORT char *canonicalize_file_name(const char *path)
{
	OPAQUE(path);
	return resolved(path, NULL, next.canonicalize_file_name(path));
}
