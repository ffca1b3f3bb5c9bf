/* align.c - for runs under the address sanitizer: coreutils' cat and dd ask aligned_alloc for sizes that are no multiple of
 * the alignment. glibc allows it; the sanitizer stops the program. posix_memalign does the same for any size. */
#include <stdlib.h>

void *aligned_alloc(size_t alignment, size_t size)
{
	void *p;
	return posix_memalign(&p, alignment, size) ? NULL : p;
}
