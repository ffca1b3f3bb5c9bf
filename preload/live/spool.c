/* spool.c - an order that another process is to replay: from the training process's iter() costs what a file of
 * 5 KB and the start of a small program cost. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "live.h"

/* Starting a process takes two of them, and each must get the CPU once: the keeper has more time for it. Where there is to
 * be one but is none yet, it is started instead. */
static bool hand_over(uint32_t n)
{
	uint32_t none = 0;
	for (int i = 0; view.h->prefetch && view.h->account[TIER_RAM].budget && i < SPOOLED_MAX; i++, none = 0)
		if (atomic_compare_exchange_strong(&view.h->spooled[i], &none, n)) {
			live_ready();
			keeper_ring();
			return true;
		}
	return false;
}

static void spool_name(char name[32], uint32_t n) { snprintf(name, 32, "live.%u.spool", n); }

void live_spooled(void)
{
	char name[32];
	for (int i = 0; i < SPOOLED_MAX; i++) {
		uint32_t n = atomic_exchange(&view.h->spooled[i], 0);
		spool_name(name, n);
		if (n)
			keeper_order(name);
	}
}

int live_spool(const struct live_epoch *e, const void *what, size_t bytes)
{
	char name[32], path[PATH_BYTES + 48];
	struct live_epoch plain = *e;
	if (!session_attach())
		return -EAGAIN;
	plain.order = plain.counts = NULL;
	uint32_t n = atomic_fetch_add(&view.h->live_seq, 1) + 1;
	spool_name(name, n);
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	bool ok = write(fd, &plain, sizeof(plain)) == (ssize_t)sizeof(plain) && write(fd, what, bytes) == (ssize_t)bytes;
	close(fd);
	int rc = !ok ? -ENOSPC : hand_over(n) ? 0 : keeper_order(name);
	if (rc < 0)
		unlink(path);
	return rc;
}

ssize_t live_unspool(const char *spool, struct live_epoch *e, void **what)
{
	char path[PATH_BYTES + 48];
	struct stat st;
	*what = NULL;
	if (strncmp(spool, "live.", 5) || strchr(spool, '/') || strlen(spool) > 31)
		return -EINVAL;
	snprintf(path, sizeof(path), "%s/%s", view.dir, spool);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t bytes = fstat(fd, &st) < 0 ? -errno : st.st_size - (ssize_t)sizeof(*e);
	if (bytes > 0 && !(*what = malloc((size_t)bytes)))
		bytes = -ENOMEM;
	else if (bytes <= 0 || read(fd, e, sizeof(*e)) != (ssize_t)sizeof(*e) || read(fd, *what, (size_t)bytes) != bytes)
		bytes = -EINVAL;
	close(fd);
	unlink(path);
	e->order = e->counts = NULL;
	return bytes;
}
