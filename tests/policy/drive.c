/* drive.c - runs the simulator over plain arrays: `drive POLICY BUDGET_PAGES MAXFILE SEED < IN > OUT`.
 * IN: u32 npos, nfiles, then order[npos], sizes[nfiles]. OUT: a byte an access, 1 = hit.
 * MAXFILE in bytes, 0 = the library's default. */
#include "../../tools/opt4/simulate.h"

#include <stdio.h>
#include <stdlib.h>

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
	struct sim_count count;
	uint32_t *head = array(2), npos = head[0], nfiles = head[1];
	uint32_t *order = array(npos), *sizes = array(nfiles);
	uint32_t *next = calloc(npos + 1, 4), *last = calloc(nfiles + 1, 4);
	uint8_t *hit = calloc(npos + 1, 1);

	if (argc != 5 || !policy_find(argv[1]))
		return 2;
	sim_next(order, npos, nfiles, next, last);
	struct sim_input in = { order, next, sizes, &npos, npos, nfiles, 1 };
	struct sim_params p = {
		.policy = policy_find(argv[1]), .budget = strtoull(argv[2], NULL, 10) * SIM_PAGE,
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
