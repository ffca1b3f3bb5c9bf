/* uneven.c - does it pay to write in the place of what is needed later?
 *
 * In shuffled epochs without replacement each file is read once an epoch: its next use lies in the next one, and whichever
 * files are on the SSD, as many are hit. Only where the next uses are uneven (draws with replacement, weights, one node of
 * several) does another file there gain anything. That shows in the order: how many of a sample of positions are followed by
 * the same file's next in the very next epoch? Of a shuffle all; of draws with replacement .63 * e^-.. of them, of one rank in
 * K a Kth. A live order ends with its epoch, and says nothing of this. */
#include "opt4d.h"

#define SAMPLE 4096u
#define EVEN   .95                 /* so many of them: a shuffle, but for what drop_last and the like leave out */

static bool look(uint32_t n)
{
	const struct trace *t = &orders.plans[n].trace;
	uint32_t npos = t->h->npos, step = npos / SAMPLE + 1, looked = 0, even = 0;
	if (atomic_load(&view.h->plans[n].gen) || t->h->nsegments < 2)
		return false;
	for (uint32_t pos = 0, segment, batch; pos < npos; pos += step) {
		if (!follow_locate(t, pos, &segment, &batch))
			continue;
		uint32_t epoch = t->segments[segment].epoch, next = trace_next(t, pos), nsegment;
		if (epoch >= t->segments[t->h->nsegments - 1].epoch)
			continue;
		looked++;
		even += next < npos && follow_locate(t, next, &nsegment, &batch) && t->segments[nsegment].epoch == epoch + 1;
	}
	return looked && even < EVEN * looked;
}

bool uneven(void)
{
	static struct { uint64_t trace; bool is; } known[PLANS_MAX];
	uint32_t live = 0, n = 0, at = 0;
	for (uint32_t i = 0; i < index_plans() && i < ahead_count(); i++)
		if (!view.h->plans[i].ended && orders.plans[i].mapped) {
			live++;
			at = i;
		}
	n = at;
	if (live != 1)
		return false;
	if (known[n].trace != view.h->plans[n].trace_id + 1) {
		known[n].is = look(n);
		known[n].trace = view.h->plans[n].trace_id + 1;
	}
	return known[n].is;
}
