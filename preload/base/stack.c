/* stack.c - is there room for us on the stack that we were called on? A handler's own stack, and a thread that was given
 * little, may have less than finding a session or fetching a file takes. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "base.h"

#define NEED  (48u << 10)
#define GUARD 4096u                        /* no guard is smaller */
#define LOOKS (NEED / GUARD)

bool stack_small(void)
{
	char here, there[LOOKS];
	int err = errno;
	stack_t alt;
	uintptr_t at = (uintptr_t)&here;

	if (sigaltstack(NULL, &alt) == 0 && (alt.ss_flags & SS_ONSTACK))
		return at - (uintptr_t)alt.ss_sp < NEED;
	if (syscall(SYS_gettid) == getpid())
		return false;      /* it grows */
	/* The kernel reads what we may not touch, a guard, and stops there. */
	struct iovec to = { there, LOOKS }, from[LOOKS];
	for (unsigned i = 0; i < LOOKS; i++)
		from[i] = (struct iovec){ (void *)(at - (i + 1) * GUARD), 1 };
	ssize_t n = process_vm_readv(getpid(), &to, 1, from, LOOKS, 0);
	bool small = n < 0 ? errno == EFAULT : n < (ssize_t)LOOKS;   /* or it can't be known */
	errno = err;
	return small;
}
