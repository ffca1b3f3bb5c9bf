/* conf.c - OPT4_* of the environment. A wrong value never stops the job: it is logged, the default holds. */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "../../policy/policy.h"
#include "base.h"

struct conf conf;
uint8_t conf_last_byte[256];

/* torchvision.datasets.folder.IMG_EXTENSIONS */
static const char default_match[] = "*.jpg:*.jpeg:*.png:*.ppm:*.bmp:*.pgm:*.tif:*.tiff:*.webp";

/* "*.jpg" and its like, as nearly all are: without fnmatch(), which takes 2 KiB of stack for each star. 1, 0; -1: another glob. */
static int ends_as(const char *glob, const char *name, size_t len)
{
	size_t n = strlen(glob);
	if (glob[0] != '*' || strpbrk(glob + 1, "*?[\\"))
		return -1;
	return len >= n - 1 && !strncasecmp(name + len - (n - 1), glob + 1, n - 1);
}

bool conf_match(const char *name, size_t len)
{
	char buf[256];
	if (len == 0 || len >= sizeof(buf))
		return false;
	memcpy(buf, name, len);
	buf[len] = 0;
	for (unsigned i = 0; i < conf.nglobs; i++) {
		int ends = ends_as(conf.glob[i], buf, len);
		if (ends < 0 ? fnmatch(conf.glob[i], buf, FNM_CASEFOLD) == 0 : ends)
			return true;
	}
	return false;
}

void conf_watch(bool on)
{
	for (unsigned c = 0; c < sizeof(conf_last_byte); c++)   /* in as many steps as the compiler has vectors for */
		conf_last_byte[c] = (uint8_t)((conf_last_byte[c] & 1) | (on ? 2 : 0));
}

void conf_named(uint8_t last) { conf_last_byte[last] |= 1; }

bool conf_active(void) { return conf.active; }
bool conf_live(void) { return conf.live; }

static void load_globs(void)
{
	const char *s = getenv("OPT4_MATCH");
	if (!s || !*s)
		s = default_match;
	while (*s) {
		size_t len = strcspn(s, ":");
		if (len && len < sizeof(conf.glob[0]) && conf.nglobs < CONF_GLOBS) {
			memcpy(conf.glob[conf.nglobs], s, len);
			conf.glob[conf.nglobs++][len] = 0;
		} else if (len) {
			opt4_log("opt4: OPT4_MATCH: more than %d globs or one over 63 bytes; left out", CONF_GLOBS);
		}
		s += len + (s[len] == ':');
	}
	/* With a trace any name may be a dataset's; its look-up says. Else only what a glob can end in. */
	if (conf.have_trace)
		memset(conf_last_byte, 1, sizeof(conf_last_byte));
	for (unsigned i = 0; i < conf.nglobs; i++) {
		unsigned char c = (unsigned char)conf.glob[i][strlen(conf.glob[i]) - 1];
		if (strchr("*?]\\", c))
			memset(conf_last_byte, 1, sizeof(conf_last_byte));
		conf_last_byte[tolower(c)] = conf_last_byte[toupper(c)] = 1;
	}
	conf_last_byte['/'] = 0;   /* a folder's, or an error */
}

static bool program_wanted(void)
{
	const char *s = getenv("OPT4_PROGRAMS");
	if (!s || !*s)
		return true;
	while (*s) {
		char g[256];
		size_t len = strcspn(s, ":");
		if (len && len < sizeof(g)) {
			memcpy(g, s, len);
			g[len] = 0;
			if (fnmatch(g, program_invocation_short_name, 0) == 0)
				return true;
		}
		s += len + (s[len] == ':');
	}
	return false;
}

static void copy_env(const char *name, char *to, size_t room)
{
	const char *s = getenv(name);
	if (!s || !*s)
		return;
	if (strlen(s) < room)
		strcpy(to, s);
	else
		opt4_log("opt4: %s: longer than %zu bytes; the default holds", name, room - 1);
}

