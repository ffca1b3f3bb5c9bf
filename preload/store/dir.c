/* dir.c - the session's directory: its name, whose it is, creation and removal. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "store.h"

#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define SHM "/dev/shm"

static bool is_tmpfs(const char *path)
{
	struct statfs fs;
	return statfs(path, &fs) == 0 && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

/* Ours alone: a real directory, our uid, nobody else may enter. */
static int check(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid != geteuid())
		return -EPERM;
	if (st.st_mode & 077)
		return -EACCES;
	return 0;
}

int dir_secure(const char *path, bool create)
{
	int rc = check(path);
	if (rc == -ENOENT && create) {
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		rc = check(path);
	}
	if (rc == 0 && !is_tmpfs(path))
		return -EXDEV;
	return rc;
}

static void parent_name(char parent[64]) { snprintf(parent, 64, SHM "/opt4-%u", (unsigned)geteuid()); }

int dir_name(char *path, size_t room, bool create, bool other)
{
	size_t len = 0;
	const char *real = NULL;
	for (unsigned i = 0; i < conf.nroots && !real; i++)
		real = conf.root[i].len ? conf_root_real(i, &len) : NULL;
	struct stat st;
	if (!real || stat(real, &st) < 0)
		return -ENOENT;
	if (is_tmpfs(real))
		return -ENOTSUP;   /* it is in memory already */
	if (*conf.dir)
		return strlen(conf.dir) < room ? (strcpy(path, conf.dir), 0) : -ENAMETOOLONG;
	/* A root is its path: where it is mounted anew it has another device, and is the same. */
	uint64_t hash = trace_hash(0, real, len);
	if (other)
		hash ^= (st.st_dev * 0x9E3779B97F4A7C15ull) ^ (st.st_ino * 0xC4CEB9FE1A85EC53ull);
	char name[40];
	const char *base = strrchr(real, '/') + 1;
	size_t n = 0;
	for (; base[n] && n < 32; n++) /* only for people who look: the hash is what tells sessions apart */
		name[n] = (base[n] >= '0' && base[n] <= '9') || ((base[n] | 32) >= 'a' && (base[n] | 32) <= 'z') ? base[n] : '_';
	name[n] = 0;
	char parent[64];
	parent_name(parent);
	int rc = dir_secure(parent, create);
	if (rc < 0)
		return rc;
	if ((size_t)snprintf(path, room, "%s/%s-%016llx", parent, name, (unsigned long long)hash) >= room)
		return -ENAMETOOLONG;
	return 0;
}

int dir_lock(const char *path)
{
	char file[PATH_BYTES + 8];
	snprintf(file, sizeof(file), "%s/lock", path);
	for (int tries = 0; tries < 1000; tries++) {
		struct stat a, b;
		/* by the folder: what may have been put in its place, a link, gets no file of ours */
		int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc;
		if (dirfd < 0)
			return -errno;
		int fd = openat(dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
		rc = -errno;
		close(dirfd);
		if (fd < 0)
			return rc;
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			/* the same file still? a remover may have taken it away while we waited */
			if (fstat(fd, &a) == 0 && lstat(file, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
				return fd;
			flock(fd, LOCK_UN);
		} else if (errno != EWOULDBLOCK && errno != EINTR) {
			rc = -errno;   /* a sandbox's word: it will not be another in a second */
			close(fd);
			return rc;
		}
		close(fd);
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	return -ETIMEDOUT;
}

void dir_unlock(int fd)
{
	flock(fd, LOCK_UN);        /* a forked child may share the description: closing is not enough */
	close(fd);
}

void dir_each(int fd, void (*fn)(int fd, const char *name, void *arg), void *arg)
{
	struct entry { uint64_t ino; int64_t off; unsigned short len; unsigned char type; char name[]; } *e; /* the kernel's */
	_Alignas(struct entry) char buf[4096];
	long n;
	while ((n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n; at += e->len) {
			e = (struct entry *)(void *)(buf + at);
			if (strcmp(e->name, ".") && strcmp(e->name, ".."))
				fn(fd, e->name, arg);
		}
}

static void remove_it(int fd, const char *name, __attribute__((unused)) void *arg) { unlinkat(fd, name, 0); }

/* Removes the files of one directory below dirfd, and it. */
static void clear_one(int dirfd, const char *name, bool remove_dir)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0) {
		dir_each(fd, remove_it, NULL);
		close(fd);
	}
	if (remove_dir)
		unlinkat(dirfd, name, AT_REMOVEDIR);   /* where no descriptor was to be had, it is empty if nothing came of the session */
}

void dir_clear_sub(const char *path, const char *sub)
{
	int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return;
	clear_one(dirfd, sub, true);
	close(dirfd);
}

static void remove_ours(int fd, const char *name, __attribute__((unused)) void *arg)
{
	if (!strncmp(name, "plan.", 5) || !strncmp(name, "policy.", 7) || !strncmp(name, "live.", 5) || !strncmp(name, "index", 5))
		unlinkat(fd, name, 0);
}

void dir_clear(const char *path, enum clear what)
{
	int dirfd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return;
	/* the index first: who attaches meanwhile finds none and starts afresh */
	unlinkat(dirfd, "index", 0);
	if (what != CLEAR_INDEX) {
		char sub[16];
		for (int i = 0; i < 256; i++) {
			snprintf(sub, sizeof(sub), "objects/%02x", i);
			clear_one(dirfd, sub, true);
		}
		clear_one(dirfd, "objects", true);
		clear_one(dirfd, "dead", true);
	}
	dir_each(dirfd, remove_ours, NULL);
	if (what == CLEAR_ALL) {
		unlinkat(dirfd, "alive", 0);
		unlinkat(dirfd, "lock", 0);
		rmdir(path);   /* EBUSY on a mount point of the user's own: it stays, empty */
		char parent[64];
		const char *last = strrchr(path, '/');
		parent_name(parent);
		rmdir(parent); /* stays while it holds another session */
		/* In a user namespace the owner had another number. Only a number: the user's own /dev/shm/opt4-NAME stays. */
		size_t stem = (size_t)(strrchr(parent, '-') + 1 - parent), len = last ? (size_t)(last - path) : 0;
		if (len > stem && len < sizeof(parent) && !strncmp(path, parent, stem) && strspn(path + stem, "0123456789") == len - stem) {
			snprintf(parent, sizeof(parent), "%.*s", (int)len, path);
			rmdir(parent);
		}
	}
	close(dirfd);
}

int dir_boot_id(uint8_t id[40])
{
	memset(id, 0, 40);
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, id, 36);
	close(fd);
	return n == 36 ? 0 : -EIO;
}
