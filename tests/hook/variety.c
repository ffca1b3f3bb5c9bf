/* variety.c - variety SEED:STEPS DIR: as random.c, of all the calls that are hooked, or could tell an object from its
 * original, rather than the few that most programs make. The kernel without the hooks is the oracle. */
#include "variety.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static void changes_name(void)
{
	struct timespec t[2] = { { 1000000000 + at, 0 }, { 1100000000 + at, 0 } };
	printf(" %s", a);
	switch (way(7)) {
	case 0: put(chmod(a, 0600 + rnd(0100)), NULL); break;
	case 1: put(fchmodat(dirs[0], a, 0600 + rnd(0100), 0), NULL); break;
	case 2: put(utimensat(AT_FDCWD, a, t, rnd(2) ? AT_SYMLINK_NOFOLLOW : 0), NULL); break;
	case 3: put(setxattr(a, "user.k", buf, n % 40, 0), NULL); break;
	case 4: put(chown(a, rnd(5), rnd(5)), NULL); break;
	case 5: put(truncate(a, at + 1), NULL); break;
	case 6: put(link(a, b), NULL); break;
	}
}

static void changes_fd(void)
{
	struct timespec t[2] = { { 1000000000 + at, 0 }, { 1100000000 + at, 0 } };
	int flags = 0;
	const char *p = proc(fd);
	printf(" %d", i);
	switch (way(12)) {
	case 0: put(fchmod(fd, 0600 + rnd(0100)), NULL); break;
	case 1: put(futimens(fd, t), NULL); break;
	case 2: put(fsetxattr(fd, "user.k", buf, n % 40, 0), NULL); break;
	case 3: put(fchown(fd, rnd(5), rnd(5)), NULL); break;
	case 4: put(chmod(p, 0600 + rnd(0100)), NULL); break;
	case 5: put(truncate(p, at + 1), NULL); break;
	case 6: put(fchownat(fd, "", rnd(5), rnd(5), AT_EMPTY_PATH), NULL); break;
	case 7: put(linkat(fd, "", AT_FDCWD, b, AT_EMPTY_PATH), NULL); break;
	case 8: put(linkat(AT_FDCWD, p, AT_FDCWD, b, AT_SYMLINK_FOLLOW), NULL); break;
	case 9: put(fcntl(fd, F_SETFL, (long)((rnd(2) ? O_NONBLOCK : 0) | (rnd(2) ? O_NOATIME : 0) | (rnd(9) ? 0 : O_APPEND))), NULL); break;
	case 10: put(flock(fd, LOCK_SH | LOCK_NB), NULL); break;
	case 11: put(ioctl(fd, FS_IOC_GETFLAGS, &flags), NULL); break;
	}
}

static void names(void)
{
	printf(" %s %s", a, b);
	switch (way(12)) {
	case 0: put(rename(a, b), NULL); break;
	case 1: put(renameat2(AT_FDCWD, a, dirs[0], b, RENAME_EXCHANGE), NULL); break;
	case 2: put(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE), NULL); break;
	case 3: put(unlink(a), NULL); break;
	case 4: put(unlinkat(dirs[0], a, 0), NULL); break;
	case 5: put(remove(a), NULL); break;
	case 6: put(rename("sub", "other"), NULL); break;
	case 7: put(rename("other", "sub"), NULL); break;
	case 8: put(symlink(rnd(2) ? "." : "sub", "to") || rename("to", "link"), NULL); break;
	case 9: put(symlink(a, "new.jpg") || rename("new.jpg", b), NULL); break;
	case 10: put(renameat2(AT_FDCWD, "sub", AT_FDCWD, "link", RENAME_EXCHANGE), NULL); break;
	case 11: put(mkdir("sub", 0700), NULL); break;
	}
}

