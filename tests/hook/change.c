/* change.c - change CASE DIR: calls that change files, or must reach the original; what they print must not differ. */
#include "common.h"

static void write_seen(void)
{
	int r = open("a.jpg", O_RDONLY), h = open("a.jpg", O_RDONLY), w;
	take("before", r, 10);
	MUST((w = open("a.jpg", O_RDWR)) >= 0 && pwrite(w, "0123456789abcdefghij", 20, 0) == 20);
	take("same descriptor", r, 10);
	take("opened before, not read before", h, 10);
	take("new", open("a.jpg", O_RDONLY), 20);
	char *map = mmap(NULL, 100000, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	MUST(map != MAP_FAILED && close(w) == 0);
	map[0] = 'M';
	take("stored through a mapping", open("a.jpg", O_RDONLY), 20);
	map[1] = 'N';
	take("and again", open("a.jpg", O_RDONLY), 20);
	munmap(map, 100000);
	FILE *f = fopen("b.jpg", "r+");
	MUST(f && fputs("buffered", f) >= 0);
	take("not flushed yet", open("b.jpg", O_RDONLY), 20);
	fclose(f);
	take("flushed by fclose", open("b.jpg", O_RDONLY), 20);
	int a = open("c.jpg", O_WRONLY), b = dup(a);
	MUST(pwrite(a, "one", 3, 0) == 3 && close(a) == 0);
	take("one", open("c.jpg", O_RDONLY), 20);
	MUST(pwrite(b, "two", 3, 0) == 3);
	take("two", open("c.jpg", O_RDONLY), 20);
	MUST((a = creat("d.jpg", 0600)) >= 0);
	take("created anew", open("d.jpg", O_RDONLY), 20);
	MUST(write(a, "xyz", 3) == 3);
	take("written", open("d.jpg", O_RDONLY), 20);
	MUST(truncate("e.jpg", 10) == 0);
	take("truncated", open("e.jpg", O_RDONLY), 20);
	MUST((a = open("f.jpg", O_RDWR)) >= 0);
	if (!fork()) {
		MUST(pwrite(a, "child", 5, 0) == 5);
		_exit(0);
	}
	reap();
	close(a);
	take("by the child", open("f.jpg", O_RDONLY), 20);
	int failed[3];
	for (int i = 0; i < 3; i++) {
		char path[] = "g.jpg";
		path[0] = (char)(path[0] + i);
		MUST((failed[i] = open(path, O_RDONLY)) >= 0);
		take("not closed", failed[i], 10);
		if (i == 2)
			MUST(dup2(-1, failed[0]) < 0 && dup3(0, failed[1], O_APPEND) < 0 && close_range((unsigned)failed[2], ~0u, 64) < 0);
	}
	for (int i = 0; i < 3; i++) {
		char path[] = "g.jpg";
		path[0] = (char)(path[0] + i);
		MUST((w = open(path, O_WRONLY | O_TRUNC)) >= 0 && write(w, "0123456789cut short", 19) == 19 && close(w) == 0);
		take("not closed, cut short", failed[i], 20);
	}
	MUST(symlink("sub", "way") == 0 && link("sub/b.jpg", "sub/c.jpg") == 0);
	usleep(50000);             /* what has just changed is not cached */
	static const char *const names[][2] = { { "sub/a.jpg", "way/a.jpg" }, { "sub/b.jpg", "sub/c.jpg" } };
	for (int i = 0; i < 2; i++) {
		r = open(names[i][0], O_RDONLY);
		take("one name", r, 10);
		MUST((w = open(names[i][1], O_WRONLY)) >= 0 && pwrite(w, "0123456789abcdefghij", 20, 0) == 20);
		take("written by another", r, 10);
		MUST(ftruncate(w, 25) == 0);
		take("and cut short", r, 10);
		MUST(close(w) == 0 && usleep(50000) == 0 && (r = open(names[i][0], O_RDONLY)) >= 0);
		take("once more", r, 5);
		MUST(truncate(names[i][1], 7) == 0);
		take("cut short by another name", r, 10);
	}
	a = open("new.jpg", O_RDWR | O_CREAT | O_EXCL, 0640);
	struct stat st;
	MUST(fstat(a, &st) == 0);
	SAY("mode %o\n", st.st_mode);
	int t = open(".", O_TMPFILE | O_RDWR, 0604);
	MUST(t < 0 || fstat(t, &st) == 0);
	SAY("tmpfile %d mode %o\n", t >= 0, t >= 0 ? st.st_mode : 0);
}

static void names(void)
{
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY), c = open("c.jpg", O_RDONLY);
	struct stat st;
	take("a", a, 10);
	take("b", b, 10);
	MUST(unlink("a.jpg") == 0 && fstat(a, &st) == 0);
	SAY("unlinked: links %d flock %d open %d errno %d\n", (int)st.st_nlink, flock(a, LOCK_EX), open("a.jpg", O_RDONLY), errno);
	take("a", a, 10);
	MUST(rename("b.jpg", "moved.jpg") == 0);
	who("moved", b, "moved.jpg");
	take("b", b, 10);
	SAY("open %d errno %d\n", open("b.jpg", O_RDONLY), errno);
	take("moved", open("moved.jpg", O_RDONLY), 100);
	MUST(rename("d.jpg", "c.jpg") == 0);
	take("c, opened before d took its place", c, 100);
	take("c now", open("c.jpg", O_RDONLY), 100);
	take("sub/a", open("sub/a.jpg", O_RDONLY), 100);
	MUST(mkdir("other", 0700) == 0 && rename("e.jpg", "other/a.jpg") == 0);
	take("other/a", open("other/a.jpg", O_RDONLY), 100);
	MUST(syscall(SYS_renameat2, AT_FDCWD, "sub", AT_FDCWD, "sub2", 0) == 0 && rename("sub2/", "sub/") == 0);
	MUST(renameat2(AT_FDCWD, "sub", AT_FDCWD, "other", RENAME_EXCHANGE) == 0);
	take("sub/a exchanged", open("sub/a.jpg", O_RDONLY), 100);
	take("other/a exchanged", open("other/a.jpg", O_RDONLY), 100);
	int f = open("f.jpg", O_RDONLY);
	take("f", f, 10);
	MUST(link("f.jpg", "f2.jpg") == 0);
	who("f with a link", f, "f.jpg");
	MUST(remove("f2.jpg") == 0);
	SAY("remove %d errno %d\n", remove("absent.jpg"), errno);
	MUST(unlinkat(AT_FDCWD, "g.jpg", 0) == 0);
	SAY("open %d errno %d\n", open("g.jpg", O_RDONLY), errno);
}

