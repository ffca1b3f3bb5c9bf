/* next.c - resolves the next definitions. */
#include "hook.h"

#include <dlfcn.h>

static _Atomic int resolved;

void next_resolve(void)
{
	/* Everything is looked up before anything is replaced: what an allocator below dlsym() opens in the
	 * meantime goes on by raw system calls, all of it. Two threads here find the same. */
	struct next found;
	bool any = false;

	if (resolved)
		return;
#define X(name) \
	do { \
		void *p = dlsym(RTLD_NEXT, #name); \
		if (p) { \
			*(void **)&found.name = p; \
			any = true; \
		} else { \
			found.name = next_stubs.name; \
		} \
	} while (0);
	NEXT_RAW(X)
	NEXT_LAZY(X)
#undef X
	if (!any)
		return;
	/* relaxed: each is right by itself, the one before and this one */
#define X(name) __atomic_store_n((void **)&next.name, (void *)found.name, __ATOMIC_RELAXED);
	NEXT_RAW(X)
	NEXT_LAZY(X)
#undef X
	resolved = 1;
}

bool next_resolved(void)
{
	return resolved;
}
