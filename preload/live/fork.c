/* live_fork.c - a child that the program has no part in: see live_fork() in cell.h.
 *
 * Two clones, as in base/spawn.c: the first shares this memory and has no exit signal, so that it is reaped here by
 * __WCLONE, which no waitpid(-1) competes for; the second, a copy as fork() makes one, is an orphan when the first has
 * gone. No fork handler runs: neither the program's (pthread_atfork, os.register_at_fork) nor glibc's own, so a lock of
 * malloc's that another thread holds at this instant stays held in the child, which its time limit then ends. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cell.h"

#ifndef SYS_close_range       /* older headers; the same on every machine */
#define SYS_close_range 436
#endif

#define STACK (64u << 10)
#define LOST  8                    /* children of ours that are not reaped yet, at most */

struct fork {
	jmp_buf back;              /* where the second one goes on: in its copy of this process's stack */
	int flags, error;
	pid_t pid;
};

static pid_t lost[LOST];

static int first(void *arg)
{
	struct fork *f = arg;
	long pid = syscall(SYS_clone, f->flags, NULL, NULL, NULL, NULL);
	if (pid == 0)
		longjmp(f->back, 1);
	f->pid = (pid_t)pid;
	if (pid < 0)
		f->error = errno;
	syscall(SYS_exit, 0);
	return 0;
}

void live_reap(void)
{
	for (int i = 0; i < LOST; i++)
		if (lost[i] && syscall(SYS_wait4, lost[i], NULL, __WCLONE | WNOHANG, NULL) != 0)
			lost[i] = 0;
}

/* Who is to be its parent. Orphans come to process 1 of the pid namespace, or to a subreaper: where that is this process
 * itself, the child is better its own, without an exit signal: live_reap() buries it. */
static int parent_flags(void)
{
	int subreaper = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper, 0, 0, 0);
	return subreaper || getpid() == 1 ? CLONE_PARENT : SIGCHLD;
}

static void remember(pid_t pid)
{
	for (int i = 0; i < LOST; i++)
		if (!lost[i]) {
			lost[i] = pid;
			return;
		}
}

/* Nothing of the program's but its memory: no handler, no descriptor, no terminal's signals. Plain system calls. */
static void strip(unsigned seconds)
{
	struct rlimit none = { 0, 0 };
	struct itimerval limit = { .it_value.tv_sec = (time_t)seconds };
	setrlimit(RLIMIT_CORE, &none);
	setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_sec = 0 }, NULL);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	syscall(SYS_setsid);
	if (syscall(SYS_close_range, 0, ~0u, 0) < 0)
		for (int fd = 0; fd < 65536; fd++)   /* Linux before 5.9 */
			syscall(SYS_close, fd);
	for (int fd = 0; fd < 3; fd++)
		syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR);
	int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY);
	if (fd >= 0) {                     /* before the training, if anything must go */
		syscall(SYS_write, fd, "1000", 4);
		syscall(SYS_close, fd);
	}
	setitimer(ITIMER_REAL, &limit, NULL);
}

int live_fork(unsigned seconds)
{
	struct fork f = { .flags = parent_flags() };
	uint64_t all = ~0ull, old, none = 0;
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	live_reap();
	/* No handler of the program's may run in the children. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(all));
	if (setjmp(f.back)) {
		strip(seconds);
		syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
		return 0;
	}
	int pid = clone(first, stack + STACK, CLONE_VM | CLONE_VFORK, &f);
	if (pid < 0)
		f.error = errno;
	else
		while (syscall(SYS_wait4, pid, NULL, __WCLONE, NULL) < 0 && errno == EINTR)
			;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof(old));
	munmap(stack, STACK);
	if (f.pid > 0 && f.flags & CLONE_PARENT)
		remember(f.pid);
	return f.error ? -f.error : f.pid;
}
