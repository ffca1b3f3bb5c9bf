/* order.c - see threads.h: epochs that are torch's own permutations, so that opt4d --order can replay them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../preload/base/trace.h"
#include "../../tools/opt4d/replay.h"
#include "threads.h"

/* A generator's state before its first draw, other words for each epoch. */
void epoch_replay(uint32_t epoch, struct replay *r)
{
	int32_t one = 1;
	uint64_t z = epoch;
	*r = (struct replay){ .n = FILES, .how = REPLAY_PERMUTED, .world = 1, .take = FILES };
	memcpy(r->state + 8, &one, 4);
	memcpy(r->state + 12, &one, 4);
	for (int i = 0; i < 624; i++) {
		z = z * 6364136223846793005u + 1442695040888963407u;
		uint64_t word = z >> 32;
		memcpy(r->state + 24 + 8 * i, &word, 8);
	}
}

void epoch_order(uint32_t epoch, uint32_t order[FILES])
{
	struct replay r;
	epoch_replay(epoch, &r);
	if (replay_order(&r, order) < 0)
		abort();
}

static void put(FILE *f, struct trace_header *h, enum trace_section_id id, const void *what, size_t bytes)
{
	while (ftell(f) % 64)
		fputc(0, f);
	h->section[id] = (struct trace_section){ .offset = (uint64_t)ftell(f), .bytes = bytes };
	fwrite(what, 1, bytes, f);
}

static void put_names(FILE *f, struct trace_header *h, const char *root)
{
	uint32_t off[FILES + 1], sizes[FILES], slots[4 * 128] = { 0 }, at = 0;
	char paths[FILES * 16 + 256];
	for (uint32_t i = 0; i < FILES; i++) {
		off[i] = at;
		at += (uint32_t)sprintf(paths + at, "f%u.jpg", i);
		sizes[i] = BYTES;
		uint32_t slot = (uint32_t)trace_hash(0, paths + off[i], at - off[i]) % 512;
		while (slots[slot])
			slot = (slot + 1) % 512;
		slots[slot] = i + 1;
	}
	off[FILES] = at;
	struct trace_root r = { .nfiles = FILES, .path_off = at, .path_len = (uint32_t)strlen(root) };
	strcpy(paths + at, root);
	h->nslots = 512;
	put(f, h, TRACE_SIZES, sizes, sizeof sizes);
	put(f, h, TRACE_PATH_OFF, off, sizeof off);
	put(f, h, TRACE_PATHS, paths, at + r.path_len);
	put(f, h, TRACE_SLOTS, slots, sizeof slots);
	put(f, h, TRACE_ROOTS, &r, sizeof r);
	put(f, h, TRACE_META, "{}", 2);
}

bool order_write(const char *path, const char *root)
{
	enum { NPOS = EPOCHS * FILES, NBATCHES = EPOCHS * BATCHES };
	struct trace_header h = { .magic = TRACE_MAGIC, .version = TRACE_VERSION, .header_bytes = sizeof h, .id = 1, .nfiles = FILES,
		.npos = NPOS, .nroots = 1, .nstreams = 1, .nsegments = EPOCHS, .nbatches = NBATCHES };
	struct trace_stream stream = { .workers = WORKERS, .batch_size = BATCH };
	struct trace_segment *segments = calloc(EPOCHS, sizeof *segments);
	uint32_t *order = calloc(NPOS, 4), *next = calloc(NPOS, 4), *start = calloc(NBATCHES, 4), *count = calloc(NBATCHES, 4), first[FILES];
	FILE *f = fopen(path, "w");
	if (!f || !segments || !order || !next || !start || !count)
		return false;
	for (uint32_t e = 0; e < EPOCHS; e++) {
		segments[e] = (struct trace_segment){ .epoch = e, .first_batch = e * BATCHES, .nbatches = BATCHES,
			.first_pos = e * FILES, .end_pos = (e + 1) * FILES };
		epoch_order(e, order + e * FILES);
	}
	for (uint32_t b = 0; b < NBATCHES; b++) {
		start[b] = b * BATCH;
		count[b] = BATCH;
	}
	memset(first, 0xFF, sizeof first);
	for (uint32_t p = NPOS; p-- > 0;) {
		next[p] = first[order[p]];
		first[order[p]] = p;
	}
	fwrite(&h, sizeof h, 1, f);
	put(f, &h, TRACE_STREAMS, &stream, sizeof stream);
	put(f, &h, TRACE_SEGMENTS, segments, EPOCHS * sizeof *segments);
	put(f, &h, TRACE_BATCH_START, start, NBATCHES * 4);
	put(f, &h, TRACE_BATCH_COUNT, count, NBATCHES * 4);
	put(f, &h, TRACE_ORDER, order, NPOS * 4);
	put(f, &h, TRACE_NEXT, next, NPOS * 4);
	put(f, &h, TRACE_FIRST, first, sizeof first);
	put_names(f, &h, root);
	h.file_bytes = (uint64_t)ftell(f);
	h.crc = trace_header_crc(&h);
	rewind(f);
	fwrite(&h, sizeof h, 1, f);
	free(segments), free(order), free(next), free(start), free(count);
	return fclose(f) == 0;
}
