/* memcached.c - this node's server as a process: memcached as it comes, told to bind to the given address only, to have room
 * for whole parts of files in few classes of sizes (wire.h), and never to evict: an error where it is full (-M), and nothing
 * moved from class to class, which would delete. As the user; no file, no root. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../../../preload/base/base.h"
#include "parts.h"

#define UP_NS   5000000000ull      /* it is waited for so long */
#define DOWN_NS 3000000000ull
#define LEAST   (64ull << 20)

uint64_t memcached_room(const char *size)
{
	uint64_t total = 0, available = 0, limit, left, bytes = 0;
	memory_machine(&total, &available);
	if (memory_available(&limit, &left) && left < available)
		available = left;
	if (size && *size && parse_size(size, available, &bytes) == 0)
		return bytes;
	return available / 2 > LEAST ? available / 2 : LEAST;
}

static void nap(void) { nanosleep(&(struct timespec){ 0, 10000000 }, NULL); }

static _Noreturn void become(const struct server *s, uint64_t bytes, bool ours, pid_t parent, int err)
{
	char address[64] = "", port[8], mb[24];
	const struct passwd *me = getpwuid(geteuid());
	const void *a = s->at.ss_family == AF_INET6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)&s->at)->sin6_addr
						     : (const void *)&((const struct sockaddr_in *)(const void *)&s->at)->sin_addr;
	inet_ntop(s->at.ss_family, a, address, sizeof(address));
	snprintf(port, sizeof(port), "%u", s->port);
	snprintf(mb, sizeof(mb), "%llu", (unsigned long long)(bytes >> 20));
	const char *const argv[] = { "memcached", "-l", address, "-p", port, "-U", "0", "-m", mb, "-M", "-o", "no_slab_reassign", "-C", "-n", "4096", "-f", "1.5",
				     geteuid() == 0 ? "-u" : NULL, me ? me->pw_name : "root", NULL };
	static const char *const places[] = { "/usr/bin/memcached", "/usr/local/bin/memcached", "/usr/sbin/memcached" };
	sigset_t none;
	setsid();                  /* what is typed at the job's terminal is not meant for it */
	if (ours && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	dup2(err, 2);
	if (chdir("/") < 0)
		_exit(1);
	unsetenv("LD_PRELOAD");
	execvp("memcached", (char *const *)(uintptr_t)argv);
	for (size_t i = 0; errno == ENOENT && i < sizeof(places) / sizeof(*places); i++)
		execv(places[i], (char *const *)(uintptr_t)argv);
	_exit(errno == ENOENT ? 127 : 126);
}

/* Its last words, as a line. */
static void words(int fd, char *to, size_t room)
{
	ssize_t n = read(fd, to, room - 1);
	to[n > 0 ? n : 0] = 0;
	to[strcspn(to, "\r\n")] = 0;
}

static void why_not(const struct server *s, int status, int err, char why[200])
{
	char text[100];
	words(err, text, sizeof(text));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		snprintf(why, 200, "memcached is not installed; apt-get install memcached");
	else if (strstr(text, "Address already in use"))
		snprintf(why, 200, "%.80s: the port is taken by something else; name another", s->name);
	else if (strstr(text, "Cannot assign") || strstr(text, "failed to listen"))
		snprintf(why, 200, "%.80s: can't be listened at: %.80s", s->name, text);
	else
		snprintf(why, 200, "%.80s: memcached did not start: %.90s", s->name, *text ? text : "it said nothing");
}

pid_t memcached_start(const struct server *s, uint64_t bytes, bool ours, char why[200])
{
	int err[2], status;
	struct server_stats st;
	uint64_t took, start = now_ns();
	pid_t parent = getpid(), pid;
	if (pipe2(err, O_CLOEXEC | O_NONBLOCK) < 0) {
		snprintf(why, 200, "%s", strerror(errno));
		return -errno;
	}
	pid = fork();
	if (pid == 0)
		become(s, bytes, ours, parent, err[1]);
	close(err[1]);
	int rc = pid < 0 ? -errno : -ETIMEDOUT;
	if (pid < 0)
		snprintf(why, 200, "%s", strerror(errno));
	while (pid > 0 && rc == -ETIMEDOUT) {
		if (pool_reach(s, &st, &took) == 0 && st.pid == (uint64_t)pid) {
			rc = 0;
		} else if (waitpid(pid, &status, WNOHANG) == pid) {
			why_not(s, status, err[0], why);
			rc = WIFEXITED(status) && WEXITSTATUS(status) == 127 ? -ENOENT : -EIO;
			pid = -1;
		} else if (now_ns() - start > UP_NS) {
			snprintf(why, 200, "%.80s: memcached does not answer", s->name);
			break;
		} else {
			nap();
		}
	}
	close(err[0]);
	if (rc == 0)
		return pid;
	if (pid > 0)
		memcached_end(pid);
	return rc;
}

void memcached_end(pid_t pid)
{
	uint64_t start = now_ns();
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ns() - start > DOWN_NS)
			kill(pid, SIGKILL);
		nap();
	}
}

/* Is that process a memcached of this user's? */
static bool is_ours(pid_t pid)
{
	char path[64], name[32] = "";
	struct stat st;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is = read(fd, name, sizeof(name) - 1) > 0 && !strncmp(name, "memcached", 9) && fstat(fd, &st) == 0 && st.st_uid == geteuid();
	close(fd);
	return is;
}

int memcached_stop(const struct server *s, char why[200])
{
	struct server_stats st;
	uint64_t took, start = now_ns();
	int rc = pool_reach(s, &st, &took);
	if (rc < 0) {
		snprintf(why, 200, "%.80s: %.100s", s->name, rc == -ECONNREFUSED ? "nothing runs there" : strerror(-rc));
		return rc;
	}
	if (!st.pid || !is_ours((pid_t)st.pid)) {
		snprintf(why, 200, "%.80s: not this user's memcached on this machine; stop it where it was started", s->name);
		return -EPERM;
	}
	if (kill((pid_t)st.pid, SIGTERM) < 0) {
		snprintf(why, 200, "%.80s: %s", s->name, strerror(errno));
		return -errno;
	}
	while (is_ours((pid_t)st.pid) && now_ns() - start < DOWN_NS)
		nap();
	return 0;
}
