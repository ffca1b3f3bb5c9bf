/* then.c - the order of the epoch after the one that begins, where it is known already: who will not be needed in it may go, as with a trace. */
#include <string.h>
#include "live.h"

uint32_t live_records(struct live_table *t, const struct live_trust *trust, uint32_t index, uint32_t nfiles, uint32_t rec[LIVE_WIDTH])
{
	uint32_t n = live_row(t, trust, index, nfiles, rec);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t is = record_object(rec[i]);
		rec[i] = is < nfiles ? is : rec[i];   /* one that came meanwhile has no place */
	}
	return n;
}

size_t live_then_bytes(uint32_t npos, uint32_t nfiles) { return sizeof(struct order_then) + ((size_t)npos + nfiles) * 4; }

void live_then(const struct live_epoch *e, struct live_table *t, const struct live_trust *trust, uint32_t npos, uint32_t nfiles, struct order_then *to)
{
	uint32_t *first = to->order + npos, rec[LIVE_WIDTH], pos = 0, more = 0;
	for (uint32_t i = 0; i < e->n; i++) {
		uint32_t n = live_records(t, trust, e->then[i], nfiles, rec), room = npos - pos;
		more += n > room;
		n = n < room ? n : room;
		memcpy(to->order + pos, rec, n * sizeof(*rec));
		pos += n;
	}
	memset(first, 0xFF, nfiles * sizeof(*first));
	for (uint32_t i = 0; i < e->samples; i++)
		for (uint32_t n = live_records(t, trust, i, nfiles, rec); n-- > 0;)
			first[rec[n]] = THEN_LATER;
	for (uint32_t p = pos; p-- > 0;)
		first[to->order[p]] = p;
	to->known = pos == npos && !more;
}
