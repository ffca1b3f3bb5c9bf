/* fill.c - the first data access to a file that is not resident: one fills, the others wait a bounded time. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "parts.h"

#define GIVE_WAY_NS 1000000000ull   /* to the keeper on a disk with one arm; .. */
#define BUCKET_NS  60000000000ull   /* .. where it reads buckets in their turn, and goes on */
#define RACY_NS  20000000           /* a change within one clock tick (10 ms at most) leaves no trace in mtime */

static int64_t ns_of(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

bool origin_fit(const struct stat *st)
{
	struct timespec now;
	if (!S_ISREG(st->st_mode) || st->st_size < 1 || (uint64_t)st->st_size > index_maxfile() || st->st_dev == session_dev)
		return false;
	clock_gettime(CLOCK_REALTIME, &now);
	int64_t age = ns_of(now) - ns_of(st->st_ctim);
	return age > RACY_NS || age < -1000000000; /* a clock far behind the server's says nothing */
}

int fill_link(uint32_t rec, int obj, const struct origin *o)
{
	struct record *r = &view.rec[rec];
	struct stat st;
	r->st = *o;
	r->pages = (uint32_t)pages_of(o->size);
	__atomic_store_n(&r->tier, TIER_RAM, __ATOMIC_RELAXED);   /* an access of the object before it may be counted just now */
	r->left_ino = 0;
	atomic_store(&r->ssd, 0);
	r->key = object_key(record_key_hash(rec), o);
	atomic_store_explicit(&r->same, origin_same_as(o), memory_order_relaxed);
	int rc = fstat(obj, &st) < 0 ? -errno : tier_at(r->tier)->link(obj, &r->key);
	tier_at(r->tier)->close(obj);
	if (rc < 0)
		return rc;
	r->obj_ino = st.st_ino;
	atomic_store(&r->checked, now_coarse());
	return 0;
}

/* Of an object that could not be filed nothing may stay: nobody has been charged for it. */
static int unfiled(uint32_t rec, int given, int rc)
{
	if (given >= 0)
		close(given);      /* first: what is open would linger */
	tier_at(view.rec[rec].tier)->evict(view.slot, &view.rec[rec].key);
	return rc;
}

/* Somebody has the file open for writing, by this name or another. */
static bool written(uint32_t rec, const struct origin *o)
{
	uint32_t is = links_find(origin_inode(o));
	return atomic_load(&view.rec[rec].writers) || (is != REC_NONE && atomic_load(&view.rec[is].writers));
}

int fill_file(uint32_t rec, int given, struct use use, const uint32_t *order, uint64_t start)
{
	struct record *r = &view.rec[rec];
	r->prefetched = order != NULL;
	if (!session_lock())
		return unfiled(rec, given, -ETIMEDOUT);
	if (atomic_load(&r->spoiled) == ST_GEN(atomic_load(&r->state)) || written(rec, &r->st)) {
		session_unlock();
		return unfiled(rec, given, -ESTALE);
	}
	uint64_t bytes = r->st.size;
	r->asked = (uint32_t)COUNTED(view.h->n.accesses);
	if (order && *order != orders.plans[use.axis].gen) {
		plans_fronts();
		use = plans_use(rec);
	}
	filing_put(rec, use);
	struct tier_account *account = record_account(r);
	account->resident++;
	rec_set(rec, REC_RESIDENT);
	inflight_del(rec);
	session_unlock();
	COUNT(account->fills, 1);
	COUNT(account->written_bytes, bytes);
	COUNT(view.h->n.fills, 1);
	COUNT(view.h->n.fill_bytes, bytes);
	uint64_t took = now_ns() - start, mean = atomic_load(&view.h->fill_ns);
	atomic_store(&view.h->fill_ns, mean ? mean - mean / 8 + took / 8 : took);
	return 0;
}

void fill_give_up(uint32_t rec, uint64_t pages, int rc)
{
	struct inflight *mark = inflight_of(rec);
	if (pages) {
		if (mark)
			mark->pages = 0;
		room_release(TIER_RAM, pages);
		if (rc != -ENOSPC && rc != -ENOMEM && rc != -ESTALE && rc != -ETIMEDOUT)  /* that is in lock_timeouts */
			COUNT(view.h->n.errors, 1);
	}
	inflight_del(rec);
	rec_set(rec, REC_ABSENT);
}

/* Room, copy, link, record. The record is FILLING and ours. A descriptor on the object, opened before others may evict it
 * (what has just been read is often the next to go); or -errno, and the record is ABSENT again, but for want of a
 * descriptor. */
static int fill(uint32_t rec, int fd, const struct origin *o, const struct access *a, const uint32_t *victims, int nvictims, int flags)
{
	struct inflight *mark = inflight_of(rec);
	uint64_t pages = pages_of(o->size), start = now_ns();
	if (!room_evict_reserve(victims, nvictims, TIER_RAM, pages)) {
		fill_give_up(rec, 0, -ENOSPC);
		return -ENOSPC;
	}
	mark->pages = pages;
	keeper_demand();
	int rc = fill_copy(fd, o, NULL);
	if (rc == -ENOENT)         /* no folder for it */
		index_lost();
	static bool said;
	if (rc == -ENOSPC && !said) {
		said = true;
		note_reason("opt4: cache: tmpfs is full below the budget, or has no inodes left (df -i); what does not fit stays uncached; "
			 "enlarge it or lower OPT4_CACHE");
	}
	if (rc >= 0)
		rc = fill_link(rec, rc, o);
	if (rc == 0) {
		int given = tier_at(view.rec[rec].tier)->open(&view.rec[rec].key, flags);
		rc = fill_file(rec, given, a->use, NULL, start);
		if (rc == 0)
			return given;
	}
	fill_give_up(rec, pages, rc);
	return rc;
}

/* Another fills it: waits until it is done, the other is dead or stopped, or it takes too long: eight times
 * what fills took of late, at least 200 ms (stores give in bursts, and reading it once more would only queue behind
 * the fill), at most 1 s. True: resident now. */
static bool wait_for(uint32_t rec)
{
	uint64_t start = now_ns(), most = atomic_load(&view.h->fill_ns) * 8, w;
	most = most < 200000000 ? 200000000 : most > 1000000000 ? 1000000000 : most;
	while (ST_STATE(w = atomic_load(&view.rec[rec].state)) == REC_FILLING) {
		const struct slot *s = &view.slots[ST_SLOT(w) % SLOTS_MAX];
		if (rec_wait(rec, w, 10000000))
			continue;
		if (now_ns() - start > most || proc_stopped(s->pid))
			return false;
		if (!slot_alive(s, s->pid))
			repair_bury();
	}
	return rec_state(rec) == REC_RESIDENT;
}

/* The object, if it is of the very file that the descriptor is on: what is resident by now may be its successor. */
static int give_object(uint32_t rec, uint32_t name, const struct stat *st, const struct origin *o, int flags)
{
	struct resident r;
	if (!record_read(rec, &r))
		return -ENOENT;
	if (name != rec ? r.same != origin_same_as(o) : !object_seen(rec, &r, st))
		return -ESTALE;
	return object_open(rec, &r, flags);
}

/* Counted, and said once a session. */
static void too_large(uint64_t bytes)
{
	uint32_t no = 0;
	COUNT(view.h->n.too_large, 1);
	if (view.h->account[TIER_RAM].budget && atomic_compare_exchange_strong(&view.h->large_said, &no, 1))
		note_reason("opt4: cache: files of more than %llu MiB stay uncached (one has %llu); set OPT4_MAXFILE, or a larger OPT4_CACHE: the limit is "
			 "an eighth of it%s", (unsigned long long)index_maxfile() >> 20, (unsigned long long)bytes >> 20,
			 ssd_here() ? " and OPT4_SSD_SIZE together, but half of OPT4_CACHE" : "");
}

bool session_absent(uint32_t rec) { return view.h && rec < view.ncap && rec_state(record_twin(rec)) == REC_ABSENT; }

void session_peeked(struct cached *c)
{
	c->peeked = 1;
	if (view.h)
		COUNT(view.h->n.peeked, 1);
}

/* What the keeper goes by: is it worth fetching such files ahead? The first one says that it is. */
static void read_on(struct cached *c)
{
	if (c->peeked)
		__atomic_fetch_sub(&view.h->n.peeked, 1, __ATOMIC_RELAXED);
	c->peeked = 0;
	if (!atomic_fetch_add_explicit(&view.h->read_on, 1, memory_order_relaxed))
		keeper_ring();
}

/* Another fills it, under this name, or *rec under another of the file's. True: *rec has it now. */
static bool wait_for_either(uint32_t *rec, uint32_t name, bool stands, const struct origin *o)
{
	if (!stands && wait_for(*rec))
		return true;
	uint32_t twin = stands ? link_settle(name, o) : record_twin(name);   /* who filled it has found it under another name */
	if (twin == *rec)
		return false;
	*rec = twin;
	return rec_state(twin) == REC_RESIDENT || (rec_state(twin) == REC_FILLING && wait_for(twin));
}

/* Is it what this process reads next in an order that is followed? */
static bool expected(uint32_t rec, uint32_t name)
{
	bool is = false;
	if (!session_lock())
		return false;
	struct plan *p = orders.own_plan ? &orders.plans[orders.own_plan - 1] : NULL, *live = stream_plan();
	if (live && orders.live_run && !live->follow.sh->gate_shut)
		is = follow_expected(&live->follow, orders.live_run) == access_file(orders.live_plan - 1, rec, name);
	if (!is && p && orders.run && !p->follow.sh->gate_shut)
		is = follow_expected(&p->follow, orders.run) == access_file(orders.own_plan - 1, rec, name);
	session_unlock();
	return is;
}

/* The dataset's disk has one arm, and the keeper is under way with it, in the order of the disk. Reading the file here would
 * take the arm away, and each file a seek, as without; so the keeper is given time, as long as it says that it will come and
 * is alive. (It takes what is needed soon out of turn, too: turn.c.) */
static bool keeper_comes(uint64_t start)
{
	uint32_t how = atomic_load_explicit(&view.h->elevator, memory_order_relaxed);
	uint64_t now = now_coarse(), waited = now_ns() - start;
	return how && now - atomic_load(&view.h->keeper_beat) < GIVE_WAY_NS &&
	       (waited < GIVE_WAY_NS || (how == ELEVATOR_BUCKETS && waited < BUCKET_NS && now - atomic_load(&view.h->disk_beat) < 2 * GIVE_WAY_NS));
}

static bool give_way(uint32_t rec, uint32_t name)
{
	uint64_t start = now_ns(), w;
	if (!expected(rec, name))
		return false;
	atomic_store_explicit(&view.h->awaited_ns, now_coarse(), memory_order_relaxed);
	keeper_ring();
	while (ST_STATE(w = atomic_load(&view.rec[rec].state)) == REC_ABSENT && !atomic_load(&view.rec[rec].unfetched) &&
	       keeper_comes(start))
		rec_wait(rec, w, 10000000);
	return ST_STATE(w) == REC_FILLING ? wait_for(rec) : ST_STATE(w) == REC_RESIDENT;
}

/* What was read of the store here the pool may not have: the keeper puts it there. */
static void tell_filled(uint32_t rec)
{
	for (uint32_t i = 0; i < FILLED_MAX; i++) {
		uint32_t none = 0;
		if (!atomic_load_explicit(&view.h->filled[i], memory_order_relaxed) && atomic_compare_exchange_strong(&view.h->filled[i], &none, rec + 1)) {
			keeper_ring();
			return;
		}
	}
}

static int fetch(int fd, int flags, struct cached *c)
{
	struct stat st;
	struct origin o;
	struct access a = { .epoch = 0 };
	uint32_t name = c->rec, rec, victims[VICTIMS_MAX];
	int nvictims = -1, cancel, rc = -EBUSY;
	bool stands = false;       /* another name's record for this file */
	uint64_t start = now_ns();
	if (!session_attach() || fstat(fd, &st) < 0 || st.st_dev != c->dev || st.st_ino != c->ino)
		return -ESTALE;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (st.st_size > SESSION_SMALL)
		read_on(c);
	origin_from(&o, &st);
	room_look();
	if (atomic_load(&view.h->room_left) < 0)
		victims_shrink();
	rec = link_settle(name, &o);
	enum rec_state s = rec_state(rec);
	struct resident was;
	if (s == REC_RESIDENT && record_read(rec, &was) && !object_seen(rec, &was, &st)) {
		record_drop(rec);
		COUNT(view.h->n.invalidated, 1);
	}
	tier_tmpfs.reap(false);    /* nothing to do unless something lingers */
	if (rec >= view.h->shape.nfiles)
		policy_rebuild(rec < view.ncap / 2 - 1 ? rec * 2 + 2 : view.ncap, 0, 0);

	bool waited = s == REC_ABSENT && o.size <= SESSION_SMALL && atomic_load_explicit(&view.h->elevator, memory_order_relaxed) && origin_fit(&st) && give_way(rec, name);
	if (s == REC_ABSENT && !waited && atomic_load_explicit(&view.h->pool_state, memory_order_relaxed) && origin_fit(&st) && o.size <= index_maxfile())
		waited = ask_keeper(rec, o.size) && (rec_state(rec) == REC_RESIDENT || wait_for(rec));
	bool locked = session_lock(), fit = origin_fit(&st) && !written(rec, &o) && !atomic_load(&view.rec[name].writers);
	s = rec_state(rec);
	if (locked) {
		access_begin(rec, name, &a);
		stands = s == REC_ABSENT && fit && link_stand(rec, &o) != rec;
		if (s == REC_ABSENT && fit && !stands && rec < orders.shape.nfiles) {
			nvictims = victims_choose(pages_of(o.size), rec, a.use, victims, a.gate_shut ? 0 : VICTIMS_MAX);
			if (nvictims >= 0 && !inflight_add(rec, 0))
				nvictims = -1; /* victims_choose() kept an entry free unless it took none */
			if (nvictims >= 0)
				rec_set(rec, REC_FILLING);
		}
		session_unlock();
	}
	if (s == REC_RESIDENT && (rc = give_object(rec, name, &st, &o, flags)) >= 0) {
		access_count(&a, waited ? ACCESS_LATE : ACCESS_HIT, rec, o.size, waited ? now_ns() - start : 0);
	} else if ((stands || s == REC_FILLING) && wait_for_either(&rec, name, stands, &o) && (rc = give_object(rec, name, &st, &o, flags)) >= 0) {
		access_count(&a, ACCESS_LATE, rec, o.size, now_ns() - start);
	} else if (nvictims >= 0 && (rc = fill(rec, fd, &o, &a, victims, nvictims, flags)) >= 0) {
		access_count(&a, ACCESS_MISS, rec, o.size, now_ns() - start);
		COUNT(view.h->n.origin_opens, 1);
		if (atomic_load_explicit(&view.h->pool_state, memory_order_relaxed))
			tell_filled(rec);
	} else {
		if (o.size > index_maxfile())
			too_large(o.size);
		keeper_demand();
		access_count(&a, ACCESS_BYPASS, rec, o.size, now_ns() - start);
		COUNT(view.h->n.origin_opens, 1);
		rc = -EBUSY;
	}
	if (rc >= 0 && fstat(rc, &st) == 0) {
		c->obj_ino = st.st_ino;
		c->checked = now_coarse();
	}
	if (s != REC_RESIDENT)
		keeper_check();
	pthread_setcancelstate(cancel, &cancel);
	return rc;
}

int session_fetch(int fd, int flags, struct cached *c)
{
	struct calm calm;
	if (stack_small())
		return -ENOMEM;    /* as where memory is short: the original's */
	calm_begin(&calm);
	int rc = fetch(fd, flags, c);
	calm_end(&calm);
	return rc;
}
