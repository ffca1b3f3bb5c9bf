/* guard.c - a signal handler may leave what it interrupted by siglongjmp, and us with it: then the thread would count as
 * inside opt4, and could not be cancelled, for ever. */
#include "hook.h"

#include <signal.h>

__thread struct outermost hook_outermost;
__thread bool hook_counted;

/* What is called from inside lies deeper on the stack than the guard; so do handlers, unless they have a stack of
 * their own. Called from where the guard was or further up, the guard's function is gone. A hook that asks from a
 * function of its own stands deeper than it is and may find a guard alive that is not: then it does nothing until the
 * next open, which asks from its own frame. */
bool hook_abandoned(const char *frame)
{
	stack_t alt;
	int was;

	if (frame < hook_outermost.frame || (sigaltstack(NULL, &alt) == 0 && (alt.ss_flags & SS_ONSTACK)))
		return false;
	session_abandoned();
	opt4_inside = 0;
	if (hook_outermost.cancel >= 0)
		pthread_setcancelstate(hook_outermost.cancel, &was);
	return true;
}
