/* grow.c - opens and reads one dataset file after another, N times; prints what the process has grown by since the
 * first thousand, in KiB of anonymous memory, what it has in all, and how many descriptors it holds.
 *     grow N FILE... */
#include "../hook/common.h"

static long anon_kib(void)
{
	char line[200];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssAnon: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	static char buf[4096];
	long n = atol(argv[1]), first = 0;
	int held = 0;
	for (long i = 0; i < n; i++) {
		int fd = open(argv[2 + i % (argc - 2)], O_RDONLY);
		MUST(fd >= 0 && read(fd, buf, sizeof buf) > 0 && close(fd) == 0);
		if (i == 999)
			first = anon_kib();
	}
	for (int fd = 0; fd < 1024; fd++)
		held += fcntl(fd, F_GETFD) >= 0;
	SAY("%ld %ld %d\n", anon_kib() - first, anon_kib(), held);
	return 0;
}
