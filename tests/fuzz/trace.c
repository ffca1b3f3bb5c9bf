/* trace.c - libFuzzer: any bytes as a trace file. Nothing is read outside it, nothing takes long; with a right checksum too
 * (the first byte says so), since that only tells accidents. What is accepted is walked whole, and followed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../preload/session/follow.h"
#include "../../preload/session/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static int fd;
	static char path[40];
	struct trace t;
	char err[256];

	if (n < 2 || n > 100000)
		return 0;
	if (!fd) {
		fd = memfd_create("trace", 0);
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	}
	bool mend = data[0] & 1;
	uint8_t picks = data[1];
	data += 2, n -= 2;
	if (ftruncate(fd, (off_t)n) || pwrite(fd, data, n, 0) != (ssize_t)n)
		abort();
	if (mend && n >= sizeof(struct trace_header)) {
		struct trace_header h;
		memcpy(&h, data, sizeof h);
		memcpy(h.magic, TRACE_MAGIC, sizeof h.magic);
		h.version = TRACE_VERSION;
		h.header_bytes = sizeof h;
		h.file_bytes = n;
		h.crc = trace_header_crc(&h);
		if (pwrite(fd, &h, sizeof h, 0) != sizeof h)
			abort();
	}
	if (trace_open(&t, path, err)) {
		if (!memchr(err, 0, sizeof err) || !*err)
			abort();
		return 0;
	}
	for (uint32_t r = 0; r < t.h->nroots + 2 && r < 40; r++) {
		size_t len;
		const char *p = trace_root_path(&t, r, &len);
		volatile char sum = 0;
		for (size_t i = 0; p && i < len; i++)
			sum = (char)(sum + p[i]);
		trace_find(&t, r, "a/b.jpg", 7);
	}
	for (uint32_t f = 0; f < t.h->nfiles + 2 && f < 500; f++) {
		size_t len;
		uint32_t root;
		const char *p = trace_path(&t, f, &len, &root);
		/* What it names it must not deny, but for a table that is damaged: then any answer is in range. */
		uint32_t found = p ? trace_find(&t, root, p, len) : 0xFFFFFFFFu;
		if (found != 0xFFFFFFFFu && found >= t.h->nfiles)
			abort();
	}
	for (uint32_t p = 0; p < t.h->npos && p < 500; p++) {
		uint32_t s, b;
		if (follow_locate(&t, p, &s, &b) && s >= t.h->nsegments)
			abort();
	}
	size_t bytes = follow_bytes(&t);
	if (bytes < 4 << 20) {
		struct follow f = { .t = &t, .sh = calloc(1, bytes) };
		struct run *run = follow_join(&f, 3), *other = follow_join(&f, 4);
		for (uint32_t i = 0; i < 300; i++) {
			uint32_t next, file = i % 3 ? t.h->npos ? t.order[(i + picks) % t.h->npos] : 0 : (i * picks) % (t.h->nfiles + 1);
			follow_access(&f, i % 2 ? run : other, file, &next);
			follow_expected(&f, run);
			if (next < 0xFFFFFFF0u && next >= t.h->npos)
				abort();
		}
		follow_leave(&f, run);
		free(f.sh);
	}
	trace_close(&t);
	return 0;
}
