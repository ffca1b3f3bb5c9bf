/* copy.h - the bytes of an original into a new object; part of keeper.h. */
#ifndef OPT4_COPY_H
#define OPT4_COPY_H

#include "../store/store.h"

/* A transfer buffer of the caller's own: page aligned, a multiple of the page. */
struct transfer {
	char *p;
	size_t bytes;
	/* -1: O_DIRECT where the file system takes it and the file is not in the page cache already; 0: never;
	 * 1: wherever it is taken. Changes the flags of the description that fd belongs to, so only for one that
	 * the caller opened itself. */
	int direct;
};

/* Copies fd, an original that is `o` now, into a new object of exactly its size, mode and mtime; the object's
 * descriptor (for object_link, object_close) or -errno, -ESTALE when it is not `o` any more. The original's pages
 * do not stay in the page cache if they were not there before. No lock held; several threads at a time.
 * own: NULL = one of the few buffers of this process (-ENOMEM: all in use), buffered reads. */
int fill_copy(int fd, const struct origin *o, const struct transfer *own);
/* What an object has of its original beside its bytes: mode and mtime. 0 or -errno. */
int fill_dress(int obj, const struct origin *o);

/* n bytes to where `at` is in an object that is being made. 0 or -errno. */
int fill_put(int to, const char *buf, size_t n, uint64_t at);

#endif
