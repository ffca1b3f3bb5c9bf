/* stream.h - streams on files that wait for their reader to go on. */
#ifndef OPT4_STREAM_H
#define OPT4_STREAM_H

/* A stream with this mode is made, or about to be, on fd, which may be pending: what is small, resident or on its way is
 * fetched or counted now (fd_demand()); a large file when its reader goes on. */
void stream_on(int fd, const char *mode);

#endif
