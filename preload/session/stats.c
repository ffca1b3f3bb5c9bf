/* stats.c - the session's statistics as JSON (names: INTERFACE of `opt4 stat --json`). Reads without the lock:
 * counters may be apart by the access of a moment. */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parts.h"

static double ratio(uint64_t part, uint64_t whole) { return whole ? 1.0 - (double)part / (double)whole : 0.0; }

static void text(FILE *f, const char *name, const char *s)
{
	fprintf(f, "  \"%s\": ", name);
	if (s && *s)
		json_string(f, s, strlen(s));
	else
		fputs("null", f);
	fputs(",\n", f);
}

static void number(FILE *f, const char *name, uint64_t v) { fprintf(f, "  \"%s\": %llu,\n", name, (unsigned long long)v); }

static void put_late(FILE *f)
{
	char path[PATH_BYTES];
	const char *comma = "";
	struct late_file late[LATE_MAX];
	memcpy(late, view.h->late, sizeof(late));
	fputs("  \"late_files\": [", f);
	for (int n = 0; n < LATE_MAX; n++) {   /* the latest first */
		int at = 0;
		for (int i = 1; i < LATE_MAX; i++)
			if (late[i].wait_ns > late[at].wait_ns)
				at = i;
		if (!late[at].wait_ns)
			break;
		size_t len = late[at].rec < view.ncap ? record_path(late[at].rec, path, sizeof(path)) : 0;
		fprintf(f, "%s{\"path\": ", comma);
		json_string(f, path, len);
		fprintf(f, ", \"wait_ns\": %llu}", (unsigned long long)late[at].wait_ns);
		late[at].wait_ns = 0;
		comma = ", ";
	}
	fputs("],\n", f);
}

static void put_epochs(FILE *f)
{
	const char *comma = "";
	fputs("  \"epochs\": [", f);
	for (uint32_t i = 0; i < view.h->nepochs && i < EPOCHS_MAX; i++) {
		const struct epoch_stat *e = &view.epochs[i];
		if (!e->accesses)
			continue;
		fprintf(f, "%s\n    {\"epoch\": %u, \"accesses\": %llu, \"hits\": %llu, \"late\": %llu, \"misses\": %llu, "
			"\"reuse_ratio\": %.6f, \"hit_bytes\": %llu, \"origin_bytes\": %llu, \"wait_ns\": %llu, \"seconds\": %.3f}",
			comma, i, (unsigned long long)e->accesses, (unsigned long long)e->hits, (unsigned long long)e->late,
			(unsigned long long)e->misses, ratio(e->reads, e->accesses), (unsigned long long)e->hit_bytes,
			(unsigned long long)e->origin_bytes, (unsigned long long)e->wait_ns, (double)(e->last_ns - e->first_ns) / 1e9);
		comma = ",";
	}
	fputs("]\n", f);
}

static void put_tiers(FILE *f)
{
	const char *comma = "";
	fputs("  \"tiers\": [", f);
	for (uint32_t t = 0; t < (view.h->ntiers == 2 && *view.h->ssd_dir ? TIERS : 1u); t++) {
		const struct tier_account *a = &view.h->account[t];
		uint64_t charged = atomic_load(&a->charged), lingering = atomic_load(&a->lingering);
		const char *dir = t == TIER_SSD ? view.h->ssd_dir : view.dir;
		fprintf(f, "%s\n    {\"tier\": \"%s\", \"dir\": ", comma, tiers[t]->name);
		json_string(f, dir, strlen(dir));
		fprintf(f, ", \"budget_bytes\": %llu, \"used_bytes\": %llu, \"lingering_bytes\": %llu, \"peak_bytes\": %llu, \"resident_files\": %u, "
			"\"hits\": %llu, \"hit_bytes\": %llu, \"fills\": %llu, \"written_bytes\": %llu, \"evictions\": %llu}",
			(unsigned long long)a->budget * PAGE, (unsigned long long)(charged > lingering ? charged - lingering : 0) * PAGE,
			(unsigned long long)lingering * PAGE, (unsigned long long)a->peak * PAGE, a->resident, (unsigned long long)a->hits,
			(unsigned long long)a->hit_bytes, (unsigned long long)a->fills, (unsigned long long)a->written_bytes,
			(unsigned long long)a->evictions);
		comma = ",";
	}
	fputs("],\n", f);
}

uint64_t session_reads(void)
{
	uint64_t all = view.h->n.fills + view.h->n.bypassed, pool = view.h->pool_n.hits;
	return all > pool ? all - pool : 0;
}

static void put_pool(FILE *f)
{
	const struct pool_counters *n = &view.h->pool_n;
	if (!view.h->pool_state) {
		text(f, "pool", NULL);
		return;
	}
	fputs("  \"pool\": {\"servers\": [", f);
	for (uint32_t i = 0; i < view.h->pool_servers && i < POOL_MAX; i++) {
		const struct pool_server *s = &view.h->pool_server[i];
		fprintf(f, "%s\n    {\"address\": ", i ? "," : "");
		json_string(f, s->address, strnlen(s->address, sizeof(s->address)));
		fprintf(f, ", \"alive\": %s, \"items\": %llu, \"bytes\": %llu, \"limit_bytes\": %llu, \"full\": %s}", atomic_load(&s->alive) ? "true" : "false",
			(unsigned long long)s->items, (unsigned long long)s->bytes, (unsigned long long)s->limit_bytes, s->full ? "true" : "false");
	}
	fprintf(f, "],\n    \"gets\": %llu, \"hits\": %llu, \"hit_bytes\": %llu, \"sets\": %llu, \"set_bytes\": %llu, \"errors\": %llu, "
		"\"hedged\": %llu, \"refused\": %llu, \"no_room\": %llu, \"get_ns\": %llu},\n",
		(unsigned long long)n->gets, (unsigned long long)n->hits, (unsigned long long)n->hit_bytes, (unsigned long long)n->sets,
		(unsigned long long)n->set_bytes, (unsigned long long)n->errors, (unsigned long long)n->hedged, (unsigned long long)n->refused,
		(unsigned long long)n->full, (unsigned long long)n->ns);
}

