/* child.c - see child.h. */
#include "child.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "../live/live.h"
#include "hook.h"
#include "path.h"

#define LIST 4096                  /* bytes of the folders that were found */

static void take_roots(void)
{
	char list[LIST], size[24];
	if (!live_children_file("root", list, sizeof(list)))
		return;
	if (!conf_active() && live_children_file("size", size, sizeof(size)))
		conf_set_size(strtoull(size, NULL, 10), true);
	if (!conf_add_roots(list))
		return;
	path_roots_changed();
	if (hook_on)
		session_roots_added();
}

/* Nobody has told of a DataLoader yet, but torch is there: whoever reads may be a pool's process. */
static bool alone(char *system, size_t *bytes)
{
	return dlsym(RTLD_DEFAULT, "Py_GetVersion") && !live_children_has("loader") && (*bytes = live_children_system(system));
}

void child_begin(void)
{
	char system[LIVE_SYSTEM];
	size_t bytes;
	live_children_load();
	bool child = live_child_begin();
	if (!child && !alone(system, &bytes))
		return;
	live_roots_grew();
	take_roots();
	hook_activate();
	if (!child)
		guest_alone(system, bytes);
}

void child_look(void)
{
	if (unlikely(atomic_load_explicit(&live_child, memory_order_relaxed)) && !stack_small() && live_roots_grew())
		take_roots();
}
