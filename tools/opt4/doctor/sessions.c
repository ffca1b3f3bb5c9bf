/* sessions.c - what lies in /dev/shm in our name. */
#include "check.h"

#include "../../../preload/session/keeper.h"
#include "../common/common.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct tally { unsigned live, kept, stale, broken; unsigned long long idle; };

static int count(const struct session_info *s, void *arg)
{
	struct tally *t = arg;

	t->live += s->valid && s->live;
	t->kept += s->valid && !s->live && s->keep;
	t->stale += s->valid && !s->live && !s->keep;
	t->broken += !s->valid;
	if (!s->valid || (!s->live && !s->keep))
		t->idle += s->bytes;
	return 0;
}

/* Whose directory is it? Returns false when it was said that something is wrong. */
static bool ours(struct doctor *d, const char *dir)
{
	struct stat st;

	if (lstat(dir, &st) < 0)
		return true;
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return true;
	if (!S_ISDIR(st.st_mode))
		doctor_say(d, DOCTOR_BAD, "sessions", "%s is no directory: no cache; remove it, or set OPT4_DIR", dir);
	else if (st.st_uid != geteuid())
		doctor_say(d, DOCTOR_BAD, "sessions", "%s belongs to uid %u: no cache; its owner or root removes it, or set OPT4_DIR", dir,
			   (unsigned)st.st_uid);
	else
		doctor_say(d, DOCTOR_BAD, "sessions", "%s is open to others (mode %03o): no cache; chmod 700 %s", dir,
			   (unsigned)st.st_mode & 0777, dir);
	return false;
}

void doctor_sessions(struct doctor *d)
{
	struct tally t = { 0 };
	char dir[64], size[16];
	const char *own = getenv("OPT4_DIR");

	snprintf(dir, sizeof(dir), "/dev/shm/opt4-%u", (unsigned)geteuid());
	if (!ours(d, dir) || (own && *own && !ours(d, own)))
		return;
	sessions_each(count, &t);
	if (t.stale || t.broken)
		doctor_say(d, DOCTOR_WARN, "sessions", "%u left behind by killed jobs or another version (%s); opt4 clean removes them",
			   t.stale + t.broken, size_text(size, t.idle));
	else if (t.live || t.kept)
		doctor_say(d, DOCTOR_OK, "sessions", "%u in use, %u kept for the next job", t.live, t.kept);
	else
		doctor_say(d, DOCTOR_OK, "sessions", "none");
}
