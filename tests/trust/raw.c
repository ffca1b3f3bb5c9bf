/* raw.c - reads files by raw system calls, by io_uring and by the C library in turn, on the same descriptors where that can
 * be; prints sums. What no hook sees reads the original or the object, as it stands: the same bytes, at the same offset.
 *     raw FILE... */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MUST(x) do { if (!(x)) { printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #x, strerror(errno)); exit(1); } } while (0)

static char buf[100000];

static uint32_t sum(long n)
{
	uint32_t s = 2166136261u;
	for (long i = 0; i < n; i++)
		s = (s ^ (unsigned char)buf[i]) * 16777619u;
	return s;
}

static struct { int fd; unsigned *tail, *mask, *array, *chead, *cmask; struct io_uring_sqe *sqe; struct io_uring_cqe *cqe; } ring = { .fd = -1 };

/* One read at offset `at` by io_uring; -ENOSYS where the kernel, or who runs it, has none. */
static long ring_read(int fd, size_t n, uint64_t at)
{
	if (ring.fd < 0) {
		struct io_uring_params p = { 0 };
		ring.fd = (int)syscall(SYS_io_uring_setup, 4, &p);
		if (ring.fd < 0)
			return -ENOSYS;
		char *sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
		char *cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
		ring.sqe = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQES);
		MUST(sq != MAP_FAILED && cq != MAP_FAILED && ring.sqe != MAP_FAILED);
		ring.tail = (void *)(sq + p.sq_off.tail), ring.mask = (void *)(sq + p.sq_off.ring_mask), ring.array = (void *)(sq + p.sq_off.array);
		ring.chead = (void *)(cq + p.cq_off.head), ring.cmask = (void *)(cq + p.cq_off.ring_mask), ring.cqe = (void *)(cq + p.cq_off.cqes);
	}
	unsigned i = *ring.tail & *ring.mask;
	ring.sqe[i] = (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)buf, .len = (unsigned)n, .off = at };
	ring.array[i] = i;
	__atomic_store_n(ring.tail, *ring.tail + 1, __ATOMIC_RELEASE);
	MUST(syscall(SYS_io_uring_enter, ring.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	long res = ring.cqe[*ring.chead & *ring.cmask].res;
	__atomic_store_n(ring.chead, *ring.chead + 1, __ATOMIC_RELEASE);
	return res;
}

int main(int argc, char **argv)
{
	for (int turn = 0; turn < 3; turn++)
		for (int i = 1; i < argc; i++) {
			int raw = (int)syscall(SYS_openat, AT_FDCWD, argv[i], O_RDONLY), fd = open(argv[i], O_RDONLY);
			MUST(raw >= 0 && fd >= 0);
			printf("raw %08x\n", sum(syscall(SYS_read, raw, buf, sizeof buf)));
			/* A descriptor that is hooked, read by turns. */
			long n = syscall(SYS_read, fd, buf, 100);
			printf("first %ld %08x\n", n, sum(n));
			n = read(fd, buf, 100);
			printf("then %ld %08x at %ld\n", n, sum(n), (long)lseek(fd, 0, SEEK_CUR));
			n = syscall(SYS_pread64, fd, buf, 300, 1000L);
			printf("raw again %ld %08x\n", n, sum(n));
			n = ring_read(fd, 500, 2000);
			if (n != -ENOSYS)
				printf("ring %ld %08x\n", n, sum(n));
			n = read(fd, buf, sizeof buf);
			printf("rest %ld %08x\n", n, sum(n));
			MUST(close(fd) == 0 && syscall(SYS_close, raw) == 0);
			fd = open(argv[i], O_RDONLY);
			n = read(fd, buf, sizeof buf);
			printf("whole %ld %08x\n", n, sum(n));
			MUST(close(fd) == 0);
		}
	return 0;
}
