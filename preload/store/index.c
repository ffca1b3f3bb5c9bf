/* index.c - the shared index: creation, mapping, validation. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "store.h"

struct view view = { .slot = SLOTS_MAX };
const struct store_above *store_above;
uint64_t session_dev, session_ssd_dev;

static uint64_t up(uint64_t v) { return pages_of(v) * PAGE; }

void index_layout(struct index_header *h)
{
	uint64_t at = up(sizeof(*h));
	h->off_slots = at;      at += up(sizeof(struct slot) * SLOTS_MAX);
	h->off_epochs = at;     at += up(sizeof(struct epoch_stat) * EPOCHS_MAX);
	h->off_reserved = at;   at += up(65536 / 8); /* 4 GiB of index; index_valid() sees to it */
	h->off_touched = at;    at += up(((uint64_t)h->ncap + 63) / 64 * 8);
	h->off_records = at;    at += up((uint64_t)h->ncap * sizeof(struct record));
	h->off_name_slots = at; at += up((uint64_t)NAME_SLOTS * 4);
	h->off_links = at;      at += up((uint64_t)NAME_SLOTS * 4);
	h->off_names = at;      at += NAME_BYTES;
	h->index_bytes = at;
}

static void set_header(struct index_header *h, const char *dir)
{
	struct timespec ts;
	memcpy(h->magic, INDEX_MAGIC, 8);
	h->version = INDEX_VERSION;
	h->header_bytes = sizeof(*h);
	h->page = PAGE;
	h->uid = geteuid();
	dir_boot_id(h->boot_id);
	for (unsigned i = 0; i < conf.nroots; i++) {
		size_t len;
		struct stat st;
		const char *real = conf.root[i].len ? conf_root_real(i, &len) : NULL;
		if (!real || stat(real, &st) < 0)
			continue;  /* stays empty: no file of that root is ours */
		strcpy(h->roots[i].path, real);
		h->roots[i].dev = st.st_dev;
		h->roots[i].ino = st.st_ino;
		h->roots[i].mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
		h->roots[i].ctime = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
	}
	h->nroots = conf.nroots;
	h->nfiles = conf.have_trace ? conf.trace.h->nfiles : 0;
	h->ncap = h->nfiles + EXTRA_FILES;
	h->keep = conf.keep;
	index_layout(h);
	index_budget(h, dir);
	h->room_left = room_above(dir, h->floor_bytes);   /* while the first of us looks again the others need not think that there is none */
	h->revalidate_ns = conf.revalidate_set ? conf.revalidate_ns : UINT64_MAX - 1; /* by file system: attach.c */
	h->prefetch = conf.prefetch;
	h->ntiers = *conf.ssd ? 2 : 1;
	clock_gettime(CLOCK_REALTIME, &ts);
	h->created_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	h->pool_state = *conf.pool ? POOL_COMING : POOL_NONE;
	strcpy(h->pool, conf.pool);
	strcpy(h->pool_secret, conf.pool_secret);
	h->pool_wait_ns = conf.pool_wait_ns;
	h->pool_secret_given = conf.pool_secret_given;
	/* with a pool memory is what bytes pass through */
	strcpy(h->policy, *conf.policy ? conf.policy : conf.have_trace ? "opt" : *conf.pool ? "lru" : "keep");
	h->policy_default = !*conf.policy;
	h->name_mask = NAME_SLOTS_FIRST - 1;
	h->shape.nfiles = h->nfiles + 4096;  /* grows with the files that the trace does not name */
	h->shape.seed = 42;
}

/* Points view at a mapping. */
static void use_map(void *map)
{
	char *p = map;
	struct index_header *h = map;
	view.index_bytes = h->index_bytes;
	view.slots = (void *)(p + h->off_slots);
	view.epochs = (void *)(p + h->off_epochs);
	view.reserved = (void *)(p + h->off_reserved);
	view.touched = (void *)(p + h->off_touched);
	view.rec = (void *)(p + h->off_records);
	view.name_slots = (void *)(p + h->off_name_slots);
	view.link_slots = (void *)(p + h->off_links);
	view.names = p + h->off_names;
	view.nfiles = h->nfiles;
	view.ncap = h->ncap;
	view.h = h;
	log_ring(&h->log_next, h->log);
}

