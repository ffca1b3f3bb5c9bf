/* access.c - access CASE DIR: the ways to a file's bytes and identity; what they print must not differ. */
#include "common.h"

ssize_t __read_chk(int fd, void *buf, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *buf, size_t n, off_t off, size_t room);
ssize_t __pread64_chk(int fd, void *buf, size_t n, off64_t off, size_t room);
int __fxstat(int ver, int fd, struct stat *st);
int __fxstat64(int ver, int fd, struct stat64 *st);
int __xstat(int ver, const char *path, struct stat *st);
int __fxstatat(int ver, int dirfd, const char *path, struct stat *st, int flags);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

#ifdef __x86_64__
#define STAT_VER 1         /* what programs of old pass for the version of struct stat */
#else
#define STAT_VER 0
#endif

static char buf[100000];

static void got(const char *what, int fd, ssize_t r)
{
	int err = errno;
	SAY("%s: %zd sum %08x errno %d at %lld\n", what, r, r > 0 ? sum(buf, (size_t)r, 0) : 0, r < 0 ? err : 0, (long long)lseek(fd, 0, SEEK_CUR));
	memset(buf, 0, sizeof buf);
}

/* Each call is the first access of a descriptor, once on a file not resident yet, once on a resident one. */
static void reads(void)
{
	struct iovec v[2] = { { buf, 100 }, { buf + 100, 50 } };
	int out = open("out", O_RDWR | O_CREAT, 0600), p[2];
	void *volatile nowhere = (void *)1;
	off_t off;
	MUST(pipe(p) == 0);
	for (int round = 0; round < 2; round++) {
		int n = 0, fd;
#define OPEN() (fd = open((char[]){ (char)('a' + n++ % 8), '.', 'j', 'p', 'g', 0 }, O_RDONLY), (void)lseek(fd, 3, SEEK_SET))
#define TRY(call) (OPEN(), errno = 77, got(#call, fd, call), close(fd))
		TRY(read(fd, buf, 100));
		TRY(__read_chk(fd, buf, 100, 200));
		TRY(pread(fd, buf, 100, 7));
		TRY(pread64(fd, buf, 100, 99990));
		TRY(__pread_chk(fd, buf, 100, 7, 200));
		TRY(__pread64_chk(fd, buf, 100, 7, 200));
		TRY(readv(fd, v, 2));
		TRY(preadv(fd, v, 2, 7));
		TRY(preadv64(fd, v, 2, 200000));
		TRY(preadv2(fd, v, 2, 7, 0));
		TRY(preadv2(fd, v, 2, -1, 0));
		TRY(preadv64v2(fd, v, 2, 7, 0));
		TRY(read(fd, nowhere, 100));
		TRY(pread(fd, buf, 100, -1));
		off = 11;
		TRY(sendfile(out, fd, &off, 500));
		TRY(sendfile64(out, fd, NULL, 500));
		TRY(copy_file_range(fd, NULL, out, NULL, 500, 0));
		TRY(splice(fd, NULL, p[1], NULL, 500, 0) + read(p[0], buf, 500));
		for (int flags = 0; flags < 2; flags++) {
			OPEN();
			char *m = flags ? mmap64(NULL, 100000, PROT_READ, MAP_SHARED, fd, 0) : mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
			MUST(m != MAP_FAILED);
			close(fd);
			SAY("mmap sum %08x\n", sum(m, 100000, 0));
			munmap(m, 100000);
		}
		OPEN();
		char *m = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		SAY("executable %d\n", m != MAP_FAILED);
	}
	lseek(out, 0, SEEK_SET);
	got("what was sent", out, read(out, buf, sizeof buf));
}