/* Is the file itself locked? Asked behind the library's back. */
static int locked(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r = syscall(SYS_flock, fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
	if (syscall(SYS_fcntl, fd, F_OFD_SETLK, &l) < 0 && (errno == EAGAIN || errno == EACCES))
		r += 2;
	syscall(SYS_close, fd);
	return r;
}

static void locks(void)
{
	struct flock rd = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY), c = open("c.jpg", O_RDONLY), d = open("d.jpg", O_RDONLY);
	int a2 = dup(a);
	take("a", a, 10);
	take("b", b, 10);
	SAY("flock %d", flock(a, LOCK_EX));
	SAY(" seen %d\n", locked("a.jpg"));
	take("a", a, 10);
	take("its copy", a2, 10);
	SAY("ofd %d", fcntl(b, F_OFD_SETLK, &rd));
	SAY(" seen %d\n", locked("b.jpg"));
	take("b", b, 10);
	SAY("before the first read %d", flock(c, LOCK_SH));
	SAY(" seen %d\n", locked("c.jpg"));
	take("c", c, 10);
	SAY("still seen %d\n", locked("c.jpg"));
	take("d", d, 10);
	SAY("lease %d", fcntl(d, F_SETLEASE, F_RDLCK));
	SAY(" %d\n", fcntl(d, F_GETLEASE));
}

/* A descriptor that its process knows nothing of: behind exec. */
static void exec(void)
{
	int e = open("e.jpg", O_RDONLY);
	take("e", e, 10);
	if (!fork()) {
		char n[12];
		snprintf(n, sizeof n, "%d", e);
		execl("/proc/self/exe", "change", "inherited", ".", n, NULL);
		_exit(9);
	}
	reap();
	take("e", e, 10);
}

/* A descriptor that has been read, of a file that is cached by now. */
static int read_once(const char *path)
{
	int fd = -1;
	for (int i = 0; i < 2; i++) {
		MUST((fd < 0 || close(fd) == 0) && (fd = open(path, O_RDONLY)) >= 0);
		take(path, fd, 10);
	}
	return fd;
}

/* This program anew, in a child, with two numbers for one open file. */
static void execs(const char *what, int fd)
{
	int copy = dup(fd);
	if (!fork()) {
		char n[12], m[12];
		snprintf(n, sizeof n, "%d", fd);
		snprintf(m, sizeof m, "%d", copy);
		execl("/proc/self/exe", "change", what, ".", n, m, NULL);
		_exit(9);
	}
	reap();
	close(copy);
}

static void overwrite(const char *path, const char *by)
{
	int w = open(path, O_WRONLY);
	MUST(w >= 0 && pwrite(w, by, strlen(by), 0) == (ssize_t)strlen(by) && close(w) == 0);
}

