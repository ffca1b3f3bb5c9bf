/* exec.c - the exec family: see exec.h. */
#include "exec.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>

#define VARIABLE "LD_PRELOAD="
#define MOST     (1u << 20)        /* bytes on the stack; more: left as it is */

static char name[NAME_MAX + 1] = PRELOAD_NAME;     /* ours, as the last component of what was preloaded */

__attribute__((constructor)) static void own_name(void)
{
	Dl_info info;
	const char *slash;
	if (dladdr(name, &info) && info.dli_fname && (slash = strrchr(info.dli_fname, '/')) && strlen(slash + 1) < sizeof(name))
		strcpy(name, slash + 1);
}

static const char *list_of(const char *variable)
{
	return strncmp(variable, VARIABLE, sizeof(VARIABLE) - 1) ? NULL : variable + sizeof(VARIABLE) - 1;
}

size_t exec_shed_bytes(char *const env[], int dirfd, const char *path)
{
	size_t n = 0, text = 0;
	bool named = false;
	for (; env && env[n]; n++) {
		const char *list = list_of(env[n]);
		if (list) {
			text += strlen(env[n]) + 1;
			named = named || preload_has(list, name);
		}
	}
	text += (n + 1) * sizeof(*env);
	return named && text <= MOST && preload_fails(dirfd, path) ? text : 0;
}

char **exec_shed(char *const env[], void *block)
{
	char **out = block;
	size_t n = 0;
	while (env[n])
		n++;
	char *text = (char *)(out + n + 1);
	for (; *env; env++) {
		const char *list = list_of(*env);
		if (!list) {
			*out++ = *env;
			continue;
		}
		memcpy(text, VARIABLE, sizeof(VARIABLE) - 1);
		size_t left = preload_without(text + sizeof(VARIABLE) - 1, list, name);
		if (left)
			*out++ = text;
		text += sizeof(VARIABLE) + left;
	}
	*out = NULL;
	return block;
}

EXPORT int execve(const char *path, char *const argv[], char *const env[])
{
	return next.execve(path, argv, EXEC_ENV(env, AT_FDCWD, path));
}

EXPORT int execv(const char *path, char *const argv[])
{
	return next.execve(path, argv, EXEC_ENV(environ, AT_FDCWD, path));
}

EXPORT int execvpe(const char *file, char *const argv[], char *const env[])
{
	char path[PATH_MAX];
	return next.execvpe(file, argv, EXEC_ENV(env, AT_FDCWD, preload_find(file, path)));
}

EXPORT int execvp(const char *file, char *const argv[])
{
	char path[PATH_MAX];
	return next.execvpe(file, argv, EXEC_ENV(environ, AT_FDCWD, preload_find(file, path)));
}

EXPORT int fexecve(int fd, char *const argv[], char *const env[])
{
	return next.fexecve(fd, argv, EXEC_ENV(env, fd, NULL));
}

EXPORT int execveat(int dirfd, const char *path, char *const argv[], char *const env[], int flags)
{
	const char *given = path;
	OPAQUE(given);
	return next.execveat(dirfd, path, argv, EXEC_ENV(env, dirfd, given && !*given && (flags & AT_EMPTY_PATH) ? NULL : given), flags);
}

/* argv of a call that has it as arguments up to a NULL; ap stands behind that. */
#define COLLECT(argv, first) \
	va_list ap; \
	size_t n_ = 1; \
	va_start(ap, first); \
	while (va_arg(ap, char *)) \
		n_++; \
	va_end(ap); \
	char **argv = alloca((n_ + 1) * sizeof(*argv)); \
	argv[0] = (char *)(uintptr_t)first; \
	va_start(ap, first); \
	for (size_t i_ = 1; i_ <= n_; i_++) \
		argv[i_] = va_arg(ap, char *)

EXPORT int execl(const char *path, const char *arg, ...)
{
	COLLECT(argv, arg);
	va_end(ap);
	return next.execve(path, argv, EXEC_ENV(environ, AT_FDCWD, path));
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	char path[PATH_MAX];
	COLLECT(argv, arg);
	va_end(ap);
	return next.execvpe(file, argv, EXEC_ENV(environ, AT_FDCWD, preload_find(file, path)));
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	COLLECT(argv, arg);
	char *const *env = va_arg(ap, char *const *);
	va_end(ap);
	return next.execve(path, argv, EXEC_ENV(env, AT_FDCWD, path));
}
