/* change.c - calls that change, rename or remove a dataset file by name or by descriptor. */
#include "open.h"
#include "swap.h"

/* What a call is about to change: settled before it, told after it. */
struct change {
	uint32_t rec;             /* or REC_NONE */
	bool in_root;             /* the path lies below a root, as w says */
	bool known;               /* st: what it leads to */
	struct stat st;
	struct where w;
};

/* Inside a program that has nothing to do with a dataset this costs a comparison of the path with the roots. */
static void before(struct change *ch, int dirfd, const char *path)
{
	ch->rec = REC_NONE;
	ch->in_root = ch->known = false;
	if (!hook_on || hook_inside() || !path || !*path)
		return;
	enum path_kind kind = path_where(dirfd, path, &ch->w);
	bool proc = kind == PATH_OTHER && path_proc_fd(path) >= 0;
	if (proc) {
		kind = path_of_fd(path_proc_fd(path), &ch->w);
	} else if (kind == PATH_ASK) {
		int fd = next.openat(dirfd, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0) {
			kind = path_of_fd(fd, &ch->w);
			next.close(fd);
		}
	}
	ch->in_root = kind == PATH_ROOT;
	if (!ch->in_root || (!proc && !path_may(path)))
		return;
	struct guard g = hook_enter();
	ch->rec = record_of(&ch->w);
	hook_leave(g);
	/* While the path still leads to it: descriptors of ours must not be left on a copy that has lost its way
	 * back. */
	ch->known = ch->rec != REC_NONE && next.fstatat(dirfd, path, &ch->st, 0) == 0;
	if (ch->rec != REC_NONE && fd_any())
		fd_original_all(ch->rec, ch->known ? &ch->st : NULL);
}

static void after(const struct change *ch)
{
	if (ch->rec == REC_NONE)
		return;
	struct guard g = hook_enter();
	session_changed(ch->rec, ch->known ? &ch->st : NULL);
	hook_leave(g);
}

/* All that is cached below a directory. */
static void tree(const struct change *ch)
{
	if (!ch->in_root)
		return;
	struct guard g = hook_enter();
	session_invalidate_tree(ch->w.root, ch->w.rel, ch->w.len);
	hook_leave(g);
}

