/* fill.c - the first data access to a file that is not resident: one fills, the others wait a bounded time. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "view.h"

#define BUFFER   (128u << 10)
#define BUFFERS  4
#define RACY_NS  20000000           /* a change within one clock tick (10 ms at most) leaves no trace in mtime */

static int64_t ns_of(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

void origin_from(struct origin *o, const struct stat *st)
{
	*o = (struct origin){ .dev = st->st_dev, .ino = st->st_ino, .rdev = st->st_rdev, .size = (uint64_t)st->st_size,
		.blocks = (uint64_t)st->st_blocks, .mode = st->st_mode, .nlink = (uint32_t)st->st_nlink, .uid = st->st_uid,
		.gid = st->st_gid, .blksize = (uint32_t)st->st_blksize, .atime = ns_of(st->st_atim),
		.mtime = ns_of(st->st_mtim), .ctime = ns_of(st->st_ctim) };
}

bool origin_same(const struct origin *o, const struct stat *st)
{
	return o->dev == st->st_dev && o->ino == st->st_ino && o->size == (uint64_t)st->st_size &&
	       o->mtime == ns_of(st->st_mtim) && o->ctime == ns_of(st->st_ctim);
}

bool origin_fit(const struct stat *st)
{
	struct timespec now;
	if (!S_ISREG(st->st_mode) || st->st_size < 1 || (uint64_t)st->st_size > view.h->maxfile || st->st_dev == session_dev)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = ns_of(now) - ns_of(st->st_ctim);
	return age > RACY_NS || age < -1000000000; /* a clock far behind the server's says nothing */
}

/* Transfer buffers: a few a process, made at first use. */
static struct { _Atomic int busy; char *p; } buffers[BUFFERS];

static char *buffer_get(int *which)
{
	for (int i = 0; i < BUFFERS; i++) {
		int idle = 0;
		if (!atomic_compare_exchange_strong(&buffers[i].busy, &idle, 1))
			continue;
		if (!buffers[i].p) {
			char *p = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			buffers[i].p = p == MAP_FAILED ? NULL : p;
		}
		if (buffers[i].p) {
			*which = i;
			return buffers[i].p;
		}
		atomic_store(&buffers[i].busy, 0);
	}
	return NULL;
}

void fill_after_fork(void)
{
	for (int i = 0; i < BUFFERS; i++)  /* taken by threads that the child does not have */
		atomic_store(&buffers[i].busy, 0);
}

/* Is the page at `at` in the page cache? (mincore would say yes to everything of another user's file.) */
static bool page_cached(int fd, off_t at)
{
	char byte;
	struct iovec v = { &byte, 1 };
	return preadv2(fd, &v, 1, at, RWF_NOWAIT) == 1;
}

static int copy(int from, int to, uint64_t size)
{
	int which, rc = 0;
	char *buf = buffer_get(&which);
	if (!buf)
		return -ENOMEM;
	for (uint64_t at = 0; at < size && rc == 0;) {
		uint64_t want = size - at < BUFFER ? size - at : BUFFER;
		ssize_t got = pread(from, buf, want, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			rc = got < 0 ? -errno : -ESTALE; /* it has become shorter */
			break;
		}
		for (ssize_t put = 0; put < got && rc == 0;) {
			ssize_t n = pwrite(to, buf + put, (size_t)(got - put), (off_t)at + put);
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				rc = n < 0 ? -errno : -EIO;
			else
				put += n;
		}
		at += (uint64_t)got;
	}
	atomic_store(&buffers[which].busy, 0);
	return rc;
}

int fill_copy(int fd, const struct origin *o, bool prefetch)
{
	struct stat st;
	bool was_cached = page_cached(fd, 0) && page_cached(fd, (off_t)(o->size / 2));
	int obj = object_create(o->size);
	if (obj < 0)
		return obj;
	int rc = copy(fd, obj, o->size);
	if (rc == 0 && (fstat(fd, &st) < 0 || !origin_same(o, &st)))
		rc = -ESTALE;
	if (!was_cached)           /* not kept twice; what others had brought in stays theirs */
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { o->mtime / 1000000000, o->mtime % 1000000000 } };
	if (rc == 0 && (fchmod(obj, o->mode & 0777) < 0 || futimens(obj, times) < 0))
		rc = -errno;
	if (rc < 0) {
		object_close(obj);
		return rc;
	}
	return obj;
}

