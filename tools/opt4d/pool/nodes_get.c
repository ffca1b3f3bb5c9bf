/* nodes_get.c - a file from the pool into a new object. Nothing of it is linked before all of it has been checked: its head
 * names key and size, and the keyed hash over head and bytes must be that of who has the secret.
 *
 * How long it may take: an answer three times the mean, 20 to 100 ms (OPT4_POOL_WAIT); then the original is read, and a server
 * that has not answered after 100 ms is dead. */
#include <errno.h>
#include <string.h>
#include "nodes.h"

#define SLOWEST 10u                        /* bytes a us: a value that comes more slowly is given up */

/* Parts `from` .. of a value of `all` bytes, into the buffer one behind the other: as many as are asked for at a time. Their
 * bytes; -ENOENT: not all are there; -EBADMSG: not as they were put. */
static int64_t parts(struct talk *t, const char *key, uint64_t all, uint32_t from, char *to, bool asked, uint64_t first, uint64_t until)
{
	uint32_t n = parts_of(all) - from;
	uint64_t bytes, sum = 0;
	int rc = 0;
	n = n < PARTS_AT_ONCE ? n : PARTS_AT_ONCE;
	if (!asked && (rc = talk_ask(t, key, from, n, until)) < 0)
		return rc;
	for (uint32_t i = from; i < from + n; i++) {
		if ((rc = talk_next(t, key, i, &bytes, i ? until : first)) <= 0)
			return rc ? rc : i ? -ENOENT : 0;
		if (bytes != part_bytes(all, i))
			return -EBADMSG;
		if ((rc = talk_read(t, to + sum, bytes, until)) < 0)
			return rc;
		sum += bytes;
	}
	rc = talk_next(t, key, from + n, &bytes, until);
	return rc < 0 ? rc : rc ? -EPROTO : (int64_t)sum;
}

/* The value into obj, whose first `have` bytes of head, file and hash are in the buffer. 0, or -errno as parts(). */
static int value(struct talk *t, const char *key, const struct origin *o, int obj, int64_t have, const struct transfer *own, struct mac *m, uint64_t until)
{
	uint8_t is[MAC_BYTES], said[MAC_BYTES];
	uint64_t all = value_bytes(o->size), at = 0;
	if (!value_is((const uint8_t *)own->p, key, o->size))
		return -EBADMSG;
	mac_begin(m);
	for (uint32_t from = 0;;) {
		/* of these bytes, at .. at + have of the value, which are the file's, and which the hash's? */
		uint64_t hashed = at + (uint64_t)have > all - MAC_BYTES ? all - MAC_BYTES - at : (uint64_t)have;
		uint64_t skip = at ? 0 : HEAD_BYTES;
		if (at > all - MAC_BYTES)
			hashed = 0;
		int rc = hashed > skip ? fill_put(obj, own->p + skip, hashed - skip, at + skip - HEAD_BYTES) : 0;
		if (rc < 0)
			return rc;
		mac_add(m, own->p, hashed);
		for (uint64_t i = hashed; i < (uint64_t)have; i++)
			said[at + i - (all - MAC_BYTES)] = (uint8_t)own->p[i];
		at += (uint64_t)have;
		if (at == all)
			break;
		from += PARTS_AT_ONCE;
		if ((have = parts(t, key, all, from, own->p, false, 0, until)) <= 0)
			return have ? (int)have : -ENOENT;
	}
	return mac_end(m, is) && !memcmp(is, said, sizeof(is)) ? 0 : -EBADMSG;
}

static void refused(struct peer *p)
{
	COUNT(view.h->pool_n.refused, 1);
	COUNT(view.h->pool_n.errors, 1);
	pthread_mutex_lock(&nodes_lock);
	bool say = !p->said_refused;
	p->said_refused = true;
	pthread_mutex_unlock(&nodes_lock);
	if (say)
		opt4_log("opt4: pool: %.80s: holds what was not put there by who has the secret; refused, and the store read; look who can reach it", p->s.name);
}

