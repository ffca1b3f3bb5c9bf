/* live_env.c - the folder of the Python side onto PYTHONPATH, before Python starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "live.h"

bool live_python_path(const char *dir)
{
	static const char *const places[] = { "opt4_live", "live" };
	char path[PATH_BYTES], *all;
	const char *old = getenv("PYTHONPATH");
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int n = snprintf(path, sizeof(path), "%s/%s/sitecustomize.py", dir, places[i]);
		if (n <= 0 || (size_t)n >= sizeof(path) || access(path, R_OK) < 0)
			continue;
		*strrchr(path, '/') = 0;
		size_t len = strlen(path);
		if (strchr(path, ':'))
			return false;      /* PYTHONPATH can't name it */
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
	return false;
}