/* Room, copy, link, record. The record is FILLING and ours. 0 or -errno: it is ABSENT again. */
static int fill(uint32_t rec, int fd, const struct origin *o, const struct access *a, const uint32_t *victims, int nvictims)
{
	struct record *r = &view.rec[rec];
	struct inflight *mark = inflight_of(rec);
	uint64_t pages = (o->size + PAGE - 1) / PAGE, start = now_ns();
	struct stat st;
	int rc = -ENOSPC, obj = -1;
	if (!room_evict_reserve(victims, nvictims, pages))
		goto absent;
	mark->pages = pages;
	obj = fill_copy(fd, o, false);
	if (obj < 0) {
		rc = obj;
		goto release;
	}
	r->st = *o;
	r->pages = (uint32_t)pages;
	r->key = object_key(record_path_hash(rec), o);
	rc = fstat(obj, &st) < 0 ? -errno : object_link(obj, &r->key);
	object_close(obj);
	if (rc < 0)
		goto release;
	r->obj_ino = st.st_ino;
	atomic_store(&r->checked, now_coarse());
	r->prefetched = 0;
	if (!session_lock()) {     /* nobody could file it: it must not stay */
		object_evict(&r->key);
		rc = -ETIMEDOUT;
		goto release;
	}
	r->use = a->use;
	view.pol.ops->insert(&view.pol, rec, r->use);
	view.h->resident++;
	rec_set(rec, REC_RESIDENT);
	inflight_del(rec);
	session_unlock();
	COUNT(view.h->n.fills, 1);
	COUNT(view.h->n.fill_bytes, o->size);
	uint64_t took = now_ns() - start, mean = atomic_load(&view.h->fill_ns);
	atomic_store(&view.h->fill_ns, mean ? mean - mean / 8 + took / 8 : took);
	return 0;
release:
	mark->pages = 0;
	room_release(pages);
	if (rc != -ENOSPC && rc != -ENOMEM && rc != -ESTALE)
		COUNT(view.h->n.errors, 1);
absent:
	inflight_del(rec);
	rec_set(rec, REC_ABSENT);
	return rc;
}

/* Another fills it: waits until it is done, the other is dead or stopped, or it takes too long: eight times
 * what fills took of late, at least 50 ms, at most 1 s. True: resident now. */
static bool wait_for(uint32_t rec)
{
	uint64_t start = now_ns(), most = atomic_load(&view.h->fill_ns) * 8, w;
	most = most < 50000000 ? 50000000 : most > 1000000000 ? 1000000000 : most;
	while (ST_STATE(w = atomic_load(&view.rec[rec].state)) == REC_FILLING) {
		const struct slot *s = &view.slots[ST_SLOT(w) % SLOTS_MAX];
		if (rec_wait(rec, w, 10000000))
			continue;
		if (now_ns() - start > most || proc_stopped(s->pid))
			return false;
		if (!proc_alive(s->pid, s->start, s->pidns))
			repair_bury();
	}
	return rec_state(rec) == REC_RESIDENT;
}

static int give_object(uint32_t rec, int flags, struct cached *c)
{
	struct resident r;
	if (!record_read(rec, &r))
		return -ENOENT;
	c->obj_ino = r.obj_ino;
	c->checked = now_coarse();
	return object_open(&r.key, flags);
}

int session_fetch(int fd, int flags, struct cached *c)
{
	struct stat st;
	struct origin o;
	struct access a = { .epoch = 0 };
	uint32_t rec = c->rec, victims[VICTIMS_MAX];
	int nvictims = -1, cancel, rc = -EBUSY;
	uint64_t start = now_ns();
	if (!session_attach() || fstat(fd, &st) < 0 || st.st_dev != c->dev || st.st_ino != c->ino)
		return -ESTALE;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	origin_from(&o, &st);
	room_look();
	if (atomic_load(&view.h->room_left) < 0)
		room_shrink();
	enum rec_state s = rec_state(rec);
	if (s == REC_RESIDENT && !origin_same(&view.rec[rec].st, &st)) {
		record_drop(rec);
		COUNT(view.h->n.invalidated, 1);
	}
	if (rec >= view.h->shape.nfiles)
		policy_rebuild(rec * 2 + 2 < view.h->ncap ? rec * 2 + 2 : view.h->ncap, 0, 0);

	bool locked = session_lock(), fit = origin_fit(&st) && !atomic_load(&view.rec[rec].writers);
	s = rec_state(rec);
	if (locked) {
		access_begin(rec, &a);
		if (s == REC_ABSENT && fit && rec < view.h->shape.nfiles) {
			nvictims = room_victims((o.size + PAGE - 1) / PAGE, rec, a.use, victims, a.gate_shut ? 0 : VICTIMS_MAX);
			if (nvictims >= 0 && !inflight_add(rec, 0))
				nvictims = -1; /* room_victims() kept an entry free unless it took none */
			if (nvictims >= 0)
				rec_set(rec, REC_FILLING);
		}
		session_unlock();
	}
	if (s == REC_RESIDENT && (rc = give_object(rec, flags, c)) >= 0) {
		access_count(&a, ACCESS_HIT, rec, o.size, 0);
	} else if (s == REC_FILLING && wait_for(rec) && (rc = give_object(rec, flags, c)) >= 0) {
		access_count(&a, ACCESS_LATE, rec, o.size, now_ns() - start);
	} else if (nvictims >= 0 && fill(rec, fd, &o, &a, victims, nvictims) == 0) {
		access_count(&a, ACCESS_MISS, rec, o.size, now_ns() - start);
		COUNT(view.h->n.origin_opens, 1);
		rc = give_object(rec, flags, c);
	} else {
		access_count(&a, ACCESS_BYPASS, rec, o.size, now_ns() - start);
		COUNT(view.h->n.origin_opens, 1);
		rc = -EBUSY;
	}
	pthread_setcancelstate(cancel, &cancel);
	return rc;
}