/* The first parts, by a connection that may have been closed there since (a restart): then by another. Their bytes, 0: the
 * server has nothing; or -errno. */
static int64_t begin(struct peer *p, struct talk **t, const char *key, uint64_t all, char *to, uint64_t start, uint64_t patience, uint64_t until)
{
	uint32_t n = parts_of(all) < PARTS_AT_ONCE ? parts_of(all) : PARTS_AT_ONCE;
	int64_t got = -EIO;
	for (int fresh = 0; fresh < 2; fresh++) {
		int rc = 0;
		*t = peer_take(p, fresh, &rc);
		if (!*t)
			return rc;
		bool used = !(*t)->fresh;
		(*t)->fresh = true;
		got = talk_ask(*t, key, 0, n, start + patience);
		if (got == 0)
			got = parts(*t, key, all, 0, to, true, start + patience, until);
		if (!used || !(*t)->fresh || got >= 0 || got == -ETIMEDOUT)
			break;
		peer_give(p, *t, false);
	}
	return got;
}

/* Of one server. An object, -ENOENT: it does not have it, -EBADMSG: not what was put there, or a part of it; else the original
 * is next. */
static int get_of(struct peer *p, const char *key, const struct origin *o, const struct transfer *own, struct macs *m)
{
	uint64_t start = now_ns(), patience = peer_patience(p), until = start + DEAD_NS + o->size * 1000u / SLOWEST;
	struct talk *t = NULL;
	int rc = 0, obj = -1;
	if (!patience)
		return -EAGAIN;
	int64_t have = begin(p, &t, key, value_bytes(o->size), own->p, start, patience, until);
	if (!t) {
		peer_dead(p, have == -ETIMEDOUT ? "can't be reached in time" : strerror((int)-have));
		return (int)have;
	}
	if (have >= 0)
		peer_took(p, now_ns() - start);
	if (have == 0) {
		peer_give(p, t, true);
		return -ENOENT;
	}
	rc = have < 0 ? (int)have : (obj = tier_tmpfs.create(o->size));
	bool ours = have > 0 && rc < 0;            /* no fault of the server's */
	if (rc >= 0)
		rc = value(t, key, o, obj, have, own, m->values, until);
	if (rc == 0 && (rc = fill_dress(obj, o)) < 0)
		ours = true;
	if (rc == 0) {
		peer_give(p, t, true);
		return obj;
	}
	if (obj >= 0)
		tier_tmpfs.close(obj);
	if (rc == -EBADMSG)
		refused(p);
	if (rc == -EBADMSG || rc == -ENOENT || ours || rc == -ENOSPC)
		peer_give(p, t, false);    /* the rest of it is still to come there */
	else
		peer_failed(p, t, rc, start);
	return rc == -ENOENT ? -EBADMSG : rc;      /* a part is missing: it is put anew */
}

int nodes_get(uint32_t rec, const struct origin *o, const struct transfer *own, bool *anew)
{
	char key[KEY_TEXT];
	struct peer *home[HOMES];
	struct macs *m = nodes_macs();
	uint64_t start = now_ns();
	int rc = -ENOENT;
	*anew = false;
	if (!nodes_on() || !m || !nodes_key(key, m, rec, o))
		return -ENOENT;
	uint32_t n = nodes_homes(key, home);
	if (n)
		COUNT(view.h->pool_n.gets, 1);
	for (uint32_t i = 0; i < n && (rc == -ENOENT || rc == -EBADMSG); i++) {
		rc = get_of(home[i], key, o, own, m);
		*anew |= rc == -EBADMSG;
	}
	if (rc >= 0) {
		COUNT(view.h->pool_n.hits, 1);
		COUNT(view.h->pool_n.hit_bytes, o->size);
	}
	COUNT(view.h->pool_n.ns, now_ns() - start);
	return rc;
}
