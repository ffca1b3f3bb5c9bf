/* client.c - see client.h */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "client.h"

uint32_t client_use(const char *root, uint32_t i, int *fd)
{
	char name[32], path[128], buf[PATH_BYTES];
	struct cached c;
	struct stat st;
	*fd = -1;
	snprintf(name, sizeof name, "f%u.jpg", i);
	snprintf(path, sizeof path, "%s/%s", root, name);
	uint32_t rec = session_record(0, name, strlen(name));
	if (rec == REC_NONE)
		return rec;
	*fd = session_open(rec, AT_FDCWD, path, O_RDONLY, &c);
	if (*fd >= 0)
		session_touch(&c);
	int orig = open(path, O_RDONLY);
	if (*fd < 0 && orig >= 0 && session_hint(rec, orig, &c) == 0)
		*fd = session_fetch(orig, O_CLOEXEC, &c);
	if (*fd >= 0) {
		session_stat(&c, &st);
		session_whose(*fd, &c);
		int again = session_reopen(&c, O_RDONLY);
		if (again >= 0)
			close(again);
	}
	if (orig >= 0)
		close(orig);
	if (view.h)
		record_path(rec, buf, sizeof buf);
	return rec;
}

void client_leave(void)
{
	if (view.h && view.slot < SLOTS_MAX)
		atomic_store(&view.slots[view.slot].pid, 0);
	view_unmap();
	view.disabled = false;
	view.retry_at = 0;
}
