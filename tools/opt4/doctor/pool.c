/* pool.c - the pool over several nodes: what would stand in its way, seen from this one. One test value goes to each server that
 * runs, and back. */
#include "check.h"

#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "../pool/pool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APART 2                            /* seconds that clocks may differ by: NFS's times are the store's, but people compare logs */

static bool on_path(const char *program)
{
	static const char *const more[] = { "/usr/bin", "/usr/local/bin", "/usr/sbin" };
	char path[4200];
	const char *p = getenv("PATH");

	for (; p && *p; p += *p == ':') {
		size_t n = strcspn(p, ":");

		if (n && n < 4000 && snprintf(path, sizeof(path), "%.*s/%s", (int)n, p, program) > 0 && access(path, X_OK) == 0)
			return true;
		p += n;
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++)
		if (snprintf(path, sizeof(path), "%s/%s", more[i], program) > 0 && access(path, X_OK) == 0)
			return true;
	return false;
}

static void secret(struct doctor *d)
{
	const char *file = getenv("OPT4_POOL_SECRET");
	struct secret s;
	char why[160];

	if (mac_load() < 0)
		doctor_say(d, DOCTOR_BAD, "pool", "no libcrypto, so no value could be checked: the pool is not used; apt-get install libssl3");
	if (file && *file && secret_read(file, &s, why) < 0)
		doctor_say(d, DOCTOR_BAD, "pool", "OPT4_POOL_SECRET: %s: %s", file, why);
	else if (!file || !*file)
		doctor_say(d, DOCTOR_OK, "pool", "the secret will be made beside the trace or in the job's folder, which all nodes must see; or "
			   "OPT4_POOL_SECRET names it");
}

/* What is wrong with a server that did not answer. */
static const char *silent(int rc, const struct server *s, bool here)
{
	if (here)
		return rc == -ECONNREFUSED ? NULL : "this node's does not answer; opt4 pool stop, then start";
	if (rc == -ECONNREFUSED)
		return "reached, but nothing runs there (yet): opt4 pool start there, or opt4 run starts it; or a firewall refuses";
	if (rc == -EPROTO)
		return "answers, but is no memcached; name another port";
	if (rc == -ENETUNREACH || rc == -EHOSTUNREACH)
		return s->at_bytes ? "no way there from this node; look at the routes, and at a firewall" : "no address is known for it; look at the name";
	return "no answer: a firewall that drops, a node that is down, or another network; try ping, then nc -vz";
}

static void one(struct doctor *d, const struct server *s, bool here, int count)
{
	struct server_stats st;
	uint64_t took = 0, there = 0;
	int rc = s->at_bytes ? pool_reach(s, &st, &took) : -EHOSTUNREACH;

	if (server_is_any(s)) {
		doctor_say(d, DOCTOR_BAD, "pool", "%s: would be open to everybody; name the address of one network", s->name);
		return;
	}
	if (count > 1 && server_is_loopback(s))
		doctor_say(d, DOCTOR_BAD, "pool", "%s: an address of the loopback here, where no other node can reach it; mend /etc/hosts, or give addresses",
			   s->name);
	if (rc < 0) {
		const char *why = silent(rc, s, here);

		if (why)
			doctor_say(d, here ? DOCTOR_BAD : DOCTOR_WARN, "pool", "%s: %s", s->name, why);
		else if (on_path("memcached"))
			doctor_say(d, DOCTOR_OK, "pool", "%s: this node's; opt4 run will start it", s->name);
		return;
	}
	if ((rc = pool_try(s, &there)) == -ETIMEDOUT)
		doctor_say(d, DOCTOR_BAD, "pool", "%s: answers, but a value of %u bytes does not get through; large packets are lost (ip link: is the MTU the "
			   "same on all nodes and switches?)", s->name, PART_BYTES);
	else if (rc == -ENOSPC)
		doctor_say(d, DOCTOR_WARN, "pool", "%s: full; give it more (-m, --pool-size), or start it anew", s->name);
	else if (rc == -EBADMSG)
		doctor_say(d, DOCTOR_BAD, "pool", "%s: another value came back than was put; who else writes there?", s->name);
	else if (rc < 0)
		doctor_say(d, DOCTOR_BAD, "pool", "%s: a value could not be put there and got back: %s", s->name, strerror(-rc));
	if (rc)
		return;
	int64_t apart = (int64_t)time(NULL) - (int64_t)st.time;

	if (st.evictions)
		doctor_say(d, DOCTOR_WARN, "pool", "%s: has evicted %llu values; start it with -M -o no_slab_reassign (opt4 pool start)", s->name,
			   (unsigned long long)st.evictions);
	if (apart > APART || apart < -APART)
		doctor_say(d, DOCTOR_WARN, "pool", "%s: its clock is %lld s %s this node's; files changed lately may not be cached in time; run ntp or chrony", s->name,
			   (long long)(apart < 0 ? -apart : apart), apart < 0 ? "before" : "behind");
	char size[16];

	doctor_say(d, DOCTOR_OK, "pool", "%s: memcached %s, room for %s; a value there and back in %.2f ms", s->name, st.version, size_text(size, st.limit),
		   (double)there / 1e6);
}

void doctor_pool(struct doctor *d)
{
	static struct server s[SERVERS_MAX];
	char list[4096], why[200];
	const char *pool = d->pool;

	if (!pool)
		return;
	snprintf(list, sizeof(list), "%.4090s", pool);
	if (!strcmp(pool, "auto") && servers_auto(list, sizeof(list), why) < 0) {
		doctor_say(d, DOCTOR_BAD, "pool", "auto: %s", why);
		return;
	}
	int n = servers_parse(list, s, why);

	if (n < 0) {
		doctor_say(d, DOCTOR_BAD, "pool", "%s", why);
		return;
	}
	pool_resolve(s, n, why);
	struct server *own = pool_here(s, n);

	if (!on_path("memcached") && own)
		doctor_say(d, DOCTOR_BAD, "pool", "no memcached here, so this node has no server; apt-get install memcached");
	if (!own)
		doctor_say(d, DOCTOR_WARN, "pool", "no address of the list is this machine's; its files lie with the others only");
	secret(d);
	for (int i = 0; i < n; i++)
		one(d, &s[i], &s[i] == own, n);
}