/* Objects that came to this process in ways that nobody sees; then their files change. */
static void strangers(void)
{
	execs("writes", read_once("a.jpg"));
	execs("copies", read_once("b.jpg"));
	execs("locks", read_once("c.jpg"));
	MUST(truncate("h.jpg", 1 << 20) == 0 && usleep(50000) == 0);
	execs("holes", read_once("h.jpg"));
	char path[40], byte = 'x', ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	int fd = read_once("d.jpg"), got, sv[2], fl;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	MUST((got = open(path, O_RDONLY)) >= 0);
	take("by /proc", got, 10);
	overwrite("d.jpg", "0123456789overwritten");
	take("by /proc, after the write", got, 20);
	fd = read_once("e.jpg");
	snprintf(path, sizeof path, "/dev/fd/%d", fd);
	got = open(path, O_RDONLY | O_DIRECT);
	SAY("direct: a byte at 1 %zd\n", got < 0 ? -1 : pread(got, path, 1, 1));

	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl };
	fd = read_once("f.jpg");
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	MUST(c);
	*c = (struct cmsghdr){ CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS };
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == 0 && sendmsg(sv[0], &m, 0) == 1 && close(fd) == 0 && recvmsg(sv[1], &m, 0) == 1);
	memcpy(&got, CMSG_DATA(c), sizeof got);
	overwrite("f.jpg", "0123456789overwritten");
	take("by a socket, after the write", got, 20);
	fd = read_once("g.jpg");
	fl = fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
	SAY("flags %d, locked %d, %x\n", fl, flock(fd, LOCK_SH), fcntl(fd, F_GETFL));
}

/* Evicted and filled anew, while somebody has the old object. */
static void refilled(void)
{
	int fd = read_once("e.jpg");
	for (const char *c = "abcdfghe"; *c; c++) {
		char name[] = "?.jpg";
		name[0] = *c;
		close(read_once(name));
	}
	execs("locks", fd);
}

/* With a folder goes the way to what lies in it. */
static void folders(void)
{
	int a = read_once("sub/a.jpg"), b;
	MUST(rename("sub", "moved") == 0 && fchmod(a, 0604) == 0);
	who("in a folder that has moved", a, "moved/a.jpg");
	take("a", a, 10);
	MUST(symlink("moved", "way") == 0);
	b = read_once("way/b.jpg");
	MUST(unlink("way") == 0 && fchmod(b, 0604) == 0);
	who("by a link that is gone", b, "moved/b.jpg");
	MUST(symlink("moved", "way") == 0 && mkdir("other", 0700) == 0 && symlink("other", "new") == 0);
	b = read_once("way/b.jpg");
	MUST(rename("new", "way") == 0 && fchmod(b, 0640) == 0);
	who("by a link that leads elsewhere", b, "moved/b.jpg");
}

static void inherited(const char *what, int fd, int copy)
{
	if (!strcmp(what, "writes")) {
		overwrite("a.jpg", "0123456789overwritten by its new program");
		take("inherited, after the write", fd, 20);
		if (kcmp_allowed())
			take("its copy", copy, 20);
		return;
	}
	if (!strcmp(what, "copies")) {
		int to = open("copy", O_RDWR | O_CREAT, 0600);
		SAY("copied %zd\n", copy_file_range(fd, NULL, to, NULL, 1000, 0));
		return;
	}
	if (!strcmp(what, "holes")) {
		SAY("a hole before the end %d\n", lseek(fd, 0, SEEK_HOLE) < 1 << 20);
		return;
	}
	if (!strcmp(what, "locks")) {
		SAY("locked %d", flock(fd, LOCK_EX));
		SAY(" seen %d %d\n", locked("c.jpg"), locked("e.jpg"));
		take("inherited", fd, 10);
		if (kcmp_allowed())
			take("its copy", copy, 10);
		return;
	}
	SAY("inherited: flock %d", flock(fd, LOCK_EX));
	SAY(" seen %d\n", locked("e.jpg"));
	who("inherited", fd, "e.jpg");
}

