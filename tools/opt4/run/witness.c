/* witness.c - see witness.h. */
#include "witness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "record.h"

#ifndef SYS_close_range       /* older headers; the same on every machine */
#define SYS_close_range 436
#endif
#define LOOK_MS 250
#define SWEEPS  5                          /* in .2 s */

static pid_t witness;
static int line = -1;                      /* between the two; each message is a struct witnessed */
static _Atomic bool *with_job;             /* shared: the parent stopped itself since the job had */

static char *shown;                        /* its arguments as others see them */
static size_t shown_len;

/* Its arguments, as far as others see them, are the job's. The kernel shows what lies where it put ours, end to end. */
static void look_like(char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char *begin = argv[0], *end = argv[0];
	char stat[1024], *p;
	unsigned long from = 0;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : -1;
	prctl(PR_SET_NAME, name ? name + 1 : argv[0]);
	stat[n > 0 ? n : 0] = 0;
	p = strrchr(stat, ')');
	for (int field = 2; p && field < 48; field++)   /* arg_start */
		p = strchr(p + 1, ' ');
	if (p)
		from = strtoul(p, NULL, 10);
	for (char **a = argv; *a; a++)
		end = *a + strlen(*a) + 1;
	shown = begin;
	shown_len = (size_t)(end - begin);
	if (from && from < (unsigned long)(void *)begin) {
		size_t len = shown_len;
		char *to = shown = begin - ((unsigned long)(void *)begin - from);
		memmove(to, begin, len);
		memset(to + len, 0, (size_t)(begin - to));
	}
}

/* Since the parent is stopped, the job shall be; and the other way round. */
static void look_after(pid_t parent, pid_t job)
{
	if (!proc_stopped((uint32_t)parent))
		return;
	if (*with_job && !proc_stopped((uint32_t)job))
		kill(parent, SIGCONT);
	else if (!*with_job && !proc_stopped((uint32_t)job))
		kill(job, SIGSTOP);
}

static bool tell_signals(int signals)
{
	struct signalfd_siginfo s;
	while (read(signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		struct witnessed w = { .sig = (int)s.ssi_signo, .pid = s.ssi_pid, .at = now_ns() };
		if (send(line, &w, sizeof(w), MSG_NOSIGNAL) < 0)
			return false;
	}
	return true;
}

static void stand_by(pid_t parent, pid_t job)
{
	sigset_t all;
	struct witnessed w;
	sigfillset(&all);
	/* no pipe of the job's stays open by it */
	dup2(line, 0);
	line = 0;
	if (syscall(SYS_close_range, 1, ~0u, 0) < 0)
		for (int fd = 1; fd < 1024; fd++)
			close(fd);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd p[2] = { { .fd = signals, .events = POLLIN }, { .fd = line, .events = POLLIN } };
	if (chdir("/") < 0 || signals < 0)
		return;
	while (poll(p, 2, LOOK_MS) >= 0) {
		look_after(parent, job);
		if (!tell_signals(signals))
			return;
		if (!p[1].revents)
			continue;
		if (recv(line, &w, sizeof(w), 0) != (ssize_t)sizeof(w) || !tell_signals(signals) || send(line, &w, sizeof(w), MSG_NOSIGNAL) < 0)
			return;
	}
}

/* kill -9 of the parent, which took the job along: what they leave is swept, once the last of the job has ended. */
static void orphaned(void)
{
	prctl(PR_SET_NAME, "opt4");       /* nobody is to take it for the job now */
	memset(shown, 0, shown_len);
	memcpy(shown, "opt4", shown_len < 5 ? shown_len : 5);
	record_end();
	for (int i = 0; i < SWEEPS; i++) {
		nanosleep(&(struct timespec){ 0, 40000000 }, NULL);
		sessions_sweep();
	}
}

bool witness_begin(pid_t job, char **argv)
{
	int pair[2];
	pid_t parent = getpid();
	with_job = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (with_job == MAP_FAILED || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return false;
	witness = fork();
	if (witness == 0) {
		line = pair[1];
		close(pair[0]);
		if (getppid() == parent) {
			look_like(argv);
			stand_by(parent, job);
		}
		if (getppid() != parent)
			orphaned();
		_exit(0);
	}
	close(pair[1]);
	line = pair[0];
	if (witness < 0) {
		close(line);
		line = -1;
	}
	return witness > 0;
}

void witness_end(void)
{
	if (line >= 0)
		close(line);
	line = -1;
	if (witness <= 0)
		return;
	kill(witness, SIGKILL);    /* it may be stopped */
	while (waitpid(witness, NULL, 0) < 0 && errno == EINTR)
		;
	witness = 0;
}

int witness_fd(void) { return line; }

bool witness_was(pid_t pid)
{
	if (pid != witness || pid <= 0)
		return false;
	witness = 0;
	witness_end();
	return true;
}

void witness_stopped(bool stopped)
{
	if (with_job && with_job != MAP_FAILED)
		*with_job = stopped;
}

bool witness_next(struct witnessed *w) { return line >= 0 && recv(line, w, sizeof(*w), MSG_DONTWAIT) == (ssize_t)sizeof(*w); }

void witness_ask(uint64_t at)
{
	struct witnessed w = { .at = at };
	(void)!send(line, &w, sizeof(w), MSG_NOSIGNAL | MSG_DONTWAIT);
}
