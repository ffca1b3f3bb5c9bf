/* change.c - open of a resident, its identity, and what happens when the original changes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "parts.h"

bool look_due(const struct resident *r, uint64_t now)
{
	if (!r->checked)           /* kept from an earlier session: once at least */
		return true;
	return view.revalidate_ns == 0 || (view.revalidate_ns != UINT64_MAX && now - r->checked > view.revalidate_ns);
}

/* The object of a resident, or of the resident whose file this name leads to as well. */
static int opened(uint32_t rec, uint32_t name, struct resident *r, int flags, struct cached *c)
{
	if ((flags & O_NOATIME) && r->st.uid != geteuid())
		return -EPERM;     /* which the original says, but to the privileged; the object is ours */
	int fd = object_open(rec, r, flags);
	if (fd == -ENOENT && !index_lost())
		record_drop(rec);  /* somebody took the object away */
	*c = (struct cached){ .rec = name, .obj_ino = r->obj_ino, .dev = r->st.dev, .ino = r->st.ino, .checked = r->checked };
	return fd;
}

/* Whoever has been told of a writer was told by a system call, behind which its count is seen: relaxed will do. */
int session_open(uint32_t rec, int dirfd, const char *path, int flags, struct cached *c)
{
	struct resident r;
	uint32_t twin = record_twin(rec);
	if (twin != rec) {
		int rc = link_open(rec, dirfd, path, flags, &r);
		return rc < 0 ? rc : opened(twin, rec, &r, flags, c);
	}
	if (!record_read(rec, &r) || atomic_load_explicit(&view.rec[rec].writers, memory_order_relaxed))
		return -ENOENT;
	uint64_t now = now_coarse();
	bool nofollow = flags & O_NOFOLLOW;  /* the record does not say whether its name is a link */
	if (nofollow || look_due(&r, now)) {
		struct stat st;
		COUNT(view.h->n.revalidations, 1);
		if (fstatat(dirfd, path, &st, nofollow ? AT_SYMLINK_NOFOLLOW : 0) < 0 ||
		    (!object_seen(rec, &r, &st) && (nofollow || !origin_renumbered(&r.st, &st, dirfd, path)))) {
			if (!nofollow)
				session_invalidate(rec);
			return -ESTALE;
		}
		if (now - r.checked > 1000000)  /* keeps the line clean when many look at once */
			atomic_store_explicit(&view.rec[rec].checked, now, memory_order_relaxed);
		r.checked = now;
	}
	return opened(rec, rec, &r, flags, c);
}

int session_hint(uint32_t rec, int fd, struct cached *c)
{
	struct stat st;
	if (!view.h || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 1 || st.st_dev == session_dev)
		return -EINVAL;
	*c = (struct cached){ .rec = rec, .dev = st.st_dev, .ino = st.st_ino, .checked = now_coarse(), .size = (uint64_t)st.st_size };
	return 0;
}

/* What is being read now shall not become resident: its filler looks under the lock. */
static void spoil(uint32_t rec)
{
	struct calm calm;
	calm_begin(&calm);
	bool locked = session_lock();
	uint64_t w = atomic_load(&view.rec[rec].state);
	if (ST_STATE(w) == REC_FILLING)
		atomic_store(&view.rec[rec].spoiled, ST_GEN(w));
	if (locked)
		session_unlock();
	calm_end(&calm);
}

void session_invalidate(uint32_t rec)
{
	if (!view.h || rec >= view.ncap)
		return;
	rec = link_part(rec);
	if (rec_state(rec) == REC_FILLING)
		spoil(rec);
	if (rec_state(rec) != REC_RESIDENT)
		return;
	COUNT(view.h->n.invalidated, 1);
	record_drop(rec);
}

/* A file that is renamed while somebody writes to it is the same file, and so is each of its links. */
uint32_t session_writes(uint32_t rec, const struct stat *st)
{
	struct origin o;
	struct calm calm;
	uint32_t is = rec;
	if (!view.h || rec >= view.ncap)
		return rec;
	calm_begin(&calm);
	bool locked = st && S_ISREG(st->st_mode) && session_lock();
	if (locked) {
		origin_from(&o, st);
		if ((is = links_find(origin_inode(&o))) == REC_NONE) {
			rec_touch(rec);    /* links.c makes its table anew of those */
			links_put(rec, origin_inode(&o));
			is = rec;
		}
	}
	session_writer(is, 1);     /* under the lock: who has it may give that record another inode */
	if (locked)
		session_unlock();
	calm_end(&calm);
	session_invalidate(rec);
	if (is != rec)
		session_invalidate(is);
	return is;
}