static void openers(void)
{
	int dir = open(".", O_RDONLY | O_DIRECTORY), sub = open("sub", O_PATH);
	for (int round = 0; round < 2; round++) {
		int fds[] = { open("a.jpg", O_RDONLY), open64("a.jpg", O_RDONLY), openat(dir, "a.jpg", O_RDONLY),
			      openat64(AT_FDCWD, "a.jpg", O_RDONLY), openat(sub, "a.jpg", O_RDONLY), openat(sub, "../b.jpg", O_RDONLY),
			      __open_2("c.jpg", O_RDONLY), __open64_2("c.jpg", O_RDONLY), __openat_2(dir, "c.jpg", O_RDONLY),
			      __openat64_2(sub, "a.jpg", O_RDONLY), fileno(fopen("d.jpg", "r")), fileno(fopen64("d.jpg", "r")) };
		for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++)
			got("opened", fds[i], pread(fds[i], buf, 1000, 0));
	}
	/* A directory away from the dataset, whose number then becomes the dataset's. */
	int away = open("/", O_RDONLY | O_DIRECTORY);
	for (int i = 0; i < 2; i++)
		SAY("away %d %d\n", openat(away, "nowhere.jpg", O_RDONLY), errno);
	MUST(dup2(dir, away) == away);
	int there = openat(away, "e.jpg", O_RDONLY);
	got("by dup2", there, read(there, buf, 1000));
	close(away);
	MUST((away = open("/usr/lib", O_RDONLY | O_DIRECTORY)) >= 0 && openat(away, "nowhere.jpg", O_RDONLY) < 0);
	close(away);
	MUST(open(".", O_RDONLY | O_DIRECTORY) == away && (there = openat(away, "f.jpg", O_RDONLY)) >= 0);
	got("by close and open", there, read(there, buf, 1000));
	SAY("%d %d", open("a.jpg/", O_RDONLY), errno);
	SAY(" %d %d", open("sub.jpg", O_RDONLY), errno);
	SAY(" %d %d", open("a.jpg", O_RDONLY | O_DIRECTORY), errno);
	SAY(" %d %d", open("", O_RDONLY), errno);
	SAY(" %d %d", open("a.jpg", O_RDONLY | O_CREAT | O_EXCL, 0600), errno);
	SAY(" %d %d", openat(999, "a.jpg", O_RDONLY), errno);
	char *null = NULL;
	__asm__("" : "+r"(null));
	SAY(" %d %d\n", open(null, O_RDONLY), errno);
	int path = open("a.jpg", O_PATH);
	got("O_PATH", path, read(path, buf, 10));
	int direct = open("a.jpg", O_RDONLY | O_DIRECT);
	if (direct >= 0)
		SAY("O_DIRECT kept %d\n", !!(fcntl(direct, F_GETFL) & O_DIRECT));
}

static void paths(void)
{
	char cwd[2000], p[5000], deep[2500];
	MUST(getcwd(cwd, sizeof cwd) && symlink("sub", "link") == 0 && symlink(cwd, "../root_link") == 0 && mkdir("sub/deep", 0700) == 0);
	MUST(symlink("sub/deep", "deep") == 0 && symlink("../b.jpg", "sub/l.jpg") == 0);
	static const char *const rel[] = { "a.jpg", "./a.jpg", ".//.//a.jpg", "sub/../a.jpg", "link/../a.jpg", "link/a.jpg", "sub//a.jpg",
					    "deep/../a.jpg", "../%s/a.jpg", "sub/./a.jpg", "sub/l.jpg", "../root_link/a.jpg", "nowhere/../a.jpg", "sub/../../%s/sub/a.jpg" };
	for (int round = 0; round < 3; round++) {
		const char *base = strrchr(cwd, '/') + 1;
		for (unsigned i = 0; i < sizeof rel / sizeof *rel; i++) {
			snprintf(deep, sizeof deep, rel[i], base);
			if (round == 0)
				strcpy(p, deep);
			else
				snprintf(p, sizeof p, "%s%s/%s", cwd, round == 1 ? "" : "//.", deep);
			int fd = open(p, O_RDONLY);
			SAY("%d %s: ", round, rel[i]);
			got("path", fd, read(fd, buf, 1000));
			if (fd >= 0)
				who("path", fd, p);
			close(fd);
		}
	}
	MUST(chdir("sub") == 0);
	int fd = open("a.jpg", O_RDONLY);
	got("in sub", fd, read(fd, buf, 1000));
	MUST((fd = open("../c.jpg", O_RDONLY)) >= 0);
	got("above", fd, read(fd, buf, 1000));
	int up = open("..", O_RDONLY | O_DIRECTORY);
	MUST(fchdir(up) == 0 && (fd = open("a.jpg", O_RDONLY)) >= 0);
	got("back", fd, read(fd, buf, 1000));
	MUST(chdir("/") == 0);
	snprintf(p, sizeof p, "%s/d.jpg", cwd + 1);
	MUST((fd = open(p, O_RDONLY)) >= 0);
	got("from /", fd, read(fd, buf, 1000));
	memset(p, 'x', 4990);
	strcpy(p + 4990, ".jpg");
	SAY("too long %d errno %d\n", open(p, O_RDONLY), errno);
}