void view_unmap(void)
{
	if (!view.h)
		return;
	if (store_above)
		store_above->unmap();
	log_ring(NULL, NULL);
	/* Forgotten first: another thread may fork in between, and its child must not find what is no longer mapped. */
	void *map = view.h;
	size_t bytes = view.index_bytes;
	bool disabled = view.disabled;
	memset(&view, 0, sizeof(view));
	view.slot = SLOTS_MAX;
	view.disabled = disabled;
	munmap(map, bytes);
}

void view_disable(const char *why)
{
	if (!view.disabled)
		opt4_log("opt4: off in process %d: %s; it reads the originals", (int)getpid(), why);
	view.disabled = true;
}

bool index_reserve(const void *p, size_t len)
{
	uint64_t from = (uint64_t)((const char *)p - (const char *)view.h), to = from + len;
	for (uint64_t c = from / CHUNK; c * CHUNK < to; c++) {
		if (c * CHUNK >= view.index_bytes)
			return false;
		if (atomic_load_explicit(&view.reserved[c / 64], memory_order_relaxed) >> (c % 64) & 1)
			continue;          /* relaxed: what it tells of, tmpfs's pages, are there by the kernel's own order */
		char path[PATH_BYTES + 16];
		snprintf(path, sizeof(path), "%s/index", view.dir);
		int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			return false;
		int rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)(c * CHUNK), CHUNK);
		close(fd);
		if (rc < 0)
			return false;
		atomic_fetch_or(&view.reserved[c / 64], 1ull << (c % 64));
	}
	return true;
}

static void set_dir(const char *dir)
{
	strcpy(view.dir, dir);
	view.prefix_len = (size_t)snprintf(view.prefix, sizeof(view.prefix), "%s/objects/", dir);
}

