/* launch.c - see launch.h. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"
#include "witness.h"

static sigset_t all, before;               /* the mask as it was: the job's */
static struct sigaction chld_before;
static pid_t job;
static int signals = -1;
static bool ended;
static int inherited[64];                  /* signals that wait for the program that this process was to become */
static unsigned ninherited;
static int how;                            /* as waitpid() has it */

static int run_program(char **argv, const char *programs)
{
	sigaction(SIGCHLD, &chld_before, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (programs)
		setenv("OPT4_PROGRAMS", programs, 1);
	execvp(argv[0], argv);
	return errno;
}

/* The job can't be a child: then it is this very process. */
static int become(char **argv, const char *programs, const char *what, int *status)
{
	fprintf(stderr, "opt4: run: %s: %s; the job runs all the same, without lines of result, --stats or --record\n", what, strerror(errno));
	int err = run_program(argv, programs);
	*status = err == ENOENT ? 127 << 8 : 126 << 8;
	return err;
}

/* The job before it is the program. What has come to it by now stays pending until it is, and is told. */
static _Noreturn void child(char **argv, const char *programs, pid_t parent, int start, int failed)
{
	sigset_t pending;
	char go;
	prctl(PR_SET_PDEATHSIG, SIGKILL);  /* kill -9 of opt4 run means the job */
	if (getppid() != parent)
		_exit(128 + SIGKILL);
	for (unsigned i = 0; i < ninherited; i++)
		kill(getpid(), inherited[i]);
	memset(&pending, 0, sizeof(pending));   /* more than the kernel fills in is sent */
	if (read(start, &go, 1) == 1) {
		sigpending(&pending);
		(void)!write(start, &pending, sizeof(pending));
	}
	int err = run_program(argv, programs);
	(void)!write(failed, &err, sizeof(err));
	_exit(err == ENOENT ? 127 : 126);
}

/* The job has stopped: so do we, as a shell and its user expect of the process that they know. Not when somebody has just
 * said that it shall go on: it does. */
static void stop_too(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	sigset_t one;
	if (signals_waiting(SIGCONT))
		return;
	witness_stopped(true);
	sigemptyset(&one);
	sigaddset(&one, sig);
	if (sig != SIGSTOP)
		sigaction(sig, &dfl, &old);
	raise(sig);
	if (sig != SIGSTOP) {
		sigprocmask(SIG_UNBLOCK, &one, NULL);   /* here it stops */
		sigprocmask(SIG_SETMASK, &all, NULL);
		sigaction(sig, &old, NULL);
	}
	witness_stopped(false);
}

static void children(void)
{
	int status, stopped = 0;
	pid_t pid;
	while (!ended && (pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != job) {
			witness_was(pid);  /* or an orphan that has come to us, as to pid 1 */
		} else if (WIFSTOPPED(status)) {
			stopped = WSTOPSIG(status);
		} else {
			ended = true;
			how = status;
		}
	}
	if (stopped && !ended)
		stop_too(stopped);
}

/* Takes what has come; early as for signals_came(). */
static void take(const sigset_t *early)
{
	struct signalfd_siginfo s;
	bool child_changed = false;
	while (read(signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGCHLD && s.ssi_code > 0)
			child_changed = true;
		else
			signals_came(&s, early);
	}
	if (child_changed)
		children();
}

/* What came before there is a job, or was pending when this program began, nobody else has got. A fork does not inherit it. */
static void inherit(void)
{
	struct signalfd_siginfo s;
	while (ninherited < sizeof(inherited) / sizeof(*inherited) && read(signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo != SIGCHLD)
			inherited[ninherited++] = (int)s.ssi_signo;
}

static void wait_for_job(int failed, int *err, const struct launch_also *also)
{
	struct pollfd p[4] = { { .fd = signals, .events = POLLIN }, { .fd = failed, .events = POLLIN }, { .events = POLLIN },
			       { .fd = also ? also->fd : -1, .events = POLLIN } };
	children();                /* before the descriptor was there */
	while (!ended) {
		int ms = signals_due();
		p[2].fd = witness_fd();
		if (poll(p, 4, ms) < 0) {
			/* whatever the reason, the job has not ended: look at what needs no poll() */
			if (errno != EINTR)
				nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
			for (int i = 0; i < 4; i++)
				p[i].revents = 0;
			p[0].revents = POLLIN;
		}
		if (p[2].revents)
			signals_witnessed();
		if (p[1].revents) {
			if (read(failed, err, sizeof(*err)) != (ssize_t)sizeof(*err))
				*err = 0;
			p[1].fd = -1;
		}
		if (also && p[3].revents)
			also->ready(also->fd);
		if (p[0].revents)
			take(NULL);
	}
	if (p[1].fd >= 0 && read(failed, err, sizeof(*err)) != (ssize_t)sizeof(*err))
		*err = 0;
	if (also && p[3].fd >= 0)  /* its last words */
		also->ready(also->fd);
}

int launch(char **argv, const char *programs, const struct launch_also *also, int *status)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	int failed[2], start[2], err = 0;
	pid_t self = getpid();
	sigset_t pending;
	char go = 0;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	sigaction(SIGCHLD, &dfl, &chld_before);   /* ignored, it would take the children's status along */
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0 || pipe2(failed, O_CLOEXEC) < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, start) < 0)
		return become(argv, programs, "descriptors", status);
	inherit();
	job = fork();
	if (job < 0)
		return become(argv, programs, "fork", status);
	if (job == 0) {
		close(start[0]);
		child(argv, programs, self, start[1], failed[1]);
	}
	close(failed[1]);
	close(start[1]);
	signals_begin(job);
	witness_begin(job, argv);
	sigemptyset(&pending);
	if (write(start[0], &go, 1) == 1 && read(start[0], &pending, sizeof(pending)) != (ssize_t)sizeof(pending))
		sigemptyset(&pending);
	close(start[0]);
	take(&pending);
	wait_for_job(failed[0], &err, also);
	close(failed[0]);
	witness_end();
	*status = how;
	return err;
}

void launch_over(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGQUIT, SIGHUP };
	struct signalfd_siginfo s;
	sigset_t set;
	while (signals >= 0 && read(signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		;
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (sigismember(&before, ends[i]) == 0)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void launch_end(int status)
{
	fflush(NULL);
	if (WIFSIGNALED(status)) {
		int sig = WTERMSIG(status);
		struct sigaction dfl = { .sa_handler = SIG_DFL };
		sigset_t one;
		prctl(PR_SET_DUMPABLE, 0);  /* the job has left a core, if any */
		sigaction(sig, &dfl, NULL);
		raise(sig);
		sigemptyset(&one);
		sigaddset(&one, sig);
		sigprocmask(SIG_UNBLOCK, &one, NULL);
		exit(128 + sig);
	}
	exit(WEXITSTATUS(status));
}