#define SAME(what, a) SAY("%s %d %d %d\n", what, (a).st_dev == st.st_dev, (a).st_ino == st.st_ino, (int)(a).st_size)
static void identity(void)
{
	struct stat st, a;
	struct stat64 b;
	struct statx x;
	char p[64], self[64], link[4096] = { 0 };
	MUST(stat("a.jpg", &st) == 0);
	int fd = open("a.jpg", O_RDONLY);
	for (int round = 0; round < 3; round++) {
		snprintf(p, sizeof p, "/proc/self/fd/%d", fd);
		MUST(fstat(fd, &a) == 0); SAME("fstat", a);
		MUST(fstat64(fd, &b) == 0); SAME("fstat64", b);
		MUST(__fxstat(STAT_VER, fd, &a) == 0); SAME("__fxstat", a);
		MUST(__fxstat64(STAT_VER, fd, &b) == 0); SAME("__fxstat64", b);
		MUST(fstatat(fd, "", &a, AT_EMPTY_PATH) == 0); SAME("fstatat", a);
		MUST(fstatat64(fd, "", &b, AT_EMPTY_PATH) == 0); SAME("fstatat64", b);
		MUST(__fxstatat(STAT_VER, fd, "", &a, AT_EMPTY_PATH) == 0); SAME("__fxstatat", a);
		MUST(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &x) == 0);
		SAY("statx %d %d %d\n", makedev(x.stx_dev_major, x.stx_dev_minor) == st.st_dev, x.stx_ino == st.st_ino, (int)x.stx_size);
		MUST(stat(p, &a) == 0); SAME("stat of /proc", a);
		MUST(stat64(p, &b) == 0); SAME("stat64 of /proc", b);
		MUST(__xstat(STAT_VER, p, &a) == 0); SAME("__xstat of /proc", a);
		MUST(lstat(p, &a) == 0);
		SAY("lstat of /proc: a link %d\n", S_ISLNK(a.st_mode));
		snprintf(self, sizeof self, "/dev/fd/%d", fd);
		MUST(fstatat(AT_FDCWD, self, &a, 0) == 0); SAME("fstatat of /dev/fd", a);
		ssize_t n = readlink(p, link, sizeof link - 1);
		SAY("readlink ends in %.6s", n > 6 ? link + n - 6 : "?");
		n = readlinkat(AT_FDCWD, self, link, 8);
		char *real = realpath(self, NULL), *name = canonicalize_file_name(p);
		char *twice = realpath(p, link);
		SAY(" %zd %s %s same %d\n", n, strrchr(real, '/'), strrchr(name, '/'), !strcmp(real, twice));
		free(real);
		free(name);
		got("read", fd, read(fd, buf, 100));
	}
	MUST(dup2(fd, 0) == 0 && stat("/dev/stdin", &a) == 0); SAME("stdin", a);
	fflush(stdout);
	if (!fork()) {
		execlp("stat", "stat", "-L", "-c", "behind exec: %s %F", "-", NULL);
		_exit(9);
	}
	reap();
}

static const struct hook_case cases[] = {
	CASE(reads), CASE(openers), CASE(paths), CASE(identity),
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
