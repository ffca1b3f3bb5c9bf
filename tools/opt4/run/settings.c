/* settings.c - what `opt4 run` sets for its job. Checked first: the library only logs a wrong value and goes on
 * without, and a job may run for days before anybody looks. See settings.h. */
#include "settings.h"

#include "../../../preload/base/base.h"
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "order.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes a path, or each of a list with `:` between, absolute: the job may change its folder before it reads it. */
static void absolute(const char *name, const char *separator)
{
	const char *s = getenv(name);
	char cwd[PATH_MAX], *all = NULL;
	size_t len;
	FILE *f = s && *s && getcwd(cwd, sizeof(cwd)) ? open_memstream(&all, &len) : NULL;

	if (!f)
		return;
	for (;;) {
		size_t n = strcspn(s, separator);

		if (n && *s != '/')
			fprintf(f, "%s/", cwd);
		fwrite(s, 1, n, f);
		if (!s[n])
			break;
		fputc(s[n], f);
		s += n + 1;
	}
	if (fclose(f) == 0)
		setenv(name, all, 1);
	free(all);
}

static int check_trace(const char *file)
{
	struct trace t;
	char err[256];

	if (access(file, R_OK) < 0)
		return fail("--trace: %s: %s; make one with opt4-trace", file, strerror(errno));
	if (trace_open(&t, file, err) < 0)
		return fail("--trace: %s: %s; make it again with opt4-trace", file, err);
	trace_close(&t);
	return 0;
}

