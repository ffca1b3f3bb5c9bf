/* list.h - doubly linked lists of files as arrays of 32-bit links, for the policies here.
 *
 * A link is the file's number + 1, so that 0 is "none" and an all-zero block is the empty list. Every
 * link is compared with the number of files before it is followed: a damaged block gives a wrong order at
 * worst.
 */
#ifndef OPT4_LIST_H
#define OPT4_LIST_H

#include <stddef.h>
#include <stdint.h>

struct link { uint32_t prev, next; };
struct list { uint32_t head, tail; };

/* Where the files' links are: the first of n, `step` bytes apart (a policy may keep more of a file beside). */
struct links { void *first; size_t step; uint32_t n; };

static inline struct link *list_link(struct links at, uint32_t file)
{
	return (struct link *)((char *)at.first + file * at.step);
}

static inline void list_append(struct list *l, struct links at, uint32_t file)
{
	*list_link(at, file) = (struct link){ l->tail, 0 };
	if (l->tail && l->tail <= at.n)
		list_link(at, l->tail - 1)->next = file + 1;
	else
		l->head = file + 1;
	l->tail = file + 1;
}

static inline void list_unlink(struct list *l, struct links at, uint32_t file)
{
	struct link was = *list_link(at, file);

	if (was.prev && was.prev <= at.n)
		list_link(at, was.prev - 1)->next = was.next;
	else
		l->head = was.next;
	if (was.next && was.next <= at.n)
		list_link(at, was.next - 1)->prev = was.prev;
	else
		l->tail = was.prev;
	*list_link(at, file) = (struct link){ 0, 0 };
}

/* For a policy's soon(): the link of `file`, and the neighbours that `sooner` will be unlinked from. */
static inline void list_soon(struct links at, uint32_t file, uint32_t sooner)
{
	__asm__ volatile("");             /* to gcc a function that only prefetches does nothing, and its call goes */
	if (file < at.n)
		__builtin_prefetch(list_link(at, file), 1);
	if (sooner < at.n) {
		struct link n = *list_link(at, sooner);

		if (n.prev && n.prev <= at.n)
			__builtin_prefetch(list_link(at, n.prev - 1), 1);
		if (n.next && n.next <= at.n)
			__builtin_prefetch(list_link(at, n.next - 1), 1);
	}
}

#endif
