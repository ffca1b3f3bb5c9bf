/* handler.c - a signal handler may call open, read, close, stat and _exit while its thread is in the middle of malloc. Here
 * every handler is run from within malloc, and an allocation, or a lock that malloc would take, is a failure.
 *     handler N.jpg... : opens and reads the files in turn, in handlers; prints a sum and how often it was in malloc. */
#include "../hook/common.h"

#include <dlfcn.h>

static volatile sig_atomic_t within, in_handler, bad, ran;
static char **files;
static int nfiles, at, quit;
static uint32_t sums;

static void handler(__attribute__((unused)) int sig)
{
	static char buf[200000];
	in_handler = 1;
	ran++;
	for (int i = 0; i < 3; i++, at++) {
		int fd = open(files[at % nfiles], O_RDONLY);
		struct stat st;
		ssize_t n = read(fd, buf, sizeof buf);
		if (fd < 0 || n < 0 || fstat(fd, &st) < 0 || st.st_size != n)
			bad++;
		sums = sum(buf, n > 0 ? (size_t)n : 0, sums);
		close(fd);
	}
	if (ran == quit)
		_exit(bad ? 1 : 0);
	in_handler = 0;
}

/* glibc's, with the signal raised within. */
extern void *__libc_malloc(size_t n);
void *malloc(size_t n)
{
	if (in_handler) {
		static const char say[] = "allocated in a handler\n";
		bad++;
		(void)!write(1, say, sizeof say - 1);
	}
	if (within && !in_handler)
		raise(SIGUSR1);
	return __libc_malloc(n);
}

int main(int argc, char **argv)
{
	files = argv + 2;
	nfiles = argc - 2;
	quit = atoi(argv[1]);
	signal(SIGUSR1, handler);
	/* The first access is made outside: joining a session is no business of a handler's. */
	char c;
	int fd = open(files[0], O_RDONLY);
	MUST(read(fd, &c, 1) == 1);
	SAY("first %02x\n", (unsigned char)c);
	within = 1;
	for (int i = 0; i < 300; i++)
		free(malloc(100));
	within = 0;
	SAY("ran %d sum %08x bad %d\n", ran, sums, bad);
	return bad != 0;
}
