/* spool.c - what another process is to do, an order to replay or a dataset to measure: the training process's iter() costs what a file
 * of 5 KB and the start of a small program cost. */
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

/* A file of the session, by another's name: head, then what. 0 or -errno. */
static int put(const char *name, const void *head, size_t head_bytes, const void *what, size_t bytes)
{
	char path[PATH_BYTES + 48];
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	bool ok = write(fd, head, head_bytes) == (ssize_t)head_bytes && write(fd, what, bytes) == (ssize_t)bytes;
	close(fd);
	if (!ok)
		unlink(path);
	return ok ? 0 : -ENOSPC;
}

/* The same, read and removed; *what is to be freed. Bytes of what, or -errno. */
static ssize_t take(const char *name, void *head, size_t head_bytes, void **what)
{
	char path[PATH_BYTES + 48];
	struct stat st;
	*what = NULL;
	if (strncmp(name, "live.", 5) || strchr(name, '/') || strlen(name) > 31)
		return -EINVAL;
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t bytes = fstat(fd, &st) < 0 ? -errno : st.st_size - (ssize_t)head_bytes;
	if (bytes > 0 && !(*what = malloc((size_t)bytes)))
		bytes = -ENOMEM;
	else if (bytes <= 0 || read(fd, head, head_bytes) != (ssize_t)head_bytes || read(fd, *what, (size_t)bytes) != bytes)
		bytes = -EINVAL;
	close(fd);
	unlink(path);
	return bytes;
}

static void removed(const char *name)
{
	char path[PATH_BYTES + 48];
	snprintf(path, sizeof(path), "%s/%s", view.dir, name);
	unlink(path);
}

int live_spool(const struct live_epoch *e, const void *what, size_t bytes)
{
	char name[32];
	struct live_epoch plain = *e;
	if (!session_attach())
		return -EAGAIN;
	plain.order = plain.counts = plain.then = NULL;
	uint32_t n = atomic_fetch_add(&view.h->live_seq, 1) + 1;
	spool_name(name, n);
	int rc = put(name, &plain, sizeof(plain), what, bytes);
	if (rc < 0)
		return rc;
	rc = hand_over(n) ? 0 : keeper_order(name);
	if (rc < 0)
		removed(name);
	return rc;
}

ssize_t live_unspool(const char *spool, struct live_epoch *e, void **what)
{
	ssize_t bytes = take(spool, e, sizeof(*e), what);
	e->order = e->counts = e->then = NULL;
	return bytes;
}

int live_measure(uint64_t all, const char *names, size_t bytes)
{
	char name[32];
	if (!session_attach() || !view.h->size_guessed)
		return -EAGAIN;
	snprintf(name, sizeof(name), "live.%u.size", atomic_fetch_add(&view.h->live_seq, 1) + 1);
	int rc = put(name, &all, sizeof(all), names, bytes);
	if (rc == 0 && (rc = keeper_size(name)) < 0)
		removed(name);
	return rc;
}

ssize_t live_unmeasured(const char *list, uint64_t *all, void **names) { return take(list, all, sizeof(*all), names); }
