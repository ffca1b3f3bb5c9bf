/* memory.c - see memory.h. tmpfs pages are charged to the cgroup and can't be reclaimed without swap: inside a
 * memory cgroup a full cache gets the job killed where a full /dev/shm would have said ENOSPC. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "memory.h"
#include "proc.h"

static ssize_t slurp(const char *path, char *buf, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, buf, room - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n;
}

/* One number from dir/name; `max` or nothing: UINT64_MAX. */
static uint64_t number(const char *dir, const char *name)
{
	char path[4200], buf[64];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (slurp(path, buf, sizeof(buf)) <= 0 || buf[0] < '0' || buf[0] > '9')
		return UINT64_MAX;
	return strtoull(buf, NULL, 10);
}

static uint64_t field(const char *stat, const char *key)
{
	const char *p = strstr(stat, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/* Clean file pages: the kernel takes them back by itself. Not those that are mapped, the program's own code among them:
 * a job that must read that again and again crawls. */
static uint64_t reclaimable(const char *dir, bool v2)
{
	char path[4200], buf[8192];
	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	if (slurp(path, buf, sizeof(buf)) <= 0)
		return 0;
	uint64_t clean = field(buf, v2 ? "\ninactive_file " : "\ntotal_inactive_file ")
		+ field(buf, v2 ? "\nactive_file " : "\ntotal_active_file ");
	uint64_t mapped = field(buf, v2 ? "\nfile_mapped " : "\ntotal_mapped_file ");
	return clean > mapped ? clean - mapped : 0;
}

static void level(const char *dir, bool v2, uint64_t *limit, uint64_t *available)
{
	uint64_t max = number(dir, v2 ? "memory.max" : "memory.limit_in_bytes");
	if (max >= 1ull << 60)   /* v1 says 2^63 less a page for none */
		return;
	uint64_t usage = number(dir, v2 ? "memory.current" : "memory.usage_in_bytes");
	if (usage == UINT64_MAX)
		return;
	uint64_t back = reclaimable(dir, v2);
	uint64_t held = usage > back ? usage - back : 0;
	uint64_t left = max > held ? max - held : 0;
	if (left < *available) {
		*available = left;
		*limit = max;
	}
}

/* Walks from mount/path up to mount. In a container the path may not exist below the mount: then the
 * mount itself is the cgroup's own. */
static void walk(const char *mount, char *path, bool v2, uint64_t *limit, uint64_t *available)
{
	char dir[4160];
	while (1) {
		snprintf(dir, sizeof(dir), "%s%s", mount, strcmp(path, "/") ? path : "");
		level(dir, v2, limit, available);
		char *slash = strrchr(path, '/');
		if (!slash || !path[1])
			return;
		if (slash == path)
			path[1] = 0;
		else
			*slash = 0;
	}
}

bool memory_available(uint64_t *limit, uint64_t *available)
{
	char buf[8192];
	*available = UINT64_MAX;
	if (slurp("/proc/self/cgroup", buf, sizeof(buf)) <= 0)
		return false;
	for (char *save, *line = strtok_r(buf, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *kind = strchr(line, ':');
		char *path = kind ? strchr(kind + 1, ':') : NULL;
		if (!path || strlen(path) > 4000)
			continue;
		*path++ = 0;
		kind++;
		if (!*kind) {
			walk("/sys/fs/cgroup", path, true, limit, available);
			continue;
		}
		for (char *s2, *k = strtok_r(kind, ",", &s2); k; k = strtok_r(NULL, ",", &s2))
			if (!strcmp(k, "memory"))
				walk("/sys/fs/cgroup/memory", path, false, limit, available);
	}
	return *available != UINT64_MAX;
}

bool memory_machine(uint64_t *total, uint64_t *available)
{
	char buf[2048];
	if (slurp("/proc/meminfo", buf, sizeof(buf)) <= 0)
		return false;
	*total = field(buf, "MemTotal:") * 1024;
	*available = field(buf, "MemAvailable:") * 1024;
	return *total && strstr(buf, "MemAvailable:");
}

uint64_t memory_floor(uint64_t total)
{
	uint64_t least = total / 4 < 512u << 20 ? total / 4 : 512u << 20, most = 8ull << 30, tenth = total / 10;
	return tenth < least ? least : tenth > most ? most : tenth;
}

#define INITIAL_PIDNS 0xEFFFFFFCu  /* the kernel's own number for it */

bool memory_shared(void)
{
	uint64_t limit, left, ns = proc_self()->pidns;
	return ((ns && ns != INITIAL_PIDNS) || getenv("KUBERNETES_SERVICE_HOST")) && !memory_available(&limit, &left);
}
