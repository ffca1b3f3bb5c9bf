/* print.c - a plan as tables and as JSON. */
#include "plan.h"

static double ratio(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 0;
}

/* One value of a cell as text. */
typedef void value(const struct plan_cell *, char buf[16]);

static void hits(const struct plan_cell *c, char buf[16])
{
	snprintf(buf, 16, "%.4f", ratio(c->total.hits, c->total.accesses));
}

static void byte_hits(const struct plan_cell *c, char buf[16])
{
	snprintf(buf, 16, "%.4f", ratio(c->total.hit_bytes, c->total.hit_bytes + c->total.origin_bytes));
}

static void later_bytes(const struct plan_cell *c, char buf[16])
{
	plan_size_text(c->later_bytes, buf);
}

static void later_seconds(const struct plan_cell *c, char buf[16])
{
	snprintf(buf, 16, "%.1f", c->seconds);
}

static void later_stall(const struct plan_cell *c, char buf[16])
{
	snprintf(buf, 16, "%.1f", c->stall);
}

static void table(const struct plan *p, FILE *out, const char *title, value *text)
{
	char buf[16];

	fprintf(out, "\n%s\n%10s %8s", title, "cache", "dataset");
	if (p->has_ssd)
		fprintf(out, " %10s %8s", "ssd", "dataset");
	for (unsigned i = 0; i < p->npolicies; i++)
		fprintf(out, " %10s", p->policies[i]->name);
	fputc('\n', out);
	for (unsigned k = 0; k < p->nsizes; k++) {
		uint64_t memory = p->sizes[k] - p->ssd[k];

		fprintf(out, "%10s %6.1f %%", plan_size_text((double)memory, buf), 100 * ratio(memory, p->dataset));
		if (p->has_ssd)
			fprintf(out, " %10s %6.1f %%", plan_size_text((double)p->ssd[k], buf), 100 * ratio(p->ssd[k], p->dataset));
		for (unsigned i = 0; i < p->npolicies; i++) {
			text(plan_at(p, i, k), buf);
			fprintf(out, " %10s", buf);
		}
		fputc('\n', out);
	}
}

static void smallest(const struct plan *p, FILE *out)
{
	char buf[16];

	fputc('\n', out);
	for (unsigned i = 0; i < p->npolicies; i++) {
		uint64_t n = plan_smallest(p, i);

		if (n == UINT64_MAX)
			fprintf(out, "%s: the store is the limit at every size above\n", p->policies[i]->name);
		else if (n == 0)
			fprintf(out, "%s: compute-bound without a cache\n", p->policies[i]->name);
		else
			fprintf(out, "%s: compute-bound from a cache of %s on (%.0f %% of the dataset)\n",
				p->policies[i]->name, plan_size_text((double)n, buf), 100 * ratio(n, p->dataset));
	}
}

void plan_table(const struct plan *p, FILE *out)
{
	char buf[16], title[100];

	fprintf(out, "%s\n%u files, %s in whole pages; %u accesses, %u epoch%s\n", p->name, p->in.nfiles,
		plan_size_text((double)p->dataset, buf), p->in.npos, p->in.nepochs, p->in.nepochs == 1 ? "" : "s");
	table(p, out, "Hit ratio: accesses that find their file in the cache", hits);
	table(p, out, "Byte hit ratio", byte_hits);
	if (p->in.nepochs > 2)
		snprintf(title, sizeof(title), "Bytes from the store in a later epoch (mean of epochs 2 to %u)",
			 p->in.nepochs);
	else
		snprintf(title, sizeof(title), "Bytes from the store in %s epoch",
			 p->in.nepochs == 2 ? "the second" : "the only");
	table(p, out, title, later_bytes);
	if (p->nodes)
		plan_nodes_table(p, out);
	if (p->disk.seek > 0)
		plan_disk_table(p, out);
	if (!plan_has_model(p))
		return;
	snprintf(title, sizeof(title), "Seconds of such an epoch, read ahead of the job (computing: %.1f s)",
		 p->store.epoch_compute);
	table(p, out, title, later_seconds);
	table(p, out, "of which stalled on the store", later_stall);
	if (p->store.epoch_compute > 0)
		smallest(p, out);
}

void plan_json(const struct plan *p, FILE *out)
{
	const char *comma = "";

	fputc('[', out);
	for (unsigned i = 0; i < p->npolicies; i++)
		for (unsigned k = 0; k < p->nsizes; k++) {
			const struct plan_cell *c = plan_at(p, i, k);
			const struct sim_count *n = &c->total;

			fprintf(out, "%s\n{\"policy\": \"%s\", \"cache_bytes\": %llu, \"cache_fraction\": %.6f, "
				"\"accesses\": %llu, \"hits\": %llu, \"hit_ratio\": %.6f, \"byte_hit_ratio\": %.6f, "
				"\"origin_bytes\": %llu, \"hit_bytes\": %llu, \"bypassed\": %llu, "
				"\"later_hit_ratio\": %.6f, \"later_origin_bytes\": %.0f",
				comma, c->policy->name, (unsigned long long)(c->cache - c->ssd), ratio(c->cache - c->ssd, p->dataset),
				(unsigned long long)n->accesses, (unsigned long long)n->hits,
				ratio(n->hits, n->accesses), ratio(n->hit_bytes, n->hit_bytes + n->origin_bytes),
				(unsigned long long)n->origin_bytes, (unsigned long long)n->hit_bytes,
				(unsigned long long)n->bypassed,
				c->later_accesses > 0 ? 1 - c->later_files / c->later_accesses : 0, c->later_bytes);
			if (p->has_ssd)
				fprintf(out, ", \"ssd_bytes\": %llu, \"ssd_fraction\": %.6f", (unsigned long long)c->ssd, ratio(c->ssd, p->dataset));
			if (plan_has_model(p))
				fprintf(out, ", \"epoch_seconds\": %.6f, \"compute_seconds\": %.6f, "
					"\"stall_seconds\": %.6f, \"compute_bound\": %s", c->seconds,
					p->store.epoch_compute, c->stall, plan_compute_bound(p, c) ? "true" : "false");
			if (p->nodes)
				plan_nodes_json(p, c, out);
			if (p->disk.seek > 0)
				plan_disk_json(p, c->cache, out);
			fputc('}', out);
			comma = ",";
		}
	fputs("\n]\n", out);
}
