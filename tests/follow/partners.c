/* partners.c [SEED]: samples that open others' files beside their own (mixup, mosaic, copy-paste), of the same dataset or not, in
 * any order, and the follower told which is whose or not. The own files are followed, and the gate stays open; with a wrong trace it shuts. A line a case; exit 1 if any does
 * not hold. */
#include "play.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t seed = 20261128;
static int failed;

static double part(uint64_t a, uint64_t b) { return b ? (double)a / (double)b : 1; }

static void one(uint32_t files, uint32_t workers, uint32_t batch, uint32_t partners, bool others, int wrong, bool told)
{
	struct rng r = { seed }, another = { seed + 1 };
	struct trace t, real;
	struct job j = { 0 };
	struct plan plan = { files, 3, batch, workers, 1, 1, SHUFFLE, 0, 0 };
	plan_make(&t, &plan, &r);
	plan_make(&real, &plan, &another);
	job_trace(&j, wrong == 100 ? &real : &t, 0, &(struct style){ .workers = workers, .prefetch = 2 }, &r);
	job_end(&j);
	if (wrong == 100)
		for (size_t i = 0; i < j.n; i++)
			j.e[i].pos = NO_POS;
	else if (wrong)
		job_wrong(&j, SUBSTITUTE, wrong / 100., files, &r);
	job_partners(&j, partners, others ? 1000 * files : files, &r);
	struct played p = play(&t, &j, &(struct playing){ .cache = files / 2, .told = told });
	double exact = part(p.exact, p.planned), amiss = part(p.wrong, p.accesses), shut = part(p.shut, p.accesses);
	double least = wrong == 100 ? 0 : wrong ? .85 : files < 1000 && !told ? .8 : told ? .985 : .97;
	/* the moving ratio looks back on 32 of each worker's own files: half of these few */
	double slow = told && files < 1000 && workers == 16 ? .6 : .85;
	bool ok = wrong == 100 ? shut > slow : exact >= least && shut < (files < 1000 && !told ? .3 : .06) && amiss < .05 && !p.stale;
	printf("files %5u workers %2u batch %2u, %u partners %s, %3d %% wrong%s: exact %.4f amiss %.4f shut %.3f%s\n", files, workers, batch,
	       partners, others ? "elsewhere" : "of its own", wrong, told ? ", told" : "", exact, amiss, shut, ok ? "" : "  NOT SO");
	failed |= !ok;
	job_free(&j);
	plan_free(&t);
	plan_free(&real);
}

#define EACH(var, ...) for (uint32_t var##_i = 0, var##_v[] = { __VA_ARGS__ }, var; \
	var##_i < sizeof var##_v / sizeof *var##_v && (var = var##_v[var##_i], 1); var##_i++)

int main(int argc, char **argv)
{
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	EACH(files, 400, 4000) EACH(workers, 0, 4, 16) EACH(batch, 2, 8, 32) EACH(partners, 1, 3) EACH(others, 0, 1)
		EACH(wrong, 0, 5, 100) EACH(told, 0, 1)
			/* of few files any is soon somebody's next: what can be had there is not always much */
			if (told || files > 1000 || (workers < 16 && wrong != 5))
				one(files, workers, batch, partners, others, (int)wrong, told);
	return failed;
}
