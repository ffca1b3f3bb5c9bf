/* past.c - the period of a stream: see past.h. */
#include "past.h"

#define SLACK  64.                 /* accesses by which equal gaps may differ: workers run ahead .. */
#define EQUAL  .125                /* .. and this part of them */

void past_begin(struct past *p, uint64_t clock)
{
	if (p->epochs++ && p->ended >= p->began)
		p->gap[p->ngaps++ % PAST_GAPS] = clock > p->ended ? clock - p->ended : 0;
	p->began = clock;
}

void past_end(struct past *p, uint64_t clock)
{
	p->ended = clock;
}

static bool equal(double a, double b)
{
	double off = a > b ? a - b : b - a, most = a > b ? a : b;
	return off <= SLACK || off <= most * EQUAL;
}

/* The k-th gap back, from 1. */
static double back(const struct past *p, uint32_t k)
{
	return (double)p->gap[(p->ngaps - k) % PAST_GAPS];
}

/* The next of a series with the shortest period that all of it (twice the period at least) agrees with; else the last. */
static double next_gap(const struct past *p)
{
	uint32_t n = p->ngaps < PAST_GAPS ? p->ngaps : PAST_GAPS;
	for (uint32_t period = 1; 2 * period <= n; period++) {
		uint32_t k = 1;
		while (k + period <= n && equal(back(p, k), back(p, k + period)))
			k++;
		if (k + period > n)
			return back(p, period);
	}
	return back(p, 1);
}

bool past_due(const struct past *p, uint64_t clock)
{
	double gap = p->ngaps ? next_gap(p) : 0, away = clock > p->ended ? (double)(clock - p->ended) : 0;
	return p->ngaps && (away <= gap || equal(away, gap));
}

/* Have their last epochs run beside each other, as ranks' do? Then neither comes between the other's. */
static bool beside(const struct stream *a, const struct stream *over)
{
	const struct past *p = a->past, *q = over->past;
	return (double)q->ended > (double)p->began + SLACK && (a->running || (double)q->began + SLACK < (double)p->ended);
}

double past_gap(const struct stream *streams, uint32_t n, uint32_t which)
{
	double gap = 0;
	if (streams[which].past->ngaps)
		return next_gap(streams[which].past);
	for (uint32_t i = 0; i < n; i++)
		if (i != which && (streams[i].running ? streams[i].stirred < streams[which].past->began : !beside(&streams[which], &streams[i])))
			gap += streams[i].length;
	return gap + streams[which].unheard;
}

double past_again(const struct stream *streams, uint32_t n, uint32_t which, uint64_t clock)
{
	const struct stream *s = &streams[which];
	double away = clock > s->past->ended ? (double)(clock - s->past->ended) : 0, gap = past_gap(streams, n, which);
	double rest = 0, cycle = 0;
	if (s->running)
		return s->rest + gap;
	if (s->past->ngaps && gap + SLACK > away)      /* a little late: of those side by side one begins first */
		return gap > away ? gap - away : 0;
	for (uint32_t i = 0; i < n; i++) {
		cycle += streams[i].length;
		if (streams[i].running && streams[i].rest > rest)
			rest = streams[i].rest;
	}
	return away > 2 * (cycle + gap) ? away : rest;
}

double past_expected(const struct stream *streams, uint32_t n, uint32_t which, uint64_t clock)
{
	const struct stream *s = &streams[which];
	double again = past_again(streams, n, which, clock), share = s->share > 0 && s->share < 1 ? s->share : 1;
	return s->same ? again : again + s->length / 2 + (1 / share - 1) * (s->length + past_gap(streams, n, which));
}
