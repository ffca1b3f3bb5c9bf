/* nodes_print.c - what several nodes read of the store together, each with a cache of its own or all with a pool, as a table and
 * in the JSON.
 *
 * The trace is one node's; the others read as much, other files. A pool holds what fits of the dataset and evicts nothing: each
 * epoch deals the files anew, so any part of them is worth the same, and of what it holds nobody reads the store again. */
#include "plan.h"

#define HOLDS .93                         /* of a server's memory that files can take (tools/wire/wire.h) */

/* Part of the dataset that the pool holds, the session's look-ahead beside it left out. */
static double held(const struct plan *p, uint64_t cache)
{
	double f = p->dataset ? HOLDS * p->nodes * (double)cache / (double)p->dataset : 1;

	return f < 1 ? f : 1;
}

static double epoch_bytes(const struct plan *p) { return plan_files(p).bytes; }

struct plan_nodes plan_nodes(const struct plan *p, const struct plan_cell *c)
{
	double all = p->nodes * epoch_bytes(p), f = held(p, c->cache);

	return (struct plan_nodes){ p->nodes * c->later_bytes, (1 - f) * all, f * all * (p->nodes - 1) / p->nodes };
}

void plan_nodes_table(const struct plan *p, FILE *out)
{
	char a[16], b[16], d[16];

	fprintf(out, "\nWhat %u such nodes read of the store in a later epoch, all together (%s asked for)\n%10s %8s", p->nodes,
		plan_size_text(p->nodes * epoch_bytes(p), a), "each", "dataset");
	for (unsigned i = 0; i < p->npolicies; i++)
		fprintf(out, " %10s", p->policies[i]->name);
	fprintf(out, " %10s %10s\n", "pool", "network");
	for (unsigned k = 0; k < p->nsizes; k++) {
		struct plan_nodes n = plan_nodes(p, plan_at(p, 0, k));

		fprintf(out, "%10s %6.1f %%", plan_size_text((double)p->sizes[k], a), p->dataset ? 100 * (double)p->sizes[k] / (double)p->dataset : 0);
		for (unsigned i = 0; i < p->npolicies; i++)
			fprintf(out, " %10s", plan_size_text(plan_nodes(p, plan_at(p, i, k)).private_bytes, a));
		fprintf(out, " %10s %10s\n", plan_size_text(n.pool_bytes, b), plan_size_text(n.network_bytes, d));
	}
	fputs("Each with a cache of its own by that policy, or all with a pool of the same memory (opt4 run --pool), which reads each file once\n"
	      "where it holds the dataset; network: what the nodes send each other then.\n", out);
}

void plan_nodes_json(const struct plan *p, const struct plan_cell *c, FILE *out)
{
	struct plan_nodes n = plan_nodes(p, c);

	fprintf(out, ", \"nodes\": {\"count\": %u, \"private_later_origin_bytes\": %.0f, \"pool_later_origin_bytes\": %.0f, \"pool_held_fraction\": %.6f, "
		"\"network_later_bytes\": %.0f}", p->nodes, n.private_bytes, n.pool_bytes, held(p, c->cache), n.network_bytes);
}
