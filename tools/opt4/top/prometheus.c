/* prometheus.c - a frame in Prometheus' text exposition format. */
#include "frame.h"

#include <string.h>

/* A label's value: \ " and newline escaped; what is no ASCII byte of text goes as it is where it is UTF-8,
 * which the format demands, else as U+FFFD. */
static void label(FILE *out, const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; ) {
		size_t n = *p < 0x80 ? 1 : *p >= 0xC2 && *p < 0xE0 ? 2 : (*p & 0xF0) == 0xE0 ? 3 : *p >= 0xF0 && *p < 0xF5 ? 4 : 0, i = 1;

		while (i < n && (p[i] & 0xC0) == 0x80)
			i++;
		bool bad = !n || i < n || (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F)
			|| (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);

		if (bad)
			fputs("\xEF\xBF\xBD", out);
		else if (*p == '\\' || *p == '"')
			fprintf(out, "\\%c", *p);
		else if (*p == '\n')
			fputs("\\n", out);
		else
			fwrite(p, 1, n, out);
		p += bad ? 1 : n;
	}
}

static void labels(const struct top_frame *f, FILE *out)
{
	fputs("{session=\"", out);
	label(out, f->session);
	fputs("\",root=\"", out);
	label(out, f->root);
	fputc('"', out);
}

static void head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP opt4_%s %s\n# TYPE opt4_%s %s\n", name, help, name, type);
}

static void metric(const struct top_frame *f, FILE *out, const char *name, const char *type, const char *help, double v)
{
	head(out, name, type, help);
	fprintf(out, "opt4_%s", name);
	labels(f, out);
	fprintf(out, "} %.17g\n", v);
}

/* One value for each joined trace or live order. */
static void traces(const struct top_frame *f, FILE *out, const char *name, const char *type, const char *help,
		   double value(const struct top_plan *))
{
	if (!f->nplans)
		return;
	head(out, name, type, help);
	for (uint32_t i = 0; i < f->nplans; i++) {
		fprintf(out, "opt4_%s", name);
		labels(f, out);
		fputs(",trace=\"", out);
		label(out, f->plans[i].path);
		/* the same trace may have been joined twice, and labels must differ */
		fprintf(out, "\",joined=\"%u\"} %.17g\n", i, value(&f->plans[i]));
	}
}

static double epoch(const struct top_plan *p) { return p->epoch; }
static double position(const struct top_plan *p) { return (double)p->position; }
static double positions(const struct top_plan *p) { return (double)p->positions; }
static double ahead(const struct top_plan *p) { return (double)p->ahead / (p->per_batch > 0 ? p->per_batch : 1); }
static double shut(const struct top_plan *p) { return p->gate_shut; }

