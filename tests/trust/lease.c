/* lease.c - a preload below the library: each write lease is broken as soon as it is had, as by an open that had found the
 * file before it was moved. Each one broken puts a byte into the file $LEASES. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int fcntl(int fd, int cmd, ...)
{
	static int (*real)(int, int, ...);
	char path[32];
	va_list ap;
	va_start(ap, cmd);
	unsigned long arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (!real)
		real = (int (*)(int, int, ...))dlsym(RTLD_NEXT, "fcntl");
	int rc = real(fd, cmd, arg);
	if (rc == 0 && cmd == F_SETLEASE && arg == F_WRLCK) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		int broken = open(path, O_RDONLY | O_NONBLOCK) < 0 && errno == EWOULDBLOCK;
		int log = open(getenv("LEASES"), O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (!broken || write(log, "b", 1) != 1)
			abort();
		close(log);
	}
	return rc;
}
