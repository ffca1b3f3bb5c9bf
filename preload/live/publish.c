/* publish.c - an epoch's order becomes a plan: its files, then one short critical section. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "live.h"

#define BEGINNING 32u             /* accesses by which an epoch is known again in a trace */

struct draft {
	uint32_t gen, nfiles, npos, nbatches;
	size_t at[TRACE_META + 1], len[TRACE_META + 1];
	char *map;
	size_t bytes;
	struct live_table *t;
	size_t table_bytes;
	struct live_trust trust;
	uint32_t heir, named;     /* files in it */
	uint32_t unknown;         /* accesses of samples that it says nothing of, about */
};

static void path_of(const struct draft *d, const char *what, char path[PATH_BYTES + 32])
{
	snprintf(path, PATH_BYTES + 32, "%s/live.%u.%s", view.dir, d->gen, what);
}

static uint32_t batch_of(const struct live_epoch *e, uint32_t b, uint32_t done)
{
	uint32_t want = e->counts ? e->counts[b] : e->batch_size ? e->batch_size : 1;
	return want < e->n - done ? want : e->n - done;
}

/* Records of a sample, in the order in which they are read; their number. */
static uint32_t sample(const struct draft *d, uint32_t index, uint32_t rec[LIVE_WIDTH]) { return live_records(d->t, &d->trust, index, d->nfiles, rec); }

/* Sections one after the other; those that nobody reads (paths, slots) stay holes of the file. */
static void lay_out(struct draft *d, const struct live_epoch *e)
{
	uint32_t slots = 2;
	while (slots < 2ull * d->nfiles)
		slots *= 2;
	const size_t len[] = {
		[TRACE_STREAMS] = sizeof(struct trace_stream), [TRACE_SEGMENTS] = sizeof(struct trace_segment),
		[TRACE_BATCH_START] = d->nbatches * 4ull, [TRACE_BATCH_COUNT] = d->nbatches * 4ull, [TRACE_ORDER] = d->npos * 4ull,
		[TRACE_NEXT] = d->npos * 4ull, [TRACE_FIRST] = d->nfiles * 4ull, [TRACE_SIZES] = d->nfiles * 4ull,
		[TRACE_PATH_OFF] = (d->nfiles + 1ull) * 4, [TRACE_SLOTS] = slots * 4ull,
		[TRACE_META] = e->then ? live_then_bytes(d->npos, d->nfiles) : 0,
	};
	size_t at = sizeof(struct trace_header);
	for (int i = 0; i <= TRACE_META; i++) {
		d->at[i] = at;
		d->len[i] = len[i];
		at = (at + len[i] + 63) & ~(size_t)63;
	}
	d->bytes = at;
}

