/* round.c - live orders come round again: what is expected of a stream between and beyond the epochs whose orders are known.
 *
 * A plan of one stream stays when its epoch is over, until the stream's next one replaces it: its residents are filed where
 * policy/past.c expects them. All under the lock. */
#include "follow_walk.h"
#include "order.h"

#define EARLY  16u                 /* an epoch that stopped this part of it short was left early; others run out */
#define SAMPLE 9u                  /* files just read that say what one fetched ahead may take; odd */
#define SHARE  64u                 /* part of the residents that any stream may have to be fetched ahead through; .. */
#define UNSURE 2u                  /* .. so many times that one that has not come round yet; .. */
#define SLACK  16u                 /* .. and by which it may fall short of what is its own before it takes from others */
#define DUE    2u                  /* rounds of all workers */
#define ALIKE  .8                  /* periods */
#define FORGOTTEN 4                /* rounds of all streams */

static bool live(uint32_t n) { return view.h->plans[n].gen != 0; }

void round_begin(uint32_t n, uint64_t stream, uint64_t order, bool rising)
{
	struct plan_entry *p = &view.h->plans[n];
	if (p->stream != stream || !p->gen) {
		p->past = (struct past){ 0 };
		p->scale = 0;
		p->order = 0;
		p->left = 0;
	} else if (!p->ended) {
		round_end(n);      /* its main process may have been killed, and be back */
	}
	p->same = p->order ? p->order == order : rising;
	p->order = order;
	p->stirred = view.h->clock;
	past_begin(&p->past, view.h->clock);
}

void round_end(uint32_t n)
{
	struct plan_entry *p = &view.h->plans[n];
	uint32_t front = orders.plans[n].mapped && orders.plans[n].gen == p->gen ? orders.plans[n].follow.sh->front : p->npos;
	p->left = front && front < p->npos - p->npos / EARLY ? front : 0;
	past_end(&p->past, view.h->clock);
}

uint32_t round_ends(uint32_t n)
{
	const struct plan_entry *p = &view.h->plans[n];
	uint32_t npos = orders.axes[n].npos, left = p->left;
	return left && left < npos && orders.plans[n].follow.sh->front <= left ? left : npos;
}

/* All that run or may come again; the others have no accesses in them. */
static uint32_t streams(struct stream *s)
{
	uint32_t n = orders.shape.naxes;
	double cycle = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct axis *a = &orders.axes[i];
		uint32_t end = round_ends(i);
		s[i] = (struct stream){ .past = &view.h->plans[i].past, .same = view.h->plans[i].same };
		if (!live(i) || !a->npos)
			continue;
		s[i].running = !view.h->plans[i].ended;
		s[i].share = (double)end / a->npos;
		s[i].length = end * a->scale;
		cycle += s[i].length;
	}
	for (uint32_t i = 0; i < n; i++) {
		const struct axis *a = &orders.axes[i];
		/* one that nobody has read from for two rounds of all is over, whether its end was told or not */
		s[i].running &= (double)(view.h->clock - view.h->plans[i].stirred) <= 2 * cycle;
		/* followed no longer: it is read, but no one knows where */
		if (s[i].running)
			s[i].rest = orders.plans[i].follow.sh->gate_shut ? 0 : ((double)round_ends(i) - a->front) * a->scale;
	}
	return n;
}

void rounds_look(void)
{
	struct stream s[AXES_MAX];
	double soonest = 0;
	if (!view.h->live_epochs)
		return;
	uint32_t n = streams(s);
	orders.cycle = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct axis *a = &orders.axes[i];
		a->same = s[i].same;
		if (!live(i))
			continue;
		a->again = past_expected(s, n, i, view.h->clock);
		double unnamed = axis_unnamed(a, s[i].length);
		soonest = soonest > 0 && soonest < unnamed ? soonest : unnamed;
		orders.cycle += s[i].length;
	}
	orders.pol.unknown = soonest;
}

bool round_forgotten(uint32_t rec)
{
	return view.h->live_epochs && (double)(view.h->clock - view.rec[rec].read_at) > FORGOTTEN * orders.cycle;
}

struct use round_expected(uint32_t n, uint32_t file)
{
	uint32_t npos = orders.axes[n].npos, at = live(n) && file < orders.plans[n].trace.h->nfiles ? orders.plans[n].trace.first[file] : POS_NEVER;
	return (struct use){ at < npos ? npos + at : POS_UNKNOWN, n };
}

/* In a stream of which little is resident nothing read makes room for what is to be fetched. It may take from others until
 * it has its part, where its files come as often as theirs: that costs nothing. Else a little. */
static bool wants_more(uint32_t n, uint32_t coming)
{
	struct stream s[AXES_MAX];
	uint32_t count = streams(s), all = 0, mine = orders.axes[n].npos;
	double own = s[n].length + past_gap(s, count, n), least = own;
	for (uint32_t i = 0; i < count; i++) {
		if (s[i].length <= 0)
			continue;
		double period = s[i].length + past_gap(s, count, i);
		least = period < least ? period : least;
		all += orders.axes[i].npos;
	}
	uint64_t residents = view.h->account[TIER_RAM].resident, part = residents * mine / (all ? all : 1), few = residents / SHARE;
	if (!s[n].past->ngaps)
		few *= UNSURE;
	if ((least < ALIKE * own || !s[n].past->ngaps) && part > few)
		part = few;
	return filing_settled() && view.h->filed[n] + coming < part - part / SLACK;
}

static double distance(struct use u) { return axis_distance(&orders.pol, u); }

struct use round_exchange(uint32_t n, uint32_t due, uint32_t coming)
{
	const struct plan *p = &orders.plans[n];
	uint32_t npos = orders.axes[n].npos, front = orders.axes[n].front < npos ? orders.axes[n].front : npos, k = 0;
	struct use seen[SAMPLE], just;
	if (wants_more(n, coming))
		return (struct use){ npos - 1, n };
	/* Others' files that are read beside the samples' own take the places of those just read, and none is left for what is due
	 * next: that may go before what is needed in the later half of the rest. Most of it will be read as another's before. */
	if (follow_mixed(p->follow.sh) && due < front + DUE * p->follow.sh->round)
		return (struct use){ front + (npos - front) / 2, n };
	for (uint32_t i = 0; i < SAMPLE && front; i++) {
		uint32_t pos = (uint32_t)((uint64_t)front * i / SAMPLE), rec = trace_at(&p->trace, pos), at = k;
		struct use u = rec < view.ncap ? plans_use(rec) : (struct use){ POS_UNKNOWN, 0 };
		if (u.pos >= POS_MAX || (u.axis == n && u.pos == pos)) /* another worker has yet to read it */
			continue;
		for (; at && distance(seen[at - 1]) > distance(u); at--)
			seen[at] = seen[at - 1];
		seen[at] = u;
		k++;
	}
	just = k ? seen[k / 2] : (struct use){ axis_just_read(npos), n };
	return axis_exchange(&orders.pol, n, just);
}
