/* job.c - the pool of a job that `opt4 run` starts. Whatever stands in the way is said in one line, and the job runs without. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "parts.h"

#define OTHERS_NS 3000000000ull    /* the other nodes' servers are waited for so long */

static pid_t started;

static int without(const char *why)
{
	fprintf(stderr, "opt4: pool: %s; the job runs without\n", why);
	unsetenv("OPT4_POOL");
	return 0;
}

/* Where it is, absolute, made where nobody has named one; in OPT4_POOL_SECRET. */
static bool secret(char why[200])
{
	char file[PATH_MAX + 32], reason[160];
	const char *given = getenv("OPT4_POOL_SECRET"), *trace = getenv("OPT4_TRACE");
	struct secret s;
	int rc = 0;
	if (given && *given)
		snprintf(file, sizeof(file), "%s", given);
	else if (trace && *trace && realpath(trace, file))
		strcat(file, POOL_SECRET);
	else if (getcwd(file, PATH_MAX))
		strcat(file, "/" POOL_SECRET);
	if (!(given && *given) && (rc = secret_make(file)) < 0 && rc != -EEXIST) {
		snprintf(why, 200, "%.100s: %s; name a secret by OPT4_POOL_SECRET (opt4 pool init)", file, strerror(-rc));
		return false;
	}
	if (secret_read(file, &s, reason) < 0) {
		snprintf(why, 200, "%.60s: %.130s", file, reason);
		return false;
	}
	char full[PATH_MAX];
	if (realpath(file, full))
		setenv("OPT4_POOL_SECRET", full, 1);
	return true;
}

/* The others come up about now. */
static void wait_for_others(const struct server *s, int n)
{
	bool there[SERVERS_MAX] = { false };
	uint64_t start = now_ns();
	for (int missing = n; missing && now_ns() - start < OTHERS_NS;) {
		missing = 0;
		for (int i = 0; i < n; i++) {
			struct talk t;
			if (!there[i] && s[i].at_bytes && talk_open(&t, &s[i], now_ns() + 200000000) == 0) {
				there[i] = true;
				talk_close(&t);
			}
			missing += !there[i] && s[i].at_bytes;
		}
		if (missing)
			nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
	}
}

/* This node's server runs, or is started. False: the job is better off without. */
static bool serve(struct server *s, int n, const char *size, bool keep, char why[200])
{
	struct server_stats st;
	uint64_t took;
	struct server *own = pool_here(s, n);
	int others = 0;
	for (int i = 0; i < n; i++)
		others += &s[i] != own && !server_is_loopback(&s[i]);
	if (own && server_is_loopback(own) && others) {
		snprintf(why, 200, "%.80s is an address of the loopback here, where no other node can reach it; mend /etc/hosts, or give addresses", own->name);
		return false;
	}
	if (!own) {                /* servers of their own, started before? */
		for (int i = 0; i < n; i++)
			if (s[i].at_bytes && pool_reach(&s[i], &st, &took) == 0)
				return true;
		snprintf(why, 200, "no address of %.60s%s is this node's, and none answers; name this node, too", s[0].name, n > 1 ? " .." : "");
		return false;
	}
	int rc = pool_reach(own, &st, &took);
	if (rc == 0)
		return true;       /* somebody has started it */
	if (rc == -EPROTO || rc == -ETIMEDOUT) {
		snprintf(why, 200, "%.80s: the port is taken by something that is no memcached; name another", own->name);
		return false;
	}
	pid_t pid = memcached_start(own, memcached_room(size), !keep, why);
	if (pid < 0)
		return false;
	started = keep ? 0 : pid;
	return true;
}

int pool_job_begin(const char *list, const char *size, bool keep)
{
	static struct server s[SERVERS_MAX];
	char all[4096], why[200] = "", reason[160];
	uint64_t v;
	const char *name = list ? "--pool" : "OPT4_POOL";
	if (size && parse_size(size, 1ull << 40, &v) < 0)
		return usage("--pool-size: '%s' is not a size; use e.g. 64G", size);
	if (!list)
		list = getenv("OPT4_POOL");
	if (!list || !*list)
		return size ? usage("--pool-size: without --pool; name the nodes, too") : 0;
	if (!size)
		size = getenv("OPT4_POOL_SIZE");
	snprintf(all, sizeof(all), "%.4090s", list);
	if (!strcmp(list, "auto") && servers_auto(all, sizeof(all), reason) < 0) {
		snprintf(why, sizeof(why), "auto: %s", reason);
		return without(why);
	}
	int n = servers_parse(all, s, reason);
	if (n < 0)
		return usage("%s: %s", name, reason);
	pool_resolve(s, n, why);
	for (int i = 0; i < n; i++)
		if (server_is_any(&s[i]))
			return usage("%s: %s would be open to everybody; name the address of one network", name, s[i].name);
	if (mac_load() < 0)
		return without("no libcrypto, so no value could be checked; apt-get install libssl3");
	if (!secret(why) || !serve(s, n, size, keep, why))
		return without(why);
	if (*why)
		fprintf(stderr, "opt4: pool: %s\n", why);
	wait_for_others(s, n);
	setenv("OPT4_POOL", all, 1);
	return 0;
}

void pool_job_end(void)
{
	if (started > 0)
		memcached_end(started);
	started = 0;
}
