/* calls.c - calls CASE DIR: one situation each. DIR holds a.jpg .. h.jpg, 100,000 bytes each, and sub/a.jpg. */
#include "common.h"

static void dup_offset(void)
{
	int a = open("a.jpg", O_RDONLY), b = dup(a);
	take("first by the copy", b, 10);
	take("then by the original", a, 10);
	int c = fcntl(a, F_DUPFD_CLOEXEC, 100);
	take("fcntl copy", c, 10);
	SAY("numbers %d %d cloexec %d %d\n", b - a, c, fcntl(b, F_GETFD), fcntl(c, F_GETFD));
	int d = open("b.jpg", O_RDONLY), e = open("c.jpg", O_RDONLY);
	lseek(d, 5, SEEK_SET);
	MUST(dup2(d, e) == e && dup3(d, 200, O_CLOEXEC) == 200);
	take("dup2", e, 10);
	take("dup3", 200, 10);
	take("source", d, 10);
	close(d);
	who("dup2 copy", e, "b.jpg");
	MUST(dup2(e, e) == e);
	take("dup2 of itself", e, 10);
	SAY("bad dup2 %d %d\n", dup2(e, -1), errno);
	take("after", e, 10);
}

static void fork_between(void)
{
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY);
	take("b before", b, 10);
	if (!fork()) {
		take("child", a, 10);
		take("child b", b, 10);
		_exit(3);
	}
	reap();
	take("parent", a, 10);
	take("parent b", b, 10);
	who("a", a, "a.jpg");
}

static void streams(void)
{
	static const char *const modes[] = { "r", "rb", "re", "rm", "r+", "a", "w", "w+x" };
	char buf[1000];
	for (unsigned i = 0; i < sizeof modes / sizeof *modes; i++) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + i);
		errno = 77;
		FILE *f = fopen(name, modes[i]);
		SAY("%s: %d errno %d", modes[i], !!f, errno);
		if (!f) {
			SAY("\n");
			continue;
		}
		size_t n = fread(buf, 1, sizeof buf, f);
		SAY(" read %zu sum %08x at %ld cloexec %d", n, sum(buf, n, 0), ftell(f), fcntl(fileno(f), F_GETFD));
		fseek(f, 0, SEEK_END);
		SAY(" end %ld put %d", ftell(f), fputs("written", f) >= 0);
		SAY(" close %d\n", fclose(f));
		take("again", open(name, O_RDONLY), 2000);
	}
	int a = open("a.jpg", O_RDONLY), b = fcntl(a, F_DUPFD_CLOEXEC, 0);
	FILE *f = fdopen(b, "rb");
	SAY("fdopen %zu %08x ", fread(buf, 1, 10, f), sum(buf, 10, 0));
	fclose(f);
	SAY("a at %lld\n", (long long)lseek(a, 0, SEEK_CUR));
	SAY("absent %d %d\n", fopen("absent.jpg", "r") != NULL, errno);
}

static void freopens(void)
{
	char buf[100];
	FILE *f = freopen("a.jpg", "r", stdin);
	MUST(f == stdin && fread(buf, 1, 100, f) == 100);
	SAY("a %08x fd %d\n", sum(buf, 100, 0), fileno(f));
	who("stdin", 0, "a.jpg");
	MUST((f = freopen("b.jpg", "r", f)) && fread(buf, 1, 100, f) == 100);
	SAY("b %08x\n", sum(buf, 100, 0));
	MUST((f = freopen(NULL, "r+", f)) && fputs("hello", f) >= 0 && fflush(f) == 0);
	take("b written", open("b.jpg", O_RDONLY), 100);
	MUST((f = freopen("c.jpg", "w", f)) && fputs("short", f) >= 0 && fclose(f) == 0);
	take("c written", open("c.jpg", O_RDONLY), 100);
}