static int create(struct draft *d)
{
	char path[PATH_BYTES + 32];
	path_of(d, "order", path);
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	int rc = ftruncate(fd, (off_t)d->bytes) < 0 ? -errno : 0;
	if (rc == 0)
		rc = -posix_fallocate(fd, 0, (off_t)d->at[TRACE_PATH_OFF]);
	if (rc == 0 && d->len[TRACE_META])
		rc = -posix_fallocate(fd, (off_t)d->at[TRACE_META], (off_t)d->len[TRACE_META]);
	if (rc == 0) {
		d->map = mmap(NULL, d->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		rc = d->map == MAP_FAILED ? -errno : 0;
	}
	close(fd);
	if (rc < 0) {
		d->map = NULL;
		unlink(path);
	}
	return rc;
}

static void write_header(const struct draft *d)
{
	struct trace_header *h = (void *)d->map;
	memcpy(h->magic, TRACE_MAGIC, 8);
	h->version = TRACE_VERSION;
	h->header_bytes = sizeof(*h);
	h->file_bytes = d->bytes;
	h->id = (uint64_t)d->gen << 32 | 1;
	h->nfiles = d->nfiles;
	h->npos = d->npos;
	h->nstreams = h->nsegments = 1;
	h->nbatches = d->nbatches;
	h->nslots = (uint32_t)(d->len[TRACE_SLOTS] / 4);
	for (int i = 0; i <= TRACE_META; i++)
		h->section[i] = (struct trace_section){ .offset = d->at[i], .bytes = d->len[i] };
	h->crc = trace_header_crc(h);
}

/* Of a file that was read already; a hint: it may be read anew just now. */
static uint32_t known_size(uint32_t rec) { return view.touched[rec >> 6] >> (rec & 63) & 1 ? (uint32_t)view.rec[rec].st.size : 0; }

static void write_order(const struct draft *d, const struct live_epoch *e)
{
	uint32_t *order = (void *)(d->map + d->at[TRACE_ORDER]), *next = (void *)(d->map + d->at[TRACE_NEXT]);
	uint32_t *first = (void *)(d->map + d->at[TRACE_FIRST]), *sizes = (void *)(d->map + d->at[TRACE_SIZES]);
	uint32_t *start = (void *)(d->map + d->at[TRACE_BATCH_START]), *count = (void *)(d->map + d->at[TRACE_BATCH_COUNT]);
	uint32_t pos = 0, done = 0;
	for (uint32_t b = 0; b < d->nbatches; b++) {
		start[b] = pos;
		for (uint32_t end = done + batch_of(e, b, done); done < end; done++) {
			uint32_t rec[LIVE_WIDTH], n = sample(d, e->order[done], rec);
			for (uint32_t i = 0; i < n && pos < d->npos; i++)   /* a row may have grown meanwhile */
				order[pos++] = rec[i];
		}
		if (b + 1 == d->nbatches)
			while (pos && pos < d->npos)    /* or shrunk */
				order[pos] = order[pos - 1], pos++;
		count[b] = pos - start[b];
	}
	memset(first, 0xFF, d->len[TRACE_FIRST]);
	for (uint32_t p = d->npos; p-- > 0;) {
		next[p] = first[order[p]];
		first[order[p]] = p;
	}
	for (uint32_t f = 0; f < d->nfiles; f++)
		sizes[f] = known_size(f);
	*(struct trace_stream *)(void *)(d->map + d->at[TRACE_STREAMS]) = (struct trace_stream){ .rank = e->rank,
		.workers = e->workers, .batch_size = e->batch_size, .flags = e->persistent & 1 ? TRACE_STREAM_PERSISTENT : 0 };
	*(struct trace_segment *)(void *)(d->map + d->at[TRACE_SEGMENTS]) = (struct trace_segment){ .epoch = e->epoch,
		.nbatches = d->nbatches, .end_pos = d->npos };
}

/* Positions that the order takes; 0: nothing of it is known. */
static uint32_t count_positions(struct draft *d, const struct live_epoch *e)
{
	uint32_t rec[LIVE_WIDTH];
	uint64_t n = 0;
	uint32_t none = 0;
	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t files = sample(d, e->order[i], rec);
		n += files;
		none += !files;
	}
	d->unknown = none < e->n ? (uint32_t)(n * none / (e->n - none)) : 0;
	return n < POS_MAX / 2 ? (uint32_t)n : 0;   /* each may be filed where it is, and where it is expected again */
}

/* Does an epoch of the joined trace begin like this one? Then the trace is right, and knows more. */
static bool traced(const struct draft *d, const struct live_epoch *e)
{
	if (!orders.own_plan)
		return false;
	const struct plan *p = &orders.plans[orders.own_plan - 1];
	const struct trace *t = &p->trace;
	for (uint32_t s = 0; s < t->h->nsegments; s++) {
		const struct trace_segment *seg = &t->segments[s];
		uint32_t same = 0, done = 0, b = seg->first_batch;
		for (; done < e->n && same < BEGINNING && b - seg->first_batch < seg->nbatches && b < t->h->nbatches; b++) {
			uint32_t rec[LIVE_WIDTH], pos = t->batch_start[b], end = pos + t->batch_count[b];
			while (pos < end && done < e->n) {
				uint32_t n = sample(d, e->order[done], rec), i = 0;
				while (i < n && trace_at(t, pos) == plan_file(orders.own_plan - 1, rec[i]))
					i++, pos++;
				if (!n || i < n)
					break;
				done++;
				same += n;
			}
			if (pos < end)
				break;
		}
		if (same >= BEGINNING || (same && done == e->n))
			return true;
	}
	return false;
}

/* The slot for this stream: its last epoch's, else its predecessor's (round_heir()), else a new one, else that of one whose epoch has been over for longest, else
 * the first live one. Under the lock and the directory's. */
