/* nodes_put.c - what this node has read of the original goes to its home in the pool, or, where that is full, to the next. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "nodes.h"

#define FULL_NS 10000000000ull     /* a server that had no room for so much is not sent as much again for so long */
#define SLOWEST 10u                /* bytes a us */
#define LAST_NS 1000000000ull      /* at the job's end what is under way is waited for so long */

/* Bytes at .. of the value into the buffer, as many as are sent at a time: of head, file and hash, which is known (sum) as soon
 * as the last of the file's bytes has been here. Their number or -errno. */
static int64_t gather(const char *key, const struct origin *o, int obj, uint64_t at, const struct transfer *own, struct mac *m, uint8_t sum[MAC_BYTES])
{
	uint64_t all = value_bytes(o->size), hash = all - MAC_BYTES, n = all - at < PARTS_AT_ONCE * PART_BYTES ? all - at : PARTS_AT_ONCE * PART_BYTES;
	uint64_t to = at ? 0 : HEAD_BYTES, end = at >= hash ? 0 : hash - at < n ? hash - at : n;
	if (!at) {
		mac_begin(m);
		value_head((uint8_t *)own->p, key, o->size);
	}
	while (to < end) {
		ssize_t got = pread(obj, own->p + to, end - to, (off_t)(at + to - HEAD_BYTES));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EIO;
		to += (uint64_t)got;
	}
	mac_add(m, own->p, end);
	if (end && at + end == hash && !mac_end(m, sum))
		return -EIO;
	for (uint64_t i = end; i < n; i++)
		own->p[i] = (char)sum[at + i - hash];
	return (int64_t)n;
}

/* What has been put of it is no use to anybody. */
static void take_back(struct talk *t, const char *key, uint32_t parts, uint64_t until)
{
	for (uint32_t i = 0; i < parts; i++)
		if (talk_delete(t, key, i, until) < 0)
			return;
}

/* 1: it is there now; 0: it was; or -errno. */
static int put_to(struct talk *t, const char *key, const struct origin *o, int obj, bool anew, const struct transfer *own, struct mac *m)
{
	uint64_t all = value_bytes(o->size), until = now_ns() + DEAD_NS + o->size * 1000u / SLOWEST;
	uint8_t sum[MAC_BYTES] = { 0 };
	int rc = 0, worst = 0;
	for (uint32_t i = 0; i < parts_of(all) && rc >= 0;) {
		int64_t n = gather(key, o, obj, (uint64_t)i * PART_BYTES, own, m, sum);
		if (n < 0)
			return (int)n;
		uint32_t from = i;
		i += parts_of((uint64_t)n);
		rc = talk_put(t, key, from, i - from, own->p, all, anew, until);
		for (uint32_t a = from; a < i && rc >= 0; a++) {   /* all answers are read, whatever the first says */
			int did = talk_did(t, until);
			if (did < 0 && did != -ENOSPC && did != -EFBIG)
				rc = did;
			else if (did < worst || (did > 0 && worst == 0))
				worst = did;
		}
		if (rc >= 0 && worst < 0) {
			take_back(t, key, i, until);
			return worst;
		}
		if (from == 0 && rc >= 0 && worst == 0 && !anew)
			return 0;          /* another node has put it there */
	}
	return rc < 0 ? rc : worst;
}

static bool room(struct peer *p, uint64_t bytes)
{
	pthread_mutex_lock(&nodes_lock);
	bool is = !p->full_bytes || bytes < p->full_bytes || now_ns() - p->full_at > FULL_NS;
	pthread_mutex_unlock(&nodes_lock);
	return is;
}

static void full(struct peer *p, uint64_t bytes)
{
	pthread_mutex_lock(&nodes_lock);
	if (!p->full_bytes || bytes < p->full_bytes)
		p->full_bytes = bytes;
	p->full_at = now_ns();
	pthread_mutex_unlock(&nodes_lock);
}

