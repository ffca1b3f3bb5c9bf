/* list.h - doubly linked lists of files as arrays of 32-bit links, for the policies here.
 *
 * A link is the file's number + 1, so that 0 is "none" and an all-zero block is the empty list. Every
 * link is compared with nfiles before it is followed: a damaged block gives a wrong order at worst.
 */
#ifndef OPT4_LIST_H
#define OPT4_LIST_H

#include <stdint.h>

struct link { uint32_t prev, next; };
struct list { uint32_t head, tail; };

static inline void list_append(struct list *l, struct link *at, uint32_t nfiles, uint32_t file)
{
	at[file].prev = l->tail;
	at[file].next = 0;
	if (l->tail && l->tail <= nfiles)
		at[l->tail - 1].next = file + 1;
	else
		l->head = file + 1;
	l->tail = file + 1;
}

static inline void list_unlink(struct list *l, struct link *at, uint32_t nfiles, uint32_t file)
{
	struct link was = at[file];

	if (was.prev && was.prev <= nfiles)
		at[was.prev - 1].next = was.next;
	else
		l->head = was.next;
	if (was.next && was.next <= nfiles)
		at[was.next - 1].prev = was.prev;
	else
		l->tail = was.prev;
	at[file] = (struct link){ 0, 0 };
}

#endif
