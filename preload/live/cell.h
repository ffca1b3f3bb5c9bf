/* cell.h - a child in which code of the program's may run without anybody noticing.
 *
 * It sees this process's memory as it was, may compute, and read files; what it does to memory that is shared with others
 * happens in its own copy, and a system call that could be noticed outside ends it before the call. It has one way out: the
 * words of a `struct cell_words`, shared with who made it. */
#ifndef OPT4_CELL_H
#define OPT4_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CELL_DRAWING, CELL_OVER, CELL_FULL, CELL_ENDED, CELL_REFUSED };

struct cell_words {               /* 32-bit words, all of them: the Python side writes and reads them by number */
	_Atomic uint32_t state;   /* 0  CELL_..; OVER: the sampler has ended, FULL: there is more */
	_Atomic uint32_t filled;  /* 1  indices drawn */
	_Atomic uint32_t batches; /* 2  batches drawn */
	_Atomic uint32_t call;    /* 3  ENDED: the system call + 1; 0: no call but an exception or an index that is none */
	uint32_t room;            /* 4  indices, and batches, that there is room for */
	uint32_t pad[11];
	uint32_t words[];         /* [room] indices, then [room] batches' lengths */
};

/* Memory for so many indices, shared with children; charged as they are drawn. NULL: none. */
struct cell_words *cell_new(uint32_t room);
void cell_free(struct cell_words *w);

/* The child's pid in this process, 0 in the child, or -errno. The child is a copy as fork() makes one, but nobody's child: no SIGCHLD, no
 * waitpid() of the program's meets it, no fork handler runs; this thread alone; signals at their defaults, descriptors 0-2 on
 * /dev/null and no others, a session of its own; SIGALRM ends it after so many seconds. Some 90 ms a GiB of resident memory. */
int live_fork(unsigned seconds);
/* Buries children where they are this process's own (it is process 1, or a subreaper). No system call otherwise. */
void live_reap(void);

/* In that child: locks it in; the session is taken from it. `ids`: what getpid(), getppid() and gettid() say
 * from now on: what they said to the program. False: the kernel refuses it, and nothing of the program's may run here. */
bool cell_lock(struct cell_words *w, const uint32_t ids[3]);

/* ---- cell_filter.c ---- */

struct range { uint64_t from, to; };
/* The last step: from here on a system call that is not on the list ends the process, and says so in w->call. `shared`: what is still
 * shared, and stays read only. */
bool cell_filter(struct cell_words *w, const struct range *shared, size_t nshared, const uint32_t ids[3]);

#endif
