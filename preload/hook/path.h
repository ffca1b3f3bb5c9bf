/* path.h - whose file a path names: lexically, without asking the file system. */
#ifndef OPT4_PATH_H
#define OPT4_PATH_H

#include "hook.h"

#define PATH_ROOM 1024            /* longer paths are never ours; a signal handler may have 8 KiB of stack in all */

enum path_kind {
	PATH_OTHER,               /* not below a root */
	PATH_ROOT,                /* w names a file (or directory) below a root */
	PATH_ASK,                 /* has a `..` after a name: only the opened original can tell */
};

struct where {
	unsigned root;
	const char *rel;          /* within buf, or within the path that was asked about */
	size_t len;
	char buf[PATH_ROOM];
};

/* Could a path that ends so name a dataset file? One look-up; false wherever there is nothing to do. */
static inline bool path_may(const char *path)
{
	if (!path || !*path)
		return false;
	return conf_last_byte[(uint8_t)path[__builtin_strlen(path) - 1]];
}

/* Compares `path`, relative to directory `dirfd` (AT_FDCWD: the cwd), with the roots and their realpaths. May
 * make system calls on /proc and getcwd, on the original only once for the roots' realpaths. Keeps errno. */
enum path_kind path_where(int dirfd, const char *path, struct where *w);

/* The same for the real path of an open descriptor. */
enum path_kind path_of_fd(int fd, struct where *w);

/* The real path of an open descriptor into buf; its length, 0 if it can't be told. */
size_t path_name_of_fd(int fd, char buf[PATH_ROOM]);

/* Directory `dirfd` neither lies below a root nor leads to one. False if it cannot be told. */
bool path_dir_elsewhere(int dirfd);

/* Calls fn for each root that lies at or below directory `path` (a rename of it moves the root). */
void path_roots_below(int dirfd, const char *path, void (*fn)(unsigned root));

int path_proc_fd_slow(const char *path);

/* Does it begin as a name in /proc or /dev does? */
static inline bool path_proc_like(const char *path)
{
	return path[0] == '/' && ((path[1] == 'p' && path[2] == 'r') || (path[1] == 'd' && path[2] == 'e'));
}

/* N of "/proc/self/fd/N" (or our pid in place of self), "/dev/fd/N", "/dev/stdin" and the like, else -1. Two comparisons
 * for a path that begins otherwise. */
static inline int path_proc_fd(const char *path)
{
	return unlikely(path_proc_like(path)) ? path_proc_fd_slow(path) : -1;
}

/* The cwd changed, or may have. */
void path_cwd_changed(void);

/* From now on it may change without our being told: it is asked for at every use. */
void path_cwd_wanders(void);

/* ---- alias.c ---- */

/* Does this absolute name lead through a root by another name? Then *which, and where in it the name within the root begins.
 * One look at a table where its folder has been looked at before; else some stats of folders on its way. Keeps errno. */
bool alias_match(const char *abs, size_t len, unsigned *which, size_t *rest);
void alias_forget(void);                   /* the roots are others now */

/* A root has been added. */
void path_roots_changed(void);

#endif
