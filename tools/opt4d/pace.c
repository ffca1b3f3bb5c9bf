/* pace.c - how fast the store gives and the job takes, and how many reads the store is worth having in flight.
 *
 * A store that is bound by latency wants many reads at a time, one that is bound by bandwidth wants few: more would
 * only queue, and a client's own miss would queue behind them. Which it is shows in the time that a fetch takes: while
 * it stays near what it took with few in flight, more are allowed; when it grows with their number, fewer are. */
#include "opt4d.h"

#define LEAST      2u              /* fetches in flight to begin with */
#define FLOOR      4u              /* not fewer later: files are of unequal sizes */
#define MOST       64u
#define WINDOW     16u             /* fetches that a measurement of latency sums up, at least .. */
#define LONG_NS    250000000ull    /* .. and busy time that one of bandwidth does */
#define GROW       1.5             /* times the least latency seen: below it more .. */
#define SHRINK     2.5             /* .. above it fewer */
#define IDLE_NS    1000000000ull

static uint32_t limit = LEAST, running;
static bool probing = true, bound, starved;  /* doubling still; running reached the limit; nothing to fetch */
static double least, latency, bandwidth;
static uint64_t busy_since, busy_ns, sum_ns, sum_bytes, others;
static uint32_t n, nbytes;

static void steer(double mean)
{
	least = least > 0 && least * 1.02 < mean ? least * 1.02 : mean;
	latency = mean;
	if (mean < GROW * least) {
		if (bound)
			limit = probing ? limit * 2 : limit + limit / 8 + 1;
	} else {
		probing = false;
		if (mean > SHRINK * least)
			limit -= limit / 5;
	}
	limit = limit > MOST ? MOST : limit < FLOOR && !probing ? FLOOR : limit;
}

/* What the store gives for long: only while fetches queue in it (or as many run as ever may) is that what it gives. A
 * store that was idle gives a burst (a throttled block device several times its rate), and one of which little is
 * asked gives little; so the figure is lowered at once where fetches queue, and raised a little at a time: too low it
 * makes fetches early, too high late. A store that is bound by latency never gets one: a look-ahead that covers its
 * latency is all it needs. */
static void measure(uint64_t bytes, uint64_t busy, uint64_t everybody)
{
	bool full = latency > GROW * least || (!starved && limit == MOST);
	if (full && everybody > bytes)
		bytes = everybody; /* clients read past us: their share is the store's, too */
	double got = (double)bytes / (double)busy;
	if (full && bandwidth <= 0)
		bandwidth = got;
	else if (bandwidth > 0 && (full || got > bandwidth))
		bandwidth += (got - bandwidth) * (got < bandwidth ? .4 : .02);
}

void pace_running(uint32_t before, uint32_t after)
{
	uint64_t now = now_ns();
	if (before)
		busy_ns += now - busy_since;
	busy_since = now;
	running = after;
	bound |= running >= limit;
}

void pace_starved(void) { starved = true; }

void pace_done(uint64_t bytes, uint64_t ns)
{
	if (!bytes)
		return;
	n++;
	sum_ns += ns;
	if (n >= WINDOW) {
		steer((double)sum_ns / n);
		n = 0;
		sum_ns = 0;
		bound = false;
	}
	nbytes++;
	sum_bytes += bytes;
	uint64_t all = view.h->n.origin_bytes;
	if (nbytes >= 2 * WINDOW && busy_ns >= (bandwidth > 0 ? LONG_NS : LONG_NS / 10)) {
		measure(sum_bytes, busy_ns, all - others);
		nbytes = 0;
		sum_bytes = busy_ns = 0;
		starved = false;
		others = all;
	}
}

uint32_t pace_allowed(void)
{
	uint64_t now = now_coarse(), demand = atomic_load_explicit(&view.h->demand_ns, memory_order_relaxed);
	bool queueing = latency > GROW * least;
	return queueing && (double)(now - demand) < latency ? 1 : limit;
}

double pace_bandwidth(void) { return bandwidth; }
double pace_latency(void) { return latency; }

double pace_items(struct pace_items *p, uint64_t items, uint64_t wait_ns, uint32_t workers)
{
	uint64_t now = now_ns(), did = items - p->items;
	if (did && did < 1u << 30 && p->at && now - p->at < IDLE_NS) {
		double span = (double)(now - p->at), busy = span - (double)(wait_ns - p->wait) / (workers ? workers : 1);
		p->sum_ns += busy > span / 50 ? busy : span / 50;
		p->sum_items += did;
	}
	/* a span without accesses, between epochs say, is left out: it says nothing of the pace within one */
	p->items = items;
	p->wait = wait_ns;
	p->at = now;
	if (p->sum_items >= 64) {
		double ns = p->sum_ns / (double)p->sum_items;
		/* as with bandwidth, what makes fetches late is believed slowly: a job that was held up is soon as fast as before */
		p->item_ns = p->item_ns > 0 ? p->item_ns + (ns - p->item_ns) * (ns < p->item_ns ? .5 : .1) : ns;
		p->sum_items = 0;
		p->sum_ns = 0;
	}
	return p->item_ns;
}
