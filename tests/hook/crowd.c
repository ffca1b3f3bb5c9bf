/* crowd.c - crowd THREADS DIR: threads, forks and closes all at once over few files; every byte is compared with what
 * raw system calls read. Files come and go in the session as it likes. */
#include "common.h"

#define NFILE 8
#define BYTES 100000
static uint8_t truth[NFILE][BYTES];
static unsigned wrong, done, forks;

static bool check(int file, const uint8_t *got, ssize_t n, off_t at)
{
	bool ok = n >= 0 && at + n <= BYTES && !memcmp(got, truth[file] + at, (size_t)n);
	if (!ok)
		__atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
	return ok;
}

static void *worker(void *arg)
{
	uint64_t s = (uintptr_t)arg * 0x9E3779B97F4A7C15ull + 1;
	uint8_t *buf = malloc(BYTES);
	for (int i = 0; i < 400; i++) {
		s ^= s << 13, s ^= s >> 7, s ^= s << 17;
		int file = (int)(s >> 40) % NFILE;
		char name[] = "a.jpg";
		name[0] = (char)('a' + file);
		int fd = open(name, O_RDONLY | (s & 1 ? O_CLOEXEC : 0));
		if (fd < 0) {
			check(file, buf, -1, 0);
			continue;
		}
		switch (s >> 20 & 7) {
		case 0: {
			int copy = dup(fd);
			check(file, buf, read(copy, buf, 1000), 0);
			check(file, buf, read(fd, buf, 1000), 1000);
			close(copy);
			break;
		}
		case 1: {
			void *m = mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE, fd, 0);
			check(file, m, m == MAP_FAILED ? -1 : BYTES, 0);
			munmap(m, BYTES);
			break;
		}
		case 2: {
			FILE *f = fopen(name, "rb");
			check(file, buf, f ? (ssize_t)fread(buf, 1, BYTES, f) : -1, 0);
			if (f)
				fclose(f);
			break;
		}
		case 3:
			lseek(fd, 500, SEEK_SET);
			check(file, buf, read(fd, buf, 5000), 500);
			break;
		case 4:
			if (i % 8 == 0) {
				pid_t pid = fork();
				if (!pid)
					_exit(pread(fd, buf, 2000, 100) != 2000 || memcmp(buf, truth[file] + 100, 2000));
				int status = -1;
				waitpid(pid, &status, 0);
				check(file, buf, status ? -1 : 0, 0);
				__atomic_fetch_add(&forks, 1, __ATOMIC_RELAXED);
			}
			check(file, buf, read(fd, buf, 3000), 0);
			break;
		case 5: { /* the number changes hands by dup3 */
			int null = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
			dup3(fd, null, O_CLOEXEC);
			check(file, buf, read(null, buf, 1000), 0);
			close(null);
			break;
		}
		case 6: /* closed unread, and behind the library's back */
			syscall(SYS_close, fd);
			continue;
		default:
			check(file, buf, read(fd, buf, BYTES), 0);
		}
		close(fd);
	}
	free(buf);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[64];
	int n = argc == 3 ? atoi(argv[1]) : 0;
	MUST(n > 0 && n <= 64 && chdir(argv[2]) == 0);
	for (int i = 0; i < NFILE; i++) {
		char name[] = "a.jpg";
		name[0] = (char)('a' + i);
		int fd = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDONLY);
		MUST(syscall(SYS_read, fd, truth[i], BYTES) == BYTES);
		syscall(SYS_close, fd);
	}
	for (long i = 0; i < n; i++)
		MUST(pthread_create(&t[i], NULL, worker, (void *)(i + 1)) == 0);
	for (int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	SAY("wrong %u of %u, %u forks\n", wrong, done, forks);
	SAY("next number %d\n", open("/dev/null", O_RDONLY));
	SAY("done\n");
	return 0;
}