void stats_print(FILE *f)
{
	struct index_header *h = view.h;
	const struct counters *n = &h->n;
	uint64_t matched = h->live_matched, diverged = h->live_diverged, clients = 0, jobs = 0;
	bool shut = false;
	char advice[ADVICE_BYTES];
	for (uint32_t p = 0; p < index_plans(); p++) {
		const struct follow_shared *sh = orders.plans[p].mapped ? orders.plans[p].follow.sh : NULL;
		if (!sh)
			continue;
		matched += sh->matched;
		diverged += sh->diverged;
		shut |= sh->gate_shut;     /* of a live order that is over: how it ended */
	}
	for (uint32_t i = 0; i < h->slots_hi && i < SLOTS_MAX; i++) {
		const struct slot *s = &view.slots[i];
		clients += s->pid && s->kind == 0 && slot_alive(s, s->pid);
	}
	for (int i = 0; i < JOBS_MAX; i++)
		jobs += job_alive(&h->jobs[i]);
	uint64_t charged = atomic_load(&h->account[TIER_RAM].charged), lingering = atomic_load(&h->account[TIER_RAM].lingering);

	locale_t was = uselocale(newlocale(LC_ALL_MASK, "C", NULL));   /* the program's may have a comma in numbers */
	fputs("{\n", f);
	text(f, "policy", h->policy);
	text(f, "trace", h->nplans ? h->plans[0].path : NULL);
	text(f, "root", h->roots[0].path);
	text(f, "session", view.dir);
	text(f, "version", OPT4_VERSION);
	number(f, "budget_bytes", h->account[TIER_RAM].budget * PAGE);
	number(f, "maxfile_bytes", h->maxfile);
	number(f, "used_bytes", (charged > lingering ? charged - lingering : 0) * PAGE);
	number(f, "lingering_bytes", lingering * PAGE);
	number(f, "peak_bytes", h->account[TIER_RAM].peak * PAGE);
	number(f, "resident_files", h->account[TIER_RAM].resident + h->account[TIER_SSD].resident);
	number(f, "files", index_files());
	number(f, "dataset_bytes", h->dataset_bytes);
	number(f, "clients", clients);
	number(f, "jobs", jobs);
	number(f, "accesses", n->accesses);
	number(f, "hits", n->hits);
	number(f, "late", n->late);
	number(f, "misses", n->misses);
	fprintf(f, "  \"reuse_ratio\": %.6f,\n", ratio(session_reads(), n->accesses));
	fprintf(f, "  \"hit_ratio\": %.6f,\n", n->accesses ? (double)n->hits / (double)n->accesses : 0.0);
	number(f, "bypassed", n->bypassed);
	number(f, "hit_bytes", n->hit_bytes);
	number(f, "miss_bytes", n->miss_bytes);
	number(f, "fills", n->fills);
	number(f, "fill_bytes", n->fill_bytes);
	number(f, "evictions", n->evictions);
	number(f, "evicted_bytes", n->evicted_bytes);
	number(f, "invalidated", n->invalidated);
	number(f, "revalidations", n->revalidations);
	number(f, "peeked", n->peeked);
	number(f, "too_large", n->too_large);
	number(f, "errors", n->errors);
	number(f, "lock_timeouts", n->lock_timeouts);
	number(f, "repairs", n->repairs);
	number(f, "origin_opens", n->origin_opens);
	number(f, "origin_bytes", n->origin_bytes);
	number(f, "prefetched", n->prefetched);
	number(f, "prefetched_bytes", n->prefetched_bytes);
	number(f, "prefetch_wasted", n->prefetch_wasted);
	number(f, "wait_ns", n->wait_ns);
	number(f, "matched", matched);
	number(f, "diverged", diverged);
	fprintf(f, "  \"match_ratio\": %.6f,\n", matched + diverged ? (double)matched / (double)(matched + diverged) : 0.0);
	text(f, "gate", !h->nplans ? NULL : shut ? "shut" : "open");
	number(f, "live_epochs", h->live_epochs);
	fprintf(f, "  \"disk\": {\"elevator\": %s, \"seeks\": %llu, \"runs\": %llu, \"out_of_turn\": %llu, \"through_bytes\": %llu, "
		"\"rebucket\": %s, \"bucket_read_bytes\": %llu, \"bucket_written_bytes\": %llu},\n", h->disk_on ? "true" : "false",
		(unsigned long long)h->disk_seeks, (unsigned long long)h->disk_runs, (unsigned long long)h->disk_soon,
		(unsigned long long)h->disk_through, h->rebucket_on ? "true" : "false", (unsigned long long)h->bucket_read,
		(unsigned long long)h->bucket_written);
	put_pool(f);
	text(f, "advice", session_advice(advice) ? advice : NULL);
	put_tiers(f);
	put_late(f);
	text(f, "order_file", h->nplans ? h->plans[0].path : NULL);
	put_epochs(f);
	fputs("}\n", f);
	uselocale(was);
}

int stats_write(const char *file)
{
	struct output o;
	int rc = output_open(&o, file);
	if (rc == 0) {
		for (uint32_t i = 0; i < index_plans(); i++)
			plan_map(i);       /* a process that never opened a dataset file has none mapped */
		stats_print(o.f);
		rc = output_close(&o);
	}
	if (rc < 0)
		opt4_log("opt4: OPT4_STATS: %.200s: %s", file, strerror(-rc));
	return rc;
}
