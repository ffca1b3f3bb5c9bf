/* here.c - which server of a list is this machine's. See pool.h. */
#include <stdio.h>
#include <string.h>
#include "pool.h"

int pool_resolve(struct server *s, int n, char why[200])
{
	int without = 0;
	for (int i = 0; i < n; i++)
		if (server_resolve(&s[i]) < 0) {
			without++;
			snprintf(why, 200, "%.80s: no address is known for it; look at the name, and at /etc/hosts", s[i].name);
		}
	return without;
}

/* An address of an interface; one of the loopback only where no other is ours: a list of a test's, or of one node. */
struct server *pool_here(struct server *s, int n)
{
	struct server *loop = NULL;
	for (int i = 0; i < n; i++) {
		if (!server_is_here(&s[i]))
			continue;
		if (!server_is_loopback(&s[i]))
			return &s[i];
		if (!loop)
			loop = &s[i];
	}
	return loop;
}