void top_prometheus(const struct top_frame *f, FILE *out)
{
	const struct counters *n = &f->n;
	const struct { const char *name; uint64_t v; const char *help; } counts[] = {
		{ "accesses_total", n->accesses, "Files of the dataset opened and read by the jobs." },
		{ "hits_total", n->hits, "Accesses that found their bytes in the cache." },
		{ "late_total", n->late, "Accesses that waited for a fetch that had begun." },
		{ "misses_total", n->misses, "Accesses that read or fetched the original themselves." },
		{ "bypassed_total", n->bypassed, "Accesses that read the original past the cache." },
		{ "hit_bytes_total", n->hit_bytes, "Bytes of the files hit." },
		{ "miss_bytes_total", n->miss_bytes, "Bytes of the files missed." },
		{ "fills_total", n->fills, "Files fetched into the cache." },
		{ "fill_bytes_total", n->fill_bytes, "Bytes fetched into the cache." },
		{ "evictions_total", n->evictions, "Files evicted." },
		{ "evicted_bytes_total", n->evicted_bytes, "Bytes evicted." },
		{ "invalidated_total", n->invalidated, "Cached files dropped since the original changed." },
		{ "revalidations_total", n->revalidations, "Looks at originals to see whether they changed." },
		{ "origin_opens_total", n->origin_opens, "Originals opened, prefetch included." },
		{ "origin_bytes_total", n->origin_bytes, "Bytes read of originals, prefetch included." },
		{ "prefetched_total", n->prefetched, "Files fetched before they were asked for." },
		{ "prefetched_bytes_total", n->prefetched_bytes, "Bytes fetched before they were asked for." },
		{ "prefetch_wasted_total", n->prefetch_wasted, "Prefetched files evicted unread." },
		{ "matched_total", f->matched, "Accesses that came in the order known beforehand." },
		{ "diverged_total", f->diverged, "Accesses that did not." },
		{ "live_epochs_total", f->live_epochs, "Epochs whose order was learned from the running loader." },
		{ "errors_total", n->errors, "Failures that ended at the original file." },
		{ "lock_timeouts_total", n->lock_timeouts, "Waits for the session's lock given up." },
		{ "repairs_total", n->repairs, "Repairs after a process that died." },
	};

	head(out, "info", "gauge", "The session: its policy and opt4's version.");
	fputs("opt4_info", out);
	labels(f, out);
	fprintf(out, ",policy=\"%s\",version=\"%s\"} 1\n", f->policy, OPT4_VERSION);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		metric(f, out, counts[i].name, "counter", counts[i].help, (double)counts[i].v);
	metric(f, out, "wait_seconds_total", "counter", "Time that processes waited for the store, added up.", (double)n->wait_ns / 1e9);
	metric(f, out, "budget_bytes", "gauge", "Most that the cache may hold.", (double)f->budget_bytes);
	if (f->has_ssd) {
		metric(f, out, "ssd_budget_bytes", "gauge", "Bytes that the second tier may hold.", (double)f->ssd_budget_bytes);
		metric(f, out, "ssd_used_bytes", "gauge", "Bytes that the second tier holds.", (double)f->ssd_used_bytes);
		metric(f, out, "ssd_written_bytes_total", "counter", "Bytes written to the second tier.", (double)f->ssd_written_bytes);
		metric(f, out, "ssd_hits_total", "counter", "Accesses that found their bytes in the second tier.", (double)f->ssd_hits);
	}
	if (f->npool) {
		uint32_t alive = 0;

		for (uint32_t i = 0; i < f->npool; i++)
			alive += f->pool[i].alive != 0;
		metric(f, out, "pool_servers", "gauge", "Servers of the pool.", f->npool);
		metric(f, out, "pool_servers_alive", "gauge", "Servers of the pool that answer.", alive);
		metric(f, out, "pool_gets_total", "counter", "Files that the pool was asked for.", (double)f->pool_n.gets);
		metric(f, out, "pool_hits_total", "counter", "Files that the pool gave.", (double)f->pool_n.hits);
		metric(f, out, "pool_hit_bytes_total", "counter", "Bytes of these.", (double)f->pool_n.hit_bytes);
		metric(f, out, "pool_set_bytes_total", "counter", "Bytes that this node has put into the pool.", (double)f->pool_n.set_bytes);
		metric(f, out, "pool_errors_total", "counter", "Servers that died, values that could not be taken or put.", (double)f->pool_n.errors);
		metric(f, out, "pool_refused_total", "counter", "Values that were not what had been put there.", (double)f->pool_n.refused);
	}
	metric(f, out, "used_bytes", "gauge", "Bytes that the cache holds, in whole pages.", (double)f->used_bytes);
	metric(f, out, "lingering_bytes", "gauge", "Bytes of evicted files that somebody still reads.", (double)f->lingering_bytes);
	metric(f, out, "resident_files", "gauge", "Files in the cache.", f->resident);
	metric(f, out, "clients", "gauge", "Processes that use the session.", f->clients);
	metric(f, out, "jobs", "gauge", "Jobs that use the session.", f->jobs);
	traces(f, out, "epoch", "gauge", "Epoch that the job is in, from 0.", epoch);
	traces(f, out, "position", "gauge", "Accesses of the order that the front has reached.", position);
	traces(f, out, "positions", "gauge", "Accesses in the order.", positions);
	traces(f, out, "ahead_batches", "gauge", "Batches from the front on that are wholly in the cache.", ahead);
	traces(f, out, "gate_shut", "gauge", "1: the job does not follow the order, opt4 only keeps.", shut);
}