static uint32_t choose(uint64_t stream, uint32_t heir)
{
	const struct index_header *h = view.h;
	uint32_t over = PLANS_MAX, any = PLANS_MAX;
	for (uint32_t n = index_plans(); n-- > 0;) {
		const struct plan_entry *e = &h->plans[n];
		if (!e->gen)
			continue;
		if (e->stream == stream)
			return n;
		any = n;
		if (e->ended && (over == PLANS_MAX || e->past.ended < h->plans[over].past.ended))
			over = n;
	}
	if (heir < index_plans() && h->plans[heir].gen && h->plans[heir].ended)
		return heir;
	if (h->nplans < PLANS_MAX && h->nplans == h->shape.naxes)
		return h->nplans;
	return over < PLANS_MAX ? over : any;
}

/* Is it the order of the epoch before? Not 0. */
static uint64_t hash_of(const struct live_epoch *e)
{
	uint64_t hash = 0xCBF29CE484222325u ^ e->dataset;
	for (uint32_t i = 0; i < e->n; i++)
		hash = (hash ^ e->order[i]) * 0x100000001B3u;
	return hash ? hash : 1;
}

static bool rising(const struct live_epoch *e)
{
	uint32_t i = 1;
	while (i < e->n && e->order[i] > e->order[i - 1])
		i++;
	return i >= e->n;
}

/* Under the lock. An order that was replayed elsewhere may come when its epoch is over. */
static bool stale(const struct live_epoch *e, uint32_t n)
{
	const struct plan *p = &orders.plans[n];
	bool later = view.h->plans[n].stream == e->stream && p->mapped && p->trace.segments[0].epoch > e->epoch;
	return later || !stream_dataset(e->loader);
}

/* Under both locks and the guard: the plan in slot n is this one from now on. */
static void replace(const struct draft *d, const struct live_epoch *e, uint32_t n, const struct policy_shape *shape, uint32_t policy_gen)
{
	struct index_header *h = view.h;
	struct plan_entry *p = &h->plans[n];
	uint32_t between = 0, drawn = 0;
	if (p->gen && orders.plans[n].mapped) {
		between = p->stream == e->stream ? follow_between(&orders.plans[n].follow, d->npos, d->nbatches) : 0;
		drawn = orders.plans[n].follow.sh->drawn;
		h->live_matched += orders.plans[n].follow.sh->matched;
		h->live_diverged += orders.plans[n].follow.sh->diverged;
	}
	p->nfiles = d->nfiles;
	p->npos = d->npos;
	p->identity = 1;
	p->trace_id = (uint64_t)d->gen << 32 | 1;
	p->rate_pos = 0;
	p->rate_clock = 0;
	round_begin(n, e->stream, hash_of(e), (rising(e) ? ROUND_RISING : 0u) | (n == d->heir ? ROUND_HEIR : 0u) | (e->persistent & LIVE_ON ? ROUND_ON : 0u) | (e->then ? ROUND_THEN : 0u)
		| (e->n == e->samples && d->named == d->npos ? ROUND_WHOLE : 0u), d->named);
	p->stream = e->stream;
	p->dealt = e->persistent >> LIVE_DEALT;
	p->named = d->named;
	p->endless = (e->persistent & LIVE_ENDLESS) != 0;
	p->pause_at = (uint32_t)((uint64_t)e->pause * d->npos / e->n);   /* samples of several files: about there */
	p->told = (e->persistent & LIVE_TOLD) != 0;
	p->ended = 0;
	atomic_store(&p->wake_front, 0);
	atomic_store(&p->loader, e->loader);
	atomic_store(&p->gen, d->gen);
	if (h->nplans <= n)
		h->nplans = n + 1;
	h->live_epochs++;
	if (h->policy_default)
		memcpy(h->policy, "opt", 4);
	rounds_foretell();
	/* From here on it is the others' plan, too, whether this process can map it or not. */
	if (policy_carry(shape, policy_gen) == 0 && orders.plans[n].gen == d->gen) {
		orders.plans[n].follow.sh->between = between;
		orders.plans[n].follow.sh->unknown = d->unknown;
		orders.plans[n].follow.sh->drawn = drawn < between ? drawn : between;
		if (e->persistent & LIVE_ON)
			round_been(n);
	}
}

/* The policy's state is made without the lock; who finds that another changed its shape meanwhile begins again, and so does
 * who waited for the lock in vain: an epoch's order is worth some waits of 10 ms. */
