/* told.c - see told.h. */
#include "told.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../preload/base/base.h"

#define SESSIONS 16
#define REASONS  32

static struct launch_also also = { .fd = -1 }, too = { .fd = -1 };
static int heard[2] = { -1, -1 };          /* by name, and in the spool */
static char token[33];
static struct { char *dir; uid_t uid; } sessions[SESSIONS];
static char *reasons[REASONS];
static unsigned nsessions, nreasons;
static bool loaded, python, looked;
static uint64_t fetches;
static void (*new_session)(const char *dir, uid_t uid);

static void add_session(const char *dir, uid_t uid)
{
	for (unsigned i = 0; i < nsessions; i++)
		if (!strcmp(sessions[i].dir, dir)) {
			new_session(dir, uid);     /* another in its place, perhaps */
			return;
		}
	if (*dir != '/' || nsessions == SESSIONS || !(sessions[nsessions].dir = strdup(dir)))
		return;
	sessions[nsessions++].uid = uid;
	new_session(dir, uid);
}

static void add_reason(const char *line)
{
	for (unsigned i = 0; i < nreasons; i++)
		if (!strcmp(reasons[i], line))
			return;
	if (nreasons < REASONS && (reasons[nreasons] = strdup(line)))
		nreasons++;
}

/* "TOKEN LETTER TEXT" of a process with these rights. */
static void take(const char *line, uid_t uid)
{
	size_t n = strlen(token);
	if (strncmp(line, token, n) || line[n] != ' ' || !line[n + 1] || line[n + 2] != ' ')
		return;
	const char *text = line + n + 3;
	switch ((enum told)line[n + 1]) {
	case TOLD_LOADED:  loaded = true; python |= !strcmp(text, "python"); break;
	case TOLD_LOOKED:  looked = true; break;
	case TOLD_FETCHES: fetches = fetches ? fetches : now_coarse(); break;
	case TOLD_SESSION: add_session(text, uid); break;
	case TOLD_REASON:  add_reason(text); break;
	}
}

static bool hear(int fd)
{
	char line[TELL_BYTES];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec v = { line, sizeof(line) - 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct ucred who = { .uid = (uid_t)-1 };
	ssize_t n = fd >= 0 ? recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) : -1;
	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(c), sizeof(who));
	line[n] = 0;
	take(line, who.uid);
	return true;
}

static void ready(int fd)
{
	(void)fd;
	for (int i = 0; i < 2; i++)
		while (hear(heard[i]))
			;
	if (too.fd >= 0)
		too.ready(too.fd);
}

static void listen_at(int i, const char *name, const char *folder)
{
	struct sockaddr_un at;
	int on = 1;
	struct epoll_event e = { .events = EPOLLIN };
	socklen_t len = tell_address(&at, name, folder);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || len > sizeof(at) || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&at, len) < 0 || epoll_ctl(also.fd, EPOLL_CTL_ADD, fd, &e) < 0) {
		if (fd >= 0)
			close(fd);
		return;
	}
	heard[i] = fd;
}

void told_begin(const char *spool, void (*session)(const char *dir, uid_t uid), const struct launch_also *beside)
{
	unsigned char random[24];
	char name[17], both[80];
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random) || (also.fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
		return;
	for (int i = 0; i < 24; i++)
		snprintf(i < 8 ? name + 2 * i : token + 2 * (i - 8), 3, "%02x", random[i]);
	also.ready = ready;
	new_session = session;
	listen_at(0, name, NULL);
	if (*spool)
		listen_at(1, NULL, spool);
	if (!told_listens())
		return;
	struct epoll_event e = { .events = EPOLLIN };
	if (beside->fd >= 0 && epoll_ctl(also.fd, EPOLL_CTL_ADD, beside->fd, &e) == 0)
		too = *beside;
	snprintf(both, sizeof(both), "%s:%s:%ld", name, token, tell_filters());
	setenv("OPT4_RUN", both, 1);
}

const struct launch_also *told_also(void) { return told_listens() ? &also : NULL; }

void told_end(void)
{
	too.fd = -1;
	for (int i = 0; i < 2; i++)
		if (heard[i] >= 0)
			close(heard[i]);
	if (also.fd >= 0)
		close(also.fd);
	heard[0] = heard[1] = also.fd = -1;
}

bool told_session(unsigned n, struct told_session *s)
{
	if (n < nsessions)
		*s = (struct told_session){ sessions[n].dir, sessions[n].uid };
	return n < nsessions;
}

const char *told_reason(unsigned n) { return n < nreasons ? reasons[n] : NULL; }
bool told_listens(void) { return heard[0] >= 0 || heard[1] >= 0; }
bool told_loaded(void) { return loaded; }
bool told_python(void) { return python; }
bool told_looked(void) { return looked; }
uint64_t told_fetches(void) { return fetches; }
