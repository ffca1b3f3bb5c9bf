/* asan_first.c - for runs under the address sanitizer, in every program before its runtime. */
#include <stdlib.h>

/* coreutils' cat and dd ask aligned_alloc for sizes that are no multiple of the alignment. glibc allows it; the sanitizer
 * stops the program. posix_memalign does the same for any size. */
void *aligned_alloc(size_t alignment, size_t size)
{
	void *p;
	return posix_memalign(&p, alignment, size) ? NULL : p;
}

/* Not by ASAN_OPTIONS: a setuid program's runtime may not read its environment (/proc/self/environ). */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:halt_on_error=0:verify_asan_link_order=0"; }
