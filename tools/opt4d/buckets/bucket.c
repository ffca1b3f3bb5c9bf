/* bucket.c - which file's bytes lie where: see rebucket.h. Each file has one copy at most, for its next use; a bucket lists the
 * files that were put there, some of which may have moved on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "../opt4d.h"
#include "rebucket.h"

#define GAP       (256u << 10)     /* bytes that are read through rather than passed over */
#define FILE_PART 8u               /* of the chunks: larger files stay the originals' */

struct bucket {
	uint32_t *recs, n, cap, next;      /* next: of recs, once it is being read */
	struct string s;
	uint32_t filling, users;
	bool begun;
};

/* What a buffer holds, or will: files [from, to) of a bucket's list. */
static struct chunk { enum { FREE, LOADING, LOADED } state; uint32_t bucket, from, to, users, seg, at, bytes; } chunks[BUFFERS];

static struct bucket *buckets;
static uint32_t nbuckets, passed, cursor;  /* passed: buckets that are over; cursor: the next to be written */

bool bucket_begin(uint32_t plan, uint32_t width)
{
	nbuckets = orders.plans[plan].trace.h->npos / width + 1;
	passed = cursor = 0;
	memset(chunks, 0, sizeof(chunks));
	buckets = calloc(nbuckets, sizeof(*buckets));
	if (buckets && copies_begin(plan, width))
		return true;
	bucket_end();
	return false;
}

void bucket_end(void)
{
	for (uint32_t b = 0; buckets && b < nbuckets; b++)
		free(buckets[b].recs);
	free(buckets);
	buckets = NULL;
	nbuckets = 0;
	copies_end();
}

bool bucket_idle(void)
{
	for (uint32_t k = 0; k < BUFFERS; k++)
		if (chunks[k].state == LOADING)
			return false;
	for (uint32_t b = 0; b < nbuckets; b++)
		if (buckets[b].filling || buckets[b].users)
			return false;
	return true;
}

static bool list(uint32_t rec, const struct copy *c)
{
	struct bucket *b = &buckets[bucket_of(c->pos)];
	if (b->n == b->cap) {
		uint32_t cap = b->cap ? b->cap * 2 : 16;
		uint32_t *more = realloc(b->recs, (size_t)cap * sizeof(*more));
		if (!more)
			return false;
		b->recs = more;
		b->cap = cap;
	}
	b->recs[b->n++] = rec;
	copy_set(rec, c);
	return true;
}

bool bucket_reserve(struct put *p, uint32_t rec, uint32_t pos, uint64_t bytes)
{
	*p = (struct put){ .rec = rec, .pos = pos, .bytes = (uint32_t)bytes };
	if (rec >= copies_room() || !bytes || bytes > chunks_bytes() / FILE_PART || bytes + sizeof(struct stamp) + SECTOR > segment_buffer() || bucket_of(pos) >= nbuckets || bucket_of(pos) < passed)
		return false;
	struct bucket *b = &buckets[bucket_of(pos)];
	p->at = b->s.bytes;
	if (!chunks_grow(&b->s, (uint32_t)(sizeof(struct stamp) + bytes)))
		return false;
	b->filling++;
	hash_begin(&p->hash);
	return true;
}

void bucket_put(struct put *p, const void *buf, size_t n)
{
	chunks_put(&buckets[bucket_of(p->pos)].s, p->at + (uint32_t)sizeof(struct stamp) + (uint32_t)p->hash.bytes, buf, n);
	hash_add(&p->hash, buf, n);
}

void bucket_file(struct put *p, const struct origin *o, bool whole)
{
	struct bucket *b = &buckets[bucket_of(p->pos)];
	struct copy c = { p->pos, p->bytes, SEG_CHUNKS, p->at };
	b->filling--;
	if (!whole || p->hash.bytes != p->bytes)
		return;            /* what was reserved is lost until the stream is written */
	struct stamp s = { STAMP_MAGIC, record_key_hash(p->rec), hash_end(&p->hash), *o };
	chunks_put(&b->s, p->at, &s, sizeof(s));
	list(p->rec, &c);
}

void bucket_adopt(uint32_t rec, const struct entry *e, uint32_t seg)
{
	struct copy c = { e->pos, e->bytes, seg + SEG_FIRST, e->at };
	bool fits = rec < copies_room() && bucket_of(e->pos) < nbuckets && bucket_of(e->pos) >= passed && !bucket_has(rec);
	if (!fits || !list(rec, &c))
		segment_less(seg, e->at);
}

