/* policy.c - bench/policy: what an access costs under each policy, at several numbers of files and epochs.
 *
 * policy OUT.json [quick|sweep]   Shuffled epochs, the cache at half of the dataset, sizes as ImageNet's.
 * An access is a step of the simulator: the policy's work, a look whether the file is resident, and the sizes.
 * `keep` does nothing, so its row is the baseline: what the step costs without a policy. quick: small sizes
 * only. sweep: all six at twenty sizes, as `opt4 plan` does them, at 1.28 million files x 90 epochs.
 */
#include "../../tools/opt4/plan/plan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define IMAGENET 1281167u
#define RUNS 5                            /* the median counts */

static const struct policy *const all[] = {
	&policy_opt, &policy_lru, &policy_lfu, &policy_fifo, &policy_random, &policy_keep,
};

static uint64_t state = 20261121;

static uint64_t draw(void)
{
	uint64_t z = state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 32) * n >> 32);
}

static void *need(size_t bytes)
{
	void *p = malloc(bytes);

	if (!p) {
		fprintf(stderr, "opt4: bench/policy: out of memory: %zu bytes wanted; run it with `quick`\n", bytes);
		exit(1);
	}
	return p;
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Log-normal, mean near 110 KiB: from the sum of twelve uniform draws. */
static uint32_t a_size(void)
{
	double normal = -6;

	for (int i = 0; i < 12; i++)
		normal += (double)(draw() >> 11) / 9007199254740992.;
	return (uint32_t)exp(11.5 + .5 * normal);
}

static struct sim_input shuffled(uint32_t nfiles, uint32_t nepochs)
{
	uint32_t npos = nfiles * nepochs;
	uint32_t *order = need(4ul * npos), *next = need(4ul * npos), *last = need(4ul * nfiles);
	uint32_t *sizes = need(4ul * nfiles), *ends = need(4ul * nepochs);

	for (uint32_t f = 0; f < nfiles; f++)
		sizes[f] = a_size();
	for (uint32_t e = 0; e < nepochs; e++) {
		uint32_t *o = order + (size_t)e * nfiles;

		ends[e] = (e + 1) * nfiles;
		for (uint32_t f = 0; f < nfiles; f++) {
			uint32_t j = below(f + 1);

			o[f] = o[j];
			o[j] = f;
		}
	}
	sim_next(order, npos, nfiles, next, last);
	free(last);
	return (struct sim_input){ order, next, sizes, ends, npos, nfiles, nepochs };
}

static void drop(struct sim_input *in)
{
	free((void *)in->order);
	free((void *)in->next);
	free((void *)in->sizes);
	free((void *)in->epoch_end);
}

static int rising(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* One row a policy. Runs of the policies take turns, so that a noisy moment hits all alike. */
static int measure(uint32_t nfiles, uint32_t nepochs, FILE *json, const char **comma)
{
	struct sim_input in = shuffled(nfiles, nepochs);
	struct policy_shape shape = { .nfiles = nfiles, .naxes = 1, .npos = { in.npos }, .seed = 42 };
	struct sim_count *epochs = need(nepochs * sizeof(*epochs));
	double ns[6][RUNS], hit[6];
	int runs = in.npos > 20000000 ? 1 : RUNS, below_target = 0;

	for (int r = 0; r < runs; r++)
		for (int i = 0; i < 6; i++) {
			struct sim_params p = { .policy = all[i], .budget = sim_dataset(&in) / 2, .seed = 42 };
			struct sim_count sum = { 0 };
			double start = seconds(CLOCK_THREAD_CPUTIME_ID);   /* others may run beside us */

			if (simulate(&in, &p, epochs))
				exit(1);
			ns[i][r] = (seconds(CLOCK_THREAD_CPUTIME_ID) - start) * 1e9 / in.npos;
			for (uint32_t e = 0; e < nepochs; e++)
				sim_add(&sum, &epochs[e]);
			hit[i] = (double)sum.hits / (double)sum.accesses;
		}
	for (int i = 0; i < 6; i++) {
		double mb = (double)all[i]->bytes(&shape) / 1e6, median;
		bool big = i == 0 && in.npos > 100000000;

		qsort(ns[i], (size_t)runs, sizeof(double), rising);
		median = ns[i][runs / 2];
		printf("%9u %7u %-7s %10.1f %10.1f %9.4f%s\n", nfiles, nepochs, all[i]->name, median, mb, hit[i],
		       !big ? "" : median <= 100 && mb <= 20 ? "   <= 100 ns, <= 20 MB: yes" : "   <= 100 ns, <= 20 MB: NO");
		fprintf(json, "%s\n{\"files\": %u, \"epochs\": %u, \"policy\": \"%s\", \"ns\": %.2f, \"state_bytes\": %zu, "
			"\"hit_ratio\": %.6f}", *comma, nfiles, nepochs, all[i]->name, median, all[i]->bytes(&shape), hit[i]);
		*comma = ",";
		below_target += big && (median > 100 || mb > 20);
	}
	free(epochs);
	drop(&in);
	return below_target;
}

static int sweep(FILE *json)
{
	static struct plan p = { .npolicies = 6, .nsizes = 20 };
	struct rusage usage;
	double start, cpu;

	p.in = shuffled(IMAGENET, 90);
	p.dataset = sim_dataset(&p.in);
	p.cells = need(120 * sizeof(*p.cells));
	for (unsigned i = 0; i < 6; i++)
		for (unsigned k = 0; k < 20; k++) {
			p.policies[i] = all[i];
			p.sizes[k] = p.dataset / 20 * (k + 1);
			*plan_at(&p, i, k) = (struct plan_cell){ .policy = all[i], .cache = p.sizes[k] };
		}
	start = seconds(CLOCK_MONOTONIC);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	if (plan_run(&p, "plan"))
		return 1;
	start = seconds(CLOCK_MONOTONIC) - start;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	getrusage(RUSAGE_SELF, &usage);
	printf("six policies at twenty sizes, 1.28 million files x 90 epochs: %.0f s (CPU time %.0f s), %.0f MiB   "
	       "<= 600 s, <= 1024 MiB: %s\n", start, cpu, (double)usage.ru_maxrss / 1024,
	       start <= 600 && usage.ru_maxrss <= 1 << 20 ? "yes" : "NO");
	fprintf(json, "\n{\"sweep_seconds\": %.1f, \"cpu_seconds\": %.1f, \"max_rss_bytes\": %ld}", start, cpu,
		usage.ru_maxrss * 1024);
	return start > 600;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "", *comma = "";
	FILE *json = argc > 1 ? fopen(argv[1], "w") : NULL;
	int missed = 0;

	if (!json) {
		fprintf(stderr, "usage: policy OUT.json [quick|sweep]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);         /* a row as soon as it is known, into a pipe too */
	fputc('[', json);
	if (!strcmp(how, "sweep")) {
		missed = sweep(json);
	} else {
		printf("%9s %7s %-7s %10s %10s %9s\n", "files", "epochs", "policy", "ns/access", "state MB", "hits");
		missed += measure(10000, 1, json, &comma);
		missed += measure(10000, 90, json, &comma);
		if (strcmp(how, "quick")) {
			missed += measure(IMAGENET, 1, json, &comma);
			missed += measure(IMAGENET, 90, json, &comma);
		}
	}
	fputs("\n]\n", json);
	if (fclose(json))
		return 1;
	return missed != 0;
}
