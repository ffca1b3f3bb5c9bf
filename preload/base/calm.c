/* calm.c - stretches in which the program's signal handlers must not run: one that leaves by longjmp, or opens a
 * file, would leave shared state half done. */
#include <errno.h>
#include <time.h>
#include "base.h"

#define LOOK_NS 100000000ull

/* Signals that have a handler, as of the last look. The others stay deliverable: who hangs on a dead store wants to be
 * killed. Sixty cheap calls: not made for every file. */
static sigset_t handled;
static _Atomic uint64_t looked;

static void look(void)
{
	uint64_t now = now_coarse(), last = atomic_load(&looked);
	sigset_t all, was;
	if (last && now - last < LOOK_NS)
		return;
	/* Nor may one leave from the middle of this. Two threads at once find the same. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	for (int sig = 1; sig < NSIG; sig++) {
		struct sigaction sa;
		if (sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE || sig == SIGILL || sig == SIGTRAP || sig == SIGABRT)
			continue;  /* what a fault raises cannot wait */
		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN)
			sigaddset(&handled, sig);
	}
	sigaddset(&handled, SIGXFSZ);
	atomic_store(&looked, now);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
}

void calm_begin(struct calm *c)
{
	sigset_t pending;
	look();
	pthread_sigmask(SIG_BLOCK, &handled, &c->was);
	c->xfsz = sigpending(&pending) < 0 || sigismember(&pending, SIGXFSZ);
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
