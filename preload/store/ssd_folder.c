/* ssd_folder.c - where a second tier may lie: see ssd.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "store.h"

/* nfs smb cifs smb2 lustre ceph gpfs beegfs fuse 9p afs afs(kafs) coda ocfs2 ncp orangefs: a network, or FUSE with one behind it */
static const uint32_t remote[] = { 0x6969, 0x517B, 0xFF534D42, 0xFE534D42, 0x0BD00BD0, 0x00C36400, 0x47504653, 0x19830326, 0x65735546,
				   0x01021997, 0x5346414F, 0x6B414653, 0x73757245, 0x7461636f, 0x564c, 0x20030528 };
static const uint32_t memory[] = { 0x01021994, 0x858458f6 };   /* tmpfs ramfs */

static bool among(uint32_t type, const uint32_t *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == type)
			return true;
	return false;
}

const char *ssd_refused(const char *dir)
{
	struct stat st;
	struct statfs fs;
	char own[PATH_BYTES];
	if (*dir != '/')
		return "not an absolute path";
	if (strlen(dir) > PATH_BYTES - 300)
		return "too long a name";
	if (lstat(dir, &st) < 0)
		return errno == ENOENT ? "no such folder; make it, on a local disk" : strerror(errno);
	if (S_ISLNK(st.st_mode))
		return "a symbolic link; name the folder itself";
	if (!S_ISDIR(st.st_mode))
		return "no folder; name one on a local disk";
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return "another user's; name a folder of your own, or of root's that you may write to";
	if (statfs(dir, &fs) < 0)
		return strerror(errno);
	if (among((uint32_t)fs.f_type, remote, sizeof(remote) / sizeof(*remote)))
		return "on a network or FUSE file system; name a folder on a local disk";
	if (among((uint32_t)fs.f_type, memory, sizeof(memory) / sizeof(*memory)))
		return "in memory (tmpfs), as the first tier is; name a folder on a local disk";
	if (!fs.f_blocks)          /* proc, sysfs, cgroups .. */
		return "no disk lies below it; name a folder on a local disk";
	ssd_user_folder(own, sizeof(own), dir);
	if (lstat(own, &st) < 0)
		return access(dir, W_OK | X_OK) == 0 ? NULL : errno == EROFS ? "read-only; name a folder that can be written"
								   : "not writable; name a folder that can be written";
	if (!S_ISDIR(st.st_mode))
		return "what lies there under opt4's name is no folder; move it away";
	if (st.st_uid != geteuid())
		return "what lies there under opt4's name is another user's; name another folder";
	if (st.st_mode & 077)
		return "others may enter opt4's folder there; make it mode 700";
	return access(own, W_OK | X_OK) == 0 ? NULL : errno == EROFS ? "read-only; name a folder that can be written" : "not writable; name another folder";
}

bool ssd_within(const char *dir, const char *roots)
{
	char real[PATH_MAX], root[PATH_MAX], one[PATH_MAX];
	if (!realpath(dir, real))
		return false;
	for (const char *s = roots; *s; s += *s == ':') {
		size_t len = strcspn(s, ":");
		if (len && len < sizeof(one)) {
			snprintf(one, sizeof(one), "%.*s", (int)len, s);
			size_t n = realpath(one, root) ? strlen(root) : 0;
			if (n && !strncmp(real, root, n) && (!real[n] || real[n] == '/'))
				return true;
		}
		s += len;
	}
	return false;
}

void ssd_user_folder(char *path, size_t room, const char *dir)
{
	size_t n = strlen(dir);
	while (n > 1 && dir[n - 1] == '/')
		n--;
	snprintf(path, room, "%.*s/opt4-%u", (int)(n < PATH_BYTES - 100 ? n : PATH_BYTES - 100), dir, (unsigned)geteuid());
}

static int secure(const char *path)
{
	struct stat st;
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(path, &st) < 0)
		return -errno;
	return !S_ISDIR(st.st_mode) ? -ENOTDIR : st.st_uid != geteuid() ? -EPERM : st.st_mode & 077 ? -EACCES : 0;
}

int ssd_folder(char *path, size_t room, const char *dir, const char *root)
{
	char user[PATH_BYTES], name[40];
	const char *base = strrchr(root, '/');
	size_t n = 0;
	ssd_user_folder(user, sizeof(user), dir);
	for (base = base ? base + 1 : root; base[n] && n < 32; n++)
		name[n] = (base[n] >= '0' && base[n] <= '9') || ((base[n] | 32) >= 'a' && (base[n] | 32) <= 'z') ? base[n] : '_';
	name[n] = 0;
	if ((size_t)snprintf(path, room, "%s/%s-%016llx", user, name, (unsigned long long)trace_hash(0, root, strlen(root))) >= room)
		return -ENAMETOOLONG;
	int rc = secure(user);
	return rc < 0 ? rc : secure(path);
}

struct walk { void (*fn)(const char *, void *); void *arg; const char *dir; };

static void one(__attribute__((unused)) int fd, const char *name, void *arg)
{
	const struct walk *w = arg;
	char path[PATH_BYTES + 300];
	struct stat st;
	if ((size_t)snprintf(path, sizeof(path), "%s/%s", w->dir, name) < PATH_BYTES && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		w->fn(path, w->arg);
}

void ssd_each(const char *dir, void (*fn)(const char *folder, void *arg), void *arg)
{
	char user[PATH_BYTES];
	struct stat st;
	ssd_user_folder(user, sizeof(user), dir);
	int fd = lstat(user, &st) == 0 && st.st_uid == geteuid() ? open(user, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
	struct walk w = { fn, arg, user };
	if (fd < 0)
		return;
	dir_each(fd, one, &w);
	close(fd);
}

static void foreign(__attribute__((unused)) int fd, const char *name, void *any)
{
	static const char *const ours[] = { "objects", "dead", "new", "sealed", "sealed.new", "lock", "owner", "leaving", "writes", "writes.new" };
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		if (!strcmp(name, ours[i]))
			return;
	if (!strncmp(name, "log.", 4))     /* of buckets: opt4d/buckets/log.c */
		return;
	*(bool *)any = true;
}

static void remove_it(int fd, const char *name, __attribute__((unused)) void *arg) { unlinkat(fd, name, 0); }

int ssd_remove(const char *folder, bool force)
{
	char sub[24];
	bool any = false;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir_each(fd, foreign, &any);
	int lock = any ? -1 : openat(fd, "lock", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool busy = lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) < 0;
	if (any || (busy && !force)) {
		if (lock >= 0)
			close(lock);
		close(fd);
		return any ? -EPERM : -EBUSY;
	}
	lseek(fd, 0, SEEK_SET);
	unlinkat(fd, "sealed", 0);         /* first: who comes up meanwhile finds nothing */
	for (int i = 0; i < 256; i++) {
		snprintf(sub, sizeof(sub), "objects/%02x", i);
		dir_clear_sub(folder, sub);
	}
	dir_clear_sub(folder, "objects");
	dir_clear_sub(folder, "dead");
	dir_clear_sub(folder, "new");
	dir_each(fd, remove_it, NULL);
	if (lock >= 0)
		close(lock);
	close(fd);
	return rmdir(folder) < 0 ? -errno : 0;
}
