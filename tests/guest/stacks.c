/* stacks.c - stacks thread|handler|log BYTES FILE...: the files' sum, read by a thread whose stack is that large, or by a signal
 * handler on a stack of its own, with a guard below; log: it writes a file of its own first, as a crash reporter does. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char buf[1 << 16];
static char **files;
static unsigned sum;
static int logs;

static void all(void)
{
	for (char **f = files; *f; f++) {
		int fd = open(*f, O_RDONLY | O_CLOEXEC);
		ssize_t n;
		while ((n = read(fd, buf, sizeof(buf))) > 0)
			for (ssize_t i = 0; i < n; i++)
				sum += buf[i];
		close(fd);
	}
}

static void *thread(void *unused)
{
	all();
	return unused;
}

static void handler(int sig)
{
	(void)sig;
	if (logs) {
		int fd = open("crash.log", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (write(fd, "crash\n", 6) == 6 && close(fd) == 0 && unlink("crash.log") == 0)
			sum++;
	}
	all();
}

int main(int argc, char **argv)
{
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	files = argv + 3;
	if (!strcmp(argv[1], "thread")) {
		pthread_attr_t attr;
		pthread_t t;
		pthread_attr_init(&attr);
		if (pthread_attr_setstacksize(&attr, size) || pthread_create(&t, &attr, thread, NULL))
			return 1;
		pthread_join(t, NULL);
	} else {
		char *low = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		stack_t alt = { .ss_sp = low + 4096, .ss_size = size };
		struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
		if (low == MAP_FAILED || mprotect(low, 4096, PROT_NONE) < 0 || sigaltstack(&alt, NULL) < 0 || sigaction(SIGUSR1, &sa, NULL) < 0)
			return 1;
		logs = !strcmp(argv[1], "log");
		raise(SIGUSR1);
	}
	printf("%u\n", sum);
	return 0;
}
