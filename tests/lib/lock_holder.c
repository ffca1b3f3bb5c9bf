/* lock_holder INDEX PID: gives the session lock to the process PID, as if it had just taken it; then waits
 * for the end of its stdin and, if that process still has it, frees it. So a test can stop or kill a
 * process "with the lock held", which lasts 200 ns otherwise. Prints `held` when it is so. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "../../preload/store/layout.h"

int main(int argc, char **argv)
{
	struct stat st;
	uint32_t pid, slot, none = 0, mine;
	char c;
	int fd = argc == 3 ? open(argv[1], O_RDWR) : -1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return 2;
	struct index_header *h = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (h == MAP_FAILED)
		return 2;
	const struct slot *slots = (const void *)((const char *)h + h->off_slots);
	pid = (uint32_t)atoi(argv[2]);
	for (slot = 0; slot < SLOTS_MAX && slots[slot].pid != pid; slot++)
		;
	if (slot == SLOTS_MAX) {
		fprintf(stderr, "no slot of process %u\n", pid);
		return 1;
	}
	mine = LOCK_WORD(slot, atomic_load(&slots[slot].claims));
	while (!atomic_compare_exchange_strong(&h->lock, &none, mine)) {
		none = 0;
		nanosleep(&(struct timespec){ 0, 10000 }, NULL);
	}
	puts("held");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	atomic_compare_exchange_strong(&h->lock, &mine, 0);
	return 0;
}