/* One of --root's. What can never be a dataset is wrong usage; what is not there the job may yet make. */
static int check_root(const char *path)
{
	const char *home = getenv("HOME");
	char real[PATH_MAX], own[PATH_MAX];
	struct stat st;

	if (!realpath(path, real) || stat(real, &st) < 0)
		fprintf(stderr, "opt4: --root: %s: %s; nothing is cached unless the job makes it\n", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		return usage("--root: %s is no folder; give the folder of the images", path);
	else if (!strcmp(real, "/") || (home && realpath(home, own) && !strcmp(real, own)))
		return usage("--root: %s is never taken as a dataset; give the folder of the images", path);
	return 0;
}

static int check_roots(const char *list)
{
	char one[PATH_MAX];
	unsigned n = 0;
	int rc;

	for (const char *s = list; *s; ) {
		size_t len = strcspn(s, ":");

		if (len >= sizeof(one))
			return usage("--root: a name of %zu bytes; give the folder of the images", len);
		snprintf(one, sizeof(one), "%.*s", (int)len, s);
		if (len && (rc = check_root(one)) != 0)
			return rc;
		n += len > 0;
		s += len + (s[len] == ':');
	}
	return n ? 0 : usage("--root: no folder in '%s'; give the folder of the images", list);
}

static int check_output(const char *option, const char *file)
{
	int rc = file ? output_possible(file) : 0;

	return rc ? fail("%s: %s: %s; name a file that can be written", option, file, strerror(-rc)) : 0;
}

/* Of the second tier, or the buckets: NULL, or why not. */
static const char *folder_refused(const char *dir, const char *root)
{
	char full[PATH_MAX];
	const char *why;

	if (*dir != '/' && getcwd(full, sizeof(full)) && strlen(full) + strlen(dir) + 2 < sizeof(full))
		why = ssd_refused(strcat(strcat(full, "/"), dir));
	else
		why = ssd_refused(dir);
	return why ? why : root && ssd_within(dir, root) ? "within the dataset, where the job would find it; name another folder" : NULL;
}

static int check_rebucket(const struct run_settings *s)
{
	const char *dir = s->rebucket ? s->rebucket : getenv("OPT4_REBUCKET"), *name = s->rebucket ? "--rebucket" : "OPT4_REBUCKET", *why;

	if (s->rebucket && !*s->rebucket)
		return usage("--rebucket: '' is no folder; name one on a spinning disk");
	if (s->rebucket && !s->trace && !s->order && !getenv("OPT4_TRACE"))
		return usage("--rebucket: needs the order of the epochs to come; give --trace, or record one by --record first");
	why = dir && *dir ? folder_refused(dir, s->root) : NULL;
	return why ? fail("%s: %s: %s", name, dir, why) : 0;
}

/* A job may run for days before anybody sees that it does without. */
static int check_ssd(const struct run_settings *s)
{
	const char *dir = s->ssd ? s->ssd : getenv("OPT4_SSD"), *size = s->ssd_size ? s->ssd_size : getenv("OPT4_SSD_SIZE");
	const char *why, *name = s->ssd ? "--ssd" : "OPT4_SSD", *writes = s->ssd_writes ? s->ssd_writes : getenv("OPT4_SSD_WRITES");
	uint64_t v;
	double rate;

	if (size && *size && parse_size(size, 100, &v) < 0)
		return usage("--ssd-size: '%s' is not a size; use e.g. 800G or 50%%", size);
	if (size && *size && (strchr(size, '%') ? !v : v < SSD_LEAST))   /* what lies there would be thrown away for it */
		return usage("--ssd-size: '%s' is less than 1M, which holds nothing; use e.g. 800G or 50%%", size);
	if (writes && *writes && parse_rate(writes, &rate) < 0)
		return usage("--ssd-writes: '%s' is no number of drive writes a day; use e.g. .3", writes);
	if (s->ssd && !*s->ssd)
		return usage("--ssd: '' is no folder; name one on a local disk");
	if (!dir || !*dir)
		return s->ssd_size || s->ssd_writes ? usage("--ssd-%s: without --ssd; name the folder, too", s->ssd_size ? "size" : "writes") : 0;
	why = folder_refused(dir, s->root);
	return why ? fail("%s: %s: %s", name, dir, why) : 0;
}

static int check(const struct run_settings *s)
{
	uint64_t v;
	int rc;

	if (s->cache && parse_size(s->cache, 100, &v) < 0)
		return usage("--cache: '%s' is not a size; use e.g. 64G or 50%%", s->cache);
	if (s->policy && strcmp(s->policy, "none") && !policy_find(s->policy))
		return usage("--policy: no policy '%s'; use opt lru lfu fifo random keep none", s->policy);
	if ((rc = check_ssd(s)) != 0 || (rc = check_rebucket(s)) != 0)
		return rc;
	if (s->prefetch && strcmp(s->prefetch, "off") && strcmp(s->prefetch, "auto")
	    && (!*s->prefetch || s->prefetch[strspn(s->prefetch, "0123456789")] || strlen(s->prefetch) > 6))
		return usage("--prefetch: '%s' is not a number of batches; use auto, off or e.g. 8", s->prefetch);
	if (s->order && s->trace)
		return usage("--order: --trace has an order already; give one of the two");
	if (s->order && access(s->order, R_OK) < 0)
		return fail("--order: %s: %s; name a list of paths, one a line", s->order, strerror(errno));
	if ((s->root && (rc = check_roots(s->root)) != 0) || (s->trace && (rc = check_trace(s->trace)) != 0)
	    || (rc = check_output("--stats", s->stats)) != 0 || (rc = check_output("--record", s->record)) != 0)
		return rc;
	return 0;
}

int run_settings(const struct run_settings *s)
{
	const char *log = getenv("OPT4_LOG"), *trace = s->trace;
	int rc = check(s);

	if (rc == 0 && s->order && !(trace = order_begin(s->order, s->root)))
		rc = 1;
	if (rc)
		return rc;
	const struct { const char *name, *value; } set[] = {
		{ "OPT4_TRACE", trace }, { "OPT4_ROOT", s->root }, { "OPT4_CACHE", s->cache }, { "OPT4_POLICY", s->policy },
		{ "OPT4_PREFETCH", s->prefetch }, { "OPT4_SSD", s->ssd }, { "OPT4_SSD_SIZE", s->ssd_size }, { "OPT4_SSD_WRITES", s->ssd_writes },
		{ "OPT4_REBUCKET", s->rebucket }, { "OPT4_STATS", s->stats }, { "OPT4_KEEP", s->keep ? "1" : NULL },
	};
	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
		if (set[i].value)
			setenv(set[i].name, set[i].value, 1);
	absolute("OPT4_TRACE", "");
	absolute("OPT4_ROOT", ":");
	absolute("OPT4_STATS", "");
	absolute("OPT4_DIR", "");
	absolute("OPT4_SSD", "");
	absolute("OPT4_REBUCKET", "");
	if (log && strcmp(log, "stderr"))
		absolute("OPT4_LOG", "");
	return 0;
}
