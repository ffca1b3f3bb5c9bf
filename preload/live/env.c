/* env.c - the folder of the Python side onto PYTHONPATH, before Python starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "live.h"

bool live_python_dir(const char *dir, char path[PATH_BYTES])
{
	static const char *const places[] = { "opt4_live", "live" };
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int n = snprintf(path, PATH_BYTES, "%s/%s/sitecustomize.py", dir, places[i]);
		if (n <= 0 || n >= PATH_BYTES || access(path, R_OK) < 0)
			continue;
		*strrchr(path, '/') = 0;
		return true;
	}
	return false;
}

bool live_python_path(const char *dir)
{
	char path[PATH_BYTES], *all;
	const char *old = getenv("PYTHONPATH");
	if (!live_python_dir(dir, path) || strchr(path, ':'))   /* PYTHONPATH can't name that */
		return false;
	size_t len = strlen(path);
	if (old && !strncmp(old, path, len) && (!old[len] || old[len] == ':'))
		return true;
	if (!old || !*old)
		return setenv("PYTHONPATH", path, 1) == 0;
	if (asprintf(&all, "%s:%s", path, old) < 0)
		return false;
	setenv("PYTHONPATH", all, 1);
	free(all);
	return true;
}