static void scm_rights(void)
{
	int sv[2], a = open("a.jpg", O_RDONLY), b;
	char byte = 'x', ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec v = { &byte, 1 };
	struct mmsghdr m = { .msg_hdr = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof ctl } };
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv) == 0);
	for (int round = 0; round < 2; round++) {
		struct cmsghdr *c = CMSG_FIRSTHDR(&m.msg_hdr);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof a);
		memcpy(CMSG_DATA(c), &a, sizeof a);
		MUST(round ? sendmmsg(sv[0], &m, 1, 0) == 1 : sendmsg(sv[0], &m.msg_hdr, 0) == 1);
		MUST(recvmsg(sv[1], &m.msg_hdr, 0) == 1);
		memcpy(&b, CMSG_DATA(CMSG_FIRSTHDR(&m.msg_hdr)), sizeof b);
		take("received", b, 10);
		take("sent", a, 10);
		who("received", b, round ? "b.jpg" : "a.jpg");
		a = open("b.jpg", O_RDONLY);
	}
}

static void flags(void)
{
	static const int how[] = { 0, O_CLOEXEC, O_NONBLOCK, O_NOFOLLOW, O_NOATIME, O_SYNC, O_APPEND };
	for (unsigned i = 0; i < sizeof how / sizeof *how; i++) {
		int first = 0;
		for (int round = 0; round < 2; round++) {
			int fd = open("a.jpg", O_RDONLY | how[i]);
			first = fcntl(fd, F_GETFL);
			take("a", fd, 10);
			SAY("%x: getfd %d getfl %x kept %d\n", how[i], fcntl(fd, F_GETFD), fcntl(fd, F_GETFL), fcntl(fd, F_GETFL) == first);
			close(fd);
		}
	}
	int fd = open("b.jpg", O_RDONLY | O_CLOEXEC);
	fcntl(fd, F_SETFD, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	take("b", fd, 10);
	SAY("set before the first read: %d %x\n", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL) & O_NONBLOCK);
}

static void seeks(void)
{
	int a = open("a.jpg", O_RDONLY), w;
	errno = 77;
	SAY("end %lld ", (long long)lseek(a, 0, SEEK_END));
	SAY("set %lld errno %d\n", (long long)lseek(a, -10, SEEK_END), errno);
	take("a", a, 100);
	MUST((w = open("a.jpg", O_WRONLY | O_APPEND)) >= 0 && write(w, "more", 4) == 4);
	SAY("end %lld\n", (long long)lseek(a, 0, SEEK_END));
	lseek(a, -8, SEEK_CUR);
	take("a", a, 100);
	close(w);
	take("new", open("a.jpg", O_RDONLY), 65536);
	who("a", a, "a.jpg");
}

static void raw_reuse(void)
{
	char buf[10];
	int a = open("a.jpg", O_RDONLY), p[2];
	syscall(SYS_close, a);
	MUST(syscall(SYS_openat, AT_FDCWD, "other", O_RDWR | O_CREAT | O_TRUNC, 0600) == a && syscall(SYS_write, a, "0123456789", 10) == 10);
	MUST(pread(a, buf, 10, 0) == 10);
	SAY("other %.10s\n", buf);
	close(a);
	MUST((a = open("b.jpg", O_RDONLY)) >= 0);
	syscall(SYS_close, a);
	MUST(syscall(SYS_pipe2, p, 0) == 0 && p[0] == a && write(p[1], "pipe", 4) == 4 && read(a, buf, 10) == 4);
	SAY("pipe %.4s\n", buf);
	syscall(SYS_close, a);
	/* The same file, but to be written: nothing may be put under it. */
	MUST((a = open("c.jpg", O_RDONLY)) >= 0);
	syscall(SYS_close, a);
	MUST(syscall(SYS_openat, AT_FDCWD, "c.jpg", O_RDWR) == a);
	take("c", a, 10);
	MUST(write(a, "WRITTEN", 7) == 7);
	take("new c", open("c.jpg", O_RDONLY), 100);
	/* An object's number, reused for another file. */
	int d = open("d.jpg", O_RDONLY);
	take("d", d, 10);
	syscall(SYS_close, d);
	MUST(syscall(SYS_openat, AT_FDCWD, "e.jpg", O_RDONLY) == d);
	who("e", d, "e.jpg");
	take("e", d, 10);
}

