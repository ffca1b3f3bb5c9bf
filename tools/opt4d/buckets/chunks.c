/* chunks.c - what waits to be written to its bucket: chunks of one mapping, strung to streams. All under keeper_lock, but for
 * reading and writing what is reserved. */
#include <sys/mman.h>
#include <stdlib.h>
#include <string.h>
#include "../opt4d.h"
#include "rebucket.h"

#define CHUNK_LEAST (8u << 10)
#define CHUNK_MOST  (64u << 10)
#define CHUNKS      256u           /* at least, where they need not be smaller than that */

static char *base;
static uint32_t *after, nchunks, first, nfree, chunk;   /* after[i], first: the next one + 1; 0: none */
static struct inflight *charge;

bool chunks_begin(uint64_t bytes, uint64_t beside)
{
	for (chunk = CHUNK_MOST; chunk > CHUNK_LEAST && chunk > PAGE && bytes / chunk < CHUNKS;)
		chunk /= 2;
	uint64_t n = bytes / chunk;
	if (n < 8 || n > UINT32_MAX / 2)
		return false;
	uint64_t pages = n * chunk / PAGE + pages_of(beside), free = view.h->account[TIER_RAM].budget - atomic_load(&view.h->account[TIER_RAM].charged);
	if (free > view.h->account[TIER_RAM].budget)
		free = 0;
	if (free < pages)
		victims_give_back(pages - free);
	base = mmap(NULL, n * chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	base = base == MAP_FAILED ? NULL : base;
	after = malloc(n * sizeof(*after));
	if (!base || !after || !room_evict_reserve(NULL, 0, TIER_RAM, pages))
		goto no;
	if (session_lock()) {
		charge = inflight_mark(0, pages, MARK_CHUNKS, NULL);
		session_unlock();
	}
	if (!charge) {
		room_release(TIER_RAM, pages);
		goto no;
	}
	nchunks = nfree = (uint32_t)n;
	for (uint32_t i = 0; i < nchunks; i++)
		after[i] = i + 1 < nchunks ? i + 2 : 0;
	first = 1;
	return true;
no:
	nchunks = (uint32_t)n;
	chunks_end();
	return false;
}

void chunks_uncharge(void)
{
	uint64_t pages = charge ? charge->pages : 0;
	if (charge) {
		inflight_end(charge);
		room_release(TIER_RAM, pages);
	}
	charge = NULL;
}

void chunks_end(void)
{
	if (base)
		munmap(base, (uint64_t)nchunks * chunk);
	free(after);
	base = NULL;
	after = NULL;
	nchunks = nfree = first = 0;
	chunks_uncharge();
}

uint64_t chunks_free(void) { return (uint64_t)nfree * chunk; }
uint64_t chunks_bytes(void) { return (uint64_t)nchunks * chunk; }

bool chunks_grow(struct string *s, uint32_t bytes)
{
	uint32_t has = (s->bytes + chunk - 1) / chunk, want = (uint32_t)(((uint64_t)s->bytes + bytes + chunk - 1) / chunk) - has;
	if (want > nfree || s->bytes > STREAM_MAX - bytes)
		return false;
	for (; want; want--, nfree--) {
		uint32_t c = first;
		first = after[c - 1];
		after[c - 1] = 0;
		if (s->last)
			after[s->last - 1] = c;
		else
			s->first = c;
		s->last = c;
	}
	s->bytes += bytes;
	return true;
}

void chunks_give(struct string *s)
{
	for (uint32_t c = s->first, next; c; c = next, nfree++) {
		next = after[c - 1];
		after[c - 1] = first;
		first = c;
	}
	*s = (struct string){ 0 };
}

static void copy(const struct string *s, uint32_t at, char *buf, uint64_t n, bool in)
{
	uint32_t c = s->first;
	for (; c && at >= chunk; at -= chunk)
		c = after[c - 1];
	for (; c && n; c = after[c - 1], at = 0) {
		uint64_t part = chunk - at < n ? chunk - at : n;
		char *p = base + (uint64_t)(c - 1) * chunk + at;
		memcpy(in ? p : buf, in ? buf : p, part);
		buf += part;
		n -= part;
	}
}

void chunks_put(const struct string *s, uint32_t at, const void *buf, uint64_t n) { copy(s, at, (char *)(uintptr_t)buf, n, true); }
void chunks_get(const struct string *s, uint32_t at, void *buf, uint64_t n) { copy(s, at, buf, n, false); }

uint32_t chunks_iov(const struct string *s, struct iovec *v)
{
	uint32_t n = 0;
	for (uint32_t c = s->first, left = s->bytes; c && left; c = after[c - 1]) {
		uint32_t part = left < chunk ? left : chunk;
		v[n++] = (struct iovec){ base + (uint64_t)(c - 1) * chunk, (part + SECTOR - 1) / SECTOR * SECTOR };
		left -= part;
	}
	return n;
}

uint32_t chunks_pieces(const struct string *s) { return (s->bytes + chunk - 1) / chunk; }
