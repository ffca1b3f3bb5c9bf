/* hook.h - what every hook shares.
 *
 * A hook decides whether a call concerns a dataset file. If not, it is a test and a tail call to the next
 * definition. If so, it asks the session between hook_enter() and hook_leave(). Hooks hold no lock and do
 * no I/O of their own beyond looking at a descriptor and swapping it.
 */
#ifndef OPT4_HOOK_H
#define OPT4_HOOK_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../session/session.h"
#include "next.h"

#define EXPORT      __attribute__((visibility("default")))
#define unlikely(x) __builtin_expect(!!(x), 0)
/* What few calls come to, so that the others need no registers for it. */
#define COLD        __attribute__((noinline, cold))

/* glibc declares path arguments nonnull, so the compiler would drop our test for NULL (the kernel's answer to
 * it is EFAULT, and must stay so). */
#define OPAQUE(p) __asm__("" : "+r"(p))

/* False until the constructor has run, in programs where there is nothing to do, and after chroot and the
 * like: then no open is looked at. */
extern bool hook_on;

/* The process that this memory belongs to: differs from getpid() in a vfork child, which runs our hooks in
 * its parent's memory but with descriptors of its own, and in a child of a raw clone. */
extern pid_t hook_pid;

/* Switches the hooks on, where that is not done yet: conf_active() has become true. Inside the guard. */
void hook_activate(void);

/* In a child: what a fork handler does. */
void hook_forked(void);
/* In a child that is to know nothing of opt4 any more: every hook passes its calls on, for good. */
void hook_forget(void);

/* Around every entry into the session: our own calls then pass straight down the chain, a cancelled thread
 * cannot leave with the flag raised, and errno stays the program's. Nests. */
struct guard { int err, cancel; };

/* Of the outermost guard: where it stands on the stack, and the cancelability before it (-1: not changed). */
extern __thread struct outermost { char *frame; int cancel; } hook_outermost;

extern __thread bool hook_counted;         /* in session_users */
static inline struct guard hook_enter(void)
{
	struct guard g = { .err = errno };
	bool first = !opt4_inside++;
	if (unlikely(!hook_counted)) {
		hook_counted = true;
		session_users++;
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &g.cancel);
	if (first)
		hook_outermost = (struct outermost){ __builtin_frame_address(0), g.cancel };
	return g;
}

/* Is this thread inside opt4? Finds out if it is not any more: see guard.c. To be inlined into a hook. */
bool hook_abandoned(const char *frame);
static inline bool hook_inside_from(const char *frame) /* .. or in a function of its own that is told the hook's frame */
{
	return unlikely(opt4_inside) && !hook_abandoned(frame);
}
static inline __attribute__((always_inline)) bool hook_inside(void)
{
	return hook_inside_from(__builtin_frame_address(0));
}

static inline void hook_leave(struct guard g)
{
	int was;
	pthread_setcancelstate(g.cancel, &was);
	opt4_inside--;
	errno = g.err;
}

#endif
