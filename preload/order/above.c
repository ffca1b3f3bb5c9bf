/* above.c - what the store asks of the orders: see struct store_above. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include "order.h"

static bool behind(void) { return view.policy_gen != view.h->policy_gen; }

static int refresh(void)
{
	if (!plans_guard())
		return -ETIMEDOUT;
	int rc = behind() ? plans_refresh() : 0;
	if (rc == 0 && behind())
		rc = policy_refresh();
	plans_unguard();
	return rc;
}

/* The dead one was changing the policy's lists or the follower's numbers: the policy's state is made anew from the records;
 * the follower's words are each right or soon corrected by its own rules. */
static void repaired(void)
{
	/* It may have died while it made the state anew: then that one is half done, and not mapped here yet. */
	if (behind())
		refresh();
	if (!orders.policy_state || behind())
		return;
	memset(orders.policy_state, 0, orders.policy_bytes);
	filing_anew();
}

static void bury(uint32_t slot)
{
	if (view.slots[slot].joined && view.slot < SLOTS_MAX && session_lock()) {
		stream_leave(slot);
		session_unlock();
	}
}

static bool adopt(uint32_t rec)
{
	if (rec >= orders.shape.nfiles)
		return false;
	plans_fronts();
	filing_put(rec, plans_use(rec));
	return true;
}

static void abandon(uint32_t rec) { filing_take(rec); }

/* Forgotten first: another thread may fork in between. */
static void unmap(void)
{
	struct orders was = orders;
	memset(&orders, 0, sizeof(orders));
	orders.live_loader = was.live_loader;
	if (was.policy_state)
		munmap(was.policy_state, was.policy_bytes);
	for (int n = 0; n < PLANS_MAX; n++) {
		struct plan *p = &was.plans[n];
		if (!p->mapped)
			continue;
		munmap(p->follow.sh, p->file_bytes);
		if (p->trace.h != conf.trace.h)
			trace_close(&p->trace);
		stream_unmap(p);
	}
}

/* Before main(), and before the library's own constructor: nothing of a session has been touched then. */
static const struct store_above here = { refresh, repaired, bury, plan_first, adopt, abandon, unmap };
__attribute__((constructor(101))) static void order_begins(void) { store_above = &here; }