void bucket_pass(uint32_t oldest)
{
	for (; passed < nbuckets && passed < bucket_of(oldest); passed++) {
		struct bucket *b = &buckets[passed];
		if (b->filling || b->users)
			return;            /* a moment yet */
		for (uint32_t i = 0; i < b->n; i++)
			if (bucket_has(b->recs[i]) && bucket_of(copy_of(b->recs[i])->pos) == passed)
				bucket_drop(b->recs[i]);
		free(b->recs);
		b->recs = NULL;
		b->n = b->cap = b->next = 0;
		chunks_give(&b->s);
	}
}

/* In the order of the disk; what waits in the chunks, or is being written just now, last. */
static uint64_t place_of(uint32_t rec)
{
	const struct copy *c = copy_of(rec);
	if (c->seg < SEG_FIRST || !segment_ready(c->seg - SEG_FIRST))
		return UINT64_MAX;
	return segment_place(c->seg - SEG_FIRST) + c->at;
}

static int by_place(const void *a, const void *b)
{
	uint64_t x = place_of(*(const uint32_t *)a), y = place_of(*(const uint32_t *)b);
	return x < y ? -1 : x > y;
}

static struct chunk *chunk_of(uint32_t number, uint32_t i)
{
	for (struct chunk *k = chunks; k < chunks + BUFFERS; k++)
		if (k->state != FREE && k->bucket == number && i >= k->from && i < k->to)
			return k;
	return NULL;
}

/* The copy of the ith file of a bucket's list, if it is still there. */
static const struct copy *copy_in(const struct bucket *b, uint32_t number, uint32_t i)
{
	const struct copy *c = copy_of(b->recs[i]);
	return c->seg != SEG_NONE && bucket_of(c->pos) == number ? c : NULL;
}

/* From the ith file on as much as a buffer holds, where there is a free one. */
static bool load(struct bucket *b, uint32_t number, uint32_t i, struct next *n)
{
	struct chunk *k = chunks;
	const struct copy *c = NULL;
	for (; i < b->n && !(c = copy_in(b, number, i)); i++)
		;
	if (!c || c->seg < SEG_FIRST || !segment_ready(c->seg - SEG_FIRST) || chunk_of(number, i))
		return false;
	for (struct chunk *other = chunks; other < chunks + BUFFERS; other++)
		if (other->state == LOADING)
			return false;      /* the arm has to do */
	while (k < chunks + BUFFERS && (k->state != FREE && (k->users || (k->bucket == number && k->to > b->next))))
		k++;
	if (k == chunks + BUFFERS)
		return false;
	*k = (struct chunk){ .state = LOADING, .bucket = number, .from = i, .to = i + 1, .seg = c->seg, .at = c->at / SECTOR * SECTOR };
	uint32_t end = c->at + c->bytes + (uint32_t)sizeof(struct stamp);
	for (i++; i < b->n; i++) {
		if (!(c = copy_in(b, number, i)))
			continue;
		uint32_t last = c->at + c->bytes + (uint32_t)sizeof(struct stamp);
		if (c->seg != k->seg || c->at < end || c->at - end > GAP || (last - k->at + SECTOR - 1) / SECTOR * SECTOR > segment_buffer())
			break;
		end = last;
		k->to = i + 1;
	}
	k->bytes = (end - k->at + SECTOR - 1) / SECTOR * SECTOR;
	segment_use(k->seg - SEG_FIRST, 1);
	*n = (struct next){ .plan = copies_plan(), .how = NEXT_ERRAND, .chunk = (uint32_t)(k - chunks) };
	return true;
}

int bucket_load(const struct next *n)
{
	const struct chunk *k = &chunks[n->chunk];   /* nobody changes it before it is loaded */
	return segment_load(n->chunk, k->seg - SEG_FIRST, k->at, k->bytes);
}

void bucket_loaded(const struct next *n, int rc)
{
	struct chunk *k = &chunks[n->chunk];
	struct bucket *b = &buckets[k->bucket];
	segment_use(k->seg - SEG_FIRST, -1);
	for (uint32_t i = k->from; rc < 0 && i < k->to && i < b->n; i++)
		if (copy_in(b, k->bucket, i) && copy_of(b->recs[i])->seg == k->seg)
			bucket_drop(b->recs[i]);
	k->state = rc < 0 ? FREE : LOADED;
}

const char *bucket_bytes(const struct next *n) { return segment_loaded(n->chunk) + (n->at - chunks[n->chunk].at); }

