/* stat.c - `opt4 stat`: what a session has done so far. */
#include "stat.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include "../../../preload/session/keeper.h"
#include "../common/common.h"
#include "options.h"

static void table(void)
{
	char a[16], b[16], c[16], name[4096], advice[ADVICE_BYTES];
	const struct index_header *h = view.h;
	const struct counters *n = &h->n;
	uint64_t lingering = h->account[TIER_RAM].lingering, used = h->account[TIER_RAM].charged - lingering;
	printf("session   %s%s\n", name_text(name, view.dir), index_live() ? "" : "  (its jobs are gone)");
	printf("root      %s\n", name_text(name, h->roots[0].path));
	printf("policy    %s   budget %s   used %s   lingering %s\n", h->policy, size_text(a, h->account[TIER_RAM].budget * PAGE),
	       size_text(b, used * PAGE), size_text(c, lingering * PAGE));
	for (uint32_t t = 0; t < TIERS && *h->ssd_dir; t++) {
		const struct tier_account *k = &h->account[t];
		printf("%-9s %u files   used %s of %s   hits %llu   written %s   evictions %llu   %s%s\n", tiers[t]->name, k->resident, size_text(a, k->charged * PAGE),
		       size_text(b, k->budget * PAGE), (unsigned long long)k->hits, size_text(c, k->written_bytes), (unsigned long long)k->evictions,
		       name_text(name, t == TIER_SSD ? h->ssd_dir : view.dir), t == TIER_SSD && h->ssd_ready != 1 ? "  (failed)" : "");
	}
	printf("accesses  %llu   hits %llu   late %llu   misses %llu (%llu past the cache)\n", (unsigned long long)n->accesses,
	       (unsigned long long)n->hits, (unsigned long long)n->late, (unsigned long long)n->misses, (unsigned long long)n->bypassed);
	printf("reuse     %.4f   read of the store %s   prefetched %llu files\n",
	       n->accesses ? 1 - (double)session_reads() / (double)n->accesses : 0.0, size_text(a, n->origin_bytes),
	       (unsigned long long)n->prefetched);
	if (h->disk_on)
		printf("disk      elevator   seeks %llu   sweeps %llu   buckets %s   read %s   written %s\n", (unsigned long long)h->disk_seeks,
		       (unsigned long long)h->disk_runs, h->rebucket_on ? "on" : "off", size_text(a, h->bucket_read), size_text(b, h->bucket_written));
	for (uint32_t p = 0; p < h->nplans; p++) {
		const struct follow_shared *sh = plan_map(p) == 0 ? orders.plans[p].follow.sh : NULL;
		if (sh)
			printf("trace     %s   matched %llu   diverged %llu   gate %s\n", name_text(name, h->plans[p].path), (unsigned long long)sh->matched,
			       (unsigned long long)sh->diverged, sh->gate_shut ? "shut" : "open");
	}
	if (session_advice(advice))
		printf("advice    %s\n", name_text(name, advice));
	if (h->nepochs) {
		printf("\n epoch   accesses       hits   late     misses    reuse    of the store    waited\n");
		for (uint32_t i = 0; i < h->nepochs && i < EPOCHS_MAX; i++) {
			const struct epoch_stat *e = &view.epochs[i];
			if (e->accesses)
				printf("%6u %10llu %10llu %6llu %10llu   %.4f %15s %8.2fs\n", i, (unsigned long long)e->accesses,
				       (unsigned long long)e->hits, (unsigned long long)e->late, (unsigned long long)e->misses,
				       1 - (double)e->reads / (double)e->accesses, size_text(a, e->origin_bytes), (double)e->wait_ns / 1e9);
		}
	}
	uint32_t next = h->log_next, lines = next < LOG_LINES ? next : LOG_LINES;
	for (uint32_t i = next - lines; i != next; i++)
		printf("%s%.*s\n", i == next - lines ? "\n" : "", LOG_BYTES, h->log[i % LOG_LINES]);
}

int cmd_stat(int argc, char **argv)
{
	bool json = false;
	char dir[4096];
	int rc = stat_options(argc, argv, "usage: opt4 stat [--json] [SESSION]\nWhat a session has done so far; SESSION as opt4 ls prints it,"
			 " not needed when there is one.\n", "j", &json, NULL);
	if (rc)
		return rc - 1;
	if (argc - optind > 1)
		return usage("stat: one session at a time; see opt4 stat --help");
	if ((rc = session_named(argv[optind], dir)) != 0)
		return rc;
	if ((rc = index_map(dir)) < 0)
		return fail("%s: %s; opt4 clean removes it", dir, rc == -ENOENT ? "no session" : "not a session of this version and boot");
	for (uint32_t p = 0; p < view.h->nplans; p++)
		plan_map(p);
	if (json)
		stats_print(stdout);
	else
		table();
	return 0;
}
