/* rotates.c - does a block device rotate? By what sysfs says of the disks below it. */
#include "rotates.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEEP 8                     /* a partition of a dm of an md of .. */

/* Reads up to room bytes of dir/name; their number, -1: it is not there. */
static int get(const char *dir, const char *name, unsigned char *buf, size_t room)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -1;
	FILE *f = fopen(path, "re");
	if (!f)
		return -1;
	size_t n = fread(buf, 1, room, f);
	fclose(f);
	return (int)n;
}

/* One disk. Its word for it is not enough: a driver that cannot ask says 1, and a virtual disk does so whatever it is. A
 * SCSI or ATA disk tells its speed (page B1 of its vital data: 1 means that it does not rotate); where the kernel does not
 * show that page, being one that is asked must do. */
static enum rotates one(const char *dir)
{
	unsigned char flag = 0, page[64];
	if (get(dir, "queue/rotational", &flag, 1) != 1)
		return ROTATES_UNKNOWN;
	if (flag != '1')
		return ROTATES_NOT;
	int n = get(dir, "device/vpd_pgb1", page, sizeof(page));
	if (n >= 6)
		return (page[4] << 8 | page[5]) > 1 ? ROTATES : ROTATES_UNKNOWN;
	return get(dir, "device/scsi_level", page, 1) == 1 ? ROTATES : ROTATES_UNKNOWN;
}

static enum rotates look(const char *dir, int deep)
{
	char path[PATH_MAX];
	unsigned char c;
	enum rotates is = ROTATES;
	bool any = false;
	if (deep == DEEP)
		return ROTATES_UNKNOWN;
	if (get(dir, "partition", &c, 1) >= 0) {
		if (snprintf(path, sizeof(path), "%s/..", dir) >= (int)sizeof(path))
			return ROTATES_UNKNOWN;
		return look(path, deep + 1);
	}
	if (snprintf(path, sizeof(path), "%s/slaves", dir) >= (int)sizeof(path))
		return ROTATES_UNKNOWN;
	DIR *d = opendir(path);
	for (struct dirent *e; d && (e = readdir(d));) {
		if (*e->d_name == '.' || snprintf(path, sizeof(path), "%s/slaves/%s", dir, e->d_name) >= (int)sizeof(path))
			continue;
		char real[PATH_MAX];       /* a link: the way up from a partition must lead to its disk */
		enum rotates below = realpath(path, real) ? look(real, deep + 1) : ROTATES_UNKNOWN;
		any = true;
		is = below < is ? below : is;
	}
	if (d)
		closedir(d);
	return any ? is : one(dir);
}

enum rotates rotates(const char *sys, unsigned major, unsigned minor)
{
	char path[PATH_MAX], real[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/dev/block/%u:%u", sys, major, minor) >= (int)sizeof(path) || !realpath(path, real))
		return ROTATES_UNKNOWN;
	return look(real, 0);
}

/* What a mount's source is: "/dev/sda1" of "30 1 0:25 / /data rw - btrfs /dev/sda1 rw". */
bool rotates_source(const char *mountinfo, unsigned major, unsigned minor, char *source, size_t room)
{
	char line[2 * PATH_MAX], *end;
	bool found = false;
	FILE *f = fopen(mountinfo, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		unsigned a, b;
		int at = 0;
		if (sscanf(line, "%*u %*u %u:%u %n", &a, &b, &at) < 2 || !at || a != major || b != minor || !(end = strstr(line + at, " - ")))
			continue;
		end += 3;
		end += strcspn(end, " ");
		end += *end == ' ';
		end[strcspn(end, " \n")] = 0;
		found = *end == '/' && (size_t)snprintf(source, room, "%s", end) < room;
	}
	if (f)
		fclose(f);
	return found;
}

enum rotates rotates_below(dev_t dev)
{
	char source[PATH_MAX];
	struct stat st;
	if (rotates_source("/proc/self/mountinfo", major(dev), minor(dev), source, sizeof(source)) && stat(source, &st) == 0 && S_ISBLK(st.st_mode))
		dev = st.st_rdev;
	return rotates("/sys", major(dev), minor(dev));
}
