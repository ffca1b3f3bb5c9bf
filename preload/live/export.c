/* export.c - what the session knows of datasets, for a trace of what the job did. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "live.h"

/* Its samples, by place or, of a keyed one, those that have been seen: then their keys come first. keys: room for as many as it has rows. A worker that
 * outlives the job may still add some: what is there now counts. */
static bool put(FILE *f, struct live_table *t, uint32_t *keys)
{
	char path[PATH_BYTES];
	uint32_t rec[LIVE_WIDTH], rows = 0;
	struct live_trust trust;
	live_judge(t, index_files(), &trust);
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t key = t->keyed ? live_keys(t)[i] : i;
		if (key || !t->keyed)
			keys[rows++] = key;
	}
	fprintf(f, "%u %u\n", rows, t->width);
	if (t->keyed)
		fwrite(keys, sizeof(*keys), rows, f);
	for (uint32_t i = 0; i < rows; i++) {
		uint32_t n = live_row(t, &trust, keys[i], index_files(), rec);
		for (uint32_t k = 0; k < t->width; k++) {
			fwrite(path, 1, k < n ? record_path(rec[k], path, sizeof(path)) : 0, f);
			fputc(0, f);
		}
	}
	return !ferror(f);
}

int live_export(const char *to)
{
	char name[PATH_BYTES + 64];
	DIR *d = opendir(view.dir);
	struct dirent *e;
	int rc = 0;
	if (!d)
		return -errno;
	for (uint32_t n = 0; n < index_plans(); n++)
		plan_map(n);       /* the first trace's paths are its files' names */
	while (rc == 0 && (e = readdir(d))) {
		unsigned long long dataset;
		uint32_t n;
		size_t bytes = sizeof(struct live_table);
		if (sscanf(e->d_name, "live.data.%16llx", &dataset) != 1 || strlen(e->d_name) != 26)
			continue;
		struct live_table *t = plan_map_file(e->d_name, &bytes, false);
		if (!t)
			continue;
		n = t->n;
		bool keyed = t->keyed;
		munmap(t, bytes);
		if (!keyed && live_known_here(dataset, n) == LIVE_IS_KEYED)    /* the numbers in its indices are not the samples' */
			continue;
		if (!(t = live_table(dataset, n, &bytes)))
			continue;
		snprintf(name, sizeof(name), keyed ? "%s/keyed.%016llx" : "%s/files.%016llx", to, (unsigned long long)(keyed ? live_keyed(dataset) : dataset));
		FILE *f = fopen(name, "w");
		uint32_t *keys = f ? malloc(((size_t)t->n + 1) * sizeof(*keys)) : NULL;
		bool ok = keys && put(f, t, keys);
		if ((f && fclose(f) != 0) || !ok)
			rc = errno ? -errno : -EIO;
		free(keys);
		munmap(t, bytes);
	}
	snprintf(name, sizeof(name), "%s/roots", to);
	FILE *f = rc == 0 ? fopen(name, "w") : NULL;
	for (uint32_t r = 0; f && r < index_roots(); r++)
		fprintf(f, "%s%c", view.h->roots[r].path, 0);
	if (rc == 0 && (!f || fclose(f) != 0))
		rc = -errno;
	closedir(d);
	return rc;
}