static void vforks(void)
{
	int a = open("a.jpg", O_RDONLY), b = open("b.jpg", O_RDONLY), c = open("c.jpg", O_RDWR);
	take("b", b, 10);
	pid_t pid = vfork();
	if (!pid) {
		dup2(a, 0);
		close(c);
		close_range(3, ~0u, 0);
		execlp("head", "head", "-c0", NULL);
		_exit(9);
	}
	reap();
	take("a", a, 10);
	take("b", b, 10);
	who("a", a, "a.jpg");
	who("b", b, "b.jpg");
	MUST(pwrite(c, "CHANGED", 7, 0) == 7);
	take("c", open("c.jpg", O_RDONLY), 100);
	close_range((unsigned)a, (unsigned)b, 0);
	int p[2];
	MUST(pipe(p) == 0 && p[0] == a && write(p[1], "pipe", 4) == 4);
	char buf[4];
	MUST(read(a, buf, 4) == 4);
	SAY("a is a pipe %.4s\n", buf);
}

static volatile sig_atomic_t in_handler, handled;
static void handler(__attribute__((unused)) int sig)
{
	char buf[10];
	int fd = open("a.jpg", O_RDONLY);
	if (fd < 0 || read(fd, buf, 10) != 10)
		in_handler = 1;
	close(fd);
	handled++;
}

static void signals(void)
{
	char buf[65536];
	struct itimerspec it = { { 0, 300000 }, { 0, 300000 } };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	timer_t t;
	sigaction(SIGALRM, &sa, NULL);
	MUST(timer_create(CLOCK_MONOTONIC, &ev, &t) == 0 && timer_settime(t, 0, &it, NULL) == 0);
	uint32_t h = 0;
	for (int i = 0; i < 4000; i++) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + i % 8);
		int fd = open(name, O_RDONLY);
		ssize_t n = read(fd, buf, sizeof buf);
		h = sum(buf, n > 0 ? (size_t)n : 0, h);
		MUST(close(fd) == 0);
	}
	timer_delete(t);
	SAY("sum %08x wrong in the handler %d, ran %d, next number %d\n", h, in_handler, handled > 10, open("/dev/null", O_RDONLY));
}

static int fd_of_threads;
static uint64_t total, bytes;
static void *reader(__attribute__((unused)) void *arg)
{
	uint8_t buf[1000];
	for (ssize_t n; (n = read(fd_of_threads, buf, sizeof buf)) > 0;) {
		__atomic_fetch_add(&bytes, (uint64_t)n, __ATOMIC_RELAXED);
		for (ssize_t i = 0; i < n; i++)
			__atomic_fetch_add(&total, buf[i], __ATOMIC_RELAXED);
	}
	return NULL;
}

/* However the swap falls: each byte reaches one thread once. */
static void threads(void)
{
	for (int round = 0; round < 8; round++) {
		pthread_t t[8];
		char name[] = "a.jpg";
		name[0] = (char)('a' + round);
		MUST((fd_of_threads = open(name, O_RDONLY)) >= 0);
		lseek(fd_of_threads, 7, SEEK_SET);
		total = bytes = 0;
		for (int i = 0; i < 8; i++)
			pthread_create(&t[i], NULL, reader, NULL);
		for (int i = 0; i < 8; i++)
			pthread_join(t[i], NULL);
		SAY("%s: %llu bytes, total %llu, at %lld\n", name, (unsigned long long)bytes, (unsigned long long)total,
		    (long long)lseek(fd_of_threads, 0, SEEK_CUR));
		close(fd_of_threads);
	}
}

static const struct hook_case cases[] = {
	CASE(dup_offset), CASE(fork_between), CASE(streams), CASE(freopens), CASE(scm_rights), CASE(flags),
	CASE(seeks), CASE(raw_reuse), CASE(vforks), CASE(signals), CASE(threads),
};

int main(int argc, char **argv)
{
	MUST(argc == 3);
	return run_case(cases, sizeof cases / sizeof *cases, argv);
}
