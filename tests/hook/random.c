/* random.c - random SEED:STEPS DIR: random calls on a few files and descriptors. The kernel without the hooks is the
 * oracle: the same seed must print the same, call by call. */
#include "random.h"

static FILE *streams[3];

static void step(void)
{
	static const int how[] = { O_RDONLY, O_RDONLY, O_RDONLY, O_RDONLY, O_RDONLY, O_RDONLY | O_CLOEXEC, O_RDWR, O_WRONLY, O_RDONLY | O_NOFOLLOW,
				   O_RDWR | O_TRUNC | O_CREAT, O_RDONLY | O_CREAT };
	int i = (int)rnd(NFD), j = (int)rnd(NFD), *fd = &fds[i];
	size_t n = rnd(4) ? rnd(5000) : rnd(sizeof buf);
	const char *a = name(), *b = name();
	int p[2];

	switch (rnd(34)) {
	case 0 ... 5:
		if (*fd >= 0)
			close(*fd);
		int h = how[rnd(20) ? rnd(6) : rnd(11)];
		*fd = open(a, h, 0644);
		printf("open %d %s %x", i, a, h);
		put(*fd, NULL);
		break;
	case 6 ... 10: printf("read %d %zu", i, n); put(read(*fd, buf, n), buf); break;
	case 11: case 12: printf("pread %d %zu", i, n); put(pread(*fd, buf, n, rnd(120000)), buf); break;
	case 13: case 14: printf("lseek %d", i); put(lseek(*fd, (off_t)rnd(100000) - 1000, (int)rnd(3)), NULL); break;
	case 15: printf("dup %d", i); if (fds[j] >= 0) close(fds[j]); put(fds[j] = dup(*fd), NULL); break;
	case 16: printf("dup2 %d %d", i, j); put(dup2(*fd, fds[j]), NULL); break;
	case 17: printf("dupfd %d", i); if (fds[j] >= 0) close(fds[j]); put(fds[j] = fcntl(*fd, F_DUPFD_CLOEXEC, 50), NULL); break;
	case 18: printf("close %d", i); put(close(*fd), NULL); *fd = -1; break;
	case 19: printf("raw close %d", i); put(syscall(SYS_close, *fd), NULL); *fd = -1; break;
	case 20:
		printf("raw open %d %s", i, a);
		if (*fd >= 0)
			syscall(SYS_close, *fd);
		put(*fd = (int)syscall(SYS_openat, AT_FDCWD, a, O_RDONLY), NULL);
		break;
	case 21: case 22: printf("show %d", i); show(*fd); break;
	case 23: {
		FILE **f = &streams[rnd(3)];
		if (*f)
			fclose(*f);
		*f = fopen(a, rnd(12) ? "rb" : "r+");
		printf("fopen %s", a);
		put(*f ? fileno(*f) : -1, NULL);
		break;
	}
	case 24: case 25: {
		FILE *f = streams[rnd(3)];
		printf("fread %zu", n);
		if (f)
			put((long)fread(buf, 1, n, f), buf);
		break;
	}
	case 26: {
		char *m = mmap(NULL, 400000, PROT_READ, MAP_PRIVATE, *fd, 0);
		struct stat st;
		printf("mmap %d", i);
		if (m != MAP_FAILED) {
			put(fstat(*fd, &st) == 0 ? st.st_size : -1, st.st_size <= 400000 ? m : NULL);
			munmap(m, 400000);
		}
		break;
	}
	case 27: memset(buf, (int)rnd(256), n); printf("pwrite %d %zu", i, n); put(pwrite(*fd, buf, n % 3000, rnd(90000)), NULL); break;
	case 28:
		if (rnd(8))
			break;
		printf("rename %s %s", a, b); put(rename(a, b), NULL); break;
	case 29:
		if (rnd(12))
			break;
		printf("unlink %s", a); put(unlink(a), NULL); break;
	case 30:
		printf("fork %d", i);
		fflush(stdout);
		for (int k = 0; k < 3; k++)
			if (streams[k])
				fseek(streams[k], 0, SEEK_CUR);
		pid_t pid = fork();
		if (!pid) {
			put(read(*fd, buf, n), buf);
			fflush(stdout);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
		break;
	case 31: printf("flock %d", i); put(flock(*fd, LOCK_SH | LOCK_NB), NULL); break;
	case 32:
		printf("sendfile %d", i);
		if (pipe(p) == 0) {
			put(sendfile(p[1], *fd, NULL, n), NULL);
			close(p[1]);
			put(read(p[0], buf, sizeof buf), buf);
			close(p[0]);
		}
		break;
	case 33: printf("fchmod %d", i); put(fchmod(*fd, 0600 + rnd(0100)), NULL); break;
	}
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	MUST(argc == 3 && chdir(argv[2]) == 0);
	if (symlink("sub", "link"))
		MUST(errno == EEXIST);
	for (int n = seeded(argv[1]), k = 0; k < n; k++) {
		printf("%d ", k);
		step();
	}
	SAY("done\n");
	return 0;
}