static void too_large(struct peer *p, uint64_t bytes)
{
	pthread_mutex_lock(&nodes_lock);
	bool say = !p->said_large;
	p->said_large = true;
	pthread_mutex_unlock(&nodes_lock);
	if (say)
		opt4_log("opt4: pool: %.80s: takes no value of %llu KiB; such files are read of the store; start it with opt4 pool start, or -I 64m", p->s.name,
			 (unsigned long long)bytes >> 10);
}

/* True: it need not be tried elsewhere. */
static bool put_one(struct peer *p, const char *key, const struct origin *o, int obj, bool anew, const struct transfer *own, struct macs *m)
{
	int rc = 0, did = -EIO;
	uint64_t start = now_ns();
	for (int fresh = 0; fresh < 2; fresh++) {
		struct talk *t = peer_take(p, fresh, &rc);
		if (!t) {
			peer_dead(p, rc == -ETIMEDOUT ? "can't be reached in time" : strerror(-rc));
			return true;
		}
		did = put_to(t, key, o, obj, anew, own, m->values);
		if (did == -EPIPE || did == -ECONNRESET) {
			peer_give(p, t, false);    /* closed there meanwhile; or by a server that will not have so much */
			continue;
		}
		if (did >= 0 || did == -ENOSPC) {
			peer_give(p, t, true);
		} else if (did == -EFBIG) {
			peer_give(p, t, false);
			too_large(p, o->size);
		} else {
			peer_failed(p, t, did, start);
		}
		break;
	}
	if (did > 0) {
		COUNT(view.h->pool_n.sets, 1);
		COUNT(view.h->pool_n.set_bytes, o->size);
	} else if (did == -ENOSPC) {
		full(p, o->size);
	} else if (did < 0) {
		COUNT(view.h->pool_n.errors, 1);
	}
	return did >= 0;
}

static _Atomic uint32_t putting;

static void put_home(uint32_t rec, const struct origin *o, int obj, bool anew, const struct transfer *own)
{
	char key[KEY_TEXT];
	struct peer *home[HOMES];
	struct macs *m = nodes_macs();
	if (!nodes_on() || !m || !nodes_key(key, m, rec, o))
		return;
	uint32_t n = nodes_homes(key, home);
	for (uint32_t i = 0; i < n; i++)
		if (room(home[i], o->size) && put_one(home[i], key, o, obj, anew, own, m))
			return;
	if (n)
		COUNT(view.h->pool_n.full, 1);
}

void nodes_put(uint32_t rec, const struct origin *o, int obj, bool anew, const struct transfer *own)
{
	atomic_fetch_add(&putting, 1);
	put_home(rec, o, obj, anew, own);
	atomic_fetch_sub(&putting, 1);
}

bool nodes_filled(uint32_t *rec)
{
	if (!nodes_on())
		return false;
	for (uint32_t i = 0; i < FILLED_MAX; i++) {
		uint32_t r = atomic_load_explicit(&view.h->filled[i], memory_order_relaxed);
		if (r && (r = atomic_exchange(&view.h->filled[i], 0)) && r - 1 < index_files()) {
			*rec = r - 1;
			return true;
		}
	}
	return false;
}

void nodes_put_filled(uint32_t rec, const struct transfer *own)
{
	struct resident r;
	if (!record_read(rec, &r) || atomic_load(&view.rec[rec].ssd) & SSD_UNSEEN)
		return;
	int obj = tier_at(r.tier)->open(&r.key, O_RDONLY | O_CLOEXEC);
	if (obj < 0)
		return;
	nodes_put(rec, &r.st, obj, false, own);
	close(obj);
}

/* The job is over: what it has read goes there yet, before the objects are gone. */
void nodes_last(void)
{
	static char buffer[PARTS_AT_ONCE * PART_BYTES];
	const struct transfer own = { .p = buffer, .bytes = sizeof(buffer) };
	uint64_t start = now_ns();
	uint32_t rec;
	while (now_ns() - start < LAST_NS && nodes_filled(&rec))
		nodes_put_filled(rec, &own);
}

void nodes_put_wait(void)
{
	for (uint64_t start = now_ns(); atomic_load(&putting) && now_ns() - start < LAST_NS;)
		nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
}
