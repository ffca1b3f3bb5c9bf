/* pool.c - `opt4 pool`: the secret, and this node's server by hand. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "parts.h"

static const char help[] =
"usage: opt4 pool init FILE\n"
"       opt4 pool start|stop|status [option]... [LIST]\n"
"What several nodes share of what they have read of the store: a memcached on each, which the jobs' keepers ask.\n"
"opt4 run --pool starts and stops this node's for a job; these do it by hand.\n"
"\n"
"  init FILE        makes the secret, for a file that all nodes see: only who has it is believed\n"
"  start            starts this node's server, which stays until it is stopped\n"
"  stop             stops it\n"
"  status           asks each server of the list how it is\n"
"\n"
"  LIST             host[:port],.. or auto (default: OPT4_POOL)\n"
"  --pool-size SIZE what the server may take (default: OPT4_POOL_SIZE, or half of what is free)\n"
"  --help, --version\n";

static int init(const char *file)
{
	int rc = secret_make(file);
	if (rc == -EEXIST)
		return fail("pool: %s: there is one already; remove it first, or name another file", file);
	return rc < 0 ? fail("pool: %s: %s; name a file in a folder of yours", file, strerror(-rc)) : 0;
}

static int start(struct server *own, const char *size)
{
	struct server_stats st;
	uint64_t took;
	char why[200];
	if (pool_reach(own, &st, &took) == 0) {
		printf("%s runs already, process %llu\n", own->name, (unsigned long long)st.pid);
		return 0;
	}
	pid_t pid = memcached_start(own, memcached_room(size), false, why);
	if (pid < 0)
		return fail("pool: %s", why);
	char text[16];
	printf("%s: process %d, room for %s\n", own->name, (int)pid, size_text(text, memcached_room(size)));
	return 0;
}

static int status(const struct server *s, int n)
{
	int dead = 0;
	char a[16], b[16];
	printf("%-32s %-8s %10s %10s %10s %9s\n", "SERVER", "STATE", "ITEMS", "HOLDS", "ROOM FOR", "ANSWER");
	for (int i = 0; i < n; i++) {
		struct server_stats st = { 0 };
		uint64_t took = 0;
		int rc = s[i].at_bytes ? pool_reach(&s[i], &st, &took) : -EADDRNOTAVAIL;
		dead += rc < 0;
		if (rc < 0)
			printf("%-32s %-8s %s\n", s[i].name, "dead", rc == -EADDRNOTAVAIL ? "no address is known for it" : strerror(-rc));
		else
			printf("%-32s %-8s %10llu %10s %10s %6.2f ms\n", s[i].name, st.evictions ? "evicts" : "alive", (unsigned long long)st.items,
			       size_text(a, st.bytes), size_text(b, st.limit), (double)took / 1e6);
	}
	return dead ? 1 : 0;
}

int cmd_pool(int argc, char **argv)
{
	static const struct option options[] = { { "pool-size", 1, 0, 's' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 } };
	static struct server s[SERVERS_MAX];
	const char *size = getenv("OPT4_POOL_SIZE");
	char why[200] = "", reason[160], all[4096];
	uint64_t v;
	int c;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's': size = optarg; break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("pool: %s is no option of it or wants a value; see opt4 pool --help", argv[optind - 1]);
		}
	const char *what = optind < argc ? argv[optind] : "";
	bool starts = !strcmp(what, "start"), stops = !strcmp(what, "stop");
	if (!strcmp(what, "init"))
		return argc == optind + 2 ? init(argv[optind + 1]) : usage("pool: init wants one file; see opt4 pool --help");
	if ((!starts && !stops && strcmp(what, "status")) || argc > optind + 2)
		return usage("pool: '%s' is not init, start, stop or status; see opt4 pool --help", what);
	if (size && *size && parse_size(size, 1ull << 40, &v) < 0)
		return usage("--pool-size: '%s' is not a size; use e.g. 64G", size);
	const char *list = argc == optind + 2 ? argv[optind + 1] : getenv("OPT4_POOL");
	if (!list || !*list)
		return usage("pool: no servers; name them, or set OPT4_POOL; see opt4 pool --help");
	snprintf(all, sizeof(all), "%.4090s", list);
	if (!strcmp(list, "auto") && servers_auto(all, sizeof(all), reason) < 0)
		return fail("pool: auto: %s", reason);
	int n = servers_parse(all, s, reason);
	if (n < 0)
		return usage("pool: %s", reason);
	int unknown = pool_resolve(s, n, why);
	if (!starts && !stops)
		return status(s, n);
	struct server *own = pool_here(s, n);
	for (int i = 0; i < n; i++)
		if (server_is_any(&s[i]))
			return usage("pool: %s would be open to everybody; name the address of one network", s[i].name);
	if (!own)
		return fail("pool: %s", unknown ? why : "no address of the list is this machine's; name it, too");
	if (starts)
		return start(own, size);
	return memcached_stop(own, why) < 0 ? fail("pool: %s", why) : 0;
}