void session_changed(uint32_t rec, const struct stat *st)
{
	struct origin o;
	session_invalidate(rec);
	if (!view.h || !st || !S_ISREG(st->st_mode))
		return;
	origin_from(&o, st);
	uint32_t is = links_find(origin_inode(&o));
	if (is != REC_NONE && is != rec)
		session_invalidate(is);
}

void session_writer(uint32_t rec, int delta)
{
	if (!view.h || rec >= view.ncap)
		return;
	if (delta > 0)
		atomic_fetch_add(&view.rec[rec].writers, (uint32_t)delta);
	else if (atomic_load(&view.rec[rec].writers))
		atomic_fetch_sub(&view.rec[rec].writers, (uint32_t)-delta);
}

void session_invalidate_tree(unsigned root, const char *rel, size_t len)
{
	char path[PATH_BYTES], want[PATH_BYTES];
	if (!session_attach() || root >= CONF_ROOTS || !view.root_of[root])
		return;
	int n = snprintf(want, sizeof(want), "%s/%.*s", view.h->roots[view.root_of[root] - 1].path, (int)len, rel);
	if (n <= 0 || (size_t)n >= sizeof(want))
		return;
	if (len == 0)
		want[--n] = 0;
	uint32_t files = index_files();
	for (uint32_t w = 0; w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			enum rec_state s = rec < files ? rec_state(rec) : REC_ABSENT;
			if ((s == REC_RESIDENT || s == REC_FILLING || record_twin(rec) != rec) && record_path(rec, path, sizeof(path)) > (size_t)n &&
			    !strncmp(path, want, (size_t)n) && path[n] == '/')
				session_invalidate(rec);
		}
}

int session_reopen(const struct cached *c, int flags)
{
	char path[PATH_BYTES];
	struct stat st;
	if (!view.h || c->rec >= view.ncap || !record_path(c->rec, path, sizeof(path)))
		return -ENOENT;
	/* A FIFO that lies there now would have us wait for its writer. */
	struct origin o = view.rec[record_twin(c->rec)].st;
	if (stat(path, &st) < 0 || !origin_at(&o, c->dev, c->ino, &st))
		return -ESTALE;
	int fd = open(path, flags & ~(O_CREAT | O_EXCL | O_TRUNC));
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && origin_at(&o, c->dev, c->ino, &st))
		return fd;
	close(fd);
	return -ESTALE;
}

/* The original's stat as of the object's making; looked at again when that is over a second ago. */
static int identity(struct cached *c, struct origin *o)
{
	if (!view.h || c->rec >= view.ncap)
		return -ENOENT;
	const struct record *r = &view.rec[record_twin(c->rec)];
	uint64_t now = now_coarse(), w, obj_ino, left;
	int tries = 0;
	/* It stays after eviction, until the next fill: whose filler may be writing just now. */
	do {
		w = atomic_load_explicit(&r->state, memory_order_acquire);
		*o = r->st;
		obj_ino = r->obj_ino;
		left = r->left_ino;
		atomic_thread_fence(memory_order_acquire);
		if (ST_STATE(w) == REC_FILLING || ++tries > 4)
			return -ESTALE;
	} while (atomic_load_explicit(&r->state, memory_order_relaxed) != w);
	if ((obj_ino != c->obj_ino && left != c->obj_ino) || o->ino != c->ino)
		return -ESTALE;
	if (now - c->checked > (view.revalidate_ns > 1000000000u ? view.revalidate_ns : 1000000000u)) {
		char path[PATH_BYTES];
		struct stat st;
		/* Where another file has its name, or none, it is as it was for all that we can tell. */
		if (!record_path(c->rec, path, sizeof(path)) ||
		    (stat(path, &st) == 0 && st.st_dev == c->dev && st.st_ino == c->ino && !origin_same(o, &st)))
			return -ESTALE;
		c->checked = now;
	}
	return 0;
}

static struct timespec spec(int64_t ns)
{
	int64_t s = ns / 1000000000, f = ns % 1000000000;
	return (struct timespec){ f < 0 ? s - 1 : s, f < 0 ? f + 1000000000 : f };
}

