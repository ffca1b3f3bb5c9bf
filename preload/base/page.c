/* page.c - the machine's page size. */
#include <unistd.h>
#include "base.h"

uint32_t page_size = 4096, page_shift = 12;

bool page_set(uint64_t bytes)
{
	if (bytes < 4096 || bytes > 1u << 20 || (bytes & (bytes - 1)))
		return false;
	page_size = (uint32_t)bytes;
	page_shift = (uint32_t)__builtin_ctz(page_size);
	return true;
}

__attribute__((constructor(101))) static void begin(void)
{
	page_set((uint64_t)sysconf(_SC_PAGESIZE));
}
