/* live.c - what the Python side (tools/live) calls by name. Nothing here raises, prints, or ends the program. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
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
		live_root_found();
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

/* A child of ours, which no fork handler and no wait() of the program's meets, for so many seconds at most: its pid, 0 in
 * the child, or -errno. With w it is locked in and may run code of the program's; without, it works for opt4. Called with
 * Python's lock held, or the child would wait for it for ever. */
static bool is_child;
int opt4_live_fork(struct cell_words *w, unsigned seconds);
EXPORT int opt4_live_fork(struct cell_words *w, unsigned seconds)
{
	if (opt4_inside || !hook_on)
		return -EAGAIN;
	struct guard g = hook_enter();
	const uint32_t ids[] = { (uint32_t)getpid(), (uint32_t)getppid(), (uint32_t)syscall(SYS_gettid) };
	int pid = live_fork(seconds);
	if (pid == 0) {
		is_child = true;
		if (w) {
			hook_forget();
			if (cell_lock(w, ids))
				return 0;
			atomic_store(&w->state, CELL_REFUSED);
			next._exit(0);
		}
		hook_forked();
	}
	hook_leave(g);
	return pid;
}

/* Called by both, whatever happened: the child ends here. */
void opt4_live_over(void);
EXPORT void opt4_live_over(void)
{
	if (is_child)
		next._exit(0);
}

/* Room for so many indices that a child draws; NULL: none. Given back by opt4_live_undraw(). */
struct cell_words *opt4_live_draw(uint32_t room);
EXPORT struct cell_words *opt4_live_draw(uint32_t room) { return cell_new(room); }
void opt4_live_undraw(struct cell_words *w);
EXPORT void opt4_live_undraw(struct cell_words *w)
{
	cell_free(w);
	live_reap();
}

/* Waits for the child to come to an end, so many ms at most. */
void opt4_live_wait(const struct cell_words *w, unsigned ms);
EXPORT void opt4_live_wait(const struct cell_words *w, unsigned ms)
{
	for (unsigned i = 0; w && i < ms * 4 && atomic_load(&w->state) == CELL_DRAWING; i++)
		nanosleep(&(struct timespec){ 0, 250000 }, NULL);
}

#define ENTRY_IF(may, type, name, params, none, call) \
	type name params; \
	EXPORT type name params \
	{ \
		if (opt4_inside || !hook_on || !(may)) \
			return none; \
		struct guard g = hook_enter(); \
		type r = call; \
		hook_leave(g); \
		return r; \
	}
#define ENTRY(type, name, params, none, call) ENTRY_IF(conf_active(), type, name, params, none, call)
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
ENTRY_VOID(opt4_live_size, (uint64_t bytes, int guess), conf_set_size(bytes, guess))
ENTRY(int, opt4_live_measure, (uint64_t all, const char *names, size_t bytes), -1, live_measure(all, names, bytes))
ENTRY_VOID(opt4_live_use, (uint64_t dataset, uint32_t n), if (conf_active()) live_use(dataset, n))
ENTRY_VOID(opt4_live_forget, (uint64_t dataset), if (conf_active()) live_forget(dataset))
ENTRY_VOID(opt4_live_loader, (uint64_t key, uint64_t dataset, uint32_t epoch), live_loader(key, dataset, epoch))
ENTRY_VOID(opt4_live_own, (uint64_t key, uint64_t dataset), live_own(key, dataset))
ENTRY_VOID(opt4_live_follow, (uint64_t key), live_follow(key))
ENTRY_VOID(opt4_live_lied, (uint64_t key), live_lied(key))
ENTRY_VOID(opt4_live_end, (uint64_t key), live_end(key))

/* Around each sample, and free of what the entries above may cost. */
ENTRY_VOID(opt4_live_sample, (uint32_t n, uint32_t index), live_sample(n, index))
ENTRY_VOID(opt4_live_key, (uint32_t key), live_key(key))
ENTRY_VOID(opt4_live_rest, (void), live_rest())
ENTRY_VOID(opt4_live_learn, (int make), live_learn(make))

ENTRY_VOID(opt4_live_together, (void), live_apart_end())
ENTRY_VOID(opt4_live_say, (const char *line), note_reason("%s", line))

/* Names below no root, each with a NUL; their bytes. Where no DataLoader reads: of what was opened. */
ENTRY_IF(true, size_t, opt4_live_names, (char *to, size_t room), 0, live_apart_names(to, room))
/* Of what processes have opened that were started while samples were fetched. */
ENTRY_IF(true, size_t, opt4_live_beside, (char *to, size_t room), 0, live_children_names(to, room))
/* The batch is fetched: of what was opened meanwhile. Then opt4_live_learn(). */
ENTRY_IF(true, size_t, opt4_live_fetched, (int whole, char *to, size_t room), 0, live_fetched(whole) ? live_strangers(to, room) : 0)
