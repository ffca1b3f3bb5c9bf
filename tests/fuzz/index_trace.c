/* index_trace.c - for index.c: a trace over kernel.c's files, with the names that the look-up wants. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../follow/model.h"
#include "kernel.h"

void fuzz_trace(struct trace *t);
void fuzz_trace(struct trace *t)
{
	struct rng r = { 1 };
	struct plan p = { .files = FUZZ_FILES, .epochs = 3, .batch = 2, .workers = 2, .world = 1, .ranks = 1, .kind = SHUFFLE };
	plan_make(t, &p, &r);
	struct trace_header *h = (void *)t->h;
	uint32_t *off = calloc(FUZZ_FILES + 1, 4), *slots = calloc(32, 4), *sizes = calloc(FUZZ_FILES, 4), at = 0;
	char *paths = calloc(1, 200);
	for (uint32_t i = 0; i < FUZZ_FILES; i++) {
		off[i] = at;
		at += (uint32_t)sprintf(paths + at, "f%u.jpg", i);
		sizes[i] = 5000 + i * 700;
		uint32_t slot = (uint32_t)trace_hash(0, paths + off[i], at - off[i]) & 31;
		while (slots[slot])
			slot = (slot + 1) & 31;
		slots[slot] = i + 1;
	}
	off[FUZZ_FILES] = at;
	struct trace_root *root = calloc(1, sizeof *root);
	*root = (struct trace_root){ .nfiles = FUZZ_FILES, .path_off = at, .path_len = sizeof FUZZ_ROOT - 1 };
	strcpy(paths + at, FUZZ_ROOT);
	h->id = 77;
	h->nslots = 32;
	h->section[TRACE_PATHS].bytes = at + sizeof FUZZ_ROOT - 1;
	t->path_off = off, t->slots = slots, t->sizes = sizes, t->paths = paths, t->roots = root;
}