/* A file made or made anew, in one of the ways that programs have. */
static void makes(void)
{
	char temp[] = "XXXXXX.jpg";
	int f = -1, which = (int)way(4);
	memset(buf, (int)rnd(256), sizeof buf);
	printf(" %s", a);
	if (which == 0)
		f = open(a, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	else if (which == 1)
		f = mkstemps(temp, 4);
	else if (which == 2)
		f = open(".", O_TMPFILE | O_RDWR, 0640);
	else
		f = creat("new", 0600);
	for (int k = 0; f >= 0 && k < 2; k++)
		put(write(f, buf, sizeof buf - 100), NULL);
	if (which == 2 && f >= 0) {
		char path[40];
		snprintf(path, sizeof path, "/proc/self/fd/%d", f);
		unlink(a);
		put(linkat(AT_FDCWD, path, AT_FDCWD, a, AT_SYMLINK_FOLLOW), NULL);
	}
	if (which == 1)
		put(rename(temp, a), NULL), unlink(temp);
	if (which == 3)
		put(rename("new", a), NULL);
	if (f >= 0)
		close(f);
}

static void stream(void)
{
	static const char *const modes[] = { "r", "rb", "r+", "a", "w", "a+" };
	unsigned k = rnd(3);
	FILE **f = &streams[k];
	const char *m = modes[rnd(8) ? rnd(2) : rnd(6)];
	printf(" %u %s %s", k, a, m);
	switch (*f ? 2 + way(8) : way(2)) {
	case 0: *f = fopen(a, m); put(*f ? fileno(*f) : -1, NULL); break;
	case 1: {
		int copy = dup(fd);
		*f = copy < 0 ? NULL : fdopen(copy, m);
		put(*f ? fileno(*f) : -1, NULL);
		if (!*f && copy >= 0)
			close(copy);
		break;
	}
	case 2: put(fclose(*f), NULL); *f = NULL; break;
	case 3: *f = freopen(a, m, *f); put(*f ? fileno(*f) : -1, NULL); break;
	case 4: put(fseek(*f, at, (int)rnd(3)), NULL); printf(" %ld", ftell(*f)); break;
	case 5: put((long)fwrite(buf, 1, n % 500, *f), NULL); put(fflush(*f), NULL); break;
	case 6: put(fgetc(*f), NULL); break;
	case 7: show(fileno(*f)); break;
	default: put((long)fread(buf, 1, n, *f), buf);
	}
}

/* Names from another folder. */
static void elsewhere(void)
{
	const char *dir = rnd(2) ? "sub" : "link";
	printf(" %s to %d", dir, j);
	put(chdir(dir), NULL);
	put_fd(open("b.jpg", how(), 0644));
	put(read(*to, buf, n), buf);
	put(rnd(2) ? fchdir(dirs[0]) : fchdir(dirs[0]) || chdir("."), NULL);
}

static void children(void)
{
	char cmd[100];
	FILE *p;
	pid_t pid;
	printf(" %d", i);
	switch (way(3)) {
	case 0:
		fflush(stdout);
		snprintf(cmd, sizeof cmd, "cksum <%s", a);
		MUST((p = popen(cmd, "r")));
		put((long)fread(buf, 1, 100, p) > 0, NULL);
		printf(" %ld", atol(buf));
		pclose(p);
		break;
	case 1: fflush(stdout); snprintf(cmd, sizeof cmd, "head -c 100 %.60s 2>&1 | cksum", a); put(system(cmd), NULL); break;
	case 2:
		fflush(stdout);
		if ((pid = fork()) == 0) {
			put(read(fd, buf, n), buf);
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static const struct op { unsigned weight; void (*run)(void); const char *name; } ops[] = {
#define OP(weight, f) { weight, f, #f }
	OP(24, opens), OP(3, opens_proc), OP(30, reads), OP(8, moves), OP(4, pipes), OP(2, copies), OP(4, maps_to_read), OP(1, maps_to_write),
	OP(1, stores), OP(3, writes), OP(7, copied), OP(6, closes), OP(2, sends), OP(9, identity), OP(2, changes_name), OP(2, changes_fd),
	OP(1, names), OP(5, makes), OP(9, stream), OP(2, elsewhere), OP(1, children),
};

static void step(void)
{
	unsigned total = 0, pick;
	const struct op *o = ops;
	for (unsigned k = 0; k < sizeof ops / sizeof *ops; k++)
		total += ops[k].weight;
	for (pick = rnd(total); pick >= o->weight; o++)
		pick -= o->weight;
	for (int tries = 0; tries < 3 && (!tries || fds[i] < 0); tries++)
		i = (int)rnd(NFD);
	j = (int)rnd(NFD);
	fd = fds[i];
	to = &fds[j];
	a = name();
	b = name();
	n = rnd(4) ? rnd(5000) : rnd(sizeof buf);
	at = rnd(110000);
	if (rnd(6) == 0)
		at &= ~4095;
	printf("%s", o->name);
	o->run();
	printf("\n");
	fflush(stdout);
}

/* The program goes on in a new one, which knows of its descriptors only their numbers. */
static void becomes(int left)
{
	char args[NFD][12], seed[40];
	char *argv[NFD + 5] = { (char *)self, seed, (char *)"." };
	for (int k = 0; k < NFD; k++) {
		snprintf(args[k], sizeof args[k], "%d", fds[k] >= 0 && !(fcntl(fds[k], F_GETFD) & FD_CLOEXEC) ? fds[k] : -1);
		argv[3 + k] = args[k];
	}
	snprintf(seed, sizeof seed, "%llu:%d", (unsigned long long)rnd(1u << 30), left);
	for (int k = 0; k < 3; k++) {
		if (streams[k])
			fclose(streams[k]);
		close(dirs[k]);
	}
	printf("exec\n");
	fflush(stdout);
	execv("/proc/self/exe", argv);
	MUST(false);
}

int main(int argc, char **argv)
{
	MUST(argc >= 3 && chdir(argv[2]) == 0);
	self = argv[0];
	int steps = seeded(argv[1]);
	if (symlink("sub", "link"))
		MUST(errno == EEXIST);
	for (int k = 3; k < argc; k++)
		fds[k - 3] = atoi(argv[k]);
	MUST((dirs[0] = open(".", O_DIRECTORY | O_CLOEXEC)) >= 0 && (dirs[2] = open("..", O_DIRECTORY | O_CLOEXEC)) >= 0);
	dirs[1] = open("sub", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int k = 0; k < steps; k++) {
		printf("%d ", k);
		if (rnd(400) == 0 && k && kcmp_allowed())
			becomes(steps - k - 1);
		step();
	}
	SAY("done\n");
	return 0;
}
