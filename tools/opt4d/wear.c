/* wear.c - how much may be written to the SSD: `--ssd-writes`, in drive writes a day. A bucket that holds a day's bytes, which time fills
 * and moves empty; it is written down beside the log, so that a second job does not begin with a full one. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include "opt4d.h"

#define DAY 86400.0

static double day, left;           /* bytes: of a day, and what may be written now */
static int64_t at;                 /* seconds since 1970: when `left` was so */

static void path_of(char path[PATH_BYTES + 32], const char *name) { snprintf(path, PATH_BYTES + 32, "%s/%s", view.ssd_dir, name); }

/* What the last keeper left; a file that says nothing sensible is as none: a day's bytes. */
static void begin(void)
{
	struct statvfs fs;
	char path[PATH_BYTES + 32], text[64] = "";
	long long when = 0;
	double rest = 0;
	if (statvfs(view.ssd_dir, &fs) < 0)
		return;
	day = conf.ssd_writes * (double)fs.f_blocks * (double)fs.f_frsize;
	left = day;
	at = time(NULL);
	path_of(path, "writes");
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) > 0 && sscanf(text, "%lld %lf", &when, &rest) == 2 && when > 0 && when <= at && rest < day) {
		left = rest;
		at = when;
	}
	close(fd);
}

bool wear_allows(uint64_t bytes)
{
	if (conf.ssd_writes <= 0)
		return true;
	if (day <= 0)
		begin();
	int64_t now = time(NULL);
	if (now > at) {
		left += day * (double)(now - at) / DAY;
		left = left < day ? left : day;
	}
	at = now;
	return left >= (double)bytes;
}

void wear_wrote(uint64_t bytes) { left -= (double)bytes; }

void wear_save(void)
{
	char path[PATH_BYTES + 32], fresh[PATH_BYTES + 32], text[64];
	if (conf.ssd_writes <= 0 || day <= 0)
		return;
	path_of(path, "writes");
	path_of(fresh, "writes.new");
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), n = snprintf(text, sizeof(text), "%lld %.0f\n", (long long)at, left);
	if (fd < 0)
		return;
	bool ok = write(fd, text, (size_t)n) == n;
	close(fd);
	if (!ok || rename(fresh, path) < 0)
		unlink(fresh);
}
