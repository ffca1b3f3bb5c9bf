/* order.c - see order.h. */
#include "order.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../common/common.h"
#include "tool.h"

static char trace[PATH_MAX];

/* A file of our own below one of the usual places. 0 or an errno. */
static int place(void)
{
	const char *tmp = getenv("TMPDIR");
	const char *const places[] = { tmp && *tmp ? tmp : "/tmp", "/tmp", "/var/tmp" };
	int first = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int fd = -1;

		errno = ENAMETOOLONG;
		if ((size_t)snprintf(trace, sizeof(trace), "%s/opt4-order.XXXXXX", places[i]) < sizeof(trace))
			fd = mkstemp(trace);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		first = first ? first : errno;
	}
	*trace = 0;
	return first;
}

const char *order_begin(const char *list, const char *root)
{
	int rc = place();
	/* of several roots the paths themselves tell */
	bool one = root && !strchr(root, ':');
	const char *args[] = { "paths", list, "-o", trace, one ? "--root" : NULL, root, NULL };

	if (rc) {
		fail("--order: no room for the trace: %s; name a folder that can be written in TMPDIR", strerror(rc));
		return NULL;
	}
	if (trace_tool("--order", args))
		return trace;
	order_end();
	return NULL;
}

void order_end(void)
{
	if (*trace)
		unlink(trace);
	*trace = 0;
}
