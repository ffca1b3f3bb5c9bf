/* spare.c - which residents may go before their time at no cost.
 *
 * Belady evicts for a missing file when it is read; by then what has been read meanwhile may go, too. Who fetches ahead
 * evicts earlier, chooses among fewer, and pays with one fetch more whenever the victim is one that Belady would have
 * kept until its use. So a resident that is needed at V goes early only if Belady drops it anyway: if at some m before V
 * the pages missing up to m exceed those of the files read up to m that are needed later than V, since these go first.
 * That excess, at its largest, is what may be evicted at V and beyond, and each fetch takes its part of it. In shuffled
 * epochs with a fraction c cached, about c of the rest of the epoch can so be held ahead, less and less towards its end.
 *
 * It is kept by ranges of V and looked at for some m only: what is left out makes it smaller, never larger. With several
 * plans at a time nobody knows which of them reads how much meanwhile: then the policy's rule alone holds; but for live orders of
 * loaders without an end, whose next passes are known: each of these exchanges what is its own, as if it were alone. */
#include "opt4d.h"

#define RANGES 2048u
#define CHECKS 16u                 /* as many m, and the epoch's end, where the excess is largest as a rule */
#define LOOKS  65536u              /* positions looked at; where there are more, a sample */
#define PLENTY 64u                 /* made anew after this part of an epoch; .. */
#define SCARCE 1024u               /* .. after this one when it did not suffice */
#define PASSES 64u                 /* positions that tell whether a next pass is known */

static struct spare {
	uint32_t gen, from, width, nranges; /* the plan's; range r is needed at from + r * width and on, the last for ever */
	uint32_t accesses;        /* the follower's clock when it was made */
	bool made, scarce;
	int64_t pages[RANGES];    /* never falls from range to range */
} spare[PLANS_MAX];

static uint32_t range_of(const struct spare *s, uint32_t pos)
{
	uint32_t r = pos > s->from ? (pos - s->from) / s->width : 0;
	return r < s->nranges ? r : s->nranges - 1;
}

/* `missing` pages up to m, `later` those read up to m by the range of their next use, `unknown` those without one. */
static void check(struct spare *s, uint32_t m, int64_t missing, const int64_t *later, int64_t unknown)
{
	for (uint32_t r = s->nranges; r-- > 0 && s->from + (uint64_t)r * s->width > m;) {
		missing -= later[r];
		if (missing > s->pages[r])
			s->pages[r] = missing;
		missing -= unknown;        /* later than all but the last range */
		unknown = 0;
	}
}

static void make(uint32_t plan)
{
	static int64_t later[RANGES];
	struct spare *s = &spare[plan];
	const struct trace *t = &orders.plans[plan].trace;
	const struct follow_shared *sh = orders.plans[plan].follow.sh;
	uint32_t span = t->h->nfiles, first = ahead_oldest(plan), left = first < t->h->npos ? t->h->npos - first : 0;
	uint32_t length = span < left ? span : left, stride = length / LOOKS + 1, every = length / CHECKS + 1;
	uint32_t due = first + every, end = sh->group < t->h->nsegments ? t->segments[sh->group].end_pos : 0, rec;
	int64_t missing = 0, unknown = 0;
	uint64_t bytes;
	bool either = uneven();    /* what is read on the SSD may go there, and makes room for what moves there */
	*s = (struct spare){ .gen = orders.plans[plan].gen, .made = true, .from = first, .width = span / (RANGES / 2) + 1,
			     .accesses = (uint32_t)(sh->matched + sh->diverged) };
	s->nranges = 2 * (span / s->width) + 1;
	for (uint32_t r = 0; r < s->nranges; r++)
		later[r] = 0;
	for (uint32_t pos = first; pos < first + length; pos += stride) {
		if (pos >= due || (pos >= end && pos - end < stride)) {
			check(s, pos - 1, missing, later, unknown);
			due = pos < due ? due : pos + every;
		}
		uint32_t file = trace_at(t, pos);
		if (file == FILE_NONE || t->sizes[file] > index_maxfile() || ahead_consumed(plan, pos))
			continue;
		int64_t pages = (int64_t)ahead_pages(t->sizes[file]) * stride;
		if (own_then(plan, plan_rec(&orders.plans[plan], file), pos))
			continue;  /* nobody opens it then */
		uint32_t next = own_next(plan, pos, trace_next(t, pos));
		if (ahead_is_missing(plan, pos, &rec, &bytes))
			missing += pages;
		else if (!either && ahead_read_at(plan, pos, &rec, &bytes) && ahead_touched(rec) && view.rec[rec].tier == TIER_SSD)
			continue;  /* it takes no room here, and its going would give none */
		if (next == TRACE_NEVER && view.h->live_epochs)
			unknown += pages;
		else
			later[range_of(s, next)] += pages;
	}
	check(s, first + length - 1, missing, later, unknown);
}

static bool alone(void)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < view.h->nplans && i < PLANS_MAX; i++)
		n += !view.h->plans[i].ended;
	return n < 2;
}

bool spare_knows(uint32_t plan)
{
	const struct trace *t = &orders.plans[plan].trace;
	uint32_t front = orders.plans[plan].follow.sh->front, again = 0, n = 0;
	for (uint32_t pos = front; view.h->plans[plan].gen && n < PASSES && pos < t->h->npos; pos++, n++)
		again += trace_next(t, pos) != TRACE_NEVER;
	return again > n / 2;
}

uint32_t spare_beyond(uint32_t plan, uint32_t pages)
{
	struct spare *s = &spare[plan];
	const struct follow_shared *sh = orders.plans[plan].follow.sh;
	const struct trace_header *h = orders.plans[plan].trace.h;
	uint32_t did = (uint32_t)(sh->matched + sh->diverged) - s->accesses, r = 0;
	if (!alone() && !spare_knows(plan))
		return 0;
	if (!s->made || s->gen != orders.plans[plan].gen || did > h->nfiles / (s->scarce ? SCARCE : PLENTY))
		make(plan);
	while (r < s->nranges && s->pages[r] < (int64_t)pages)
		r++;
	if (r == s->nranges)
		return POS_UNKNOWN;
	uint64_t start = s->from + (uint64_t)r * s->width;
	return start > h->npos ? h->npos - 1 : start ? (uint32_t)start - 1 : 0;
}

void spare_taken(uint32_t plan, uint32_t pages)
{
	for (uint32_t r = 0; r < spare[plan].nranges; r++)
		spare[plan].pages[r] -= pages;
}

void spare_scarce(uint32_t plan)
{
	spare[plan].scarce = true;
}
