/* calm.c - stretches in which the program's signal handlers must not run: one that leaves by longjmp, or opens a
 * file, would leave shared state half done. */
#include <errno.h>
#include <stddef.h>
#include <time.h>
#include "base.h"

/* What a fault raises cannot wait; SIGSYS may be how a sandbox answers a call of ours. */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

/* Those that end a program without a handler are asked for each time, since one may have been installed just now: who hangs
 * on a dead store wants to be killed. All others wait, handler or not. */
static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU };

static bool deliverable(int sig)
{
	struct sigaction sa;
	return sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL;
}

void calm_begin(struct calm *c)
{
	sigset_t wait, pending;
	sigfillset(&wait);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(&wait, faults[i]);
	/* First all, then the look: else one could leave from the middle of it. */
	pthread_sigmask(SIG_BLOCK, &wait, &c->was);
	c->xfsz = sigpending(&pending) < 0 || sigismember(&pending, SIGXFSZ);
	sigset_t open;
	sigemptyset(&open);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (sigismember(&c->was, ends[i]) == 0 && deliverable(ends[i]))
			sigaddset(&open, ends[i]);
	pthread_sigmask(SIG_UNBLOCK, &open, NULL);
}

void calm_end(const struct calm *c)
{
	sigset_t pending, xfsz;
	int saved = errno;
	/* Ours: for writing past the program's RLIMIT_FSIZE; it has not earned that. */
	if (!c->xfsz && sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ)) {
		sigemptyset(&xfsz);
		sigaddset(&xfsz, SIGXFSZ);
		sigtimedwait(&xfsz, NULL, &(struct timespec){ 0, 0 });
	}
	pthread_sigmask(SIG_SETMASK, &c->was, NULL);
	errno = saved;
}