/* Or a link to one: names below it lead elsewhere afterwards, too. */
static bool is_dir(int dirfd, const char *path)
{
	struct stat st;
	return next.fstatat(dirfd, path, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* A call that changes what a path leads to, between what settles ch and what is done after it. The file is invalidated even
 * if the call fails: some fail half way. */
#define CHANGING(name, params, settle, call, finish) \
	EXPORT int name params \
	{ \
		struct change ch; \
		OPAQUE(path); \
		if (!hook_on || hook_inside()) \
			return call; \
		int err = errno; \
		settle; \
		errno = err; \
		int r = call; \
		after(&ch); \
		finish; \
		return r; \
	}

#define CHANGE(name, params, dirfd, path, call) CHANGING(name, params, before(&ch, dirfd, path), call, )

static bool before_remove(struct change *ch, int dirfd, const char *path)
{
	before(ch, dirfd, path);
	if (!ch->in_root || !is_dir(dirfd, path))
		return false;
	fd_original_all(REC_NONE, NULL);
	return true;
}

#define REMOVE(name, params, dirfd, call) \
	CHANGING(name, params, bool dir = before_remove(&ch, dirfd, path), call, if (dir && r == 0) tree(&ch))

REMOVE(unlink, (const char *path), AT_FDCWD, next.unlink(path))
REMOVE(remove, (const char *path), AT_FDCWD, next.remove(path))
REMOVE(unlinkat, (int dirfd, const char *path, int flags), dirfd, next.unlinkat(dirfd, path, flags))
/* A link changes the number of links and the change time of what it leads to. */
CHANGE(link, (const char *path, const char *to), AT_FDCWD, path, next.link(path, to))

/* By a /proc/self/fd name these would reach the object. */
static void before_content(struct change *ch, int dirfd, const char *path)
{
	if (path)
		open_proc(path, O_WRONLY);
	before(ch, dirfd, path);
}

#define CHANGE_CONTENT(name, params, call) CHANGING(name, params, before_content(&ch, AT_FDCWD, path), call, )

CHANGE_CONTENT(truncate, (const char *path, off_t n), next.truncate(path, n))
CHANGE_CONTENT(truncate64, (const char *path, off64_t n), next.truncate64(path, n))
CHANGE_CONTENT(chmod, (const char *path, mode_t mode), next.chmod(path, mode))

/* Owner, times, attributes: the original's change time moves, and its copies must show it. */
CHANGE_CONTENT(chown, (const char *path, uid_t u, gid_t g), next.chown(path, u, g))
CHANGE(lchown, (const char *path, uid_t u, gid_t g), AT_FDCWD, path, next.lchown(path, u, g))
CHANGE_CONTENT(utimes, (const char *path, const struct timeval t[2]), next.utimes(path, t))
CHANGE(lutimes, (const char *path, const struct timeval t[2]), AT_FDCWD, path, next.lutimes(path, t))
CHANGE_CONTENT(utime, (const char *path, const struct utimbuf *t), next.utime(path, t))
CHANGE_CONTENT(setxattr, (const char *path, const char *key, const void *v, size_t n, int fl), next.setxattr(path, key, v, n, fl))
CHANGE(lsetxattr, (const char *path, const char *key, const void *v, size_t n, int fl), AT_FDCWD, path, next.lsetxattr(path, key, v, n, fl))
CHANGE_CONTENT(removexattr, (const char *path, const char *key), next.removexattr(path, key))
CHANGE(lremovexattr, (const char *path, const char *key), AT_FDCWD, path, next.lremovexattr(path, key))

/* The same relative to a directory; with an empty path, of the descriptor itself. */
static void before_at(struct change *ch, int dirfd, const char *path, int flags)
{
	if (!path || *path || !(flags & AT_EMPTY_PATH)) {
		before_content(ch, dirfd, path);
		return;
	}
	fd_original(dirfd);
	ch->rec = REC_NONE;
	if (path_of_fd(dirfd, &ch->w) == PATH_ROOT) {
		struct guard g = hook_enter();
		ch->rec = record_of(&ch->w);
		hook_leave(g);
	}
	ch->known = ch->rec != REC_NONE && next.fstat(dirfd, &ch->st) == 0;
	if (ch->rec != REC_NONE)
		fd_original_all(ch->rec, ch->known ? &ch->st : NULL);
}

#define CHANGE_AT(name, params, dirfd, flags, call) CHANGING(name, params, before_at(&ch, dirfd, path, flags), call, )

CHANGE_AT(fchmodat, (int dirfd, const char *path, mode_t mode, int flags), dirfd, flags, next.fchmodat(dirfd, path, mode, flags))
CHANGE_AT(fchownat, (int dirfd, const char *path, uid_t u, gid_t g, int flags), dirfd, flags, next.fchownat(dirfd, path, u, g, flags))
CHANGE_AT(utimensat, (int dirfd, const char *path, const struct timespec t[2], int flags), dirfd, flags, next.utimensat(dirfd, path, t, flags))
CHANGE_AT(linkat, (int dirfd, const char *path, int todir, const char *to, int flags), dirfd, flags,
	next.linkat(dirfd, path, todir, to, flags))
CHANGE_AT(futimesat, (int dirfd, const char *path, const struct timeval t[2]), dirfd, 0, next.futimesat(dirfd, path, t))

/* ---- rename: two paths, and either may be a directory ---- */

static void root_moved(unsigned root)
{
	struct guard g = hook_enter();
	session_invalidate_tree(root, "", 0);
	hook_leave(g);
}

static void root_moves(__attribute__((unused)) unsigned root)
{
	fd_original_all(REC_NONE, NULL);
}

/* With a directory goes the way back of what lies below it. */
static void renames(const struct change *from, const struct change *to, int fromdir, const char *a, int todir, const char *b)
{
	if (!fd_any())
		return;
	if ((from->in_root || to->in_root) && (is_dir(fromdir, a) || is_dir(todir, b)))
		fd_original_all(REC_NONE, NULL);
	path_roots_below(fromdir, a, root_moves);
	path_roots_below(todir, b, root_moves);
}

static void renamed(const struct change *from, const struct change *to, int fromdir, const char *a, int todir, const char *b)
{
	int err = errno;

	after(from);
	after(to);
	/* After RENAME_EXCHANGE either may be the directory. */
	if ((from->in_root || to->in_root) && (is_dir(todir, b) || is_dir(fromdir, a))) {
		tree(from);
		tree(to);
	}
	path_roots_below(fromdir, a, root_moved);
	path_roots_below(todir, b, root_moved);
	errno = err;
}

#define RENAME(name, params, fromdir, todir, call) \
	EXPORT int name params \
	{ \
		struct change from, to; \
		OPAQUE(a); \
		OPAQUE(b); \
		if (!hook_on || hook_inside() || !a || !b) \
			return call; \
		int err = errno; \
		before(&from, fromdir, a); \
		before(&to, todir, b); \
		renames(&from, &to, fromdir, a, todir, b); \
		errno = err; \
		int r = call; \
		if (r == 0) \
			renamed(&from, &to, fromdir, a, todir, b); \
		return r; \
	}

RENAME(rename, (const char *a, const char *b), AT_FDCWD, AT_FDCWD, next.rename(a, b))
RENAME(renameat, (int ad, const char *a, int bd, const char *b), ad, bd, next.renameat(ad, a, bd, b))
RENAME(renameat2, (int ad, const char *a, int bd, const char *b, unsigned flags), ad, bd, next.renameat2(ad, a, bd, b, flags))
