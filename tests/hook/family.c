/* family.c - family SEED:STEPS DIR: as random.c, by up to four processes that take turns: relatives by fork, which share
 * what was open, with other programs between them (exec) and descriptors sent to and fro. Files change while nobody has one
 * open: what was open before a relative's change stays as it was, and that is known. */
#include "random.h"

#define NPROC  4
#define COMMON 900                /* numbers that all have: what is shared, a socket pair, a pipe for each one's turn */

/* changer: who wants all to be closed (+ 1); sent: descriptors under way. */
static struct shared { uint64_t state; uint32_t steps, sent, alive, changer; } *all;
static unsigned me;

static void close_all(void)
{
	for (int i = 0; i < NFD; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

static void wake(unsigned who) { MUST(write(COMMON + 4 + 2 * (int)who, "", 1) == 1); }

static void sleep_on(void)
{
	char byte;
	if (read(COMMON + 3 + 2 * (int)me, &byte, 1) != 1)
		_exit(1);
}

/* The turn goes to `who`, until it comes back. */
static void pass_to(unsigned who)
{
	fflush(stdout);
	all->state = state;
	wake(who);
}

static void await_turn(void)
{
	for (sleep_on(); all->changer; sleep_on()) {
		close_all();
		wake(all->changer - 1);
	}
	state = all->state;
}

static int picked(void)
{
	int i = (int)rnd(NFD);
	for (int tries = 0; tries < 4 && fds[i] < 0; tries++)
		i = (int)rnd(NFD);
	return i;
}

static void put_fd(int i, int new)
{
	if (fds[i] >= 0)
		close(fds[i]);
	fds[i] = new;
	put(new < 0 ? -1 : 0, NULL);      /* which number, the libraries' own descriptors may decide */
}

static struct msghdr message(void *ctl, size_t room)
{
	static char byte;
	static struct iovec v = { &byte, 1 };
	return (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = room };
}

static void sends(int i)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr m = message(ctl, sizeof ctl);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	if (fds[i] < 0 || all->sent == 5)
		return;
	MUST(c);
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(c), &fds[i], sizeof(int));
	MUST(sendmsg(COMMON + 1, &m, 0) == 1);
	all->sent++;
}