static int publish(const struct draft *d, const struct live_epoch *e)
{
	char old[PATH_BYTES + 32], name[24];
	int rc = -EAGAIN;
	for (int tries = 0; tries < 5 && (rc == -EAGAIN || rc == -ETIMEDOUT); tries++) {
		uint32_t was = view.h->policy_gen, fresh = atomic_fetch_add(&view.h->policy_seq, 1) + 1, gone = 0;
		uint32_t n = choose(e->stream, d->heir);
		struct policy_shape shape;
		if (n >= PLANS_MAX)
			return -EBUSY; /* eight traces have joined */
		if (!index_shape(&shape))
			return -ESTALE;
		shape.nfiles = shape.nfiles < d->nfiles ? d->nfiles : shape.nfiles;
		shape.naxes = shape.naxes <= n ? n + 1 : shape.naxes;
		shape.npos[n] = axis_room(d->npos);
		size_t bytes = policy_bytes(view.h->policy_default ? &policy_opt : policy_find(view.h->policy), &shape);
		snprintf(name, sizeof(name), "policy.%u", fresh);
		snprintf(old, sizeof(old), "%s/%s", view.dir, name);
		void *p = plan_map_file(name, &bytes, true);
		rc = p ? 0 : -errno;
		if (p)
			munmap(p, bytes);
		if (rc == 0 && !session_lock())
			rc = -ETIMEDOUT;
		if (rc == 0) {
			bool changed = was != view.h->policy_gen;
			if (stale(e, n)) {
				rc = -ESTALE;
			} else if (!changed && plans_guard()) {
				gone = atomic_load(&view.h->plans[n].gen);
				replace(d, e, n, &shape, fresh);
				plans_unguard();
				snprintf(old, sizeof(old), "%s/policy.%u", view.dir, was);
			} else {
				rc = -EAGAIN;
			}
			session_unlock();
		}
		unlink(old);
		if (gone) {
			struct draft d_old = { .gen = gone };
			path_of(&d_old, "order", old);
			unlink(old);
			path_of(&d_old, "plan", old);
			unlink(old);
		}
	}
	return rc;
}

static int build(struct draft *d, const struct live_epoch *e)
{
	struct trace t = { .h = NULL };
	char name[32];
	size_t map_at, rmap_at;
	lay_out(d, e);
	int rc = create(d);
	if (rc < 0)
		return rc;
	write_header(d);
	write_order(d, e);
	if (e->then)
		live_then(e, d->t, &d->trust, d->npos, d->nfiles, (void *)(d->map + d->at[TRACE_META]));
	for (const uint32_t *f = (void *)(d->map + d->at[TRACE_FIRST]), *end = f + d->nfiles; f < end; f++)
		d->named += *f != TRACE_NEVER;
	d->heir = round_heir((void *)(d->map + d->at[TRACE_FIRST]), d->nfiles, e->rank);
	t.h = (void *)d->map;
	size_t bytes = plan_bytes(&t, true, &map_at, &rmap_at);
	munmap(d->map, d->bytes);
	snprintf(name, sizeof(name), "live.%u.plan", d->gen);
	void *block = plan_map_file(name, &bytes, true);
	if (!block)
		return -errno;
	munmap(block, bytes);
	return 0;
}

int live_publish(const struct live_epoch *e)
{
	struct draft d = { .nbatches = e->nbatches };
	char path[PATH_BYTES + 32];
	if (!session_attach())
		return -EAGAIN;
	bool keyed = e->persistent & LIVE_KEYED;
	uint64_t dataset = keyed ? live_keyed(e->dataset) : e->dataset;
	if (!e->n || !e->nbatches || !(d.t = live_table(dataset, keyed ? live_keyed_rows(e->samples) : e->samples, &d.table_bytes)))
		return -ENOENT;
	d.nfiles = index_files();
	live_judge(d.t, d.nfiles, &d.trust);
	d.npos = count_positions(&d, e);
	int rc = d.npos ? traced(&d, e) : -ENOENT;
	if (rc == 0) {
		/* A trace may be joining, or the last job leaving: then nothing may be made in its folder. */
		int lock = dir_lock(view.dir);
		if (lock < 0 || atomic_load(&view.h->gone)) {
			rc = lock < 0 ? lock : -ESTALE;
		} else {
			d.gen = atomic_fetch_add(&view.h->live_seq, 1) + 1;
			rc = build(&d, e);
			if (rc == 0)
				rc = publish(&d, e);
			if (rc < 0) {
				path_of(&d, "order", path);
				unlink(path);
				path_of(&d, "plan", path);
				unlink(path);
			}
		}
		if (lock >= 0)
			dir_unlock(lock);
	}
	munmap(d.t, d.table_bytes);
	if (rc == 0) {
		keeper_check();
		keeper_ring();
	}
	return rc;
}
