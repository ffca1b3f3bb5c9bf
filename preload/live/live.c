/* live.c - what the running program tells of its loaders. */
#include "live.h"

void live_ready(void)
{
	if (!session_attach())
		return;
	atomic_store(&view.h->loader_made, 1);
	keeper_check();
}

void live_follow(uint64_t key) { orders.live_loader = key; }

void live_loader(uint64_t key, uint64_t dataset, uint32_t epoch)
{
	bool locked = false;
	live_follow(key);
	for (int tries = 0; tries < 3 && !locked && session_attach(); tries++)
		locked = session_lock();   /* no order comes of a loader that is not known */
	if (!locked)
		return;
	stream_loader(key, dataset, epoch);
	session_unlock();
}

void live_end(uint64_t key)
{
	if (!view.h || !session_lock())
		return;
	stream_end(key);
	session_unlock();
}
