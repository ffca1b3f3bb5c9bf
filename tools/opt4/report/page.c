/* page.c - the report's page: the verdict first, then the charts, then the figures. */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Sums over the epochs: the job's, and the simulations'. */
struct sums {
	uint64_t accesses, origin, wait_ns;
	double reused;                    /* accesses that cost no read of the store */
	struct sim_count sim[REPORT_POLICIES];
};

static struct sums sums(const struct report *r)
{
	struct sums t = { 0 };

	for (uint32_t e = 0; e < r->nepochs; e++) {
		const struct report_epoch *p = &r->epochs[e];

		t.accesses += p->accesses;
		t.origin += p->origin_bytes;
		t.wait_ns += p->wait_ns;
		t.reused += p->reuse * (double)p->accesses;
		for (unsigned i = 0; i < REPORT_POLICIES; i++)
			sim_add(&t.sim[i], &p->sim[i]);
	}
	return t;
}

static double ratio(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

static double sim_reuse(const struct sim_count *n)
{
	return ratio((double)n->hits, (double)n->accesses);
}

static void tile(FILE *out, const char *value, const char *what)
{
	fprintf(out, "<div class=\"tile\"><b>%s</b>%s</div>\n", value, what);
}

static void head(const struct report *r, FILE *out)
{
	char a[32], b[32];
	const char *order = json_text(r->stats, "order_file");

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>opt4 report: ", out);
	report_text(out, json_text(r->stats, "root"));
	fprintf(out, "</title>\n<style>\n%s</style></head>\n<body><main>\n<h1>How close to the best</h1>\n"
		"<p class=\"soft path\">", report_style);
	report_text(out, json_text(r->stats, "root"));
	fprintf(out, "<br>policy %s, cache %s", r->policy, report_bytes(a, (double)r->budget));
	uint64_t dataset = r->simulated ? r->plan.dataset : r->dataset;
	if (dataset)
		fprintf(out, ", %.0f&nbsp;%% of the dataset's %s", 100 * ratio((double)r->budget, (double)dataset),
			report_bytes(b, (double)dataset));
	if (*order) {
		fputs("<br>order: ", out);
		report_text(out, order);
	}
	fputs("</p>\n", out);
}

static void verdict(const struct report *r, FILE *out, const struct sums *t)
{
	double reuse = ratio(t->reused, (double)t->accesses), best = sim_reuse(&t->sim[REPORT_OPT]);
	double least = (double)t->sim[REPORT_OPT].origin_bytes;
	char a[32], b[32], c[32], d[32];

	if (!r->nepochs) {
		fputs("<p class=\"verdict\">The job has read no file of the dataset yet.</p>\n", out);
		return;
	}
	fprintf(out, "<p class=\"verdict\">%s of the job's accesses cost no read of the store.", report_percent(a, reuse));
	if (r->simulated)
		fprintf(out, " With this cache and this order OPT, which knows all of it beforehand, gets %s: the job got "
			"%s of that. It read %s of the store, where OPT reads %s (%.2f times as much).",
			report_percent(b, best), report_percent(c, best > 0 ? reuse / best : 1),
			report_bytes(d, (double)t->origin), report_bytes(a, least), ratio((double)t->origin, least));
	fputs("</p>\n", out);
	if (!r->simulated) {
		fputs("<p class=\"path\"><b>How good it could have been is not known:</b> ", out);
		report_text(out, r->why_not);
		fputs(".</p>\n", out);
	} else if (r->partial) {
		fputs("<p class=\"note\">The job left its last epoch early; all that it is compared with stops there too.</p>\n", out);
	}
}

static void tiles(const struct report *r, FILE *out, const struct sums *t)
{
	char a[32];

	fputs("<div class=\"tiles\">\n", out);
	tile(out, report_percent(a, ratio(t->reused, (double)t->accesses)), "reuse ratio");
	if (r->simulated)
		tile(out, report_percent(a, sim_reuse(&t->sim[REPORT_OPT])), "OPT's, on the same order");
	tile(out, report_bytes(a, (double)t->origin), "read of the store");
	tile(out, report_seconds(a, (double)t->wait_ns / 1e9), "waited, all processes together");
	tile(out, report_percent(a, json_number(r->stats, "hit_ratio")), "hits: found at once");
	fputs("</div>\n", out);
}

static const char *const class[REPORT_POLICIES] = { "opt", "keep", "lru" };
static const char *const label[REPORT_POLICIES] = { "OPT", "keep", "LRU" };

static void by_epoch(const struct report *r, FILE *out)
{
	double *x = calloc((size_t)r->nepochs * 8, sizeof(*x)), *reuse = x + r->nepochs, *bytes = reuse + r->nepochs;
	double *wait = bytes + r->nepochs, *least = wait + r->nepochs, *sim = least + r->nepochs;
	bool waited = false;

	for (uint32_t e = 0; x && e < r->nepochs; e++) {
		const struct report_epoch *p = &r->epochs[e];

		x[e] = p->epoch;
		reuse[e] = p->reuse;
		bytes[e] = (double)p->origin_bytes;
		wait[e] = (double)p->wait_ns / 1e9;
		waited |= p->wait_ns > 0;
		least[e] = (double)p->sim[REPORT_OPT].origin_bytes;
		for (unsigned i = 0; i < REPORT_POLICIES; i++)
			sim[i * r->nepochs + e] = sim_reuse(&p->sim[i]);
	}
	struct report_chart c = { .title = "Reuse ratio by epoch", .x_name = "epoch", .x = x, .n = r->nepochs,
		.note = r->simulated ? "Accesses that cost no read of the store; the others simulated on the same order with the "
			"same cache. OPT reads the fewest bytes; where small files are kept for large ones, more accesses may hit." : NULL,
		.unit = REPORT_PERCENT, .series[0] = { "this job", "job", reuse }, .nseries = 1 };
	for (unsigned i = 0; r->simulated && i < REPORT_POLICIES; i++)
		c.series[c.nseries++] = (struct report_series){ label[i], class[i], sim + i * r->nepochs };
	if (x)
		report_chart(out, &c);
	c = (struct report_chart){ .title = "Read of the store by epoch", .x_name = "epoch", .x = x, .n = r->nepochs,
		.bars = true, .unit = REPORT_BYTES, .note = r->simulated ? "All that was asked of the original files, prefetch included; the least possible is what OPT "
			"reads." : "All that was asked of the original files, prefetch included.",
		.series = { { "this job", "job", bytes }, { "least possible", "mark", least } },
		.nseries = r->simulated ? 2 : 1 };
	if (x)
		report_chart(out, &c);
	c = (struct report_chart){ .title = "Waited for the store by epoch", .x_name = "epoch", .x = x, .n = r->nepochs,
		.bars = true, .unit = REPORT_SECONDS, .note = waited ? "The time of all processes that waited, added up."
			: "No process waited.", .series = { { "this job", "job", wait } }, .nseries = 1 };
	if (x)
		report_chart(out, &c);
	free(x);
}

static void by_size(const struct report *r, FILE *out, const struct sums *t)
{
	const struct plan *p = &r->plan;
	double x[PLAN_SIZES], y[REPORT_POLICIES][PLAN_SIZES];
	struct report_chart c = { .title = "A smaller or larger cache", .x_name = "size of the cache, of the dataset", .x = x,
		.n = p->nsizes, .percent_x = true, .unit = REPORT_PERCENT,
		.note = "Reuse ratio of the whole run at each size, simulated on the job's order.",
		.nseries = REPORT_POLICIES, .here = true, .here_x = ratio((double)r->budget, (double)p->dataset),
		.here_y = ratio(t->reused, (double)t->accesses) };

	for (unsigned k = 0; k < p->nsizes; k++) {
		x[k] = ratio((double)p->sizes[k], (double)p->dataset);
		for (unsigned i = 0; i < REPORT_POLICIES; i++)
			y[i][k] = sim_reuse(&plan_at(p, i, k)->total);
	}
	if (c.here_x > 1)                  /* a cache larger than the dataset is as one that holds it all */
		c.here_x = 1;
	for (unsigned i = 0; i < REPORT_POLICIES; i++)
		c.series[i] = (struct report_series){ label[i], class[i], y[i] };
	report_chart(out, &c);
}

static void row(FILE *out, const char *what, const char *value)
{
	fprintf(out, "<dt>%s</dt><dd>%s</dd>\n", what, value);
}

static void number(const struct report *r, FILE *out, const char *what, const char *name)
{
	char buf[32];

	row(out, what, report_count(buf, json_number(r->stats, name)));
}

/* Where the bytes came from that the job read, in one bar; nothing where there is one tier. */
static void tiers(const struct report *r, FILE *out)
{
	static const char *const color[] = { "var(--opt)", "var(--keep)", "var(--lru)" };
	const struct json *list = json_get(r->stats, "tiers"), *ram = list ? list->child : NULL, *ssd = ram ? ram->next : NULL;
	double part[3], whole = 0;
	char a[32], b[32];

	if (!ssd)
		return;
	part[0] = json_number(ram, "hit_bytes");
	part[1] = json_number(ssd, "hit_bytes");
	part[2] = json_number(r->stats, "miss_bytes");
	for (unsigned i = 0; i < 3; i++)
		whole += part[i] > 0 ? part[i] : 0;
	fputs("<section>\n<h2>Memory and the SSD</h2>\n<p class=\"note\">Where the bytes lay when the job read them.</p>\n"
	      "<div class=\"tiers\" style=\"display:flex;height:14px;margin:8px 0\">", out);
	for (unsigned i = 0; i < 3 && whole > 0; i++)
		fprintf(out, "<div style=\"width:%.2f%%;background:%s\"></div>", 100 * (part[i] > 0 ? part[i] : 0) / whole, color[i]);
	fputs("</div>\n<dl>\n", out);
	for (unsigned i = 0; i < 3; i++) {
		static const char *const what[] = { "in memory", "on the SSD", "neither: waited for the store" };

		fprintf(out, "<dt><span style=\"color:%s\">&#9632;</span> %s</dt><dd>%s, %s</dd>\n", color[i], what[i], report_bytes(a, part[i]),
			report_percent(b, whole > 0 ? part[i] / whole : 0));
	}
	row(out, "the SSD holds", report_bytes(a, json_number(ssd, "used_bytes")));
	row(out, "of at most", report_bytes(a, json_number(ssd, "budget_bytes")));
	row(out, "written to the SSD", report_bytes(a, json_number(ssd, "written_bytes")));
	fputs("</dl>\n</section>\n", out);
}

/* What the pool over several nodes gave; nothing where there is none. */
static void pool(const struct report *r, FILE *out)
{
	const struct json *p = json_get(r->stats, "pool"), *list = p ? json_get(p, "servers") : NULL;
	double hits = json_number(p, "hit_bytes"), origin = json_number(r->stats, "origin_bytes");
	char a[32], b[32];

	if (!list)
		return;
	fputs("<section>\n<h2>The pool</h2>\n<p class=\"note\">What one node has read of the store no other reads again.</p>\n<dl>\n", out);
	row(out, "fetched from the pool, not of the store", report_bytes(a, hits));
	row(out, "of all that was fetched", report_percent(a, hits + origin > 0 ? hits / (hits + origin) : 0));
	row(out, "put there by this node", report_bytes(a, json_number(p, "set_bytes")));
	row(out, "answers that came too late", report_count(a, json_number(p, "hedged")));
	row(out, "values refused", report_count(a, json_number(p, "refused")));
	row(out, "files without room there", report_count(a, json_number(p, "no_room")));
	for (const struct json *s = list->child; s; s = s->next) {
		const struct json *alive = json_get(s, "alive");

		fputs("<dt>", out);
		report_text(out, json_text(s, "address"));
		if (!alive || alive->type != JSON_TRUE)
			fputs("</dt><dd>dead</dd>\n", out);
		else
			fprintf(out, "</dt><dd>%s of %s</dd>\n", report_bytes(a, json_number(s, "bytes")), report_bytes(b, json_number(s, "limit_bytes")));
	}
	fputs("</dl>\n</section>\n", out);
}

static void following(const struct report *r, FILE *out)
{
	double matched = json_number(r->stats, "matched"), diverged = json_number(r->stats, "diverged");
	double fetched = json_number(r->stats, "prefetched"), wasted = json_number(r->stats, "prefetch_wasted");
	bool shut = !strcmp(json_text(r->stats, "gate"), "shut");
	char a[32];

	fputs("<div class=\"stack\">\n<section>\n<h2>Following the order</h2>\n", out);
	if (matched + diverged <= 0) {
		fputs("<p class=\"note\">The job had no order to follow.</p>\n", out);
	} else {
		fprintf(out, "<p class=\"note\">%s</p>\n<dl>\n", shut
			? "The gate is shut: the job did not do what its trace says, so opt4 kept what it had and fetched nothing "
			  "ahead. Make the trace anew, from the very script and seed."
			: diverged > 0 ? "Accesses that the trace does not foretell are served all the same."
			: "Every access came as the trace said.");
		number(r, out, "accesses as traced", "matched");
		number(r, out, "accesses otherwise (diverged)", "diverged");
		row(out, "as traced", report_percent(a, matched / (matched + diverged)));
		fputs("</dl>\n", out);
	}
	fputs("</section>\n<section>\n<h2>Prefetch</h2>\n", out);
	if (fetched <= 0) {
		fputs("<p class=\"note\">No file was fetched ahead.</p>\n", out);
	} else {
		fputs("<p class=\"note\">Files fetched before they were asked for; wasted are those evicted unread.</p>\n<dl>\n", out);
		number(r, out, "files fetched ahead", "prefetched");
		row(out, "bytes fetched ahead", report_bytes(a, json_number(r->stats, "prefetched_bytes")));
		number(r, out, "wasted", "prefetch_wasted");
		row(out, "wasted, of the fetched", report_percent(a, wasted / fetched));
		fputs("</dl>\n", out);
	}
	fputs("</section>\n", out);
	tiers(r, out);
	pool(r, out);
	fputs("<section>\n<h2>The cache</h2>\n<dl>\n", out);
	row(out, "most it held", report_bytes(a, json_number(r->stats, "peak_bytes")));
	number(r, out, "files fetched into it", "fills");
	number(r, out, "files evicted", "evictions");
	number(r, out, "reads past it (bypassed)", "bypassed");
	number(r, out, "files found changed", "invalidated");
	number(r, out, "errors", "errors");
	fputs("</dl>\n</section>\n</div>\n", out);
}

static void late(const struct report *r, FILE *out)
{
	const struct json *list = json_get(r->stats, "late_files");
	const char *root = json_text(r->stats, "root");
	size_t len = strlen(root);
	char a[32];

	fputs("<section class=\"long late\">\n<h2>Waited for longest</h2>\n", out);
	if (!list || !list->child)
		fputs("<p class=\"note\">No process waited for a file that another was fetching.</p>\n", out);
	else
		fputs("<table><tr><th>file</th><th>wait</th></tr>\n", out);
	for (const struct json *v = list ? list->child : NULL; v; v = v->next) {
		const char *path = json_text(v, "path");

		fputs("<tr><td class=\"path\">", out);
		report_text(out, len && !strncmp(path, root, len) && path[len] == '/' ? path + len + 1 : path);
		fprintf(out, "</td><td>%s</td></tr>\n", report_seconds(a, json_number(v, "wait_ns") / 1e9));
	}
	fputs(list && list->child ? "</table>\n</section>\n" : "</section>\n", out);
}

static void table(const struct report *r, FILE *out)
{
	char a[32], b[32], c[32], d[32], f[32];
	bool below = false;

	for (uint32_t e = 0; e < r->nepochs; e++)
		below |= r->epochs[e].reuse < 0;
	fprintf(out, "<section class=\"long whole\">\n<h2>Epoch by epoch</h2>\n%s<div class=\"scroll\"><table><tr><th>epoch</th>"
		"<th>accesses</th><th>hits</th><th>late</th><th>misses</th><th>reuse</th>%s<th>of the store</th>%s<th>waited</th>"
		"<th>time</th></tr>\n", below ? "<p class=\"note\">A read counts in the epoch in which it is made: what is fetched "
		"for the next one can bring a reuse ratio below 0.</p>\n" : "", r->simulated ? "<th>OPT</th><th>keep</th><th>LRU</th>" : "",
		r->simulated ? "<th>least</th>" : "");
	for (uint32_t e = 0; e < r->nepochs; e++) {
		const struct report_epoch *p = &r->epochs[e];

		fprintf(out, "<tr><td>%u</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td>", p->epoch,
			report_count(a, (double)p->accesses), report_count(b, (double)p->hits),
			report_count(c, (double)p->late), report_count(d, (double)p->misses), report_percent(f, p->reuse));
		for (unsigned i = 0; r->simulated && i < REPORT_POLICIES; i++)
			fprintf(out, "<td>%s</td>", report_percent(a, sim_reuse(&p->sim[i])));
		fprintf(out, "<td>%s</td>", report_bytes(a, (double)p->origin_bytes));
		if (r->simulated)
			fprintf(out, "<td>%s</td>", report_bytes(a, (double)p->sim[REPORT_OPT].origin_bytes));
		fprintf(out, "<td>%s</td><td>%s</td></tr>\n", report_seconds(a, (double)p->wait_ns / 1e9),
			report_seconds(b, p->seconds));
	}
	fputs("</table></div>\n</section>\n", out);
}

void report_page(const struct report *r, FILE *out)
{
	struct sums t = sums(r);
	char when[64];
	time_t now = time(NULL);

	head(r, out);
	verdict(r, out, &t);
	if (r->nepochs) {
		tiles(r, out, &t);
		fputs("<div class=\"grid\">\n", out);
		by_epoch(r, out);
		if (r->simulated)
			by_size(r, out, &t);
		following(r, out);
		late(r, out);
		table(r, out);
		fputs("</div>\n", out);
	}
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime(&now));
	fprintf(out, "<p class=\"soft note\" style=\"margin-top:16px\">opt4 %s, %s</p>\n</main></body></html>\n", OPT4_VERSION, when);
}