int index_create(const char *dir, int dirfd)
{
	char sub[16];
	int fd = -1, rc = -EIO;
	struct index_header *h = NULL;
	static struct index_header fresh;  /* 280 KB: too much for a thread's stack; under dir_lock */
	memset(&fresh, 0, sizeof(fresh));
	set_header(&fresh, dir);

	if ((mkdirat(dirfd, "objects", 0700) < 0 && errno != EEXIST) || (mkdirat(dirfd, "dead", 0700) < 0 && errno != EEXIST))
		return -errno;
	for (int i = 0; i < 256; i++) {
		snprintf(sub, sizeof(sub), "objects/%02x", i);
		if (mkdirat(dirfd, sub, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
	fd = openat(dirfd, "alive", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)               /* else nobody in another pid namespace can tell who lives */
		close(fd);
	fd = openat(dirfd, "index.new", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* the header's pages are reserved, so that a full tmpfs is an answer here and no SIGBUS later */
	if (ftruncate(fd, (off_t)fresh.index_bytes) < 0 || (errno = posix_fallocate(fd, 0, (off_t)fresh.off_records)) != 0) {
		rc = -errno;
		goto out;
	}
	h = mmap(NULL, fresh.index_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (h == MAP_FAILED) {
		h = NULL;
		rc = -errno;
		goto out;
	}
	memcpy(h, &fresh, sizeof(fresh));
	set_dir(dir);
	use_map(h);
	rc = store_above ? store_above->create() : 0;
	if (rc == 0) {
		atomic_store(&h->ready, 1);
		if (renameat(dirfd, "index.new", dirfd, "index") < 0)
			rc = -errno;
	}
out:
	if (view.h)
		view_unmap();
	else if (h)
		munmap(h, fresh.index_bytes);
	close(fd);
	if (rc < 0)
		unlinkat(dirfd, "index.new", 0);
	return rc;
}

/* A text that ends within its room. */
static bool ends(const char *text, size_t room) { return memchr(text, 0, room); }

bool index_shape(struct policy_shape *shape)
{
	*shape = view.h->shape;
	return shape->naxes <= AXES_MAX && shape->nfiles <= view.ncap && ends(view.h->policy, sizeof(view.h->policy)) && policy_find(view.h->policy);
}

static bool valid(const struct index_header *h, uint64_t bytes)
{
	static struct index_header want;   /* read only fields; a race writes the same values */
	uint8_t boot[40];
	if (memcmp(h->magic, INDEX_MAGIC, 8) || h->version != INDEX_VERSION || h->header_bytes != sizeof(*h))
		return false;
	if (!h->ready || h->gone || h->nroots > ROOTS_MAX || h->nplans > PLANS_MAX)
		return false;
	if (dir_boot_id(boot) < 0 || memcmp(boot, h->boot_id, 40))
		return false;
	for (uint32_t i = 0; i < ROOTS_MAX; i++)
		if (!ends(h->roots[i].path, PATH_BYTES) || (i < PLANS_MAX && !ends(h->plans[i].path, PATH_BYTES)))
			return false;
	if (h->ncap < h->nfiles || h->ncap - h->nfiles != EXTRA_FILES || !ends(h->policy, sizeof(h->policy)) || !policy_find(h->policy) || h->shape.nfiles > h->ncap ||
	    h->shape.naxes > AXES_MAX || h->name_mask >= NAME_SLOTS || (h->name_mask & (h->name_mask + 1)))
		return false;
	/* a tool may look on from elsewhere */
	if (h->page != PAGE && !page_set(h->page))
		return false;
	want.nfiles = h->nfiles;
	want.ncap = h->ncap;
	index_layout(&want);
	return bytes / CHUNK < 65536 && h->index_bytes == bytes && h->off_reserved == want.off_reserved && want.index_bytes == bytes && h->off_slots == want.off_slots &&
	       h->off_epochs == want.off_epochs && h->off_touched == want.off_touched && h->off_records == want.off_records &&
	       h->off_names == want.off_names && h->off_name_slots == want.off_name_slots && h->off_links == want.off_links;
}

int index_map(const char *dir)
{
	char path[PATH_BYTES + 16];
	struct stat st;
	snprintf(path, sizeof(path), "%s/index", dir);
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size < (off_t)sizeof(struct index_header)) {
		close(fd);
		return -ESTALE;
	}
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	int rc = map == MAP_FAILED ? -errno : 0;
	close(fd);
	if (rc < 0)
		return rc;
	if (!valid(map, (uint64_t)st.st_size)) {
		munmap(map, (size_t)st.st_size);
		return -ESTALE;
	}
	madvise(map, (size_t)st.st_size, MADV_DONTDUMP);
	set_dir(dir);
	session_dev = st.st_dev;
	use_map(map);
	view.index_ino = st.st_ino;
	return 0;
}

/* 1: it is there; 0: it is not, or another; -1: it can't be seen from here, by a process that has dropped its rights, say. */
static int seen(void)
{
	char path[PATH_BYTES + 16];
	struct stat st;
	snprintf(path, sizeof(path), "%s/index", view.dir);
	if (lstat(path, &st) == 0)
		return st.st_ino == view.index_ino && st.st_dev == session_dev;
	return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

bool index_here(void) { return seen() == 1; }

bool index_lost(void)
{
	uint32_t no = 0;
	if (!view.h || seen() != 0)
		return false;
	if (atomic_compare_exchange_strong(&view.h->gone, &no, GONE_LOST))
		opt4_log("opt4: %.150s: removed by somebody else; its jobs make it anew", view.dir);
	return true;
}

bool index_abandoned(const char *dir)
{
	char path[PATH_BYTES + 16];
	struct stat st;
	bool is = false;
	snprintf(path, sizeof(path), "%s/index", dir);
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	const struct index_header *h = MAP_FAILED;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_size >= (off_t)sizeof(*h))
		h = mmap(NULL, sizeof(*h), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (h != MAP_FAILED) {
		is = !memcmp(h->magic, INDEX_MAGIC, 8) && h->version == INDEX_VERSION && h->ready && atomic_load(&h->gone);
		munmap((void *)(uintptr_t)h, sizeof(*h));
	}
	return is;
}

bool index_live(void)
{
	for (int i = 0; i < JOBS_MAX; i++) {
		const struct job *j = &view.h->jobs[i];
		if (job_alive(j))
			return true;
	}
	return false;
}
