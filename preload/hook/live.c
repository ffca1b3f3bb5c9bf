/* live.c - what the Python side (tools/live) calls by name. Nothing here raises, prints, or ends the program. */
#include <stdlib.h>
#include <string.h>
#include "../live/live.h"
#include "hook.h"
#include "path.h"

int opt4_live_open(const char *root);   /* no C caller: found by name */
int opt4_live_watch(void);

/* 1: the library is at work in this process. With a folder: it is a dataset's, and active it shall be. */
EXPORT int opt4_live_open(const char *root)
{
	if (opt4_inside)
		return 0;
	static bool told;
	struct guard g = hook_enter();
	if (!told)
		told = tell(TOLD_LOOKED, "");
	if (root && *root && next_resolved() && conf_add_root(root)) {
		path_roots_changed();
		if (hook_on)
			session_roots_added();
		else if (conf_active())
			hook_activate();
		live_loader_again();
	}
	hook_leave(g);
	return hook_on && conf_active() && conf_live();
}

/* 1: no folder is known, but what is opened while samples are fetched may tell one. */
EXPORT int opt4_live_watch(void)
{
	if (opt4_inside)
		return 0;
	struct guard g = hook_enter();
	bool may = conf_may_learn();
	if (may && !conf_active())
		hook_activate();
	hook_leave(g);
	return may && hook_on;
}

#define ENTRY(type, name, params, none, call) \
	type name params; \
	EXPORT type name params \
	{ \
		if (opt4_inside || !hook_on || !conf_active()) \
			return none; \
		struct guard g = hook_enter(); \
		type r = call; \
		hook_leave(g); \
		return r; \
	}
#define ENTRY_VOID(name, params, call) \
	void name params; \
	EXPORT void name params \
	{ \
		if (opt4_inside || !hook_on) \
			return; \
		struct guard g = hook_enter(); \
		call; \
		hook_leave(g); \
	}

ENTRY(int, opt4_live_files, (uint64_t dataset, uint32_t n, const char *paths, size_t bytes), -1, live_files(dataset, n, paths, bytes))
ENTRY(int, opt4_live_known, (uint64_t dataset, uint32_t n), 0, live_known(dataset, n))
ENTRY(int, opt4_live_epoch, (const struct live_epoch *e), -1, live_publish(e))
ENTRY(int, opt4_live_replay, (const struct live_epoch *e, const void *what, size_t bytes), -1, live_spool(e, what, bytes))
ENTRY_VOID(opt4_live_ready, (void), if (conf_active()) live_ready())
ENTRY_VOID(opt4_live_size, (uint64_t bytes), conf_set_size(bytes))
ENTRY_VOID(opt4_live_use, (uint64_t dataset, uint32_t n), if (conf_active()) live_use(dataset, n))
ENTRY_VOID(opt4_live_forget, (uint64_t dataset), if (conf_active()) live_forget(dataset))
ENTRY_VOID(opt4_live_loader, (uint64_t key, uint64_t dataset, uint32_t epoch), live_loader(key, dataset, epoch))
ENTRY_VOID(opt4_live_own, (uint64_t key, uint64_t dataset), live_own(key, dataset))
ENTRY_VOID(opt4_live_follow, (uint64_t key), live_follow(key))
ENTRY_VOID(opt4_live_end, (uint64_t key), live_end(key))

/* Around each sample, and free of what the entries above may cost. */
ENTRY_VOID(opt4_live_sample, (uint32_t n, uint32_t index), live_sample(n, index))
ENTRY_VOID(opt4_live_rest, (void), live_rest())
ENTRY_VOID(opt4_live_learn, (int make), live_learn(make))

size_t opt4_live_fetched(int whole, char *strangers, size_t room);

/* The batch is fetched. Returns how many bytes of `strangers` are paths below no root, each with a NUL. Then opt4_live_learn(). */
EXPORT size_t opt4_live_fetched(int whole, char *strangers, size_t room)
{
	size_t n = 0;
	if (opt4_inside || !hook_on)
		return 0;
	struct guard g = hook_enter();
	if (live_fetched(whole))
		n = live_strangers(strangers, room);
	hook_leave(g);
	return n;
}
