/* asan_first.c - for runs under the address sanitizer, in every program before its runtime. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* coreutils' cat and dd ask aligned_alloc for sizes that are no multiple of the alignment. glibc allows it; the sanitizer
 * stops the program. posix_memalign does the same for any size. */
void *aligned_alloc(size_t alignment, size_t size)
{
	void *p;
	return posix_memalign(&p, alignment, size) ? NULL : p;
}

/* What was a stack and is given back is none any more: to the runtime it would stay one, and whoever maps the place anew would
 * write over its frames. (The child that starts the keeper runs on such a one, and leaves it by exec.) Large maps are no stacks. */
void __asan_unpoison_memory_region(const volatile void *p, size_t n) __attribute__((weak));
int munmap(void *p, size_t n)
{
	if (n <= 16u << 20 && __asan_unpoison_memory_region)
		__asan_unpoison_memory_region(p, n);
	return (int)syscall(SYS_munmap, p, n);
}

/* Not by ASAN_OPTIONS: a setuid program's runtime may not read its environment (/proc/self/environ). */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0:halt_on_error=0:verify_asan_link_order=0"; }
