/* kernel.c - see kernel.h: the fate, and the session's files with their states. kernel_calls.c answers from them. */
#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "kernel_files.h"

#define INDEX_ROOM (2ull << 30)
#define BLOCK_ROOM (4u << 20)

struct node nodes[NODES];
bool kernel_entries;
uint64_t kernel_now = 1000 * (uint64_t)MS;
static const int first[KERNEL_FILES] = { 0, 2, 9 }; /* index, policy.1, plan.0 */
static const uint8_t *fates;
static size_t nfates;

void kernel_fate(const uint8_t *bytes, size_t n)
{
	fates = bytes;
	nfates = n;
	kernel_entries = n & 1;
}

bool kernel_fails(void)
{
	static const int errors[] = { ENOENT, EIO, EINTR, EACCES, ENOSPC, ENOMEM, EMFILE, ESTALE };
	if (!nfates)
		return false;
	uint8_t fate = *fates++;
	nfates--;
	if (fate < 0xE0)
		return false;
	errno = errors[fate & 7];
	return true;
}

/* ---- the session's files ---- */

static void prepare(void)
{
	if (nodes[0].p)
		return;
	for (int i = 0; i < NODES; i++) {
		struct node *n = &nodes[i];
		n->room = n->end = n->open = i ? BLOCK_ROOM : INDEX_ROOM;
		n->p = mmap(NULL, n->room + BLOCK_ROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (n->p == MAP_FAILED || mprotect(n->p, n->room, PROT_READ | PROT_WRITE))
			abort();
	}
}

struct node *node_at(const char *path)
{
	prepare();
	const char *name = strrchr(path, '/');
	name = name ? name + 1 : path;
	if (starts(name, "index"))
		return &nodes[0];
	if (starts(name, "policy."))
		return &nodes[1 + strtoul(name + 7, NULL, 10) % 8];
	if (starts(name, "plan."))
		return &nodes[9 + strtoul(name + 5, NULL, 10) % 8];
	return NULL;
}

struct node *node_of(int fd) { return fd >= 3 && fd < 3 + NODES ? &nodes[fd - 3] : NULL; }

/* What lies behind the file's last page is out of reach. */
static void guard(struct node *n, size_t bytes)
{
	size_t end = (bytes + 4095) / 4096 * 4096, was = n->end;
	n->bytes = bytes;
	n->end = end;
	if (end > was ? mprotect(n->p + was, end - was, PROT_READ | PROT_WRITE) : end < was && mprotect(n->p + end, was - end, PROT_NONE))
		abort();
}

int node_grow(struct node *n, size_t bytes)
{
	if (!n || bytes > n->room)
		return ENOSPC;
	if (bytes <= n->bytes)
		return 0;
	guard(n, bytes);
	if (n != nodes) {          /* small: guarded to the byte, and all zero */
		ASAN_UNPOISON_MEMORY_REGION(n->p, bytes);
		memset(n->p, 0, bytes);
		if (n->open > bytes)
			ASAN_POISON_MEMORY_REGION(n->p + bytes, n->open - bytes);
		n->open = bytes;
	}
	return 0;
}

void node_remove(struct node *n)
{
	if (!n || n == nodes) {    /* the index's memory is taken back as a whole */
		if (n)
			n->there = false;
		return;
	}
	n->there = false;
	n->bytes = 0;
}

void *kernel_memory(enum kernel_file which, size_t *bytes)
{
	*bytes = nodes[first[which]].there ? nodes[first[which]].bytes : 0;
	return nodes[first[which]].p;
}

struct kernel_state {
	uint64_t now;
	size_t nranges;
	struct kernel_range range[KERNEL_RANGES];
	char *part[KERNEL_RANGES];
	struct { bool there; size_t bytes; char *copy; } node[NODES];
};

static void *copy(const char *from, size_t n) { return memcpy(malloc(n + 1), from, n); }

struct kernel_state *kernel_save(const struct kernel_range *ranges, size_t n)
{
	struct kernel_state *s = calloc(1, sizeof *s);
	s->now = kernel_now;
	s->nranges = n;
	for (size_t i = 0; i < n; i++) {
		s->range[i] = ranges[i];
		s->part[i] = copy(nodes[first[ranges[i].file]].p + ranges[i].at, ranges[i].len);
	}
	for (int i = 0; i < NODES; i++) {
		s->node[i].there = nodes[i].there;
		s->node[i].bytes = nodes[i].bytes;
		s->node[i].copy = i ? copy(nodes[i].p, nodes[i].bytes) : NULL;
	}
	return s;
}

void kernel_restore(const struct kernel_state *s, bool all)
{
	static const struct kernel_state *before;
	kernel_now = s->now;
	guard(&nodes[0], s->node[0].bytes);
	nodes[0].there = s->node[0].there;
	/* all but the pages that the first range is written over anyway: each would have to be faulted in again */
	size_t header = s->range[0].len / 4096 * 4096;
	if (all && madvise(nodes[0].p + header, nodes[0].bytes - header, MADV_DONTNEED))
		abort();
	for (int i = 1; i < NODES; i++) {
		struct node *n = &nodes[i];
		bool anew = all || s != before || n->bytes != s->node[i].bytes;
		n->there = s->node[i].there;
		if (n->bytes != s->node[i].bytes) {
			n->bytes = 0;
			node_grow(n, s->node[i].bytes);
		}
		if (anew)
			memcpy(n->p, s->node[i].copy, n->bytes);
	}
	for (size_t i = 0; i < s->nranges; i++)
		if (all || s->range[i].often || (s != before && s->range[i].file == KERNEL_INDEX))
			memcpy(nodes[first[s->range[i].file]].p + s->range[i].at, s->part[i], s->range[i].len);
	before = s;
}

void kernel_forget(void)
{
	prepare();
	for (int i = 1; i < NODES; i++)
		node_remove(&nodes[i]);
	guard(&nodes[0], nodes[0].room);
	nodes[0].there = false;
	nodes[0].bytes = 0;
	if (madvise(nodes[0].p, nodes[0].room, MADV_DONTNEED))
		abort();
}
