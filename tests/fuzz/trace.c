/* trace.c - libFuzzer: any bytes as a trace file. Nothing is read outside it, nothing takes long; with a right checksum too
 * (the first byte says so), since that only tells accidents. What is accepted is walked whole, and followed.
 *
 * trace.c is built with its system calls going to fuzz_syscall() below, which gives it the input itself as the file and the
 * mapping: no system call an execution, and the byte behind the last one is poisoned. */
#include <errno.h>
#include <fcntl.h>
#include <sanitizer/asan_interface.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "../../preload/order/follow.h"
#include "../../preload/base/trace.h"

#define FILE_MOST  100000
#define BLOCK_MOST (4u << 20)

static _Alignas(64) uint8_t file[FILE_MOST + 64], block[BLOCK_MOST];
static size_t file_bytes;

long fuzz_syscall(long number, ...);
long fuzz_syscall(long number, ...)
{
	va_list ap;
	va_start(ap, number);
	long first = va_arg(ap, long), second = number == SYS_fstat ? (long)va_arg(ap, struct stat *) : 0;
	va_end(ap);
	switch (number) {
	case SYS_openat:
		return 3;
	case SYS_fstat:
		*(struct stat *)second = (struct stat){ .st_mode = S_IFREG | 0600, .st_size = (off_t)file_bytes };
		return 0;
	case SYS_mmap:
		return (long)file;
	case SYS_munmap:
		if (first != (long)file)
			abort();
		return 0;
	case SYS_close:
		return 0;
	}
	abort();
}

static void mend_header(size_t n)
{
	struct trace_header *h = (void *)file;
	memcpy(h->magic, TRACE_MAGIC, sizeof h->magic);
	h->version = TRACE_VERSION;
	h->header_bytes = sizeof *h;
	h->file_bytes = n;
	h->crc = trace_header_crc(h);
}

static void walk(const struct trace *t)
{
	for (uint32_t r = 0; r < t->h->nroots + 2 && r < 40; r++) {
		size_t len;
		const char *p = trace_root_path(t, r, &len);
		volatile char sum = 0;
		for (size_t i = 0; p && i < len; i++)
			sum = (char)(sum + p[i]);
		trace_find(t, r, "a/b.jpg", 7);
	}
	for (uint32_t f = 0; f < t->h->nfiles + 2 && f < 500; f++) {
		size_t len;
		uint32_t root;
		const char *p = trace_path(t, f, &len, &root);
		/* What it names it must not deny, but for a table that is damaged: then any answer is in range. */
		uint32_t found = p ? trace_find(t, root, p, len) : 0xFFFFFFFFu;
		if (found != 0xFFFFFFFFu && found >= t->h->nfiles)
			abort();
	}
	for (uint32_t p = 0; p < t->h->npos && p < 500; p++) {
		uint32_t s, b;
		if (follow_locate(t, p, &s, &b) && s >= t->h->nsegments)
			abort();
	}
}

static void follow(const struct trace *t, uint8_t picks)
{
	size_t bytes = follow_bytes(t);
	if (bytes > sizeof block)
		return;
	memset(block, 0, bytes);
	ASAN_POISON_MEMORY_REGION(block + bytes, sizeof block - bytes);
	struct follow f = { .t = t, .sh = (void *)block };
	struct run *run = follow_join(&f, 3), *other = follow_join(&f, 4);
	for (uint32_t i = 0, n = 20 + picks; i < n; i++) {
		uint32_t next, file = i % 3 ? t->h->npos ? t->order[(i + picks) % t->h->npos] : 0 : (i * picks) % (t->h->nfiles + 1);
		follow_access(&f, i % 2 ? run : other, file, &next);
		follow_expected(&f, run);
		if (next < 0xFFFFFFF0u && next >= t->h->npos)
			abort();
	}
	follow_leave(&f, run);
	ASAN_UNPOISON_MEMORY_REGION(block + bytes, sizeof block - bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct trace t;
	char err[256];

	if (n < 2 || n - 2 > FILE_MOST)
		return 0;
	bool mend = data[0] & 1;
	uint8_t picks = data[1];
	file_bytes = n -= 2;
	memcpy(file, data + 2, n);
	if (mend && n >= sizeof(struct trace_header))
		mend_header(n);
	ASAN_POISON_MEMORY_REGION(file + n, sizeof file - n);
	if (trace_open(&t, "input", err) == 0) {
		walk(&t);
		follow(&t, picks);
		trace_close(&t);
	} else if (!memchr(err, 0, sizeof err) || !*err) {
		abort();
	}
	ASAN_UNPOISON_MEMORY_REGION(file + n, sizeof file - n);
	return 0;
}
