/* temp.c - the mkstemp family: new files, open for writing, under names that may be a dataset file's (`XXXXXX.jpg`). */
#include "open.h"

#include <string.h>

static __attribute__((noinline)) void made(int fd, const char *path)
{
	struct where w;
	enum path_kind kind = path_where(AT_FDCWD, path, &w);

	if (kind == PATH_ASK) {
		open_asked(fd, O_RDWR);
	} else if (kind == PATH_ROOT) {
		struct guard g = hook_enter();
		uint32_t rec = record_of(&w);
		hook_leave(g);
		if (rec != REC_NONE)
			open_writer(fd, rec);
	}
}

#define MAKER(name, params, call) \
	EXPORT int name params \
	{ \
		int fd = call; \
		if (fd >= 0 && unlikely(hook_on && path_may(path)) && !hook_inside()) \
			made(fd, path); \
		return fd; \
	}

MAKER(mkstemp, (char *path), next.mkstemp(path))
MAKER(mkstemp64, (char *path), next.mkstemp64(path))
MAKER(mkostemp, (char *path, int flags), next.mkostemp(path, flags))
MAKER(mkostemp64, (char *path, int flags), next.mkostemp64(path, flags))
MAKER(mkstemps, (char *path, int len), next.mkstemps(path, len))
MAKER(mkstemps64, (char *path, int len), next.mkstemps64(path, len))
MAKER(mkostemps, (char *path, int len, int flags), next.mkostemps(path, len, flags))
MAKER(mkostemps64, (char *path, int len, int flags), next.mkostemps64(path, len, flags))
