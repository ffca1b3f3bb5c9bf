/* drive.c - runs the simulator over plain arrays: `drive POLICY BUDGET_PAGES MAXFILE SEED < IN > OUT`.
 * IN: u32 npos, nfiles, then order[npos], sizes[nfiles]. OUT: a byte an access, 1 = hit.
 * MAXFILE in bytes, 0 = the library's default. POLICY belady: opt without bypass, as Belady's rule stands in
 * simulators that admit every candidate. */
#include "../../tools/opt4/plan/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A candidate needed sooner than any resident always enters; it is then filed under its true next use. */
static struct victim always(const struct policy_ctx *c, uint32_t cand, __attribute__((unused)) struct use cand_use,
                            struct victim prev)
{
	return policy_opt.victim(c, cand, (struct use){ 0, 0 }, prev);
}

static uint32_t *array(size_t n)
{
	uint32_t *a = calloc(n + 1, sizeof(*a));

	if (!a || fread(a, sizeof(*a), n, stdin) != n) {
		fprintf(stderr, "drive: short input\n");
		exit(1);
	}
	return a;
}

int main(int argc, char **argv)
{
	struct policy belady = policy_opt;
	const struct policy *policy = argc != 5 ? NULL : strcmp(argv[1], "belady") ? policy_find(argv[1]) : &belady;
	struct sim_count count;
	uint32_t *head = array(2), npos = head[0], nfiles = head[1];
	uint32_t *order = array(npos), *sizes = array(nfiles);
	uint32_t *next = calloc(npos + 1, 4), *last = calloc(nfiles + 1, 4);
	uint8_t *hit = calloc(npos + 1, 1);

	if (!policy)
		return 2;
	belady.victim = always;
	sim_next(order, npos, nfiles, next, last);
	struct sim_input in = { order, next, sizes, &npos, npos, nfiles, 1 };
	struct sim_params p = {
		.policy = policy, .budget = strtoull(argv[2], NULL, 10) * SIM_PAGE,
		.maxfile = strtoull(argv[3], NULL, 10), .seed = strtoull(argv[4], NULL, 10), .hit = hit,
	};
	if (simulate(&in, &p, &count))
		return 1;
	uint64_t hits = 0;
	for (uint32_t i = 0; i < npos; i++)
		hits += hit[i];
	if (count.accesses != npos || count.hits != hits) {
		fprintf(stderr, "drive: counts %lu/%lu, saw %lu/%u\n", count.hits, count.accesses, hits, npos);
		return 1;
	}
	fwrite(hit, 1, npos, stdout);
	free(head); free(order); free(sizes); free(next); free(last); free(hit);
	return 0;
}
