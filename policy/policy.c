/* policy.c - the policies by name. */
#include "policy.h"

#include <string.h>

static const struct policy *const all[] = {
	&policy_opt, &policy_lru, &policy_lfu, &policy_fifo, &policy_random, &policy_keep,
};

const struct policy *policy_find(const char *name)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
