/* original.c - opening originals, and reading those that merely lie on the way. Nothing is locked. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"
#include "opt4d.h"

int original_open(uint32_t rec, struct origin *o)
{
	char path[PATH_BYTES];
	struct stat st;
	if (!record_path(rec, path, sizeof(path)))
		return -ENOENT;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	int rc = fstat(fd, &st) < 0 ? -errno : origin_fit(&st) ? fd : -EINVAL;
	if (rc < 0)
		close(fd);
	else
		origin_from(o, &st);
	return rc;
}

int original_look(uint32_t rec, struct origin *o)
{
	char path[PATH_BYTES];
	struct stat st;
	if (!record_path(rec, path, sizeof(path)))
		return -ENOENT;
	if (stat(path, &st) < 0)
		return -errno;
	if (!origin_fit(&st))
		return -EINVAL;
	origin_from(o, &st);
	return 0;
}

void original_through(const struct next *n, const struct transfer *own)
{
	char path[PATH_BYTES];
	uint64_t start = now_coarse();
	for (uint32_t i = 0; i < n->nthrough && atomic_load(&view.h->demand_ns) < start; i++) {
		if (!record_path(n->through[i], path, sizeof(path)))
			return;
		int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
		int fd = own->direct ? open(path, flags | O_DIRECT) : -1;
		bool direct = fd >= 0;
		if (fd < 0 && (fd = open(path, flags)) < 0)
			return;
		uint64_t got = 0;
		for (ssize_t r = (ssize_t)own->bytes; r == (ssize_t)own->bytes && (r = read(fd, own->p, own->bytes)) > 0;)
			got += (uint64_t)r;
		if (!direct)
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
		COUNT(view.h->n.origin_opens, 1);
		COUNT(view.h->n.origin_bytes, got);
		COUNT(view.h->disk_through, got);
	}
}