static void modes(void)
{
	struct timespec t[2] = { { 1000000000, 0 }, { 1100000000, 0 } };
	struct stat st;
	char v[16];
	int a = open("a.jpg", O_RDONLY);
	take("a", a, 10);
	MUST(fchmod(a, 0604) == 0 && futimens(a, t) == 0 && fchown(a, 12, 34) == 0 && stat("a.jpg", &st) == 0);
	SAY("mode %o mtime %ld uid %d gid %d\n", st.st_mode, (long)st.st_mtime, (int)st.st_uid, (int)st.st_gid);
	take("a", a, 10);
	who("a", a, "a.jpg");
	int b = open("b.jpg", O_RDONLY);
	take("b", b, 10);
	int set = fsetxattr(b, "user.k", "value", 5, 0);
	SAY("fsetxattr %d getxattr %zd\n", set, getxattr("b.jpg", "user.k", v, sizeof v));
	MUST(link("g.jpg", "g2.jpg") == 0 && link("h.jpg", "h2.jpg") == 0);
	usleep(50000);             /* what has just changed is not cached */
	int g = open("g.jpg", O_RDONLY), g2 = open("g2.jpg", O_RDONLY), h = open("h.jpg", O_RDONLY), h2 = open("h2.jpg", O_PATH);
	take("g", g, 10);
	take("g by another name", g2, 10);
	take("h", h, 10);
	MUST(fchmod(g, 0604) == 0 && fchownat(h2, "", 12, 34, AT_EMPTY_PATH) == 0 && fstat(h, &st) == 0);
	who("g", g, "g.jpg");
	who("g by another name", g2, "g2.jpg");
	SAY("h: uid %d gid %d\n", (int)st.st_uid, (int)st.st_gid);
	int c = open("b.jpg", O_RDONLY);
	take("c", c, 10);
	SAY("fgetxattr %zd flistxattr %d\n", fgetxattr(c, "user.k", v, sizeof v), (int)flistxattr(c, NULL, 0) > 0);
	int d = open("c.jpg", O_RDONLY);
	take("d", d, 10);
	snprintf(v, sizeof v, "/dev/fd/%d", d);
	MUST(chmod(v, 0640) == 0 && stat("c.jpg", &st) == 0);
	SAY("chmod by /dev/fd: %o\n", st.st_mode);
	int e = open("d.jpg", O_RDONLY), w;
	take("e", e, 10);
	snprintf(v, sizeof v, "/dev/fd/%d", e);
	MUST((w = open(v, O_WRONLY)) >= 0 && pwrite(w, "BY PROC", 7, 0) == 7 && close(w) == 0);
	take("written by /dev/fd", open("d.jpg", O_RDONLY), 100);
	int f = open("e.jpg", O_RDONLY);
	take("f", f, 10);
	snprintf(v, sizeof v, "/dev/fd/%d", f);
	MUST(truncate(v, 50) == 0);
	take("truncated by /dev/fd", open("e.jpg", O_RDONLY), 100);
}

/* Takes 100 bytes by the name, twice: the second time from the object, where there may be one. */
static void again(const char *name)
{
	int fd;
	for (int i = 0; i < 2; i++) {
		MUST((fd = open(name, O_RDONLY)) >= 0);
		take(name, fd, 100);
		close(fd);
	}
}

/* What is open for writing is renamed, itself, with its folder, or over another; or has a second name. */
static void moved(void)
{
	struct timespec while_young = { 0, 60000000 };
	int w[4] = { open("a.jpg", O_WRONLY), open("sub/a.jpg", O_RDWR), open("b.jpg", O_WRONLY), -1 };
	MUST(rename("a.jpg", "moved.jpg") == 0 && rename("sub", "other") == 0 && rename("b.jpg", "c.jpg") == 0);
	again("d.jpg");
	MUST(link("d.jpg", "d2.jpg") == 0 && nanosleep(&while_young, NULL) == 0);
	again("d.jpg");
	MUST((w[3] = open("d2.jpg", O_WRONLY)) >= 0);
	const char *names[] = { "moved.jpg", "other/a.jpg", "c.jpg", "d.jpg" };
	for (int i = 0; i < 4; i++) {
		again(names[i]);
		int r = open(names[i], O_RDONLY);
		take("before", r, 10);
		MUST(pwrite(w[i], "WRITTEN", 7, 20) == 7);
		take("after", r, 30);
		again(names[i]);
		MUST(pwrite(w[i], "AND MORE", 8, 30) == 8 && close(w[i]) == 0);
		again(names[i]);
	}
	nanosleep(&while_young, NULL);
	again("d.jpg");
	MUST(truncate("d2.jpg", 50) == 0);
	again("d.jpg");
	nanosleep(&while_young, NULL);
	again("d.jpg");
	MUST(unlink("d2.jpg") == 0);
	struct stat st;
	int d = open("d.jpg", O_RDONLY);
	take("d", d, 10);
	MUST(fstat(d, &st) == 0);
	SAY("links %d\n", (int)st.st_nlink);
}

static const struct hook_case cases[] = {
	CASE(moved), CASE(write_seen), CASE(names), CASE(locks), CASE(modes), CASE(exec), CASE(strangers), CASE(refilled), CASE(folders),
};

int main(int argc, char **argv)
{
	MUST(argc >= 3);
	if (argc >= 4) {
		MUST(chdir(argv[2]) == 0);
		inherited(argv[1], atoi(argv[3]), argc > 4 ? atoi(argv[4]) : -1);
		return 0;
	}
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
