/* reap [evictor]: in a session of its own (OPT4_*), what tier_tmpfs.reap() makes of a file of 3 pages in dead/. With `evictor` whoever
 * evicts that file ends in between: unlinks it, and gives back its charge, when the reaper has seen it and not yet opened it.
 * Prints the pages that the reaper says it freed, and by how much the charge is short afterwards. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"

#define NAME  "0123456789abcdef0123456789abcdef.0.1"
#define PAGES 3u

static bool evictor;

/* the session's, too */
int fstatat(int fd, const char *restrict name, struct stat *restrict st, int flags)
{
	int rc = (int)syscall(SYS_newfstatat, fd, name, st, flags);
	if (evictor && !strcmp(name, NAME) && unlinkat(fd, name, 0) == 0)
		atomic_fetch_sub(&view.h->account[TIER_RAM].charged, PAGES);
	return rc;
}

int main(int argc, __attribute__((unused)) char **argv)
{
	char path[sizeof view.dir + 80];
	conf_load();
	session_job_begin();
	if (!session_attach())
		return 1;
	uint64_t before = atomic_load(&view.h->account[TIER_RAM].charged);
	snprintf(path, sizeof path, "%s/dead/" NAME, view.dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, PAGES * PAGE) < 0)
		return 1;
	close(fd);
	atomic_fetch_add(&view.h->account[TIER_RAM].charged, PAGES);
	atomic_store(&view.h->account[TIER_RAM].lingering, PAGES);   /* else it does not look */
	evictor = argc > 1;
	uint64_t freed = tier_tmpfs.reap(true);
	printf("%llu %lld\n", (unsigned long long)freed, (long long)(before - atomic_load(&view.h->account[TIER_RAM].charged)));
	session_leave();
	return 0;
}
