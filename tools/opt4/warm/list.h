/* list.h - the parts of `opt4 warm` among themselves. */
#ifndef OPT4_WARM_LIST_H
#define OPT4_WARM_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wanted { uint32_t rec; uint64_t size, place; };  /* place: by which they are sorted */
struct wanted_list { struct wanted *at; size_t n; uint64_t bytes; bool arm; };   /* arm: in the order of a disk that rotates */

struct filling {                  /* what has been done so far; the threads write, others may look */
	_Atomic uint64_t done, bytes; /* files looked at, and their bytes */
	_Atomic uint64_t here;        /* of these: are in a tier now */
	_Atomic uint64_t read, read_bytes; /* and were read just now */
	_Atomic uint64_t no_room, failed;
	char first[256];              /* of the failed: which, and why */
	_Atomic bool stop;            /* the threads are to end after the file that each has */
};
void fill_failed(struct filling *f, const char *path, int err);

/* What the files below the roots take, whether they are the dataset's or not: before there is a session whose budget is a part of it. */
uint64_t list_guess(void);
/* With a trace its files, in the order in which the job first needs them; else the dataset files below the roots, in the order
 * that is cheapest for the store: of the disk where that rotates, of the inodes on other local ones, of the folders elsewhere.
 * The session is attached. Folders that can't be read count as failed. False: no memory. */
bool list_make(struct wanted_list *l, struct filling *f);

/* Brings all of the list into the tiers, by so many threads; calls look() every 200 ms meanwhile. 0, or -errno: no threads. */
int fill_all(const struct wanted_list *l, struct filling *f, unsigned threads, void (*look)(const struct filling *));

#endif
