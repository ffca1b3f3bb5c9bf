/* output.c - see output.h. */
#include "output.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where it will lie: through links, so that a link stays one. *direct: it is there and no regular file. */
static int place(const char *path, char real[PATH_MAX], bool *direct)
{
	struct stat st;

	*direct = false;
	if (stat(path, &st) == 0) {
		*direct = !S_ISREG(st.st_mode);
		if (S_ISDIR(st.st_mode))
			return -EISDIR;
		if (!*direct)
			return realpath(path, real) ? 0 : -errno;
	} else if (errno != ENOENT || !*path) {
		return -errno;
	}
	return (size_t)snprintf(real, PATH_MAX, "%s", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int output_possible(const char *path)
{
	char real[PATH_MAX];
	bool direct;
	int rc = place(path, real, &direct);

	if (rc < 0)
		return rc;
	char *slash = direct ? NULL : strrchr(real, '/');
	if (slash)
		slash[slash == real] = 0;  /* the folder: the file itself is replaced */
	return access(direct || slash ? real : ".", direct ? W_OK : W_OK | X_OK) < 0 ? -errno : 0;
}

int output_open(struct output *o, const char *path)
{
	bool direct;
	int rc = place(path, o->path, &direct);

	if (rc < 0)
		return rc;
	*o->temp = 0;
	if (!direct)
		snprintf(o->temp, sizeof(o->temp), "%s.%d.tmp", o->path, (int)getpid());
	o->f = fopen(direct ? o->path : o->temp, "we");
	return o->f ? 0 : -errno;
}

int output_close(struct output *o)
{
	/* stdio keeps no reason of an earlier failure, but what it could not write: that fails again */
	int rc = !ferror(o->f) ? 0 : fflush(o->f) ? -errno : -EIO;

	if (fclose(o->f) && !rc)
		rc = -errno;
	if (!rc && *o->temp && rename(o->temp, o->path) < 0)
		rc = -errno;
	if (rc && *o->temp)
		unlink(o->temp);
	return rc;
}
