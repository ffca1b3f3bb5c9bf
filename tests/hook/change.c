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

static void inherited(int fd)
{
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

static const struct hook_case cases[] = {
	CASE(write_seen), CASE(names), CASE(locks), CASE(modes), CASE(exec),
};

int main(int argc, char **argv)
{
	MUST(argc >= 3);
	if (argc == 4) {
		MUST(chdir(argv[2]) == 0);
		inherited(atoi(argv[3]));
		return 0;
	}
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
