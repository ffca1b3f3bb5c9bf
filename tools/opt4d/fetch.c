/* fetch.c - the threads that read originals, and what they are given to read.
 *
 * Threads with plain calls rather than io_uring: the job's other preloads must see every call on an original, and of
 * the dozen calls that a fill takes (open, stat, room, read, write, link, lease, unlink) only two wait for the store.
 * Measured on a block device (ext4 on a loop device, 4,000 files of 110 KiB into tmpfs, O_DIRECT, nothing cached): 32
 * threads .57 s and .38 s of CPU, io_uring with 32 in flight .44-.70 s and .35 s; with 4: 1.1 s and 1.3 s; throttled to
 * 100 MiB/s 4.3 s both. Buffered reads take .50 s of CPU, `cat` of the same bytes into tmpfs .46 s.
 * On FUSE (bindfs with 10 ms a file, 400 files of 110 KiB): 32 threads .17 s with O_DIRECT, .36 s without (the kernel has
 * 12 of FUSE's buffered reads under way at most); io_uring with 32 in flight .39 s buffered, and 4.5 s with O_DIRECT, since
 * submitting waits there for each read in turn. CPU time alike, .05-.07 s.
 *
 * A thread that gets work picks it itself, under keeper_lock: in the order of the look-ahead, and never by evicting
 * what is needed sooner, or what would be kept if the file were fetched no sooner than it is read (spare.c). Its room is
 * charged before the original is opened, so the look-ahead is filled strictly in order and the budget holds whatever is
 * in flight. Only a file of unknown size is opened first, while few sizes are known or where others would have to go: none goes for a guess. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "../../preload/session/keeper.h"
#include "opt4d.h"

#define THREADS_MAX 192
#define BUFFER      (256u << 10)
#define STACK       (112u << 10)
#define LOOKS       8u             /* looks at originals at a time, beside the fetches */
#define HUNG_NS     2000000000ull  /* a fetch that takes longer (and 20 times the mean) has hung */
#define POOLED      8u             /* fetches that may run at least where there is a pool */
#define AGAIN_NS    50000000ull    /* after a refusal by the policy: the front may have moved */

static struct fetcher { struct task job; bool busy; } fetchers[THREADS_MAX];
static uint32_t nthreads, idle, running, hung, looking;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static bool any;                           /* there may be something to pick */
static uint64_t refused_at, refused_moves;
static uint32_t refused_front[PLANS_MAX];

/* Nothing more is to be evicted for what lies ahead until the front moves on. */
static bool refused(void)
{
	if (!refused_at || refused_moves != spill_moves() || now_coarse() - refused_at > AGAIN_NS || atomic_load(&view.h->awaited_ns) >= refused_at)
		return false;
	for (uint32_t i = 0; i < view.h->nplans; i++)
		if (orders.plans[i].mapped && orders.plans[i].follow.sh->front != refused_front[i])
			return false;
	return true;
}

static void refuse(void)
{
	turn_refused();
	ahead_restart();
	refused_at = now_coarse();
	refused_moves = spill_moves();
	for (uint32_t i = 0; i < view.h->nplans; i++)
		refused_front[i] = orders.plans[i].mapped ? orders.plans[i].follow.sh->front : 0;
}

/* With a pool fetches mostly wait for the network, which is not what the pace measures. */
static uint32_t allowed(void)
{
	uint32_t n = elevator_on() ? TURNS + (view.h->rebucket_on ? TURNS : 0) : pace_allowed();
	return nodes_on() && n < POOLED ? POOLED : n;
}

/* What clients wait for goes beyond that. */
static uint32_t most(void) { return allowed() + (nodes_on() ? ASKED_MAX / 4 : 0); }

/* PICKED, UNSIZED or NOTHING. */
static enum pick pick(struct task *j)
{
	struct next n;
	*j = (struct task){ .fd = -1 };
	if (!atomic_load(&view.h->gone) && !view.disabled && claim_asked(j))
		return PICKED;
	if (running >= allowed())
		return NOTHING;
	if (!view.h->prefetch || atomic_load(&view.h->gone) || view.disabled || atomic_load(&view.h->room_left) < 0 || refused())
		goto nothing;
	refused_at = 0;
	while (elevator_on() ? turn_next(&n) : ahead_next(&n)) {
		if (n.how == NEXT_ERRAND) {
			turn_took(&n);
			j->next = n;
			return PICKED;
		}
		enum pick got = claim(&n, j, running);
		if (got == LATER && (n.how == NEXT_SWEPT || n.how == NEXT_BUCKET) && turn_full(&n))
			got = claim(&n, j, running);
		if (got == PICKED || got == UNSIZED) {
			if (n.how != NEXT_NEEDED)
				turn_took(&j->next);
			return got;
		}
		if (got == NOTHING) {
			turn_missed(&n);
			continue;
		}
		refuse();
		break;
	}
nothing:
	if (!rebucket_waits())
		turn_refused();    /* for the time being: whoever misses a file reads it himself */
	any = false;
	pace_starved();
	ahead_wake();
	return NOTHING;
}

