/* numbersfs FOLDER MOUNTPOINT [OPTION...]: FOLDER again, read only, by FUSE, with inode numbers that are others after every 150 looks. */
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *folder;
static unsigned long looks;

static const char *real(const char *path)
{
	static _Thread_local char full[4096];
	snprintf(full, sizeof(full), "%s%s", folder, path);
	return full;
}

static int look(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	if (lstat(real(path), st) < 0)
		return -errno;
	st->st_ino += 1000000 * (__atomic_fetch_add(&looks, 1, __ATOMIC_RELAXED) / 150);
	return 0;
}

static int list(const char *path, void *to, fuse_fill_dir_t fill, off_t at, struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	(void)at, (void)fi, (void)flags;
	DIR *d = opendir(real(path));
	struct dirent *e;
	if (!d)
		return -errno;
	while ((e = readdir(d)))
		fill(to, e->d_name, NULL, 0, 0);
	closedir(d);
	return 0;
}

static int begin(const char *path, struct fuse_file_info *fi)
{
	int fd = open(real(path), O_RDONLY);
	fi->fh = (uint64_t)(fd < 0 ? 0 : fd);
	return fd < 0 ? -errno : 0;
}

static int get(const char *path, char *to, size_t n, off_t at, struct fuse_file_info *fi)
{
	(void)path;
	ssize_t r = pread((int)fi->fh, to, n, at);
	return r < 0 ? -errno : (int)r;
}

static int over(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	return close((int)fi->fh);
}

static void *settings(struct fuse_conn_info *conn, struct fuse_config *c)
{
	(void)conn;
	c->use_ino = 1;
	c->entry_timeout = c->attr_timeout = 0;
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct fuse_operations calls = { .getattr = look, .readdir = list, .open = begin, .read = get, .release = over, .init = settings };
	if (argc < 3)
		return 2;
	folder = argv[1];
	argv[1] = argv[0];
	return fuse_main(argc - 1, argv + 1, &calls, NULL);
}
