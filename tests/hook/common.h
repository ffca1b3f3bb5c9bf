/* common.h - for the programs that run once plain and once under the hooks: what they print must be the same. */
#ifndef HOOK_COMMON_H
#define HOOK_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static inline uint32_t sum(const void *buf, size_t n, uint32_t h)
{
	const uint8_t *p = buf;
	while (n--)
		h = (h ^ *p++) * 16777619u;
	return h;
}

#define SAY(...) (printf(__VA_ARGS__), fflush(stdout))

#define MUST(x) \
	do { \
		if (!(x)) { \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #x, strerror(errno)); \
			exit(1); \
		} \
	} while (0)

/* Reads n bytes at the descriptor's offset and prints what came. */
static inline void take(const char *what, int fd, size_t n)
{
	char buf[65536];
	errno = 77;
	ssize_t r = read(fd, buf, n < sizeof buf ? n : sizeof buf);
	int err = errno;
	SAY("%s: read %zd sum %08x errno %d at %lld\n", what, r, r > 0 ? sum(buf, (size_t)r, 0) : 0, err, (long long)lseek(fd, 0, SEEK_CUR));
}

/* Is fd what path is? And what else a program may ask. */
static inline void who(const char *what, int fd, const char *path)
{
	struct stat st, p;
	MUST(fstat(fd, &st) == 0 && stat(path, &p) == 0);
	SAY("%s: same dev %d ino %d size %lld mode %o mtime %d nlink %d blocks %d\n", what, st.st_dev == p.st_dev, st.st_ino == p.st_ino,
	    (long long)st.st_size, st.st_mode, st.st_mtim.tv_nsec == p.st_mtim.tv_nsec && st.st_mtime == p.st_mtime, (int)st.st_nlink,
	    st.st_blocks == p.st_blocks && st.st_blksize == p.st_blksize);
}

static inline void reap(void)
{
	int status;
	while (wait(&status) > 0)
		SAY("child ended %d\n", status);
}

/* May one ask whether two numbers are of one open file? opt4 does, of what came by exec or a socket; in some containers it
 * may not, and then a change parts their offsets. */
static inline bool kcmp_allowed(void)
{
	pid_t me = getpid();
	return syscall(SYS_kcmp, me, me, KCMP_FILE, 1, 1) == 0;
}

/* One thing that such a program can do. */
struct hook_case { const char *name; void (*run)(void); };
#define CASE(f) { #f, f }

/* The rest of main(): PROGRAM CASE FOLDER. Runs the case in the folder. Returns the exit status. */
static inline int run_case(const struct hook_case *cases, size_t n, char **argv)
{
	MUST(chdir(argv[2]) == 0);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(argv[1], cases[i].name)) {
			cases[i].run();
			SAY("done\n");
			return 0;
		}
	SAY("no such case\n");
	return 2;
}

#endif