/* Like copy_env, but absolute: the last client may stand in another folder than the first. */
static void copy_path(const char *name, char *to, size_t room)
{
	char cwd[PATH_MAX];
	copy_env(name, to, room);
	if (!*to || *to == '/' || !getcwd(cwd, sizeof(cwd)))
		return;
	size_t n = strlen(cwd), len = strlen(to);
	if (n + len + 2 > room) {
		opt4_log("opt4: %s: the path is too long; the default holds", name);
		*to = 0;
		return;
	}
	memmove(to + n + 1, to, len + 1);
	memcpy(to, cwd, n);
	to[n] = '/';
}

/* -1: auto, or nothing that is known. */
static int on_off(const char *name)
{
	const char *s = getenv(name);
	if (!s || !*s || !strcmp(s, "auto"))
		return -1;
	if (!strcmp(s, "on") || !strcmp(s, "off"))
		return s[1] == 'n';
	opt4_log("opt4: %s: '%.40s' is not auto, on or off", name, s);
	return -1;
}

static bool is_on(const char *name, bool dflt)
{
	const char *s = getenv(name);
	if (!s || !*s)
		return dflt;
	if (!strcmp(s, "0") || !strcmp(s, "1"))
		return *s == '1';
	opt4_log("opt4: %s: '%.40s' is neither 0 nor 1; the default holds", name, s);
	return dflt;
}

static void copy_size(const char *name, char to[32])
{
	uint64_t v;
	copy_env(name, to, 32);
	if (*to && parse_size(to, 1 << 20, &v) < 0) {
		opt4_log("opt4: %s: '%s' is not a size; use e.g. 64G or 50%%; the default holds", name, to);
		*to = 0;
	}
}

static void load_values(void)
{
	const char *s;
	copy_size("OPT4_CACHE", conf.cache);
	copy_env("OPT4_POLICY", conf.policy, sizeof(conf.policy));
	if (*conf.policy && strcmp(conf.policy, "none") && !policy_find(conf.policy)) {
		opt4_log("opt4: OPT4_POLICY: no policy '%s'; use opt lru lfu fifo random keep none", conf.policy);
		*conf.policy = 0;
	}
	conf.prefetch = -1;
	if ((s = getenv("OPT4_PREFETCH")) && *s && strcmp(s, "auto")) {
		char *end;
		long n = strtol(s, &end, 10);
		if (!strcmp(s, "off"))
			conf.prefetch = 0;
		else if (!*end && n >= 0 && n < 1000000)
			conf.prefetch = (int)n;
		else
			opt4_log("opt4: OPT4_PREFETCH: '%.40s' is not auto, off or a number of batches", s);
	}
	conf.direct = on_off("OPT4_DIRECT");
	conf.elevator = on_off("OPT4_ELEVATOR");
	if ((s = getenv("OPT4_REVALIDATE")) && *s) {
		conf.revalidate_set = true;
		if (!strcmp(s, "always"))
			conf.revalidate_ns = 0;
		else if (!strcmp(s, "never"))
			conf.revalidate_ns = UINT64_MAX;
		else if (parse_time(s, &conf.revalidate_ns) < 0) {
			opt4_log("opt4: OPT4_REVALIDATE: '%.40s' is not always, never or a time such as 60s", s);
			conf.revalidate_set = false;
			conf.revalidate_ns = 0;
		}
	}
	if ((s = getenv("OPT4_MAXFILE")) && *s && parse_size(s, 0, &conf.maxfile) < 0) {
		opt4_log("opt4: OPT4_MAXFILE: '%.40s' is not a size; the default holds", s);
		conf.maxfile = 0;
	}
	conf.keep = is_on("OPT4_KEEP", false);
	conf.live = is_on("OPT4_LIVE", true);
	copy_path("OPT4_SSD", conf.ssd, sizeof(conf.ssd));
	copy_size("OPT4_SSD_SIZE", conf.ssd_size);
	if ((s = getenv("OPT4_SSD_WRITES")) && *s && parse_rate(s, &conf.ssd_writes) < 0)
		opt4_log("opt4: OPT4_SSD_WRITES: '%.40s' is no number of drive writes a day, such as .3; written as often as it pays", s);
	copy_path("OPT4_REBUCKET", conf.rebucket, sizeof(conf.rebucket));
	copy_env("OPT4_POOL", conf.pool, sizeof(conf.pool));
	conf.pool_wait_ns = 100000000;
	if ((s = getenv("OPT4_POOL_WAIT")) && *s && (parse_time(s, &conf.pool_wait_ns) < 0 || !conf.pool_wait_ns || conf.pool_wait_ns > 60000000000ull)) {
		opt4_log("opt4: OPT4_POOL_WAIT: '%.40s' is not a time such as 100ms, 60s at most", s);
		conf.pool_wait_ns = 100000000;
	}
	copy_path("OPT4_POOL_SECRET", conf.pool_secret, sizeof(conf.pool_secret));
	copy_path("OPT4_DIR", conf.dir, sizeof(conf.dir));
	copy_path("OPT4_STATS", conf.stats, sizeof(conf.stats));
}

