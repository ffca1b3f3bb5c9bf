/* memory.c - where the cache lies: /dev/shm, the memory cgroup, swap. */
#include "check.h"

#include "../../../preload/base/base.h"
#include "../common/common.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MIB (1ull << 20)
#define USEFUL (64 * MIB)          /* under this the library makes no cache by default */
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6

unsigned long long doctor_budget(const struct doctor *d, unsigned long long room)
{
	uint64_t n;

	if (d->cache) {
		/* a percentage of a dataset that nobody told us of says nothing */
		if (strchr(d->cache, '%') && !d->dataset)
			return 0;
		return parse_size(d->cache, d->dataset, &n) == 0 ? n : 0;
	}
	room /= memory_shared() ? 8 : 2;   /* as room_default() does */
	return d->dataset && d->dataset < room ? d->dataset : room;
}

/* The directory that the session would be made in. */
static const char *place(void)
{
	static char real[PATH_MAX];
	const char *own = getenv("OPT4_DIR"), *slash = own ? strrchr(own, '/') : NULL;
	char parent[PATH_MAX];

	if (!own || !*own)
		return "/dev/shm";
	snprintf(parent, sizeof(parent), "%.*s", (int)(slash && slash > own ? slash - own : 1), slash ? own : ".");
	return realpath(own, real) || realpath(parent, real) ? real : own;   /* the job makes the last folder of it */
}

/* Where to remount for what lies in `dir`. */
static const char *mounted_at(const char *dir)
{
	static struct doctor_mount m;

	return doctor_mount(dir, &m) ? m.point : dir;
}

void doctor_shm(struct doctor *d)
{
	const char *dir = place();
	struct statfs type;
	struct statvfs fs;
	char total[16], room[16], want[16];

	if (statfs(dir, &type) < 0 || statvfs(dir, &fs) < 0) {
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s: %s; mount a tmpfs there, or name one by OPT4_DIR", dir, strerror(errno));
		return;
	}
	unsigned long long all = (unsigned long long)fs.f_blocks * fs.f_frsize;
	unsigned long long left = (unsigned long long)fs.f_bavail * fs.f_frsize, budget = doctor_budget(d, left);

	size_text(total, all);
	size_text(room, left);
	if (type.f_type != TMPFS_MAGIC && type.f_type != RAMFS_MAGIC)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s is no tmpfs: no cache; mount a tmpfs there, or name one by OPT4_DIR", dir);
	else if (fs.f_flag & ST_RDONLY)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s is mounted read only: no cache; mount -o remount,rw %s", dir, mounted_at(dir));
	else if (access(dir, W_OK | X_OK) < 0)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s: %s: no cache; chmod 1777 %s, or name another by OPT4_DIR", dir,
			   strerror(errno), dir);
	else if (all <= USEFUL)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s in all (Docker's default): too small; docker run --shm-size=32g, or "
			   "mount -o remount,size=32g %s", total, mounted_at(dir));
	else if (d->cache && budget > left)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s free, OPT4_CACHE asks for %s; lower it, or mount -o remount,size=.. %s", room,
			   size_text(want, budget), mounted_at(dir));
	else if (d->cache && budget + all / 8 > left && (!d->dataset || d->dataset + all / 8 > left))
		doctor_say(d, DOCTOR_WARN, "/dev/shm", "%s free; beside a cache of %s little is left for the loaders' batches (bytes of a "
			   "batch x workers x prefetch_factor), which it gives way to; enlarge %s or lower OPT4_CACHE", room,
			   size_text(want, budget), mounted_at(dir));
	else if (!d->cache && budget < USEFUL && budget != d->dataset)
		doctor_say(d, DOCTOR_BAD, "/dev/shm", "%s free of %s, half of it is too little for a cache; remove what lies there, or "
			   "set OPT4_CACHE", room, total);
	else if (fs.f_files && d->files && fs.f_favail < d->files)
		doctor_say(d, DOCTOR_WARN, "/dev/shm", "room for %llu files, the dataset has %u; mount -o remount,nr_inodes=0 %s",
			   (unsigned long long)fs.f_favail, d->files, mounted_at(dir));
	else if (d->dataset && budget < d->dataset)
		doctor_say(d, DOCTOR_OK, "/dev/shm", "%s free of %s: a cache of %s, %.0f %% of the dataset", room, total,
			   size_text(want, budget), 100.0 * (double)budget / (double)d->dataset);
	else
		doctor_say(d, DOCTOR_OK, "/dev/shm", "%s free of %s", room, total);
}

