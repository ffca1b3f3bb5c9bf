/* environment.c - the settings that the job would be given. */
#include "check.h"

#include "../../../policy/policy.h"
#include "../../../preload/session/keeper.h"
#include "../../wire/wire.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

bool doctor_is_size(const char *v)
{
	uint64_t n;
	return parse_size(v, 100, &n) == 0;
}
static bool is_policy(const char *v) { return !strcmp(v, "none") || policy_find(v); }
static bool is_count(const char *v)
{
	return !strcmp(v, "auto") || !strcmp(v, "off") || (*v && strspn(v, "0123456789") == strlen(v));
}
static bool is_direct(const char *v) { return !strcmp(v, "auto") || !strcmp(v, "on") || !strcmp(v, "off"); }
static bool is_time(const char *v)
{
	uint64_t ns;
	return !strcmp(v, "always") || !strcmp(v, "never") || parse_time(v, &ns) == 0;
}
static bool is_ssd(const char *v) { return !ssd_refused(v); }
static bool is_pool(const char *v)
{
	static struct server s[SERVERS_MAX];
	char why[160];
	return !strcmp(v, "auto") || servers_parse(v, s, why) > 0;
}
static bool is_rate(const char *v)
{
	double rate;
	return parse_rate(v, &rate) == 0;
}
static bool is_flag(const char *v) { return !strcmp(v, "0") || !strcmp(v, "1"); }

static const struct {
	const char *name;
	bool (*right)(const char *);
	const char *form;
} settings[] = {
	{ "OPT4_CACHE", doctor_is_size, "a size such as 64G or 50%" }, { "OPT4_SSD_SIZE", doctor_is_size, "a size such as 800G or 50%" },
	{ "OPT4_SSD", NULL, NULL },        /* ssd.c */
	{ "OPT4_REBUCKET", is_ssd, "a folder on a local disk, yours, no link; opt4 run --rebucket says what is wrong with it" },
	{ "OPT4_SSD_WRITES", is_rate, "a number of drive writes a day, such as .3" },
	{ "OPT4_POOL_SIZE", doctor_is_size, "a size such as 64G" },
	{ "OPT4_POOL", is_pool, "host[:port] with commas between, or auto" }, { "OPT4_POOL_SECRET", NULL, NULL },
	{ "OPT4_POOL_WAIT", is_time, "a time such as 100ms" },
	{ "OPT4_MAXFILE", doctor_is_size, "a size such as 64M" },
	{ "OPT4_POLICY", is_policy, "one of opt lru lfu fifo random keep none" },
	{ "OPT4_PREFETCH", is_count, "auto, off or a number of batches" }, { "OPT4_DIRECT", is_direct, "auto, on or off" },
	{ "OPT4_ELEVATOR", is_direct, "auto, on or off" },
	{ "OPT4_REVALIDATE", is_time, "always, never or a time such as 60s" }, { "OPT4_KEEP", is_flag, "0 or 1" },
	{ "OPT4_LIVE", is_flag, "0 or 1" }, { "OPT4_DISABLE", is_flag, "0 or 1" },
	{ "OPT4_TRACE", NULL, NULL }, { "OPT4_ROOT", NULL, NULL }, { "OPT4_MATCH", NULL, NULL }, { "OPT4_DIR", NULL, NULL },
	{ "OPT4_JOB", NULL, NULL }, { "OPT4_LIVE_ROOT", NULL, NULL }, { "OPT4_RECORD", NULL, NULL }, { "OPT4_RUN", NULL, NULL },
	{ "OPT4_SPOOL", NULL, NULL }, { "OPT4_MINUTE", NULL, NULL },
	{ "OPT4_PROGRAMS", NULL, NULL }, { "OPT4_STATS", NULL, NULL }, { "OPT4_LOG", NULL, NULL },
};

/* A wrong value never stops a job: it is logged, the default holds, and nobody looks. So look here. */
void doctor_environment(struct doctor *d)
{
	unsigned wrong = 0, set = 0;

	for (char **e = environ; *e; e++) {
		size_t n = strcspn(*e, "="), i;
		const char *value = (*e)[n] ? *e + n + 1 : "";

		if (strncmp(*e, "OPT4_", 5) || !strncmp(*e, "OPT4_TRACE_PYTHON=", 18))
			continue;
		set++;
		for (i = 0; i < sizeof(settings) / sizeof(*settings); i++)
			if (strlen(settings[i].name) == n && !strncmp(*e, settings[i].name, n))
				break;
		if (i == sizeof(settings) / sizeof(*settings)) {
			doctor_say(d, DOCTOR_WARN, "environment", "%.*s is not known to opt4: is it spelled right? see man libopt4",
				   (int)n, *e);
			wrong++;
		} else if (settings[i].right && *value && !settings[i].right(value)) {
			doctor_say(d, DOCTOR_BAD, "environment", "%s=%s is not valid, the default holds; give %s", settings[i].name,
				   value, settings[i].form);
			wrong++;
		}
	}
	const char *off = getenv("OPT4_DISABLE"), *policy = getenv("OPT4_POLICY");
	if (off && !strcmp(off, "1")) {
		doctor_say(d, DOCTOR_BAD, "environment", "OPT4_DISABLE=1 switches opt4 off; unset OPT4_DISABLE");
		wrong++;
	} else if (policy && !strcmp(policy, "none")) {
		doctor_say(d, DOCTOR_WARN, "environment", "OPT4_POLICY=none caches nothing; unset OPT4_POLICY");
		wrong++;
	}
	if (!wrong)
		doctor_say(d, DOCTOR_OK, "environment", set ? "%u OPT4_ settings, all valid" : "no OPT4_ settings", set);
}
