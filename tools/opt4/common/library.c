/* library.c - see library.h. */
#include "library.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

bool find_library(char *path, size_t room)
{
	char exe[PATH_MAX];
	static const char *const places[] = { "%s/libopt4.so", "%s/../lib/opt4/libopt4.so", "%s/../lib/libopt4.so" };
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *as = (const char *)getauxval(AT_EXECFN);   /* where there is no /proc */
	if (n <= 0 && !(as && realpath(as, exe)))
		return false;
	if (n > 0)
		exe[n] = 0;
	*strrchr(exe, '/') = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, room, places[i], exe);
		if (access(path, R_OK) == 0)
			return true;
	}
	return false;
}
