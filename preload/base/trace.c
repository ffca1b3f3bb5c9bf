/* trace.c - maps and reads a trace file; see trace.h. */
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "traces are little endian and used in place");

#define FILE_NONE 0xFFFFFFFFu
#define COUNT_MAX 0xFFFFFFF0u
/* The writer never displaces an entry further (at half load it stays far below), so that a damaged
 * table costs a bounded walk. */
#define PROBES_MAX 4096u

static const char *const section_names[] = {
	"roots", "streams", "segments", "batch starts", "batch counts", "order", "next", "first",
	"sizes", "path offsets", "paths", "slots", "meta",
};

static int refuse(char err[256], const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(char err[256], const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(err, 256, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* zlib's crc32, bit by bit: it only ever sees the header's 508 bytes. */
static uint32_t crc32_small(const void *data, size_t n)
{
	const uint8_t *p = data;
	uint32_t c = ~0u;
	while (n--) {
		c ^= *p++;
		for (int i = 0; i < 8; i++)
			c = c >> 1 ^ (c & 1 ? 0xEDB88320u : 0);
	}
	return ~c;
}

uint32_t trace_header_crc(const struct trace_header *h) { return crc32_small(h, offsetof(struct trace_header, crc)); }

static int check_section(const struct trace_header *h, int id, uint64_t want, char err[256])
{
	const struct trace_section *s = &h->section[id];
	if (s->offset % 64 || s->offset < sizeof *h || s->offset > h->file_bytes ||
	    s->bytes > h->file_bytes - s->offset)
		return refuse(err, "section '%s' lies outside the file", section_names[id]);
	if (want != UINT64_MAX && s->bytes != want)
		return refuse(err, "section '%s' has %llu bytes, not %llu", section_names[id],
			      (unsigned long long)s->bytes, (unsigned long long)want);
	return 0;
}

static int check_header(const struct trace_header *h, uint64_t file_bytes, char err[256])
{
	if (memcmp(h->magic, TRACE_MAGIC, sizeof h->magic))
		return refuse(err, "not an opt4 trace");
	if (h->version != TRACE_VERSION || h->header_bytes != sizeof *h)
		return refuse(err, "format version %u, this opt4 reads version %u", h->version, TRACE_VERSION);
	if (h->crc != trace_header_crc(h))
		return refuse(err, "damaged: the header's checksum is wrong");
	if (h->file_bytes != file_bytes)
		return refuse(err, "truncated or grown: %llu bytes, its header says %llu",
			      (unsigned long long)file_bytes, (unsigned long long)h->file_bytes);
	if (h->npos >= COUNT_MAX || h->nfiles >= COUNT_MAX || h->id == 0)
		return refuse(err, "damaged: counts out of range");
	if (h->nslots == 0 || h->nslots & (h->nslots - 1) || h->nslots < 2ull * h->nfiles)
		return refuse(err, "damaged: look-up table of %u slots for %u files", h->nslots, h->nfiles);

	const uint64_t want[] = {
		[TRACE_ROOTS] = h->nroots * (uint64_t)sizeof(struct trace_root),
		[TRACE_STREAMS] = h->nstreams * (uint64_t)sizeof(struct trace_stream),
		[TRACE_SEGMENTS] = h->nsegments * (uint64_t)sizeof(struct trace_segment),
		[TRACE_BATCH_START] = h->nbatches * 4ull,
		[TRACE_BATCH_COUNT] = h->nbatches * 4ull,
		[TRACE_ORDER] = h->npos * 4ull,
		[TRACE_NEXT] = h->npos * 4ull,
		[TRACE_FIRST] = h->nfiles * 4ull,
		[TRACE_SIZES] = h->nfiles * 4ull,
		[TRACE_PATH_OFF] = (h->nfiles + 1ull) * 4,
		[TRACE_PATHS] = UINT64_MAX,
		[TRACE_SLOTS] = h->nslots * 4ull,
		[TRACE_META] = UINT64_MAX,
	};
	for (int i = 0; i <= TRACE_META; i++) {
		int r = check_section(h, i, want[i], err);
		if (r)
			return r;
	}
	return 0;
}

/* Raw system calls throughout: inside libopt4.so the names open, fstat and mmap are our own hooks. */
int trace_open(struct trace *t, const char *path, char err[256])
{
	struct stat st;
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		int e = errno;
		refuse(err, "%s", strerror(e));
		return -e;
	}
	int r = 0;
	char *m = MAP_FAILED;
	size_t bytes = 0;
	if (syscall(SYS_fstat, fd, &st)) {
		r = -errno;
		refuse(err, "fstat: %s", strerror(-r));
	} else if (!S_ISREG(st.st_mode)) {
		r = refuse(err, "not a regular file");
	} else if (st.st_size < (off_t)sizeof(struct trace_header)) {
		r = refuse(err, "not an opt4 trace: %lld bytes only", (long long)st.st_size);
	} else {
		bytes = (size_t)st.st_size;
		m = (char *)syscall(SYS_mmap, NULL, bytes, PROT_READ, MAP_SHARED, fd, 0L);   /* of an int the upper half is anything */
		if (m == MAP_FAILED) {
			r = -errno;
			refuse(err, "mmap: %s", strerror(-r));
		}
	}
	syscall(SYS_close, fd);
	if (r)
		return r;

	const struct trace_header *h = (const void *)m;
	r = check_header(h, bytes, err);
	if (r) {
		syscall(SYS_munmap, m, bytes);
		return r;
	}
#define AT(id) ((const void *)(m + h->section[id].offset))
	*t = (struct trace){
		.h = h,
		.roots = AT(TRACE_ROOTS),
		.streams = AT(TRACE_STREAMS),
		.segments = AT(TRACE_SEGMENTS),
		.batch_start = AT(TRACE_BATCH_START),
		.batch_count = AT(TRACE_BATCH_COUNT),
		.order = AT(TRACE_ORDER),
		.next = AT(TRACE_NEXT),
		.first = AT(TRACE_FIRST),
		.sizes = AT(TRACE_SIZES),
		.path_off = AT(TRACE_PATH_OFF),
		.slots = AT(TRACE_SLOTS),
		.paths = AT(TRACE_PATHS),
		.map_bytes = bytes,
	};
#undef AT
	return 0;
}

void trace_close(struct trace *t)
{
	if (t->h)
		syscall(SYS_munmap, t->h, t->map_bytes);
	memset(t, 0, sizeof *t);
}

static inline uint64_t word(const char *p)
{
	uint64_t w;
	memcpy(&w, p, 8);
	return w;
}

static inline uint64_t mix(uint64_t h, uint64_t w)
{
	h = (h ^ w) * 0xFF51AFD7ED558CCDu;
	return h ^ h >> 32;
}

/* Every name that is looked up pays it. (Words as the trace has them: little end first.) */
uint64_t trace_hash(uint32_t root, const char *rel, size_t len)
{
	uint64_t h = 0x9E3779B97F4A7C15u * ((uint64_t)len + 1) + root;
	size_t left = len;
	for (; left >= 8; rel += 8, left -= 8)
		h = mix(h, word(rel));
	if (left && len >= 8) {    /* the last eight, less those that were there */
		h = mix(h, word(rel + left - 8) >> 8 * (8 - left));
	} else if (left) {
		uint64_t w = 0;
		for (size_t i = 0; i < left; i++)
			w |= (uint64_t)(uint8_t)rel[i] << 8 * i;
		h = mix(h, w);
	}
	h *= 0xC4CEB9FE1A85EC53u;
	return h ^ h >> 29;
}

/* Bytes of a file's path; NULL where the table is damaged. */
static const char *path_bytes(const struct trace *t, uint32_t file, size_t *len)
{
	uint32_t a = t->path_off[file], b = t->path_off[file + 1];
	if (a > b || b > t->h->section[TRACE_PATHS].bytes)
		return NULL;
	*len = b - a;
	return t->paths + a;
}

/* Number of the root that a file belongs to; FILE_NONE where the table is damaged. */
static uint32_t root_of(const struct trace *t, uint32_t file)
{
	uint32_t lo = 0, hi = t->h->nroots;
	while (lo < hi) {   /* the first root that begins after `file` */
		uint32_t mid = lo + (hi - lo) / 2;
		if (t->roots[mid].first_file <= file)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* An empty root begins where the one after it does: the last of those is the owner. */
	if (lo == 0 || file - t->roots[lo - 1].first_file >= t->roots[lo - 1].nfiles)
		return FILE_NONE;
	return lo - 1;
}

uint32_t trace_find(const struct trace *t, uint32_t root, const char *rel, size_t len)
{
	if (root >= t->h->nroots)
		return FILE_NONE;
	const struct trace_root *r = &t->roots[root];
	uint32_t mask = t->h->nslots - 1;
	uint32_t slot = (uint32_t)trace_hash(root, rel, len) & mask;
	for (uint32_t i = 0; i < PROBES_MAX && i <= mask; i++, slot = (slot + 1) & mask) {
		uint32_t v = t->slots[slot], file = v - 1;
		if (v == 0)
			return FILE_NONE;
		if (file >= t->h->nfiles || file - r->first_file >= r->nfiles)
			continue;
		size_t n;
		const char *p = path_bytes(t, file, &n);
		if (p && n == len && !memcmp(p, rel, len))
			return file;
	}
	return FILE_NONE;
}

const char *trace_path(const struct trace *t, uint32_t file, size_t *len, uint32_t *root)
{
	if (file >= t->h->nfiles)
		return NULL;
	uint32_t r = root_of(t, file);
	if (r == FILE_NONE)
		return NULL;
	const char *p = path_bytes(t, file, len);
	if (p && root)
		*root = r;
	return p;
}

const char *trace_root_path(const struct trace *t, uint32_t root, size_t *len)
{
	if (root >= t->h->nroots)
		return NULL;
	const struct trace_root *r = &t->roots[root];
	uint64_t bytes = t->h->section[TRACE_PATHS].bytes;
	if (r->path_off > bytes || r->path_len > bytes - r->path_off)
		return NULL;
	*len = r->path_len;
	return t->paths + r->path_off;
}
