/* statistics.c - see statistics.h. */
#include "statistics.h"

#include "../../../preload/session/keeper.h"
#include "say.h"
#include "sessions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATS_MAX (64 << 20)

/* All of a file, NUL terminated; NULL with errno. */
static char *slurp(const char *path, size_t *len)
{
	char *text = NULL;
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size > STATS_MAX)
		errno = EFBIG;
	else
		text = malloc((size_t)st.st_size + 1);
	*len = 0;
	for (ssize_t n; text && *len < (size_t)st.st_size; *len += (size_t)n) {
		n = read(fd, text + *len, (size_t)st.st_size - *len);
		if (n < 0) {
			free(text);
			text = NULL;
		} else if (n == 0) {
			break;
		}
	}
	int keep = errno;
	close(fd);
	errno = keep;
	return text;
}

/* The statistics of a session on this machine, as its JSON. NULL, said. */
static char *of_session(const char *name, size_t *len, int *rc)
{
	char dir[PATH_BYTES], *text = NULL;

	if ((*rc = session_named(name, dir)) != 0)
		return NULL;
	if ((*rc = index_map(dir)) < 0) {
		*rc = fail("%s: not a session of this version and boot; opt4 clean removes it", dir);
		return NULL;
	}
	for (uint32_t p = 0; p < view.h->nplans; p++)
		plan_map(p);
	FILE *f = open_memstream(&text, len);
	if (f) {
		stats_print(f);
		fclose(f);
	}
	view_unmap();
	if (!text)
		*rc = fail("report: %s; free some memory", strerror(errno));
	return text;
}

int statistics_load(const char *source, struct json **stats)
{
	struct stat st;
	size_t len;
	char err[128], dir[PATH_BYTES], *text;
	int rc = 0;

	if (source && stat(source, &st) == 0 && S_ISREG(st.st_mode)) {
		if (!(text = slurp(source, &len)))
			return fail("%s: %s; give a file of opt4 run --stats", source, strerror(errno));
	} else {
		if (source)
			session_path(source, dir);
		if (source && lstat(dir, &st) < 0)
			return fail("%s: no such file of statistics, and no such session; opt4 run --stats writes one, opt4 ls shows "
				    "the sessions", source);
		if (!(text = of_session(source, &len, &rc)))
			return rc;
	}
	*stats = json_parse(text, len, err);
	free(text);
	return *stats ? 0 : fail("%s: %s; give a file that opt4 run --stats or opt4 stat --json wrote",
				 source ? source : "session", err);
}
