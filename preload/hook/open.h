/* open.h - openers by descriptor; also used by stdio. */
#ifndef OPT4_OPEN_H
#define OPT4_OPEN_H

#include "fd.h"
#include "path.h"

#include <stdatomic.h>
#include "../live/live.h"

/* Flags of opens that are never looked at, but for /proc/self/fd names: O_TMPFILE has O_DIRECTORY's bit. */
#define OPEN_NEVER (O_DIRECTORY | O_PATH)

/* Read-only opens that stay the original's: they may create it, ask for what tmpfs does otherwise, or (O_APPEND)
 * for nothing that makes sense. */
#define OPEN_PLAIN_NOT (O_CREAT | O_DIRECT | O_APPEND | O_PATH)

/* Record of what w names, or REC_NONE. Inside the guard. */
static inline uint32_t record_of(const struct where *w)
{
	return session_record(w->root, w->rel, w->len);
}

/* The same for a file that is being opened, to be read: while a sample is fetched it is the dataset's, whatever its name. */
static inline uint32_t opened_record_of(const struct where *w, bool read)
{
	return read && atomic_load_explicit(&live_watching, memory_order_relaxed) ? session_record_named(w->root, w->rel, w->len)
										   : session_record(w->root, w->rel, w->len);
}

/* fd was opened by this path, which lies below no root, to be read: while a sample is fetched, that is where datasets lie. */
void open_elsewhere(int fd, int dirfd, const char *path);
/* (Relaxed, here and above: raised by the very thread that minds.) */
static inline bool open_watched(void) { return unlikely(atomic_load_explicit(&live_watching, memory_order_relaxed)); }

/* Is this how one opens to write (or truncate)? O_CREAT alone makes what was not there. */
static inline bool opens_to_write(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/* fd has just been opened on record `rec` by way of the original, for reading: remembers it as a hint. */
void open_hinted(int fd, uint32_t rec);

/* fd has just been opened for writing on record `rec`: drops the object, remembers the writer. */
void open_writer(int fd, uint32_t rec);

/* The path to an original was opened as fd (>= 0), but only now can one tell whose it is: hint or writer. */
void open_asked(int fd, int flags);

void open_proc_fd(int fd, int flags);

/* `path` is about to be opened with these flags, or changed (O_WRONLY). If it is a /proc/self/fd name of one of our
 * objects, that descriptor goes back to the original first, unless it is only to be read. True if it is such a name at
 * all: then ask open_asked(). */
static inline bool open_proc(const char *path, int flags)
{
	int fd = session_dev ? path_proc_fd(path) : -1;
	if (fd >= 0)
		open_proc_fd(fd, flags);
	return fd >= 0;
}

#endif
