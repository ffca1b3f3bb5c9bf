/* model.c - what processes share beneath: a file that several of them map lies at one address, so that the sanitizer sees
 * them meet there. A mapping lasts as long as one of them has it, or its file has a name: who maps it later must meet
 * what was written before. No address is used twice.
 *
 * Not compiled with the sanitizer, and mapped by plain system calls: the kernel puts nothing in order for processes either. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAPPINGS 256
#define ADDRESSES (256ull << 30)

void *model_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off);
int model_munmap(void *at, size_t len);
long model_syscall(long nr, ...);
int model_flock(int fd, int op);
void __tsan_acquire(void *at);
void __tsan_release(void *at);

static struct mapping { char *at; size_t len; dev_t dev; ino_t ino; int fd, users; } mappings[MAPPINGS];
static char *next;
static atomic_flag busy = ATOMIC_FLAG_INIT;

static void enter(void)
{
	while (atomic_flag_test_and_set(&busy))
		sched_yield();
}

static void leave(void) { atomic_flag_clear(&busy); }

/* One that the file of `fd` may have; the file's own if it is mapped. */
static struct mapping *find(const struct stat *st)
{
	struct mapping *place = NULL;
	struct stat now;
	for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++) {
		if (m->at && m->dev == st->st_dev && m->ino == st->st_ino)
			return m;
		if (m->at && !m->users && syscall(SYS_fstat, m->fd, &now) == 0 && !now.st_nlink) {
			syscall(SYS_munmap, m->at, m->len);
			syscall(SYS_close, m->fd);
			m->at = NULL;
		}
		if (!m->at)
			place = m;
	}
	return place;
}

static bool make(struct mapping *m, const struct stat *st, size_t len, int fd)
{
	char path[32];
	int prot = PROT_READ | PROT_WRITE;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	int own = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	if (own < 0) {
		prot = PROT_READ;
		own = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	}
	if (!next)
		next = (char *)syscall(SYS_mmap, NULL, ADDRESSES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
	if (own < 0 || (long)syscall(SYS_mmap, next, len, prot, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, own, 0L) < 0)
		return false;
	*m = (struct mapping){ next, len, st->st_dev, st->st_ino, own, 0 };
	next += (len + 4095) & ~4095ull;
	return true;
}

static void *map(size_t len, int fd)
{
	struct stat st;
	if (syscall(SYS_fstat, fd, &st) < 0)
		return MAP_FAILED;
	enter();
	struct mapping *m = find(&st);
	bool have = m && ((m->at && m->len >= len) || (!m->at && make(m, &st, len, fd)));
	if (have)
		m->users++;
	leave();
	if (have)
		return m->at;
	fprintf(stderr, "model: a file cannot be mapped for all\n");
	abort();
}

static int unmap(void *at, size_t len)
{
	enter();
	for (struct mapping *m = mappings; m < mappings + MAPPINGS; m++)
		if (m->at == at) {
			m->users--;
			leave();
			return 0;
		}
	leave();
	return munmap(at, len);
}

void *model_mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
	return flags & MAP_SHARED ? map(len, fd) : mmap(at, len, prot, flags, fd, off);
}

int model_munmap(void *at, size_t len) { return unmap(at, len); }

long model_syscall(long nr, ...)
{
	long a[6];
	va_list ap;
	va_start(ap, nr);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_mmap && a[3] & MAP_SHARED)
		return (long)map((size_t)a[1], (int)a[4]);
	if (nr == SYS_munmap)
		return unmap((void *)a[0], (size_t)a[1]);
	return syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The directory's lock is a flock(), of which the sanitizer does not know that it keeps its owners apart. */
int model_flock(int fd, int op)
{
	static char directory;
	if (op & LOCK_UN)
		__tsan_release(&directory);
	int rc = (int)syscall(SYS_flock, fd, op);
	if (rc == 0 && op & LOCK_EX)
		__tsan_acquire(&directory);
	return rc;
}
