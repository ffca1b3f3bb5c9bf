/* execs.c - execs WAY TARGET: runs TARGET in one of the ways there are, with an argument; for tests/preload.bats. It ends with
 * TARGET's status. execs ways: their names. */
#include "common.h"

#include <spawn.h>

int execveat(int dirfd, const char *path, char *const argv[], char *const env[], int flags);

static char *target;
static char *args[] = { NULL, (char *)"one", NULL };
static pid_t pid;

static void w_execve(void) { execve(target, args, environ); }
static void w_execv(void) { execv(target, args); }
static void w_execvp(void) { execvp(target, args); }
static void w_execvpe(void) { execvpe(target, args, environ); }
static void w_execl(void) { execl(target, target, "one", (char *)NULL); }
static void w_execlp(void) { execlp(target, target, "one", (char *)NULL); }
static void w_execle(void) { execle(target, target, "one", (char *)NULL, environ); }
static void w_fexecve(void) { fexecve(open(target, O_RDONLY), args, environ); }
static void w_fexecve_path(void) { fexecve(open(target, O_PATH), args, environ); }
static void w_execveat(void) { execveat(AT_FDCWD, target, args, environ, 0); }
static void w_execveat_fd(void) { execveat(open(target, O_PATH), "", args, environ, AT_EMPTY_PATH); }
static void w_path(void) { execvp(strrchr(target, '/') + 1, args); }        /* its folder is on PATH */
static void w_path_list(void) { execlp(strrchr(target, '/') + 1, target, "one", (char *)NULL); }
static void w_spawn(void) { MUST(posix_spawn(&pid, target, NULL, NULL, args, environ) == 0); }
static void w_spawnp(void) { MUST(posix_spawnp(&pid, strrchr(target, '/') + 1, NULL, NULL, args, environ) == 0); }

static void w_vfork(void)
{
	pid = vfork();
	if (pid == 0) {
		execve(target, args, environ);
		_exit(126);
	}
}

static void *threads_child(__attribute__((unused)) void *arg)
{
	pid_t child = fork();
	if (child == 0) {
		execv(target, args);
		_exit(126);
	}
	pid = child;
	return NULL;
}

static void w_thread(void)
{
	pthread_t t;
	MUST(pthread_create(&t, NULL, threads_child, NULL) == 0 && pthread_join(t, NULL) == 0);
}

static void w_system(void) { exit(WEXITSTATUS(system("\"$TARGET\" one"))); }

/* An environment that only the program knows, with the variable at its end. */
static void w_own_env(void)
{
	char *env[1100], list[4096];
	int n = 0;
	snprintf(list, sizeof list, "LD_PRELOAD=%s", getenv("LD_PRELOAD"));
	for (; n < 1050; n++)
		env[n] = (char *)"A=b";
	env[n++] = list;
	env[n] = NULL;
	execve(target, args, env);
}

/* And none at all. */
static void w_no_env(void) { execve(target, args, NULL); }

static const struct hook_case ways[] = {
	CASE(w_execve), CASE(w_execv), CASE(w_execvp), CASE(w_execvpe), CASE(w_execl), CASE(w_execlp), CASE(w_execle), CASE(w_fexecve),
	CASE(w_fexecve_path), CASE(w_execveat), CASE(w_execveat_fd), CASE(w_path), CASE(w_path_list), CASE(w_spawn), CASE(w_spawnp),
	CASE(w_vfork), CASE(w_thread), CASE(w_system), CASE(w_own_env), CASE(w_no_env),
};

int main(int argc, char **argv)
{
	int status;
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		if (argc == 2)
			puts(ways[i].name + 2);
		if (argc < 3 || strcmp(ways[i].name + 2, argv[1]))
			continue;
		target = args[0] = argv[2];
		setenv("TARGET", target, 1);
		ways[i].run();
		MUST(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		return WEXITSTATUS(status);
	}
	return argc != 2;
}
