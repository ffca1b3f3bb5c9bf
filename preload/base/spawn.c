/* spawn.c - a process that this one has no part in: see spawn_apart() in base.h.
 *
 * Two clones. exec() makes any child's exit signal SIGCHLD, so one that the program must not see has to be somebody
 * else's: the first, with no exit signal, is reaped here by __WCLONE, which no waitpid(-1) competes for; the second
 * is an orphan when the first has gone. Both share this process's memory until exec (CLONE_VFORK): nothing is copied,
 * however large a training process is. So only plain system calls in them: libc's locks may be held by other threads,
 * and libc's names are hooked. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base.h"

#ifndef SYS_close_range       /* older headers; the same on every machine */
#define SYS_close_range 436
#endif

#define STACK (64u << 10)

struct spawn {
	const char *path;
	char *const *argv, *const *envp;
	char *stack;               /* the second child's */
	long nofile;
	int error;
};

/* The kernel's own struct sigaction. What follows the handler is flags, mask and on most machines a restorer, in an order
 * that is the machine's; here all of it is 0. */
struct ksigaction { void (*handler)(int); uint64_t zeros[4]; };
#define KSIGSET 8          /* bytes of its signal set */

static int second(void *arg)
{
	struct spawn *s = arg;
	syscall(SYS_setsid);
	for (int sig = 1; sig <= 64; sig++) {
		struct ksigaction a = { .handler = sig == SIGINT || sig == SIGHUP || sig == SIGIO ? SIG_IGN : SIG_DFL };
		syscall(SYS_rt_sigaction, sig, &a, NULL, KSIGSET);
	}
	long null = syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		if (fd != null)
			syscall(SYS_dup3, null, fd, 0);
	if (syscall(SYS_close_range, 3, ~0u, 0) < 0)
		for (long fd = 3; fd < s->nofile; fd++)   /* Linux before 5.9 */
			syscall(SYS_close, fd);
	uint64_t none = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	syscall(SYS_execve, s->path, s->argv, s->envp);
	s->error = errno;
	syscall(SYS_exit, 127);
	return 0;
}

static int first(void *arg)
{
	struct spawn *s = arg;
	if (clone(second, s->stack + STACK, CLONE_VM | CLONE_VFORK | SIGCHLD, s) < 0)
		s->error = errno;
	syscall(SYS_exit, 0);
	return 0;
}

int spawn_apart(const char *path, char *const argv[], char *const envp[])
{
	struct rlimit lim;
	struct spawn s = { .path = path, .argv = argv, .envp = envp, .nofile = 1024 };
	if (getrlimit(RLIMIT_NOFILE, &lim) == 0)
		s.nofile = lim.rlim_cur < 65536 ? (long)lim.rlim_cur : 65536;
	char *stacks = mmap(NULL, 2 * STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stacks == MAP_FAILED)
		return -errno;
	s.stack = stacks + STACK;

	/* No handler of the program's may run in the children: they are in its memory. */
	uint64_t all = ~0ull, old;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	int pid = clone(first, stacks + STACK, CLONE_VM | CLONE_VFORK, &s);
	if (pid < 0)
		s.error = errno;
	else
		while (syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
			;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
	munmap(stacks, 2 * STACK);
	return -s.error;
}
