/* process.c - process-level situations that must look the same with and without the library: children made in every
 * way, limits, credentials, handlers, cancelled threads. trust.bats runs each once plain and once preloaded. */
#include "process.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

extern char **environ;

/* A child that is made while a descriptor has not been read shares its offset with us, whatever made it. */
static void shared_with(const char *how, int fd, pid_t (*make)(int fd))
{
	take(how, fd, 10);
	pid_t pid = make(fd);
	int status = 0;
	MUST(pid > 0 ? waitpid(pid, &status, 0) == pid : 1);
	SAY("%s: child ended %d\n", how, status);
	take(how, fd, 10);
	who(how, fd, "a.jpg");
	close(fd);
}

static pid_t by_spawn(int fd)
{
	char *argv[] = { (char *)"head", (char *)"-c100", NULL };
	posix_spawn_file_actions_t fa;
	pid_t pid;
	MUST(posix_spawn_file_actions_init(&fa) == 0 && posix_spawn_file_actions_adddup2(&fa, fd, 0) == 0 &&
	     posix_spawn_file_actions_addopen(&fa, 1, "/dev/null", O_WRONLY, 0) == 0);
	MUST(posix_spawnp(&pid, "head", &fa, NULL, argv, environ) == 0);
	posix_spawn_file_actions_destroy(&fa);
	return pid;
}

static pid_t by_vfork(int fd)
{
	pid_t pid = vfork();
	if (!pid) {
		dup2(fd, 0);
		close(1);
		execlp("head", "head", "-c100", NULL); /* prints in vain, and says so */
		_exit(9);
	}
	return pid;
}

static pid_t by_system(int fd)
{
	char cmd[80];
	snprintf(cmd, sizeof cmd, "head -c100 <&%d >/dev/null", fd);
	SAY("system %d\n", system(cmd));
	return 0;
}

static pid_t by_popen(int fd)
{
	char cmd[80];
	snprintf(cmd, sizeof cmd, "head -c100 <&%d", fd);
	FILE *p = popen(cmd, "r");
	char buf[100];
	MUST(p && fread(buf, 1, 100, p) == 100);
	SAY("popen %08x\n", sum(buf, 100, 0));
	MUST(pclose(p) == 0);
	return 0;
}

static void spawns(void)
{
	static const struct { const char *how; pid_t (*make)(int); } ways[] = {
		{ "posix_spawn", by_spawn }, { "vfork", by_vfork }, { "system", by_system }, { "popen", by_popen } };
	closefrom(3); /* a shell's redirections know only numbers below 10 */
	for (volatile int i = 0; i < 4; i++) {
		/* not read before: the child is the first to read */
		int fd = open("a.jpg", O_RDONLY);
		pid_t pid = ways[i].make(fd);
		if (pid > 0)
			reap();
		take("parent after the child", fd, 10);
		/* the child alive while the parent reads for the first time */
		int b = open(name(i + 1), O_RDONLY), go[2], done[2]; /* a file that nobody has read yet */
		char c = 0;
		MUST(pipe(go) == 0 && pipe(done) == 0);
		char cmd[200];
		snprintf(cmd, sizeof cmd, "read x <&%d; head -c100 <&%d | cksum; echo >&%d", go[0], b, done[1]);
		char *argv[] = { (char *)"sh", (char *)"-c", cmd, NULL };
		if (i == 0) {
			MUST(posix_spawnp(&pid, "sh", NULL, NULL, argv, environ) == 0);
		} else if (i == 1) {
			pid = vfork();
			if (!pid) {
				execvp("sh", argv);
				_exit(9);
			}
		} else {
			char bg[240];
			snprintf(bg, sizeof bg, "(%s) &", cmd);
			if (i == 2)
				MUST(system(bg) == 0);
			else {
				FILE *p = popen(cmd, "w");
				MUST(p);
				take("parent", b, 10);
				MUST(write(go[1], "\n", 1) == 1 && read(done[0], &c, 1) == 1);
				take("parent again", b, 10);
				pclose(p);
				goto next;
			}
		}
		take("parent", b, 10);
		MUST(write(go[1], "\n", 1) == 1 && read(done[0], &c, 1) == 1);
		take("parent again", b, 10);
		reap();
next:
		close(go[0]), close(go[1]), close(done[0]), close(done[1]), close(b), close(fd);
		shared_with(ways[i].how, open("a.jpg", O_RDONLY), ways[i].make);
	}
}