static bool next_of(struct bucket *b, uint32_t number, struct next *n, bool *waits)
{
	if (!b->begun)
		qsort(b->recs, b->n, sizeof(*b->recs), by_place);
	b->begun = true;
	for (; b->next < b->n; b->next++) {
		uint32_t rec = b->recs[b->next], is;
		const struct copy *c = copy_in(b, number, b->next);
		uint64_t bytes;
		if (!c)
			continue;          /* it has moved on */
		if (!ahead_is_missing(copies_plan(), c->pos, &is, &bytes) || is != rec || skip_now(rec)) {
			bucket_drop(rec);
			continue;
		}
		struct chunk *k = c->seg >= SEG_FIRST ? chunk_of(number, b->next) : NULL;
		if (c->seg >= SEG_FIRST && (!k || k->state != LOADED)) {
			*waits = true;
			return !k && load(b, number, b->next, n);
		}
		if (k && load(b, number, k->to, n))
			return true;       /* the arm goes on while this one is given out */
		*n = (struct next){ .plan = copies_plan(), .pos = c->pos, .rec = rec, .bytes = c->bytes, .how = NEXT_BUCKET, .chunk = k ? (uint32_t)(k - chunks) : 0 };
		return true;
	}
	return false;
}

bool bucket_next(struct next *n, uint32_t from, uint32_t to, bool *waits)
{
	*waits = false;
	for (uint32_t b = bucket_of(from); b <= bucket_of(to) && b < nbuckets && !*waits; b++)
		if (buckets[b].n && next_of(&buckets[b], b, n, waits))
			return true;
	return false;
}

void bucket_took(struct next *n)
{
	const struct copy *c = copy_of(n->rec);
	struct bucket *b = &buckets[bucket_of(c->pos)];
	n->bucket = bucket_of(c->pos);
	n->seg = c->seg;
	n->at = c->at;
	b->users++;
	b->next += b->next < b->n && b->recs[b->next] == n->rec;
	if (c->seg < SEG_FIRST)
		return;
	segment_use(c->seg - SEG_FIRST, 1);
	chunks[n->chunk].users++;
}

void bucket_got(const struct next *n)
{
	buckets[n->bucket].users--;
	if (n->seg >= SEG_FIRST) {
		segment_use(n->seg - SEG_FIRST, -1);
		chunks[n->chunk].users--;
	}
	if (bucket_has(n->rec) && copy_of(n->rec)->seg == n->seg && copy_of(n->rec)->at == n->at)
		bucket_drop(n->rec);
}

/* Its stream becomes the next piece, with the files that are still to be had there. */
static void detach(struct flush *f, struct bucket *b, uint32_t number, uint32_t seg)
{
	struct piece *p = &f->p[f->n];
	*p = (struct piece){ .bucket = number, .at = f->bytes, .bytes = (b->s.bytes + SECTOR - 1) / SECTOR * SECTOR };
	for (uint32_t i = 0; i < b->n; i++) {
		struct copy *c = copy_of(b->recs[i]);
		if (c->seg != SEG_CHUNKS || bucket_of(c->pos) != number)
			continue;
		c->seg = seg + SEG_FIRST;
		c->at += p->at;
		f->recs[f->nentries] = b->recs[i];
		f->entries[f->nentries++] = (struct entry){ c->pos, c->bytes, c->at };
		p->live++;
	}
	f->s[f->n] = b->s;
	b->s = (struct string){ 0 };
	if (!p->live) {
		chunks_give(&f->s[f->n]);
		return;
	}
	f->bytes += p->bytes;
	f->n++;
}

bool bucket_flush(struct flush *f, uint64_t want, uint32_t seg)
{
	*f = (struct flush){ .entries = malloc((size_t)bucket_files() * sizeof(*f->entries) + 1), .recs = malloc((size_t)bucket_files() * sizeof(*f->recs) + 1) };
	for (uint32_t i = 0; f->entries && f->recs && i < nbuckets && f->n < PIECES_MAX && f->bytes < want; i++, cursor++) {
		cursor = cursor < nbuckets ? cursor : 0;
		struct bucket *b = &buckets[cursor];
		if (b->s.bytes && !b->begun && !b->filling)
			detach(f, b, cursor, seg);
	}
	if (!f->n) {
		free(f->entries);
		free(f->recs);
	}
	return f->n > 0;
}

void bucket_flushed(struct flush *f)
{
	for (uint32_t i = 0; i < f->n; i++)
		chunks_give(&f->s[i]);
	free(f->entries);
	free(f->recs);
	f->n = 0;
}

void bucket_settle(struct flush *f, uint32_t seg)
{
	for (uint32_t k = 0; k < f->n; k++)
		f->p[k].live = 0;
	for (uint32_t i = 0, k = 0; i < f->nentries; i++) {
		while (f->entries[i].at >= f->p[k].at + f->p[k].bytes)
			k++;
		const struct copy *c = copy_of(f->recs[i]);
		f->p[k].live += c->seg == seg + SEG_FIRST && c->at == f->entries[i].at;
	}
}

const struct string *bucket_string(uint32_t bucket) { return &buckets[bucket].s; }
