/* seek.c - lseek: the end of a file that grew must be the grown one, and a pending descriptor's offset must not be
 * moved in the middle of a swap. Where its holes are, only the original can say: an object has none. */
#include "swap.h"

static bool moves_back(int fd)
{
	struct fd_entry e;
	struct stat st;
	int r = 0;

	if (hook_inside() || !fd_get(fd, &e) || e.kind != FD_OBJECT)
		return false;
	struct guard g = hook_enter();
	uint64_t checked = e.c.checked;
	r = session_stat(&e.c, &st);
	if (e.c.checked != checked)
		fd_set_checked(fd, &e.c);
	hook_leave(g);
	return r == -ESTALE;
}

#define SEEKER(name, off_type) \
	EXPORT off_type name(int fd, off_type off, int whence) \
	{ \
		uint32_t claim; \
		if (unlikely(whence == SEEK_DATA || whence == SEEK_HOLE) && (session_dev || fd_is(fd, FD_OURS))) \
			fd_original(fd); /* a stranger's, too */ \
		if (unlikely(fd_is(fd, FD_OURS))) { \
			if (whence == SEEK_END && moves_back(fd)) \
				fd_original(fd); \
			if (fd_is(fd, FD_PENDING) && fd_hold(fd, &claim)) { \
				off_type r = next.name(fd, off, whence); \
				fd_release(fd, claim); \
				return r; \
			} \
		} \
		return next.name(fd, off, whence); \
	}

SEEKER(lseek, off_t)
SEEKER(lseek64, off64_t)
