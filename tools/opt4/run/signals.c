/* signals.c - see signals.h. */
#include "signals.h"

#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../../preload/base/base.h"
#include "witness.h"

#define WINDOW_NS 10000000ull      /* a killer's way from one process to the next */
#define BUSY_NS   200000000ull     /* and so much more, as long as the killer runs or wants to: a busy machine */
#define KNOWN_NS  2000000000ull    /* what the witness got, and nobody here yet, is remembered so long */
#define SILENT_NS 500000000ull     /* a witness that says nothing for so long is none */
#define WAITING   256
#define SEEN      64
#define REALTIME  32u             /* the kernel's first; the C library keeps some of them for itself */

struct event { struct signalfd_siginfo s; uint64_t at; };
static struct event waiting[WAITING];
static unsigned nwaiting;
static struct { int sig; uint32_t pid; uint64_t at; bool used; } seen[SEEN];
static unsigned nseen;
static pid_t job;
static uint64_t asked, answered;           /* when the witness was last asked, and the newest question it has answered */

static bool same(const struct event *e, unsigned i, uint64_t now)
{
	uint64_t apart = e->at > seen[i].at ? e->at - seen[i].at : seen[i].at - e->at;
	return seen[i].sig == (int)e->s.ssi_signo && seen[i].pid == e->s.ssi_pid &&
	       (apart <= WINDOW_NS || (!seen[i].used && now - seen[i].at < KNOWN_NS));
}

/* The job has got it, too. Many of one kind may have become one on the way to either: so one witnessed stands for all; but
 * real-time signals are queued, and each stands for itself: of those that came while the job was started it got the last only. */
static bool witnessed(const struct event *e, uint64_t now)
{
	bool queued = e->s.ssi_signo >= REALTIME;
	for (unsigned i = 0; i < nseen && i < SEEN; i++)
		if (same(e, i, now) && !(queued && seen[i].used)) {
			seen[i].used = true;
			return true;
		}
	return false;
}

static void drop(unsigned i) { memmove(waiting + i, waiting + i + 1, (--nwaiting - i) * sizeof(*waiting)); }

static void hand_on(const struct event *e)
{
	const struct signalfd_siginfo *s = &e->s;
	siginfo_t info = { .si_signo = (int)s->ssi_signo, .si_code = s->ssi_code, .si_errno = s->ssi_errno };
	if (s->ssi_code == SI_QUEUE) {
		info.si_pid = (pid_t)s->ssi_pid;
		info.si_uid = s->ssi_uid;
		info.si_value.sival_ptr = (void *)(uintptr_t)s->ssi_ptr;
		if (syscall(SYS_rt_sigqueueinfo, job, info.si_signo, &info) == 0)
			return;
	}
	kill(job, (int)s->ssi_signo);
}

static bool stops(int sig) { return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU; }

void signals_begin(pid_t pid) { job = pid; }

void signals_came(const struct signalfd_siginfo *s, const sigset_t *early)
{
	struct event e = { .s = *s, .at = now_ns() };
	if (early && sigismember(early, (int)s->ssi_signo) == 1)
		return;
	/* as the kernel has it: who is to go on need not stop before */
	for (unsigned i = 0; s->ssi_signo == SIGCONT && i < nwaiting;)
		if (stops((int)waiting[i].s.ssi_signo))
			drop(i);
		else
			i++;
	if (nwaiting == WAITING) {
		hand_on(waiting);
		drop(0);
	}
	waiting[nwaiting++] = e;
}

void signals_witnessed(void)
{
	struct witnessed w;
	while (witness_next(&w)) {
		if (!w.sig) {
			answered = w.at;
			continue;
		}
		unsigned i = nseen++ % SEEN;
		seen[i].sig = w.sig;
		seen[i].pid = w.pid;
		seen[i].at = w.at;
		seen[i].used = false;
	}
}

/* Somebody who goes from process to process, and has not got the CPU? */
static bool on_its_way(uint32_t killer) { return killer && killer != (uint32_t)getpid() && proc_runs(killer); }

bool signals_waiting(int sig)
{
	for (unsigned i = 0; i < nwaiting; i++)
		if ((int)waiting[i].s.ssi_signo == sig)
			return true;
	return false;
}

int signals_due(void)
{
	signals_witnessed();       /* we may have been stopped since */
	uint64_t now = now_ns(), soonest = UINT64_MAX;
	/* in a group of its own it gets nothing that comes to ours */
	bool apart = getpgid(job) != getpgrp();
	for (unsigned i = 0; i < nwaiting;) {
		struct event *e = &waiting[i];
		uint64_t due = e->at + WINDOW_NS;
		if (!apart && witnessed(e, now)) {
			drop(i);
			continue;
		}
		if (now >= due && now < due + BUSY_NS && asked < due && !apart && witness_fd() >= 0 && on_its_way(e->s.ssi_pid)) {
			soonest = now + 5000000 < soonest ? now + 5000000 : soonest;
			i++;
			continue;
		}
		bool alone = witness_fd() < 0, typed = e->s.ssi_code == SI_KERNEL;
		if (apart || (alone && !typed) || (now >= due && (answered >= due || (asked >= due && now >= asked + SILENT_NS)))) {
			hand_on(e);
			drop(i);
			continue;
		}
		if (alone) {
			drop(i);
			continue;
		}
		if (now >= due && asked < due) {
			asked = now;
			witness_ask(now);
		}
		soonest = due < soonest ? due : soonest;
		i++;
	}
	if (soonest == UINT64_MAX)
		return -1;
	return now >= soonest ? 20 : (int)((soonest - now) / 1000000) + 1;
}
