/* session_samples INDEX: reads charged, lingering and budget pages of a session over and over until its stdin
 * ends. Prints `watching`, then `SAMPLES MOST_CHARGED BUDGET OVER` (pages; OVER: samples above the budget). */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "../../preload/store/layout.h"

int main(int argc, char **argv)
{
	struct stat st;
	unsigned long long samples = 0, most = 0, over = 0;
	struct pollfd in = { .fd = 0, .events = POLLIN };
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	const struct index_header *h = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return 2;
	puts("watching");
	fflush(stdout);
	while (poll(&in, 1, 0) == 0)
		for (int i = 0; i < 1000; i++, samples++) {
			uint64_t charged = atomic_load(&h->account[TIER_RAM].charged);
			most = charged > most ? charged : most;
			over += charged > h->account[TIER_RAM].budget;
		}
	printf("%llu %llu %llu %llu\n", samples, most, (unsigned long long)h->account[TIER_RAM].budget, over);
	return 0;
}
