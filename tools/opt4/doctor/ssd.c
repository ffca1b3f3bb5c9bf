/* ssd.c - the second tier: may the folder hold one, is there room, and is it nearer than the dataset? */
#include "check.h"

#include "../../../preload/store/store.h"
#include "../../opt4d/disk/rotates.h"
#include "../common/common.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static void count(__attribute__((unused)) const char *folder, void *n) { ++*(unsigned *)n; }

/* Does one of the dataset's folders lie on this device? */
static bool beside(const struct doctor *d, dev_t dev)
{
	char one[4096];
	struct stat st;

	for (const char *s = d->roots ? d->roots : ""; *s; s += *s == ':') {
		size_t n = strcspn(s, ":");
		if (n < sizeof(one) && snprintf(one, sizeof(one), "%.*s", (int)n, s) > 0 && stat(one, &st) == 0 && st.st_dev == dev)
			return true;
		s += n;
	}
	return false;
}

/* What may go there: bytes above the part that stays free; negative: less. */
static long long room_of(const char *dir)
{
	struct statvfs fs;

	if (statvfs(dir, &fs) < 0)
		return -1;
	return (long long)(fs.f_bavail * fs.f_frsize) - (long long)(fs.f_blocks * fs.f_frsize / SSD_FREE);
}

static void sized(struct doctor *d, const char *dir, unsigned lie)
{
	struct doctor_mount m = { .type = "?" };
	const char *size = getenv("OPT4_SSD_SIZE");
	unsigned long long dataset = d->dataset;
	long long room = room_of(dir);
	uint64_t asked = 0;
	char a[16], b[16];
	bool said = size && *size && parse_size(size, dataset, &asked) == 0;

	doctor_mount(dir, &m);
	size_text(a, room > 0 ? (unsigned long long)room : 0);
	size_text(b, asked);
	if (said && asked < SSD_LEAST)
		doctor_say(d, DOCTOR_BAD, "ssd", "OPT4_SSD_SIZE=%s is less than 1M, which holds nothing; give e.g. 800G or 50%%", size);
	else if (room < (long long)SSD_LEAST && !lie)
		doctor_say(d, DOCTOR_BAD, "ssd", "%s: the disk is full, but for the twentieth that is left to others; free some of it", dir);
	else if (said && (long long)asked > room && !lie)
		doctor_say(d, DOCTOR_WARN, "ssd", "%s: room for %s of the %s of OPT4_SSD_SIZE, a twentieth of the disk left to others; the second tier "
			   "stays smaller", dir, a, b);
	else if (!said && (getenv("KUBERNETES_SERVICE_HOST") || memory_shared()))
		doctor_say(d, DOCTOR_WARN, "ssd", "%s: in a container, whose limit on local storage nobody can see from within: a pod over it is "
			   "evicted; set OPT4_SSD_SIZE", dir);
	else
		doctor_say(d, DOCTOR_OK, "ssd", "%s on %s: room for %s more; %u datasets lie there", dir, m.type, a, lie);
}

void doctor_ssd(struct doctor *d)
{
	char full[PATH_MAX] = "";
	struct stat st;
	unsigned lie = 0;

	if (!d->ssd)
		return;
	if (*d->ssd != '/' && getcwd(full, sizeof(full) / 2))
		strcat(full, "/");
	snprintf(full + strlen(full), sizeof(full) - strlen(full), "%s", d->ssd);
	const char *why = ssd_refused(full);
	if (!why && d->roots && ssd_within(full, d->roots))
		why = "within the dataset, where the job would find it; name another folder";
	if (why || stat(full, &st) < 0) {
		doctor_say(d, DOCTOR_BAD, "ssd", "%s: %s", d->ssd, why ? why : "it can't be looked at");
		return;
	}
	ssd_each(full, count, &lie);
	sized(d, full, lie);
	if (rotates_below(st.st_dev) == ROTATES)
		doctor_say(d, DOCTOR_WARN, "ssd", "%s: on a disk that rotates, which is hardly nearer than the store; name a folder on an SSD", full);
	if (beside(d, st.st_dev))
		doctor_say(d, DOCTOR_WARN, "ssd", "%s: on the file system of the dataset: nothing is nearer there; name a folder on another disk", full);
}
