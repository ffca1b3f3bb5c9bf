/* sample.c - which files the sample has that is being fetched, as far as that is known: what else is opened meanwhile, others have. */
#include "live.h"

#define ENOUGH 16u                 /* fetches before the program's own list is believed */

/* Was the last one fetched without a file of its own, though others' were opened? Then it is not as the table has it. */
static void settle(void)
{
	if (orders.sample.others && !orders.sample.came)
		orders.strayed++;
	orders.sample.nown = orders.sample.n = 0;
	orders.sample.came = 0;
	orders.sample.others = false;
}

void live_sample_is(struct live_table *t, uint32_t index)
{
	settle();
	if (!t || index >= t->n)
		return;
	const uint32_t *row = t->rec + (size_t)index * t->width;
	uint8_t times = live_times(t)[index];
	uint32_t n = 0;
	if (times == LIVE_GUESS)
		return;
	while (n < t->width && row[n]) {
		if (n == ORDERS_SAMPLE)
			return;
		orders.sample.rec[n] = row[n] - 1;
		n++;
	}
	/* Of what came with it once, or twice where others did not, the first is its own, and the others may be. */
	orders.sample.nown = (times == 1 || times == LIVE_CUT) && n ? 1 : n;
	orders.sample.sure = times || (t->tried >= ENOUGH && t->fits >= t->tried - t->tried / 8);
	orders.sample.n = n;
}
