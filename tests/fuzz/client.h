/* client.h - a client of the session, as index.c and session.c act it: what it does with one file, and how it goes. For
 * index.c it is built as the session is: its system calls are kernel.c's. */
#ifndef FUZZ_CLIENT_H
#define FUZZ_CLIENT_H

#include "../../preload/session/keeper.h"

/* Looks up root's f<i>.jpg, opens it, fetches it if it must, asks what it is and where from. Its record (REC_NONE: none of
 * the session's), and in *fd a descriptor on the object, or -1. */
uint32_t client_use(const char *root, uint32_t i, int *fd);
/* As a process that exits; the next use is another's. */
void client_leave(void);

#endif