/* The file's bytes into a new object, from its bucket, the pool or of the original; its descriptor or -errno. */
static int get(struct task *j, const struct transfer *own, struct origin *o)
{
	int fd = j->fd, rc;
	if (j->next.how == NEXT_BUCKET)
		return bucket_fetch(&j->next, own, o);
	bool looked = nodes_on() && (fd >= 0 || original_look(j->next.rec, o) == 0);
	if (looked && link_elsewhere(j->next.rec, o)) {
		if (fd >= 0)
			close(fd);
		return -ESTALE;
	}
	if (looked && pages_of(o->size) <= j->pages && (j->asked || ahead_worth(o->size)) && (rc = nodes_get(j->next.rec, o, own, &j->anew)) >= 0) {
		j->pooled = true;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	uint64_t start = now_ns();
	if (fd < 0)
		fd = original_open(j->next.rec, o);
	if (fd < 0)
		return fd;
	if (j->next.turn) {
		turn_wait(j->next.turn);
		original_through(&j->next, own);
	}
	rc = pages_of(o->size) > j->pages || !(j->asked || ahead_worth(o->size)) ? -EFBIG :
	     link_elsewhere(j->next.rec, o) ? -ESTALE : fill_copy(fd, o, own);
	close(fd);
	if (rc >= 0 && nodes_on())
		nodes_origin_took(now_ns() - start);
	return rc;
}

static void ended(const struct task *j)
{
	if (j->hung)
		hung--;
	else
		pace_running(running, running - 1), running--;
}

/* What was UNSIZED has been opened, or could not be. True: it is PICKED now. Under keeper_lock. */
static bool sized(struct task *j, const struct origin *o)
{
	enum pick got = NOTHING;
	if (j->fd >= 0) {
		struct next n = j->next;
		ahead_seen((uint32_t)pages_of(o->size));
		skip_resize(n.rec, (uint32_t)pages_of(o->size));
		got = claim(&n, j, running);
		if (got == PICKED)
			return true;
		close(j->fd);
	} else {
		COUNT(view.h->n.errors, 1);
		skip_failed(j->next.rec);
		if (index_reserve(&view.rec[j->next.rec], sizeof(struct record)))
			atomic_store_explicit(&view.rec[j->next.rec].unfetched, 1, memory_order_relaxed);
	}
	if (got == LATER)
		refuse();
	COUNT(view.h->n.origin_opens, 1);
	ended(j);
	return false;
}

static bool of_original(const struct task *j) { return j->next.how != NEXT_BUCKET && !j->pooled; }

/* What the store gave, whether or not it could be filed. */
static void count(const struct task *j, const struct origin *o, bool filed)
{
	struct counters *n = &view.h->n;
	uint32_t segment, batch;
	const struct trace *t = &orders.plans[j->next.plan].trace;
	bool original = of_original(j);
	if (original)
		COUNT(n->origin_bytes, o->size);
	if (filed && !j->asked) {
		COUNT(n->prefetched, 1);
		COUNT(n->prefetched_bytes, o->size);
	}
	uint32_t epoch = view.h->nepochs ? view.h->nepochs - 1 : 0;   /* where no order says */
	if (t->h && follow_locate(t, j->next.pos, &segment, &batch))
		epoch = t->segments[segment].epoch;
	else if (!j->asked)
		return;
	struct epoch_stat *e = &view.epochs[epoch < EPOCHS_MAX ? epoch : EPOCHS_MAX - 1];
	if (original)
		COUNT(e->origin_bytes, o->size);
	if (filed && !j->pooled)
		COUNT(e->reads, 1);
}

/* What became of it. Under keeper_lock. */
static void finish(struct task *j, int rc, const struct origin *o)
{
	uint32_t rec = j->next.rec, pages = j->pages;
	bool opened = rc >= 0;
	if (o->size && j->fd < 0)
		ahead_seen((uint32_t)pages_of(o->size));
	if (opened) {
		uint32_t real = (uint32_t)pages_of(o->size);
		if (real < pages) {
			struct inflight *mark = inflight_of(rec);
			if (mark)
				mark->pages = real;
			room_release(TIER_RAM, pages - real);
			pages = real;
		}
		if (atomic_load(&view.h->gone)) {
			tier_tmpfs.close(rc);
			rc = -ESTALE;
		} else {
			rc = fill_link(rec, rc, o);
			if (rc == 0)
				rc = fill_file(rec, -1, (struct use){ j->next.pos, j->next.plan }, &j->order, j->start);
		}
	}
	atomic_store_explicit(&view.rec[rec].unfetched, rc < 0, memory_order_relaxed);
	if (opened)
		count(j, o, rc == 0);
	if (rc < 0) {
		bool larger = rc == -EFBIG && o->size;   /* than was charged, or than is worth it: no error */
		fill_give_up(rec, pages, larger ? -ENOSPC : rc);
		ahead_missing((struct use){ j->next.pos, j->next.plan }, (int64_t)j->next.bytes + 1);
		if (larger)
			skip_resize(rec, (uint32_t)pages_of(o->size));
		else if (j->next.how != NEXT_BUCKET)
			skip_failed(rec);
	}
	if (j->next.how == NEXT_BUCKET)
		rebucket_got(&j->next, rc);
	else if (!j->pooled)
		COUNT(view.h->n.origin_opens, 1);
	ended(j);
	if (!j->hung)              /* the pace is the store's */
		pace_done(rc == 0 && !j->pooled ? o->size : 0, now_ns() - j->start);
}

static void *fetcher(void *arg)
{
	struct fetcher *me = arg;
	struct transfer own = { .bytes = BUFFER, .direct = conf.direct };
	own.p = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own.p == MAP_FAILED)
		return NULL;       /* its place stays empty */
	pthread_mutex_lock(&keeper_lock);
	while (1) {
		uint32_t rec;
		struct task *j = &me->job;
		enum pick got = any && running < most() ? pick(j) : NOTHING;
		if (got == NOTHING) {
			if (view.h->prefetch && looking < LOOKS && stale_next(&rec)) {
				looking++;
				fetch_look();
				pthread_mutex_unlock(&keeper_lock);
				stale_look(rec);
				pthread_mutex_lock(&keeper_lock);
				looking--;
				continue;
			}
			if (nodes_filled(&rec)) {
				looking++;
				pthread_mutex_unlock(&keeper_lock);
				nodes_put_filled(rec, &own);
				pthread_mutex_lock(&keeper_lock);
				looking--;
				continue;
			}
			idle++;
			pthread_cond_wait(&work, &keeper_lock);
			idle--;
			continue;
		}
		me->busy = true;
		j->start = now_ns();
		pace_running(running, running + 1);
		running++;
		fetch_look();      /* the next one looks for more */
		pthread_mutex_unlock(&keeper_lock);

		struct origin o = { 0 };   /* no size: it could not be opened */
		if (j->next.how == NEXT_ERRAND) {
			rebucket_run(&j->next, &own);
			pthread_mutex_lock(&keeper_lock);
			ended(j);
			got = NOTHING;
		} else if (got == UNSIZED) {
			int fd = original_open(j->next.rec, &o);
			pthread_mutex_lock(&keeper_lock);
			j->fd = fd;
			got = sized(j, &o) ? PICKED : NOTHING;
			if (got == PICKED)
				pthread_mutex_unlock(&keeper_lock);
		}
		if (got == PICKED) {
			int rc = get(j, &own, &o);
			turn_over(j->next.turn);
			int again = rc >= 0 && of_original(j) && nodes_on() ? dup(rc) : -1;   /* it may be evicted before it is there */
			pthread_mutex_lock(&keeper_lock);
			finish(j, rc, &o);
			if (again >= 0) {
				looking++;
				pthread_mutex_unlock(&keeper_lock);
				nodes_put(j->next.rec, &o, again, j->anew, &own);
				close(again);
				pthread_mutex_lock(&keeper_lock);
				looking--;
			}
		}
		turn_over(j->next.turn);
		me->busy = false;
		any = true;
	}
	return NULL;
}

void fetch_look(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	any = true;
	if (running >= most())
		return;
	if (idle) {
		pthread_cond_signal(&work);
		return;
	}
	if (nthreads >= THREADS_MAX || nthreads - hung >= most() + looking)
		return;            /* one that has just been made is on its way */
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK + (size_t)PTHREAD_STACK_MIN);
	if (pthread_create(&thread, &attr, fetcher, &fetchers[nthreads]) == 0)
		nthreads++;
	pthread_attr_destroy(&attr);
}

void fetch_tick(void)
{
	uint64_t now = now_ns();
	double most = 20 * pace_latency();
	for (uint32_t i = 0; i < nthreads; i++) {
		struct task *j = &fetchers[i].job;
		if (!fetchers[i].busy || j->hung || now - j->start < HUNG_NS || (double)(now - j->start) < most)
			continue;
		j->hung = true;    /* the rest go on without it */
		pace_running(running, running - 1);
		running--;
		hung++;
	}
	ahead_restart();
	fetch_look();
}
