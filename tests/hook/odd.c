/* odd.c - odd CASE DIR: calls that tell an object from its original where nobody looks. DIR as for calls.c. */
#include "common.h"

#include <fts.h>
#include <ftw.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

/* A descriptor that has been read, of a file that is cached by now. */
static int opened(const char *path)
{
	char c;
	int fd = -1;
	for (int i = 0; i < 2; i++) {
		if (fd >= 0)
			close(fd);
		MUST((fd = open(path, O_RDONLY)) >= 0 && read(fd, &c, 1) == 1);
	}
	return fd;
}

static void old_enough(void) { usleep(50000); }   /* what has just changed is not cached */

static void calls(void)
{
	char byte, path[64], to[1000], want[1000];
	struct iovec v = { &byte, 1 };
	struct statfs fs, is;
	struct statvfs vfs, vis;
	struct statx stx, named;
	int fd, version = 0, other = 0;

	MUST((fd = open("sparse.jpg", O_CREAT | O_WRONLY, 0600)) >= 0 && write(fd, "data", 4) == 4 && ftruncate(fd, 1 << 20) == 0);
	MUST(close(fd) == 0 && symlink("a.jpg", "link.jpg") == 0);
	old_enough();
	fd = opened("sparse.jpg");
	SAY("hole %d", lseek(fd, 0, SEEK_HOLE) < 1 << 20);
	long long data = lseek(fd, 100000, SEEK_DATA);
	SAY(" data %lld errno %d\n", data, errno);
	take("there", fd, 10);

	fd = opened("a.jpg");
	SAY("nowait %zd\n", preadv2(fd, &v, 1, 5, RWF_NOWAIT));
	fd = opened("b.jpg");
	MUST(statfs("b.jpg", &fs) == 0 && fstatfs(fd, &is) == 0 && statvfs("b.jpg", &vfs) == 0 && fstatvfs(fd, &vis) == 0);
	SAY("file system %d %d\n", fs.f_type == is.f_type, vfs.f_fsid == vis.f_fsid && vfs.f_blocks == vis.f_blocks);
	fd = opened("c.jpg");
	MUST(statx(AT_FDCWD, "c.jpg", 0, STATX_BASIC_STATS | STATX_BTIME, &named) == 0);
	MUST(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &stx) == 0);
	SAY("born %d\n", stx.stx_mask & STATX_BTIME && stx.stx_btime.tv_sec == named.stx_btime.tv_sec);
	fd = opened("d.jpg");
	SAY("version %d", ioctl(fd, FS_IOC_GETVERSION, &version));
	SAY(" %d\n", ioctl(open("d.jpg", O_RDONLY), FS_IOC_GETVERSION, &other) == 0 && version == other);

	/* once more by its name: the descriptor must still be on the object for what follows to mean anything */
	fd = opened("e.jpg");
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
	ssize_t n = readlink(path, to, sizeof to - 1);
	MUST(n > 0 && realpath("e.jpg", want));
	to[n] = 0;
	SAY("own pid's name %d", !strcmp(to, want));
	int w = open(path, O_WRONLY);
	SAY(" written %zd\n", pwrite(w, "W", 1, 0));
	close(w);
	fd = opened("f.jpg");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	SAY("link %d\n", linkat(AT_FDCWD, path, AT_FDCWD, "f2", AT_SYMLINK_FOLLOW));
	who("linked", open("f2", O_RDONLY), "f.jpg");
	fd = opened("g.jpg");
	SAY("link %d\n", linkat(fd, "", AT_FDCWD, "g2", AT_EMPTY_PATH));

	opened("link.jpg");
	SAY("a file %d", open("a.jpg", O_RDONLY | O_NOFOLLOW) >= 0);
	fd = open("link.jpg", O_RDONLY | O_NOFOLLOW);
	SAY(" no link %d errno %d", fd, errno);
	fd = open("a.jpg/", O_RDONLY);
	SAY(" no folder %d errno %d\n", fd, errno);
}

static unsigned found;
static int visit(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	if (type == FTW_F && !strcmp(path + f->base, "a.jpg")) {
		FILE *s = fopen(path + f->base, "r");
		char buf[100];
		MUST(s && fread(buf, 1, 100, s) == 100);
		found += sum(buf, 100, 0) * (unsigned)f->level;   /* in whatever order */
		fclose(s);
	}
	return 0;
}

/* Walkers of the C library change the working directory behind our back; so does daemon(). */
static void walks(void)
{
	char *roots[] = { (char *)".", NULL }, cwd[1000], buf[100];
	unsigned all = 0;
	MUST(getcwd(cwd, sizeof cwd));
	opened("a.jpg");
	opened("sub/a.jpg");
	MUST(nftw(".", visit, 10, FTW_CHDIR) == 0);
	SAY("nftw %u\n", found);
	take("after", open("a.jpg", O_RDONLY), 100);
	FTS *f = fts_open(roots, FTS_PHYSICAL, NULL);
	MUST(f);
	for (FTSENT *e; (e = fts_read(f));)
		if (e->fts_info == FTS_F && !strcmp(e->fts_name, "a.jpg")) {
			int fd = open(e->fts_accpath, O_RDONLY);
			MUST(read(fd, buf, 100) == 100);
			all += sum(buf, 100, 0) * (uint16_t)e->fts_level;
		}
	fts_close(f);
	SAY("fts %u\n", all);
	take("after", open("a.jpg", O_RDONLY), 100);
	int end[2];
	MUST(pipe(end) == 0);
	if (fork() == 0) {
		if (daemon(0, 1) == 0)
			MUST(write(end[1], open("a.jpg", O_RDONLY) < 0 ? "none" : "some", 4) == 4);
		_exit(0);
	}
	reap();
	MUST(read(end[0], buf, 4) == 4);
	SAY("daemon has %.4s\n", buf);
}

static volatile bool over;
static int shorter, wrong;
static void *reads(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;
	static __thread char buf[4000];
	while (!over) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + rand_r(&seed) % 8);
		int fd = open(name, O_RDONLY), all = 0;
		for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0; all += (int)n)
			if (buf[n - 1] != name[0] || buf[0] != name[0])
				__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
		close(fd);
		if (all != 40000)
			__atomic_fetch_add(&shorter, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* One thread reads files, each by a descriptor of its own; another changes their modes. */
static void beside(void)
{
	pthread_t t[3];
	char buf[40000];
	for (int i = 0; i < 8; i++) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + i);
		memset(buf, name[0], sizeof buf);
		int fd = open(name, O_WRONLY | O_TRUNC);
		MUST(fd >= 0 && write(fd, buf, sizeof buf) == sizeof buf && close(fd) == 0);
	}
	old_enough();
	for (uintptr_t i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, reads, (void *)(i + 1));
	for (int i = 0; i < 250; i++) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + i % 8);
		MUST(chmod(name, 0644) == 0);
		usleep(3000);
	}
	over = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	SAY("wrong %d, of another length %d\n", wrong, shorter);
}

static const struct hook_case cases[] = {
	CASE(calls), CASE(walks), CASE(beside),
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
