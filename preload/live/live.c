/* live.c - what the running program tells of its loaders. */
#include "live.h"

void live_ready(void)
{
	index_lost();              /* now and then is often enough */
	if (!session_attach())
		return;
	atomic_store(&view.h->loader_made, 1);
	keeper_check();
}

void live_follow(uint64_t key) { orders.live_loader = key; }

static struct live_loader own;    /* the one for which this process works, where it said so itself */

void live_own(uint64_t key, uint64_t dataset)
{
	live_follow(key);
	own = (struct live_loader){ .key = key, .dataset = dataset };
}

uint64_t live_dataset(uint64_t loader)
{
	uint64_t dataset = stream_dataset(loader);
	return dataset ? dataset : loader && own.key == loader ? own.dataset : 0;
}

void live_loader_again(void)
{
	if (own.key && own.key == orders.live_loader && session_attach() && !stream_dataset(own.key))
		live_loader(own.key, own.dataset, own.epoch);
}

void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch)
{
	bool locked = false;
	live_follow(key);
	own = (struct live_loader){ .key = key, .dataset = dataset, .epoch = epoch };
	if (!conf_active())
		return;
	index_lost();
	for (int tries = 0; tries < 3 && !locked && session_attach(); tries++)
		locked = session_lock();   /* no order comes of a loader that is not known */
	if (!locked)
		return;
	stream_loader(key, dataset, epoch);
	session_unlock();
}

void live_lied(uint64_t key)
{
	if (!view.h || !session_lock())
		return;
	stream_lied(key);
	session_unlock();
}

void live_end(uint64_t key)
{
	if (own.key == key)
		own = (struct live_loader){ .key = 0 };
	if (!view.h || !session_lock())
		return;
	stream_end(key);
	session_unlock();
}
