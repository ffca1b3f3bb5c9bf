/* take.c - a file's bytes from its bucket into a new object. Nothing is believed of them before their stamp is right, the hash is
 * theirs, and the original looks as it did: a mistake costs a miss. Nothing locked. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include "../opt4d.h"
#include "rebucket.h"

struct take { const struct next *n; struct stamp stamp; uint32_t have; int obj; uint64_t done; struct hash hash; };

/* The next of its bytes, the stamp first. */
static int more(void *arg, const void *from, size_t n)
{
	struct take *t = arg;
	const char *p = from;
	int rc;
	if (t->have < sizeof(t->stamp)) {
		size_t part = sizeof(t->stamp) - t->have < n ? sizeof(t->stamp) - t->have : n;
		memcpy((char *)&t->stamp + t->have, p, part);
		t->have += (uint32_t)part;
		p += part;
		n -= part;
		if (t->have < sizeof(t->stamp))
			return 0;
		if (t->stamp.magic != STAMP_MAGIC || t->stamp.key != record_key_hash(t->n->rec) || t->stamp.o.size != t->n->bytes)
			return -EIO;
		if ((t->obj = tier_tmpfs.create(t->stamp.o.size)) < 0)
			return t->obj;
	}
	if ((rc = fill_put(t->obj, p, n, t->done)) < 0)
		return rc;
	hash_add(&t->hash, p, n);
	t->done += n;
	return 0;
}

static int checked(struct take *t, struct origin *o)
{
	char path[PATH_BYTES];
	struct stat st;
	if (t->done != t->n->bytes || hash_end(&t->hash) != t->stamp.hash)
		return -EIO;
	if (!record_path(t->n->rec, path, sizeof(path)) || stat(path, &st) < 0 || !origin_same(&t->stamp.o, &st) || !origin_fit(&st))
		return -ESTALE;
	origin_from(o, &st);
	return fill_dress(t->obj, o);
}

int bucket_fetch(const struct next *n, const struct transfer *own, struct origin *o)
{
	struct take t = { .n = n, .obj = -1 };
	uint64_t left = sizeof(struct stamp) + n->bytes;
	int rc = 0;
	hash_begin(&t.hash);
	if (n->seg >= SEG_FIRST) {
		rc = more(&t, bucket_bytes(n), left);
	} else {
		for (uint32_t at = n->at; rc == 0 && left;) {
			size_t part = left < own->bytes ? left : own->bytes;
			chunks_get(bucket_string(n->bucket), at, own->p, part);
			rc = more(&t, own->p, part);
			at += (uint32_t)part;
			left -= part;
		}
	}
	if (rc == 0)
		rc = checked(&t, o);
	if (rc == 0)
		return t.obj;
	if (t.obj >= 0)
		tier_tmpfs.close(t.obj);
	return rc;
}