/* Every descriptor goes, ours and the library's own; then numbers are reused. */
static void close_all(void)
{
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY);
	take("a", a, 10);
	closefrom(3);
	errno = 0;
	SAY("a %d", fcntl(a, F_GETFD));
	SAY(" errno %d\n", errno);
	int c = open("c.jpg", O_RDONLY);
	take("c", c, 70000);
	who("c", c, "c.jpg");
	int null = open("/dev/null", O_RDWR);
	MUST(null >= 0);
	/* over all numbers that could be the library's own */
	for (int fd = 3; fd < 64; fd++)
		if (fd != c && fd != null)
			dup2(null, fd);
	for (int fd = 1000; fd < 1024; fd++)
		dup2(null, fd);
	take("c", c, 70000);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 70000);
		close(fd);
	}
	for (int fd = 3; fd < 1024; fd++) { /* and by raw calls */
		if (fd != c)
			syscall(SYS_close, fd);
	}
	take("c", c, 70000);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 70000);
		SAY("number %d\n", fd);
	}
	(void)b;
}

/* dup2 of other files over descriptors of ours and back, open ones and read ones. */
static void dup_over(void)
{
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY), c = open("c.jpg", O_RDWR), z = open("/dev/zero", O_RDONLY);
	take("b", b, 100);
	MUST(dup2(z, a) == a && dup2(a, b) == b && dup2(b, c) == c);
	take("zero for a", a, 10);
	take("zero for b", b, 10);
	a = open("a.jpg", O_RDONLY);
	MUST(dup2(a, b) == b && dup3(a, c, O_CLOEXEC) == c);
	take("a", a, 10), take("a as b", b, 10), take("a as c", c, 10);
	who("c", c, "a.jpg");
	MUST(dup2(c, 0) == 0);
	char line[10];
	MUST(fread(line, 1, 10, stdin) == 10);
	SAY("stdin %08x\n", sum(line, 10, 0));
	MUST(dup2(a, a) == a);
	take("a", a, 10);
	errno = 0;
	SAY("dup3 of itself %d", dup3(a, a, 0));
	SAY(" errno %d\n", errno);
}

/* So few numbers that the library cannot have one of its own when it wants it. */
static void few(void)
{
	struct rlimit lim = { 64, 64 };
	int fds[80], n = 0;
	MUST(setrlimit(RLIMIT_NOFILE, &lim) == 0);
	while ((fds[n] = open(name(n), O_RDONLY)) >= 0)
		n++;
	SAY("%d opened, errno %d\n", n, errno);
	for (int i = 0; i < n; i++)
		take(name(i), fds[i], 70000);
	for (int i = 0; i < n; i++)
		who(name(i), fds[i], name(i));
	close(fds[n - 1]);
	for (int i = 0; i < 16; i++) {
		int fd = open(name(i), O_RDONLY);
		SAY("number %d: ", fd);
		take(name(i), fd, 70000);
		close(fd);
	}
	lim.rlim_cur = 3;
	setrlimit(RLIMIT_NOFILE, &lim);
	errno = 0;
	SAY("none left: %d", open("a.jpg", O_RDONLY));
	SAY(" errno %d\n", errno);
	take("still", fds[0], 100);
	FILE *f = fopen("a.jpg", "r");
	SAY("fopen %d errno %d\n", f != NULL, errno);
}

/* A filter that knows only what the program itself needs. Everything else: EPERM, as a container's filter answers. */
static void filtered(void)
{
	static const int needed[] = {
#ifdef SYS_open   /* newer machines lack these */
		SYS_open, SYS_stat,
#endif
		SYS_read, SYS_write, SYS_openat, SYS_close, SYS_fstat, SYS_newfstatat, SYS_lseek,
		SYS_mmap, SYS_munmap, SYS_mprotect, SYS_brk, SYS_exit_group, SYS_exit, SYS_rt_sigreturn, SYS_pread64, SYS_dup, SYS_fcntl };
	struct sock_filter prog[2 * sizeof needed / sizeof *needed + 4], *p = prog;
	int early = open("b.jpg", O_RDONLY);
	take("before", early, 10);

	*p++ = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (unsigned i = 0; i < sizeof needed / sizeof *needed; i++) {
		*p++ = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)needed[i], 0, 1);
		*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	*p++ = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	struct sock_fprog fprog = { (unsigned short)(p - prog), prog };
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &fprog, 0, 0) == 0);
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 8; i++) {
			int fd = open(name(i), O_RDONLY);
			take(name(i), fd, 70000);
			who(name(i), fd, name(i));
			MUST(close(fd) == 0);
		}
	take("after", early, 10);
	errno = 0;
	SAY("no such %d", open("none.jpg", O_RDONLY));
	SAY(" errno %d\n", errno);
}