int session_stat(struct cached *c, struct stat *st)
{
	struct origin o;
	int rc = identity(c, &o);
	if (rc < 0)
		return rc;
	memset(st, 0, sizeof(*st));
	st->st_dev = o.dev;
	st->st_ino = o.ino;
	st->st_mode = o.mode;
	st->st_nlink = o.nlink;
	st->st_uid = o.uid;
	st->st_gid = o.gid;
	st->st_rdev = o.rdev;
	st->st_size = (off_t)o.size;
	st->st_blksize = (blksize_t)o.blksize;
	st->st_blocks = (blkcnt_t)o.blocks;
	st->st_atim = spec(o.atime);
	st->st_mtim = spec(o.mtime);
	st->st_ctim = spec(o.ctime);
	return 0;
}

int session_statx(struct cached *c, unsigned mask, struct statx *stx)
{
	char path[PATH_BYTES];
	struct statx born;
	struct stat st;
	int rc = session_stat(c, &st);
	if (rc < 0)
		return rc;
	memset(stx, 0, sizeof(*stx));
	stx->stx_mask = STATX_BASIC_STATS;
	stx->stx_blksize = (uint32_t)st.st_blksize;
	stx->stx_nlink = (uint32_t)st.st_nlink;
	stx->stx_uid = st.st_uid;
	stx->stx_gid = st.st_gid;
	stx->stx_mode = (uint16_t)st.st_mode;
	stx->stx_ino = st.st_ino;
	stx->stx_size = (uint64_t)st.st_size;
	stx->stx_blocks = (uint64_t)st.st_blocks;
	stx->stx_atime = (struct statx_timestamp){ .tv_sec = st.st_atim.tv_sec, .tv_nsec = (uint32_t)st.st_atim.tv_nsec };
	stx->stx_mtime = (struct statx_timestamp){ .tv_sec = st.st_mtim.tv_sec, .tv_nsec = (uint32_t)st.st_mtim.tv_nsec };
	stx->stx_ctime = (struct statx_timestamp){ .tv_sec = st.st_ctim.tv_sec, .tv_nsec = (uint32_t)st.st_ctim.tv_nsec };
	stx->stx_dev_major = major(st.st_dev);
	stx->stx_dev_minor = minor(st.st_dev);
	if (mask & STATX_BTIME && record_path(c->rec, path, sizeof(path)) && statx(AT_FDCWD, path, 0, STATX_INO | STATX_BTIME, &born) == 0 &&
	    born.stx_ino == stx->stx_ino && born.stx_dev_major == stx->stx_dev_major && born.stx_dev_minor == stx->stx_dev_minor) {
		stx->stx_mask |= born.stx_mask & STATX_BTIME;
		stx->stx_btime = born.stx_btime;
	}
	return 0;
}

int session_whose(int fd, struct cached *c)
{
	char link[40], path[PATH_BYTES + 64], hex[17] = "";
	struct stat st;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0)
		return -ENOENT;
	path[n] = 0;
	/* most files of this tmpfs are nobody's objects: those are not worth an attachment */
	if ((!strstr(path, "/objects/") && !strstr(path, "/dead/")) || !session_attach())
		return -ENOENT;
	const char *dir = ssd_here() && !strncmp(path, view.ssd_dir, strlen(view.ssd_dir)) ? view.ssd_dir : view.dir, *name = path + strlen(dir);
	if (strncmp(path, dir, strlen(dir)) || (strncmp(name, "/objects/", 9) && strncmp(name, "/dead/", 6)))
		return -ENOENT;
	name = strrchr(name, '/') + 1;
	if (strlen(name) < 32 || fstat(fd, &st) < 0)
		return -ENOENT;
	struct key k;
	memcpy(hex, name, 16);
	k.path = strtoull(hex, NULL, 16);
	memcpy(hex, name + 16, 16);
	k.stat = strtoull(hex, NULL, 16);
	uint32_t files = index_files();
	for (uint32_t w = 0; w < (files + 63) / 64; w++)
		for (uint64_t bits = view.touched[w]; bits; bits &= bits - 1) {
			uint32_t rec = w * 64 + (uint32_t)__builtin_ctzll(bits);
			const struct record *r = &view.rec[rec];
			/* Not by its inode: evicted and filled anew, it has another, and this one is on the old. */
			if (rec >= files || r->key.path != k.path || r->key.stat != k.stat)
				continue;
			*c = (struct cached){ .rec = rec, .obj_ino = st.st_ino, .dev = r->st.dev, .ino = r->st.ino, .checked = now_coarse() };
			return 0;
		}
	return -ENOENT;
}
