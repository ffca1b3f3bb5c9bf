/* spawn.c - children that fork() does not make: pthread_atfork() tells nothing of them. */
#include "exec.h"
#include "fd.h"

/* Like a fork, these make every offset shared with a child: what has not been read yet stays on the original. */
static void before(void)
{
	if (unlikely(hook_on && fd_highest() >= 0))
		fd_share();
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *attr,
	char *const argv[], char *const env[])
{
	before();
	return next.posix_spawn(pid, path, fa, attr, argv, EXEC_ENV(env, AT_FDCWD, path));
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *fa, const posix_spawnattr_t *attr,
	char *const argv[], char *const env[])
{
	char path[PATH_MAX];
	before();
	return next.posix_spawnp(pid, file, fa, attr, argv, EXEC_ENV(env, AT_FDCWD, preload_find(file, path)));
}

EXPORT int system(const char *command)
{
	before();
	return next.system(command);
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	before();
	return next.popen(command, mode);
}

/* vfork() returns twice to its caller, so no function of ours may stand between: look, then jump on. */
__attribute__((used)) static __typeof__(vfork) *vfork_next(void)
{
	before();
	return next.vfork;
}

#if defined __x86_64__
#define JUMP_ON \
	"	subq $8, %rsp\n" \
	"	call vfork_next\n" \
	"	addq $8, %rsp\n" \
	"	jmp *%rax\n"
#elif defined __aarch64__
/* By x16: a machine that checks branches (BTI) lets such a one enter a function. The hint is its landing pad, and nothing elsewhere. */
#define JUMP_ON \
	"	hint #34\n" \
	"	stp x29, x30, [sp, #-16]!\n" \
	"	bl vfork_next\n" \
	"	ldp x29, x30, [sp], #16\n" \
	"	mov x16, x0\n" \
	"	br x16\n"
#else
#error "vfork: write the jump for this machine"
#endif
__asm__(".pushsection .text\n"
	".globl vfork\n"
	".type vfork, %function\n"
	"vfork:\n"
	JUMP_ON
	".size vfork, .-vfork\n"
	".popsection\n");