/* All nodes see the trace, or the folder that the job was started in. */
static void pool_secret(void)
{
	conf.pool_secret_given = *conf.pool_secret;
	if (!*conf.pool || *conf.pool_secret)
		return;
	if (conf.have_trace && strlen(conf.trace_path) + sizeof(POOL_SECRET) < sizeof(conf.pool_secret))
		strcat(strcpy(conf.pool_secret, conf.trace_path), POOL_SECRET);
	else if (getcwd(conf.pool_secret, sizeof(conf.pool_secret) - sizeof(POOL_SECRET) - 1))
		strcat(conf.pool_secret, "/" POOL_SECRET);
}

void conf_load(void)
{
	if (conf.loaded)
		return;
	conf.loaded = true;
	const char *s = getenv("OPT4_DISABLE");
	if ((s && !strcmp(s, "1")) || !(getenv("OPT4_TRACE") || conf_root_list()) || !program_wanted())
		return;
	s = getenv("OPT4_LOG");
	if (s && !strcmp(s, "stderr"))
		strcpy(conf.log, s);
	else
		copy_path("OPT4_LOG", conf.log, sizeof(conf.log));
	load_values();
	if ((s = getenv("OPT4_TRACE")) && *s) {
		char err[256];
		/* absolute, since the program may chdir before its workers read it */
		if (realpath(s, conf.trace_path) == NULL) {
			opt4_log("opt4: OPT4_TRACE: %.200s: %s; caching without the future", s, strerror(errno));
			*conf.trace_path = 0;
		} else if (trace_open(&conf.trace, conf.trace_path, err) < 0) {
			opt4_log("opt4: OPT4_TRACE: %.200s: %s; make it again with opt4-trace", s, err);
			*conf.trace_path = 0;
		} else {
			conf.have_trace = true;
		}
	}
	pool_secret();
	conf_roots_load();
	load_globs();
	if (*conf.policy && !strcmp(conf.policy, "none"))
		conf.nroots = 0;
	conf.active = conf.nroots > 0;
}

static bool is_set(const char *name, const char *value)
{
	const char *s = getenv(name);
	return s && !strcmp(s, value);
}

bool conf_may_learn(void)
{
	return is_set("OPT4_LIVE_ROOT", "1") && !is_set("OPT4_LIVE", "0") && !is_set("OPT4_POLICY", "none") &&
	       !is_set("OPT4_DISABLE", "1") && program_wanted();
}

void conf_set_size(uint64_t bytes, bool guess)
{
	conf.live_bytes = bytes;
	conf.live_guess = guess;
}
