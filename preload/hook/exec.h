/* exec.h - what a program gets of our entry in LD_PRELOAD.
 *
 * Where its loader could not load this library (32 bit, another machine, musl) it would complain on stderr, or not run at
 * all: such a program is run with an environment without our entry, and so is what it starts. All of this may run right
 * after vfork(), in a child of a process with threads and in a signal handler. */
#ifndef OPT4_EXEC_H
#define OPT4_EXEC_H

#include <alloca.h>
#include <limits.h>

#include "../base/base.h"
#include "hook.h"

/* Bytes that exec_shed() needs for an environment that the program (as in preload_fails()) can be run with; 0: env will
 * do as it is. Looks at the file only where env names us. Keeps errno. */
size_t exec_shed_bytes(char *const env[], int dirfd, const char *path);

/* env without our entry, in such a block. */
char **exec_shed(char *const env[], void *block);

/* The environment to run a program with; on the caller's stack where it is another than env. */
#define EXEC_ENV(env, dirfd, path) \
	({ \
		size_t shed_ = exec_shed_bytes(env, dirfd, path); \
		shed_ ? (char *const *)exec_shed(env, alloca(shed_)) : env; \
	})

#endif
