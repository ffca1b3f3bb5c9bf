/* tool.c - see tool.h. */
#include "tool.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/common.h"

#define ARGS_MAX 15

bool trace_tool(const char *what, const char *const args[])
{
	char exe[PATH_MAX], *argv[ARGS_MAX + 2] = { exe };
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - sizeof("-trace"));
	pid_t pid = -1;
	int status, rc;

	for (int i = 0; i < ARGS_MAX && args[i]; i++)
		argv[i + 1] = (char *)args[i];
	if (n > 0) {
		exe[n] = 0;
		strcpy(strrchr(exe, '/') + 1, "opt4-trace");
	}
	rc = n > 0 ? posix_spawn(&pid, exe, NULL, NULL, argv, environ) : errno;
	if (rc != 0) {
		fail("run: %s: %s: %s; build or install opt4 anew", what, n > 0 ? exe : "opt4-trace", strerror(rc));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