/* What is set for tmpfs as a whole, as in `always within_size advise [never] deny force`. False: the kernel has
 * no huge pages there. */
static bool shmem_enabled(char set[32])
{
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");
	bool have = f && fscanf(f, "%*[^[][%31[^]]", set) == 1;

	if (f)
		fclose(f);
	return have;
}

/* ext4 and xfs keep their page cache in large folios, tmpfs only where it is told to. Where the administrator
 * has forced or denied them, the mount's option says nothing. */
void doctor_pages(struct doctor *d)
{
	struct doctor_mount m;
	char set[32];

	if (!shmem_enabled(set) || !strcmp(set, "force") || !strcmp(set, "deny") || !doctor_mount(place(), &m)
	    || strcmp(m.type, "tmpfs"))
		return;
	if (strstr(m.options, ",huge=within_size,") || strstr(m.options, ",huge=always,"))
		doctor_say(d, DOCTOR_OK, "pages", "%s has huge pages", m.point);
	else
		doctor_say(d, DOCTOR_WARN, "pages", "%s has pages of 4 KiB only: a hit costs 1.2 to 1.45 times what a hot page cache "
			   "does; mount -o remount,huge=within_size %s", m.point, m.point);
}

void doctor_cgroup(struct doctor *d)
{
	uint64_t limit, left;
	struct statvfs fs;
	char a[16], b[16], c[16];

	if (!memory_available(&limit, &left)) {
		if (memory_shared())
			doctor_say(d, DOCTOR_WARN, "memory", "a container without a memory limit: by default the cache takes an eighth of what is "
				   "free, not half; set a limit, or OPT4_CACHE");
		else
			doctor_say(d, DOCTOR_OK, "memory", "no memory cgroup limits this job");
		return;
	}
	unsigned long long shm = statvfs(place(), &fs) == 0 ? (unsigned long long)fs.f_bavail * fs.f_frsize : 0;
	unsigned long long budget = doctor_budget(d, shm), floor = limit / 10 > 256 * MIB ? limit / 10 : 256 * MIB;

	size_text(a, limit);
	size_text(b, left);
	if (!d->cache && left / 2 < USEFUL)
		doctor_say(d, DOCTOR_BAD, "memory", "the cgroup's limit is %s, %s of it left: too little for a cache; raise the limit",
			   a, b);
	else if (d->cache && budget > left)
		doctor_say(d, DOCTOR_BAD, "memory", "the cgroup's limit is %s, %s of it left, OPT4_CACHE asks for %s; raise the limit or "
			   "lower OPT4_CACHE", a, b, size_text(c, budget));
	else if (d->cache && budget + floor > left)
		doctor_say(d, DOCTOR_WARN, "memory", "of the cgroup's %s %s are left: a cache of %s leaves the job little; raise the limit",
			   a, b, size_text(c, budget));
	else if (!d->cache && left / 2 < budget)
		doctor_say(d, DOCTOR_WARN, "memory", "the cgroup's limit of %s leaves a cache of %s where /dev/shm would hold %s; raise "
			   "the limit", a, size_text(b, left / 2), size_text(c, budget));
	else
		doctor_say(d, DOCTOR_OK, "memory", "the cgroup's limit is %s, %s of it left", a, b);
}

void doctor_swap(struct doctor *d)
{
	FILE *f = fopen("/proc/swaps", "re");
	struct doctor_mount m;
	char line[512];
	int lines = 0;

	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	if (lines < 2)
		doctor_say(d, DOCTOR_OK, "swap", "off");
	else if (doctor_mount(place(), &m) && strstr(m.options, ",noswap,"))
		doctor_say(d, DOCTOR_OK, "swap", "on, but not for %s", m.point);
	else
		doctor_say(d, DOCTOR_WARN, "swap", "on: cached files may be swapped out, a hit then reads the swap; swapoff -a, or (Linux "
			   "6.4) mount -o remount,noswap %s", mounted_at(place()));
}
