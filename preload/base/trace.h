/* trace.h - the trace file: format (tools/TRACE.md says it in prose) and reader.
 *
 * A trace is a set of *segments* of *streams*: a stream is one rank's loader (phase 0 train, 1 val, ..),
 * a segment its one epoch. All segments lie on one *axis* of positions: epoch by epoch, within an epoch
 * phase by phase, within a phase batch by batch round robin over the ranks, within a batch in order.
 * Everything is little endian; every section starts at a multiple of 64.
 */
#ifndef OPT4_TRACE_H
#define OPT4_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_MAGIC   "OPT4TRC\n"
#define TRACE_VERSION 1
#define TRACE_NEVER   0xFFFFFFFFu

enum trace_section_id {
	TRACE_ROOTS,       /* struct trace_root[nroots] */
	TRACE_STREAMS,     /* struct trace_stream[nstreams] */
	TRACE_SEGMENTS,    /* struct trace_segment[nsegments], ordered by (epoch, phase, rank) */
	TRACE_BATCH_START, /* u32[nbatches] position of the batch's first access; a segment's are consecutive */
	TRACE_BATCH_COUNT, /* u32[nbatches] accesses in the batch (may be 0 only if the sampler said so) */
	TRACE_ORDER,       /* u32[npos] position -> file */
	TRACE_NEXT,        /* u32[npos] position -> next position of the same file, or TRACE_NEVER */
	TRACE_FIRST,       /* u32[nfiles] file -> its first position, or TRACE_NEVER */
	TRACE_SIZES,       /* u32[nfiles] bytes when the trace was made, 0xFFFFFFFF = 4 GiB or more */
	TRACE_PATH_OFF,    /* u32[nfiles+1] into TRACE_PATHS; path i is [off[i], off[i+1]), no NUL */
	TRACE_PATHS,       /* bytes: each path relative to its root, no leading slash */
	TRACE_SLOTS,       /* u32[nslots], nslots a power of two >= 2*nfiles: file+1 or 0, linear probing */
	TRACE_META,        /* JSON text (UTF-8, surrogateescape): torch, versions, arguments, generators */
	TRACE_NSECTIONS = 16  /* the rest is reserved: offset 0, bytes 0 */
};

struct trace_section { uint64_t offset, bytes; uint32_t crc, pad; };  /* crc: zlib's crc32 of the bytes */

struct trace_header {              /* 512 bytes */
	char magic[8];
	uint32_t version, header_bytes; /* 1, 512 */
	uint64_t file_bytes;            /* the whole file */
	uint64_t id;                    /* random or content derived, never 0: tells traces apart */
	uint32_t nfiles, npos, nroots, nstreams, nsegments, nbatches, nslots, flags;
	struct trace_section section[TRACE_NSECTIONS];
	uint8_t reserved[60];           /* zero */
	uint32_t crc;                   /* zlib's crc32 of bytes 0 .. 507: the directory's checksum */
};

struct trace_root {                /* 32 bytes; path absolute, as given, in TRACE_PATHS beyond the files' */
	uint32_t first_file, nfiles;    /* files of a root are consecutive; roots in order cover all */
	uint32_t path_off, path_len;
	uint32_t reserved[4];
};

struct trace_stream {              /* 32 bytes */
	uint32_t rank, phase;           /* global rank; number of the loader within an epoch */
	uint32_t workers;               /* DataLoader's num_workers */
	uint32_t batch_size;            /* the loader's nominal one, 0 if it has none */
	uint32_t flags;                 /* TRACE_STREAM_* */
	uint32_t reserved[3];
};
#define TRACE_STREAM_PERSISTENT 1u

struct trace_segment {             /* 32 bytes */
	uint32_t stream, epoch;
	uint32_t first_batch, nbatches; /* into the batch sections */
	uint32_t first_pos, end_pos;    /* its batches lie within [first_pos, end_pos); other ranks' in between */
	uint32_t reserved[2];
};

_Static_assert(sizeof(struct trace_header) == 512, "trace header");

/* A validated, mapped trace; process-private. Arrays point into the mapping (read only, shared). */
struct trace {
	const struct trace_header *h;
	const struct trace_root *roots;
	const struct trace_stream *streams;
	const struct trace_segment *segments;
	const uint32_t *batch_start, *batch_count, *order, *next, *first, *sizes, *path_off, *slots;
	const char *paths;
	size_t map_bytes;
};

/* Maps and checks header, lengths and the directory's checksum, not the contents (ms, whatever the
 * size). Returns 0 or a negative errno (-EINVAL: not a trace / damaged / another version) with the
 * reason in err. Never touches t on failure. Pages are mapped, not read. */
int trace_open(struct trace *t, const char *path, char err[256]);
void trace_close(struct trace *t);

/* What a header's crc must be. */
uint32_t trace_header_crc(const struct trace_header *h);

/* The hash of (root number, relative path) that TRACE_SLOTS is indexed by: slot = hash & (nslots-1).
 *   h = 0x9E3779B97F4A7C15 * (len + 1) + root
 *   for each 8-byte little-endian word w of the path, zero padded: h = (h ^ w) * 0xFF51AFD7ED558CCD; h ^= h >> 32
 *   h *= 0xC4CEB9FE1A85EC53; h ^= h >> 29                                    (all modulo 2^64) */
uint64_t trace_hash(uint32_t root, const char *rel, size_t len);

/* File number or FILE_NONE. Exact: compares the path. Checks every index it follows against the
 * lengths, so a damaged trace gives a wrong number at worst, never a wild read. ~100 ns. */
uint32_t trace_find(const struct trace *t, uint32_t root, const char *rel, size_t len);

/* Path of a file within its root (not NUL terminated); NULL if the index or the table is damaged. */
const char *trace_path(const struct trace *t, uint32_t file, size_t *len, uint32_t *root);

/* A root's path as the trace has it (absolute, not NUL terminated); NULL if there is no such root or the
 * table is damaged. */
const char *trace_root_path(const struct trace *t, uint32_t root, size_t *len);

/* At-use checks: position -> file, next position. FILE_NONE / TRACE_NEVER when out of range. */
static inline uint32_t trace_at(const struct trace *t, uint32_t pos)
{
	if (pos >= t->h->npos)
		return 0xFFFFFFFFu;
	uint32_t f = t->order[pos];
	return f < t->h->nfiles ? f : 0xFFFFFFFFu;
}
static inline uint32_t trace_next(const struct trace *t, uint32_t pos)
{
	if (pos >= t->h->npos)
		return TRACE_NEVER;
	uint32_t n = t->next[pos];
	return n < t->h->npos && n > pos ? n : TRACE_NEVER;
}

#endif
