/* grow.h - descriptors by which files on the tmpfs of sessions may become larger. */
#ifndef OPT4_HOOK_GROW_H
#define OPT4_HOOK_GROW_H

#include "fd.h"

#include <string.h>

/* `path` has been opened for writing as fd: remembers it if it lies in /dev/shm or beside the session. By name, so that
 * other opens pay for one comparison; what comes there by a relative name or a link has the floor that is always left. */
void grow_opened_shm(int fd);
void grow_closing(int fd);        /* it is FD_GROWS, and about to be closed */
extern bool grow_any;             /* there has been one, in this process */
static inline void grow_opened(int fd, const char *path)
{
	if (unlikely(!strncmp(path, "/dev/shm/", 9)))
		grow_opened_shm(fd);
}
/* The same for a stream. */
static inline FILE *grow_stream(FILE *f, const char *path, const char *mode)
{
	if (f && *mode != 'r')
		grow_opened(fileno(f), path);
	return f;
}

#endif