static int received(int flags)
{
	_Alignas(struct cmsghdr) char ctl[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr m = message(ctl, sizeof ctl);
	int fd;
	MUST(recvmsg(COMMON + 2, &m, flags) == 1);
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	MUST(c);
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	all->sent--;
	return fd;
}

static void receives(int i)
{
	if (all->sent)
		put_fd(i, received(rnd(2) ? MSG_CMSG_CLOEXEC : 0));
}

static void forks(void)
{
	unsigned free = 0;
	while (free < NPROC && (all->alive & 1u << free))
		free++;
	printf(" %u", free);
	if (free == NPROC)
		return;
	fflush(stdout);
	pid_t pid = fork();
	MUST(pid >= 0);
	if (pid) {
		all->alive |= 1u << free;
		return;
	}
	me = free;
	await_turn();
}

static void ends(void)
{
	unsigned next = 0;
	if (!me)
		return;
	printf(" %u\n", me);
	all->alive &= ~(1u << me);
	while (!(all->alive & 1u << next))
		next++;
	pass_to(next);
	if (rnd(2))
		_exit(0);
	exit(0);
}

static void becomes(void)
{
	char args[NFD][12], who[12];
	char *argv[NFD + 3] = { (char *)"family", who };
	for (int k = 0; k < NFD; k++) {
		snprintf(args[k], sizeof args[k], "%d", fds[k] >= 0 && !(fcntl(fds[k], F_GETFD) & FD_CLOEXEC) ? fds[k] : -1);
		argv[2 + k] = args[k];
	}
	snprintf(who, sizeof who, "%u", me);
	fflush(stdout);
	all->state = state;
	execv("/proc/self/exe", argv);
	MUST(false);
}

/* Everybody closes all; then one changes something. */
static void changes(void)
{
	const char *a = name(), *b = name();
	fflush(stdout);
	while (all->sent)
		close(received(0));
	close_all();
	all->changer = me + 1;
	for (unsigned k = 0; k < NPROC; k++)
		if (k != me && (all->alive & 1u << k)) {
			wake(k);
			sleep_on();
		}
	all->changer = 0;
	memset(buf, (int)rnd(256), sizeof buf);
	printf(" %s %s", a, b);
	int how = (int)rnd(7), fd = how < 3 ? open(a, how == 0 ? O_WRONLY : O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
	switch (how) {
	case 0: put(pwrite(fd, buf, rnd(3000), rnd(90000)), NULL); break;
	case 1: case 2: put(write(fd, buf, sizeof buf), NULL); break;
	case 3: put(rename(a, b), NULL); break;
	case 4: put(unlink(a), NULL); break;
	case 5: put(truncate(a, rnd(100000)), NULL); break;
	case 6: put(link(a, b), NULL); break;
	}
	if (fd >= 0)
		close(fd);
}

static void step(void)
{
	int i = picked(), j = (int)rnd(NFD), p[2];
	size_t n = rnd(4) ? rnd(5000) : rnd(sizeof buf);
	const char *a = name();
	off_t at = rnd(100000);
	uint32_t way = rnd(60);

	printf("%u: %u %d %d", me, way, i, j);
	switch (way) {
	case 0 ... 13: printf(" %s", a); put_fd(j, open(a, O_RDONLY | (rnd(4) ? 0 : O_CLOEXEC))); break;
	case 14 ... 27: put(read(fds[i], buf, n), buf); break;
	case 28 ... 31: put(pread(fds[i], buf, n, at), buf); break;
	case 32 ... 34: put(lseek(fds[i], at - 1000, (int)rnd(3)), NULL); break;
	case 35 ... 37: put_fd(j, fcntl(fds[i], F_DUPFD, 20)); break;
	case 38: put_fd(j, dup(fds[i])); break;
	case 39 ... 40: close(fds[i]); fds[i] = -1; break;
	case 41 ... 43: sends(i); break;
	case 44 ... 46: receives(j); break;
	case 47 ... 49: forks(); break;
	case 50: ends(); break;
	case 51: becomes(); break;
	case 52: changes(); break;
	case 53: {
		char *m = mmap(NULL, 100000, PROT_READ, MAP_PRIVATE, fds[i], 0);
		struct stat st;
		if (m != MAP_FAILED && fstat(fds[i], &st) == 0 && st.st_size <= 100000)
			put(st.st_size, m);
		if (m != MAP_FAILED)
			munmap(m, 100000);
		break;
	}
	case 54:
		MUST(pipe(p) == 0);
		put(sendfile(p[1], fds[i], NULL, n), NULL);
		close(p[1]);
		put(read(p[0], buf, sizeof buf), buf);
		close(p[0]);
		break;
	case 55: {
		FILE *f = fopen(a, "r");
		printf(" %s", a);
		put(f ? (long)fread(buf, 1, n, f) : -1, buf);
		if (f)
			fclose(f);
		break;
	}
	default:
		if (fds[i] >= 0)
			show(fds[i]);
	}
	printf("\n");
}

static void turns(void)
{
	while (all->steps) {
		all->steps--;
		step();
		unsigned next = rnd(NPROC);
		if (all->steps && next != me && (all->alive & 1u << next)) {
			pass_to(next);
			await_turn();
		}
	}
	if (me) {
		all->alive &= ~(1u << me);
		pass_to(0);
		exit(0);
	}
	for (unsigned k = 1; k < NPROC; k++)
		if (all->alive & 1u << k) {
			pass_to(k);
			await_turn();
		}
	while (wait(NULL) > 0)
		;
	SAY("done\n");
}

int main(int argc, char **argv)
{
	int p[2];

	MUST(argc == 3 || argc == NFD + 2);
	if (argc == 3) {
		int steps = seeded(argv[1]), mem = memfd_create("family", 0);
		MUST(chdir(argv[2]) == 0 && mem >= 0 && ftruncate(mem, 4096) == 0 && dup2(mem, COMMON) == COMMON && close(mem) == 0);
		MUST(symlink("sub", "link") == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0);
		for (int k = 0; k <= NPROC; k++) {
			MUST(dup2(p[0], COMMON + 1 + 2 * k) > 0 && dup2(p[1], COMMON + 2 + 2 * k) > 0 && close(p[0]) == 0 && close(p[1]) == 0);
			MUST(k == NPROC || pipe(p) == 0);
		}
		all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, COMMON, 0);
		MUST(all != MAP_FAILED);
		*all = (struct shared){ .steps = (uint32_t)steps, .alive = 1 };
	} else {
		all = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, COMMON, 0);
		MUST(all != MAP_FAILED);
		me = (unsigned)atoi(argv[1]);
		state = all->state;
		for (int k = 0; k < NFD; k++)
			fds[k] = atoi(argv[k + 2]);
		printf("\n");
	}
	turns();
	return 0;
}