/* Credentials change while objects lie in a directory of root's. */
static void credentials(void)
{
	int root = geteuid() == 0;
	MUST(chmod(".", 0755) == 0 && chmod("b.jpg", 0600) == 0);
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY), c = open("c.jpg", O_RDONLY);
	take("a", a, 10);
	MUST(!root || seteuid(12345) == 0);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		SAY("%s %d errno %d\n", name(i), fd >= 0, fd >= 0 ? 0 : errno);
		if (fd >= 0)
			take(name(i), fd, 70000);
	}
	take("a, opened before", a, 10);
	take("b, opened before", b, 10);
	take("c, opened before", c, 10);
	who("c", c, "c.jpg");
	MUST(!root || seteuid(0) == 0);
	for (int i = 0; i < 8; i++)
		take(name(i), open(name(i), O_RDONLY), 70000);
	MUST(!root || setuid(12345) == 0);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		SAY("%s %d errno %d\n", name(i), fd >= 0, fd >= 0 ? 0 : errno);
		if (fd >= 0)
			take(name(i), fd, 70000);
	}
}

/* Handlers that leave by siglongjmp, out of whatever was going on. Forms of misuse that work plain must go on working. */
static sigjmp_buf jump;
static volatile sig_atomic_t armed, jumps;
static void jumper(__attribute__((unused)) int sig)
{
	if (armed) {
		armed = 0;
		jumps++;
		siglongjmp(jump, 1);
	}
}
static void longjmps(void)
{
	static char buf[100000];
	struct itimerval it = { { 0, 700 }, { 0, 700 } };
	signal(SIGALRM, jumper);
	setitimer(ITIMER_REAL, &it, NULL);
	/* as long as it takes: how often the timer comes in 3,000 opens depends on the machine */
	for (volatile int i = 0; i < 3000 || jumps < 20; i++) {
		volatile int fd = -1;
		if (sigsetjmp(jump, 1) == 0) {
			armed = 1;
			fd = open(name(i), O_RDONLY);
			(void)!read(fd, buf, sizeof buf);
		} else {
			closefrom(3); /* an open that was left by a jump leaks its descriptor, plain too */
			fd = -1;
		}
		armed = 0;
		if (fd >= 0)
			close(fd);
	}
	memset(&it, 0, sizeof it);
	setitimer(ITIMER_REAL, &it, NULL);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 100000);
		who(name(i), fd, name(i));
		close(fd);
	}
}

/* Threads cancelled anywhere in open, read, close. The library's state must stay usable by the rest. */
static void *victim(void *arg)
{
	char buf[4096];
	for (unsigned i = (unsigned)(uintptr_t)arg;; i++) {
		char n[] = "a.jpg";
		n[0] = (char)('a' + i % 8);
		int fd = open(n, O_RDONLY), old;
		while (read(fd, buf, sizeof buf) > 0)
			;
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		close(fd);
		pthread_setcancelstate(old, &old);
		pthread_testcancel();
	}
	return NULL;
}
static void cancels(void)
{
	for (int round = 0; round < 60; round++) {
		pthread_t t[4];
		void *r;
		for (uintptr_t i = 0; i < 4; i++)
			MUST(pthread_create(&t[i], NULL, victim, (void *)(i * 3)) == 0);
		usleep((useconds_t)(round * 37 % 1500));
		for (int i = 0; i < 4; i++)
			MUST(pthread_cancel(t[i]) == 0);
		for (int i = 0; i < 4; i++)
			MUST(pthread_join(t[i], &r) == 0 && r == PTHREAD_CANCELED);
	}
	closefrom(3);
	for (int i = 0; i < 8; i++) {
		int fd = open(name(i), O_RDONLY);
		take(name(i), fd, 100000);
		who(name(i), fd, name(i));
		SAY("number %d\n", fd);
		close(fd);
	}
}

static const struct hook_case cases[] = {
	CASE(spawns), CASE(close_all), CASE(dup_over), CASE(few), CASE(filtered), CASE(credentials),
	CASE(file_size), CASE(longjmps), CASE(cancels), CASE(temporary), CASE(metas), CASE(quiet),
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
