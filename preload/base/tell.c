/* tell.c - what a process of a job says to `opt4 run`: see base.h.
 *
 * OPT4_RUN=NAME:TOKEN:FILTERS names a datagram socket, in the abstract space, so that it needs no folder and no right to one, and
 * OPT4_SPOOL a folder in which there is another, since another network namespace has another space. The token tells our
 * job's processes from others; a process with another number of system call filters than opt4 run has keeps silent, since
 * they may end who makes a socket. Nothing is ever waited for but a full queue, 3 ms at most. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "base.h"

static char name[TELL_NAME], token[TELL_NAME], spool[sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof(TELL_SOCKET)];
static long filters;

long tell_filters(void)
{
	char text[4096], *at;
	int mode = prctl(PR_GET_SECCOMP);
	if (mode <= 0)
		return 0;
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	at = strstr(text, "\nSeccomp_filters:");   /* Linux 5.9 */
	return at ? strtol(at + 17, NULL, 10) : -1;
}

void tell_load(void)
{
	const char *off = getenv("OPT4_DISABLE"), *s = off && !strcmp(off, "1") ? NULL : getenv("OPT4_RUN"), *colon = s ? strchr(s, ':') : NULL;
	*name = 0;
	const char *end = colon ? strchr(colon + 1, ':') : NULL;
	if (!end || colon == s || (size_t)(colon - s) >= sizeof(name) || (size_t)(end - colon) > sizeof(token))
		return;
	memcpy(name, s, (size_t)(colon - s));
	name[colon - s] = 0;
	memcpy(token, colon + 1, (size_t)(end - colon - 1));
	token[end - colon - 1] = 0;
	filters = strtol(end + 1, NULL, 10);
	s = getenv("OPT4_SPOOL");
	if (s && strlen(s) < sizeof(spool))
		strcpy(spool, s);
}

socklen_t tell_address(struct sockaddr_un *to, const char *abstract, const char *folder)
{
	memset(to, 0, sizeof(*to));
	to->sun_family = AF_UNIX;
	int n = abstract ? snprintf(to->sun_path + 1, sizeof(to->sun_path) - 1, "opt4-run-%s", abstract)
			 : snprintf(to->sun_path, sizeof(to->sun_path), "%s/" TELL_SOCKET, folder);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n + 1);
}

static bool send_to(int fd, const char *text, size_t len, const char *abstract)
{
	struct sockaddr_un to;
	socklen_t n = tell_address(&to, abstract, spool);
	for (int i = 0; i < 4; i++) {
		if (sendto(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to, n) >= 0)
			return true;
		if (errno != EAGAIN)
			return false;
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	return false;
}

bool tell(enum told what, const char *text)
{
	char line[TELL_BYTES];
	if (!*name || tell_filters() != filters)
		return false;
	int saved = errno, n = snprintf(line, sizeof(line), "%s %c %s", token, what, text);
	struct calm calm;
	opt4_inside++;
	calm_begin(&calm);
	int fd = n > 0 && (size_t)n < sizeof(line) ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	bool sent = fd >= 0 && (send_to(fd, line, (size_t)n, name) || (*spool && send_to(fd, line, (size_t)n, NULL)));
	if (fd >= 0)
		close(fd);
	calm_end(&calm);
	opt4_inside--;
	errno = saved;
	return sent;
}
