/* identity.c - when is a file, or a root, still the one that it was? A change that keeps size, mtime and ctime to the nanosecond
 * does not happen: ctime is the kernel's own. What tells two files apart that lie there in turn is their number; but some
 * file systems invent it anew when they have forgotten a file (FUSE, SMB, 9p), and every mount of one without a disk of its
 * own gets another device. So the device says nothing, and the number nothing where numbers are known to be invented. */
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include "store.h"

static int64_t ns_of(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

static bool unchanged(const struct origin *o, const struct stat *st)
{
	return o->size == (uint64_t)st->st_size && o->mtime == ns_of(st->st_mtim) && o->ctime == ns_of(st->st_ctim);
}

/* Without a disk: of a dataset on one that has its own, the number holds. */
static bool renumbered(const struct stat *st)
{
	uint32_t is = view.h ? atomic_load_explicit(&view.h->renumbered, memory_order_relaxed) : 0;
	return is == NUMBERS_SEEN || (is == NUMBERS_TYPE && major(st->st_dev) == 0);
}

bool origin_same(const struct origin *o, const struct stat *st)
{
	return unchanged(o, st) && (o->ino == st->st_ino || renumbered(st));
}

bool origin_renumbered(const struct origin *o, const struct stat *st, int dirfd, const char *path)
{
	struct stat again;
	if (!unchanged(o, st) || fstatat(dirfd, path, &again, 0) < 0 || !unchanged(o, &again) || again.st_ino == st->st_ino)
		return false;
	atomic_store(&view.h->renumbered, NUMBERS_SEEN);
	return true;
}

bool origin_at(const struct origin *o, uint64_t dev, uint64_t ino, const struct stat *st)
{
	return (st->st_dev == dev && st->st_ino == ino) || (o->ino == ino && origin_same(o, st));
}

static bool inventor(uint32_t type)
{
	static const uint32_t inventors[] = { 0x65735546, 0x517B, 0xFF534D42, 0xFE534D42, 0x01021997, 0x786F4256, 0x7C7C6673 };
	/* FUSE, smb, cifs, smb2, 9p, the shared folders of VirtualBox and Parallels */
	for (size_t i = 0; i < sizeof(inventors) / sizeof(*inventors); i++)
		if (type == inventors[i])
			return true;
	return false;
}

static bool invents(const char *root)
{
	struct statfs fs;
	return statfs(root, &fs) == 0 && inventor((uint32_t)fs.f_type);
}

bool numbers_hold(const char *path)
{
	struct statfs fs;
	return atomic_load_explicit(&view.h->renumbered, memory_order_relaxed) != NUMBERS_SEEN && statfs(path, &fs) == 0 && !inventor((uint32_t)fs.f_type);
}

void identity_of(const char *root)
{
	uint32_t none = NUMBERS_HOLD;
	if (invents(root))
		atomic_compare_exchange_strong(&view.h->renumbered, &none, NUMBERS_TYPE);
}

bool root_same(void)
{
	size_t len;
	struct stat st, again;
	for (unsigned i = 0; i < conf.nroots; i++) {
		const char *real = conf.root[i].len ? conf_root_real(i, &len) : NULL;
		if (!real || stat(real, &st) < 0)
			continue;
		if (strcmp(view.h->roots[0].path, real))
			return false;
		if (view.h->roots[0].dev == st.st_dev && view.h->roots[0].ino == st.st_ino)
			return true;
		/* mounted anew; two folders may have been made at one time, so the number must be right where it says something */
		return view.h->roots[0].mtime == ns_of(st.st_mtim) && view.h->roots[0].ctime == ns_of(st.st_ctim) &&
		       (view.h->roots[0].ino == st.st_ino || invents(real) || (stat(real, &again) == 0 && again.st_ino != st.st_ino));
	}
	return false;
}
