/* fill.c - the threads of `opt4 warm`: see list.h. Each takes the next file of the list: what is in a tier already, and whose
 * original is as it was, is left; the rest is read once. */
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "../../../preload/session/keeper.h"

#define BUFFER    (256u << 10)
#define MOST      64u
#define TRIES     10
#define PATIENCE  2000000000ull    /* ns that memory stays full while the second tier has room: then that takes nothing any more */

struct crew { const struct wanted_list *l; struct filling *f; _Atomic size_t next; _Atomic uint32_t left; };

/* A disk with one arm reads one file after the other, in the order of the list; the next one has been opened by then. */
static pthread_mutex_t arm = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t passed = PTHREAD_COND_INITIALIZER;
static size_t turn;

static void turn_wait(const struct crew *c, size_t i)
{
	pthread_mutex_lock(&arm);
	while (c->l->arm && turn < i)
		pthread_cond_wait(&passed, &arm);
	pthread_mutex_unlock(&arm);
}

static void turn_over(const struct crew *c, size_t i)
{
	turn_wait(c, i);
	pthread_mutex_lock(&arm);
	turn = i + 1;
	pthread_cond_broadcast(&passed);
	pthread_mutex_unlock(&arm);
}

/* Memory is full. May there be room soon, as the keeper moves on to the second tier what is there? */
static bool room_soon(uint64_t size)
{
	const struct tier_account *ssd = &view.h->account[TIER_SSD];
	static _Atomic uint64_t since, had;
	uint64_t written = ssd->fills, now = now_ns();
	if (!ssd_here() || atomic_load(&ssd->charged) + ssd_pages(size) > ssd->budget)
		return false;
	if (atomic_load(&had) != written + 1) {
		atomic_store(&had, written + 1);
		atomic_store(&since, now);
	}
	keeper_check();
	return now - atomic_load(&since) < PATIENCE;
}

/* Marks it FILLING, with its room. 0; -EEXIST: somebody has brought it; -ENOSPC; -EAGAIN */
static int claim(uint32_t rec, uint64_t size)
{
	struct inflight *mark = NULL;
	int rc = -EAGAIN;
	room_look();
	if (atomic_load(&view.h->account[TIER_RAM].charged) + pages_of(size) > view.h->account[TIER_RAM].budget || atomic_load(&view.h->room_left) < (int64_t)size)
		return -ENOSPC;
	if (!session_lock())
		return rc;
	rc = rec_state(rec) == REC_RESIDENT ? -EEXIST : rec_state(rec) != REC_ABSENT || inflight_room() < 2 ? -EAGAIN : 0;
	if (rc == 0 && (mark = inflight_add(rec, 0)) != NULL)
		rec_set(rec, REC_FILLING);
	session_unlock();
	if (rc == 0 && !mark)
		return -EAGAIN;
	if (rc == 0 && !room_evict_reserve(NULL, 0, TIER_RAM, pages_of(size))) {
		fill_give_up(rec, 0, -ENOSPC);
		return -ENOSPC;
	}
	if (rc == 0)
		mark->pages = pages_of(size);
	return rc;
}

static int fill(uint32_t rec, int fd, const struct origin *o, const struct transfer *own)
{
	uint64_t start = now_ns();
	if (link_elsewhere(rec, o)) {
		fill_give_up(rec, pages_of(o->size), -ESTALE);
		return -EEXIST;
	}
	int rc = fill_copy(fd, o, own);
	if (rc >= 0)
		rc = fill_link(rec, rc, o);
	if (rc == 0)
		rc = fill_file(rec, -1, (struct use){ POS_UNKNOWN, 0 }, NULL, start);
	if (rc < 0)
		fill_give_up(rec, pages_of(o->size), rc);
	return rc;
}

void fill_failed(struct filling *f, const char *path, int err)
{
	if (!atomic_fetch_add(&f->failed, 1))
		snprintf(f->first, sizeof(f->first), "%.180s: %s", path, strerror(err));
}

static bool there(uint32_t rec, const struct stat *st)
{
	struct resident r;
	if (!record_read(rec, &r))
		return false;
	if (object_seen(rec, &r, st))
		return true;
	session_invalidate(rec);
	return false;
}

static void bring(const struct crew *c, size_t i, const struct transfer *own)
{
	const struct wanted *w = &c->l->at[i];
	struct filling *f = c->f;
	char path[PATH_BYTES];
	struct origin o;
	struct stat st;
	int fd, rc = -EAGAIN;
	if (!record_path(w->rec, path, sizeof(path)))
		snprintf(path, sizeof(path), "a file of the trace");
	if (!index_reserve(&view.rec[w->rec], sizeof(struct record)) || stat(path, &st) < 0) {
		fill_failed(f, path, errno);
		return;
	}
	if (there(w->rec, &st)) {
		f->here++;
		return;
	}
	if (!origin_fit(&st)) {    /* too large, or no file */
		f->no_room++;
		return;
	}
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0) {
		fill_failed(f, path, errno);
		return;
	}
	origin_from(&o, &st);
	turn_wait(c, i);
	for (int tries = 0; !f->stop && tries < TRIES;) {
		rc = claim(w->rec, (uint64_t)st.st_size);
		if (rc == 0 && ((rc = fill(w->rec, fd, &o, own)) != -ETIMEDOUT))   /* the lock was others' for long: once more */
			break;
		tries += rc == -ETIMEDOUT;
		if (rc == -EEXIST || (rc == -ENOSPC && !room_soon((uint64_t)st.st_size)))
			break;
		nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
	}
	if (rc == 0) {
		f->read++;
		f->read_bytes += (uint64_t)st.st_size;
		COUNT(view.h->n.origin_opens, 1);
		COUNT(view.h->n.origin_bytes, (uint64_t)st.st_size);
	}
	close(fd);
	if (rc == 0 || rc == -EEXIST)
		f->here++;
	else if (rc == -ENOSPC)
		f->no_room++;
	else if (!f->stop)
		fill_failed(f, path, -rc);
}

static void *worker(void *arg)
{
	struct crew *c = arg;
	struct transfer own = { .bytes = BUFFER, .direct = conf.direct };
	own.p = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i; own.p != MAP_FAILED && !c->f->stop && (i = atomic_fetch_add(&c->next, 1)) < c->l->n;) {
		bring(c, i, &own);
		turn_over(c, i);
		c->f->bytes += c->l->at[i].size;
		c->f->done++;
	}
	atomic_fetch_sub(&c->left, 1);
	return NULL;
}

int fill_all(const struct wanted_list *l, struct filling *f, unsigned threads, void (*look)(const struct filling *))
{
	struct crew c = { .l = l, .f = f };
	pthread_t t[MOST];
	unsigned n = 0;
	room_look();               /* before they all ask at once */
	for (; n < threads && n < MOST; n++) {
		atomic_fetch_add(&c.left, 1);
		if (pthread_create(&t[n], NULL, worker, &c) != 0) {
			atomic_fetch_sub(&c.left, 1);
			break;
		}
	}
	for (int ms = 0; n && atomic_load(&c.left); ms = (ms + 20) % 200) {
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
		if (ms == 0)
			look(f);
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(t[i], NULL);
	return n ? 0 : -EAGAIN;
}
