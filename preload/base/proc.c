/* proc.c - see proc.h */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "proc.h"

static struct proc_id self;

/* /proc/PID/stat: pid (comm) S ppid .. ; comm may hold anything, so look behind its last ')'. Field 22 is
 * the start time. 1; 0: there is no such process; -1: it can't be told (this process has no descriptor left, say). */
static int read_stat(uint32_t pid, char *state, uint64_t *start)
{
	char path[32] = "/proc/", buf[512], digits[12];
	int n = 0, at = 6;
	do
		digits[n++] = (char)('0' + pid % 10);
	while (pid /= 10);
	while (n)
		path[at++] = digits[--n];
	memcpy(path + at, "/stat", 6);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -1;
	ssize_t got = read(fd, buf, sizeof(buf) - 1);
	int err = errno;
	close(fd);
	if (got <= 0)
		return got < 0 && err == ESRCH ? 0 : -1;
	buf[got] = 0;
	char *p = strrchr(buf, ')');
	if (!p || p[1] != ' ' || !p[2])
		return -1;
	*state = p[2];
	p += 2;
	for (int field = 3; field < 22; field++) {
		p = strchr(p, ' ');
		if (!p)
			return -1;
		p++;
	}
	*start = strtoull(p, NULL, 10);
	return 1;
}

uint64_t proc_start(uint32_t pid)
{
	char state;
	uint64_t start;
	if (read_stat(pid, &state, &start) <= 0 || state == 'Z' || state == 'X')
		return 0;
	return start;
}

const struct proc_id *proc_self(void)
{
	if (!self.pid || !self.start) {
		struct stat st;
		uint32_t pid = (uint32_t)getpid();
		self.pidns = stat("/proc/self/ns/pid", &st) == 0 ? st.st_ino : 0;
		self.start = proc_start(pid);
		self.pid = pid;
	}
	return &self;
}

void proc_after_fork(void) { self.pid = 0; }

bool proc_alive(uint32_t pid, uint64_t start, uint64_t pidns)
{
	if (pidns != proc_self()->pidns)
		return true;
	char state;
	uint64_t now;
	int there = pid ? read_stat(pid, &state, &now) : 0;
	return there < 0 || (there && state != 'Z' && state != 'X' && now == start);
}

bool proc_runs(uint32_t pid)
{
	char state;
	uint64_t start;
	return read_stat(pid, &state, &start) > 0 && state == 'R';
}

bool proc_stopped(uint32_t pid)
{
	char state;
	uint64_t start;
	return read_stat(pid, &state, &start) > 0 && (state == 'T' || state == 't');
}

static uint64_t clock_of(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
uint64_t now_coarse(void) { return clock_of(CLOCK_MONOTONIC_COARSE); }
uint64_t now_ns(void) { return clock_of(CLOCK_MONOTONIC); }
