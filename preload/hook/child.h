/* child.h - a process that was started while a sample is fetched: live.h, children.c. */
#ifndef OPT4_CHILD_H
#define OPT4_CHILD_H

#include <stddef.h>

/* In the constructor, where no folder was told. */
void child_begin(void);
/* Takes over the folders that the job has found meanwhile; a look at one word where there are none. Inside the guard. */
void child_look(void);

/* guest.c: a Python that has no torch in it, of a job that has. As opt4_apart(); who is asked is our finder. Does nothing elsewhere. */
void guest_alone(const char *system, size_t bytes);

#endif
