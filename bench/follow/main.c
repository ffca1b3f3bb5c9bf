/* main.c - bench/follow: what following the trace costs in hits when the trace is wrong, and in time. The
 * job is the model of tests/follow; a hit is a file that the tracker and policy opt had kept (prefetch off).
 * follow OUT.json [quick]: prints a table; JSON goes to OUT. quick: a small timed run. */
#include "../../tests/follow/cache.h"
#include "../../tests/follow/play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SEED 20261121u

static char json[16384];
static int below;                            /* rows that miss their target */

static void add(const char *format, const char *name, double value, double target, bool ok)
{
	size_t n = strlen(json);
	snprintf(json + n, sizeof json - n, format, n > 1 ? "," : "", name, value, target, ok ? "true" : "false");
	below += !ok;
}

static void row(const char *name, const struct played *p, double exact, double keep, double value, const char *what,
		double target)
{
	bool ok = value >= target;
	printf("%-44s %8.4f %8.4f %8.4f %8.4f %6.3f   %s %.4f >= %.4f %s\n", name,
	       (double)p->matched / (double)p->accesses, (double)p->hits / (double)p->accesses, exact, keep,
	       (double)p->shut / (double)p->accesses, what, value, target, ok ? "yes" : "NO");
	add("%s{\"case\":\"%s\",\"value\":%.4f,\"target\":%.4f,\"ok\":%s}", name, value, target, ok);
}

struct figures { struct played p; double reuse, exact, keep; };

static struct figures run(const struct trace *t, struct job *j, uint32_t cache)
{
	struct figures f = { .p = play(t, j, &(struct playing){ .cache = cache }) };
	f.reuse = (double)f.p.hits / (double)f.p.accesses;
	f.exact = (double)exact_hits(j, t->h->nfiles, cache) / (double)f.p.accesses;
	f.keep = (double)keep_hits(j, t->h->nfiles, cache) / (double)f.p.accesses;
	job_free(j);
	return f;
}

static void wrong(uint32_t w)
{
	static const char *const names[] = { "substituted", "skipped", "added" };
	static const int percents[] = { 0, 1, 10, 100 };
	for (int how = SUBSTITUTE; how <= ADD; how++)
		for (int i = 0; i < 4; i++) {
			struct rng r = { SEED };
			struct trace t;
			struct job j = { 0 };
			char name[64];
			int percent = percents[i];
			if ((!percent && how) || (percent == 100 && how))
				continue;
			plan_make(&t, &(struct plan){ 20000, 6, 32, w, 1, 1, SHUFFLE, 0, 0 }, &r);
			job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2 }, &r);
			job_end(&j);
			job_wrong(&j, (enum wrong)how, percent / 100., 20000, &r);
			struct figures f = run(&t, &j, 10000);
			plan_free(&t);
			snprintf(name, sizeof name, "%d %% %s, %u workers", percent, names[how], w);
			if (percent == 100)
				row(name, &f.p, f.exact, f.keep, f.reuse - f.keep, "over keep", -.01);
			else
				/* One in ten of what the trace promises does not come: .90 is all that can be had, and
				 * what chance decides of it is a few thousandths either way. */
				row(name, &f.p, f.exact, f.keep, f.reuse / f.exact, "of OPT",
				    percent == 10 ? .9 : percent ? .97 : .99);
		}
}

static void other(uint32_t w)
{
	struct rng r = { SEED };
	struct trace t;
	struct job j = { 0 };
	struct figures f;
	char name[64];
	plan_make(&t, &(struct plan){ 50000, 3, 32, w, 1, 1, REPLACEMENT, 0, 0 }, &r);
	job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2 }, &r);
	f = run(&t, &j, 25000);
	plan_free(&t);
	snprintf(name, sizeof name, "with replacement, c .50, %u workers", w);
	row(name, &f.p, f.exact, f.keep, f.reuse, "reuse", .64);

	r = (struct rng){ SEED };
	plan_make(&t, &(struct plan){ 50000, 90, 32, w, 16, 4, SHUFFLE, 0, 0 }, &r);
	job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2 }, &r);
	f = run(&t, &j, 12500);
	plan_free(&t);
	snprintf(name, sizeof name, "4 of 16 ranks, c .25, %u workers each", w);
	row(name, &f.p, f.exact, f.keep, f.reuse, "reuse", .54);
}

static double seconds(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* One recorded epoch of 16 workers, played over and over in each epoch's own order. */
static void timed(uint32_t files, uint32_t epochs, uint32_t w)
{
	struct rng r = { SEED };
	struct trace t;
	struct job j = { 0 };
	struct cache k;
	struct run *runs[64];
	uint64_t hits = 0, n = 0;
	uint32_t horizon = 0;
	plan_make(&t, &(struct plan){ files, epochs, 256, w, 1, 1, SHUFFLE, 0, 0 }, &r);
	job_group(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2 }, &r);
	struct follow f = { &t, cache_get(follow_bytes(&t), 1) };
	cache_init(&k, t.order, t.h->npos, files, files / 2);
	size_t bytes = follow_bytes(&t) + policy_opt.bytes(&k.shape);
	double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	for (uint32_t e = 0; e < epochs; e++) {
		memset(runs, 0, sizeof runs);
		for (size_t i = 0; i < j.n; i++) {
			const struct event *v = &j.e[i];
			uint32_t next, file;
			if (v->kind == LEAVE) {
				follow_leave(&f, runs[v->worker]);
				continue;
			}
			/* The bench's own note of who is resident is not what is timed. */
			if (i + 8 < j.n && v[8].kind == ACCESS)
				__builtin_prefetch(&k.filed[t.order[(uint64_t)e * files + v[8].pos]], 1);
			if (!runs[v->worker])
				runs[v->worker] = follow_join(&f, v->worker);
			file = t.order[(uint64_t)e * files + v->pos];
			follow_access(&f, runs[v->worker], file, &next);
			hits += cache_access(&k, file, next, f.sh->gate_shut);
			n++;
			if (f.sh->horizon != horizon) {
				horizon = f.sh->horizon;
				cache_expire(&k, &f);
			}
		}
	}
	wall = (seconds(CLOCK_MONOTONIC) - wall) * 1e9 / (double)n;
	cpu = (seconds(CLOCK_THREAD_CPUTIME_ID) - cpu) * 1e9 / (double)n;
	printf("%u files x %u epochs, %u workers: matched %.4f reuse %.4f; tracker and opt: %.1f ns an access (%.1f of the "
	       "wall clock), %.2f MiB beside the trace\n", files, epochs, w, (double)f.sh->matched / (double)n,
	       (double)hits / (double)n, cpu, wall, (double)bytes / (1 << 20));
	add("%s{\"case\":\"%s\",\"ns\":%.1f,\"target\":%.1f,\"ok\":%s}", "time an access, 16 workers", cpu, 150, cpu <= 150);
	add("%s{\"case\":\"%s\",\"bytes\":%.0f,\"target\":%.0f,\"ok\":%s}", "memory beside the trace", (double)bytes, (double)(20 << 20),
	    bytes <= 20 << 20);
	cache_free(&k);
	free(f.sh);
	job_free(&j);
	plan_free(&t);
}

int main(int argc, char **argv)
{
	bool quick = argc == 3 && !strcmp(argv[2], "quick");
	FILE *out;
	if (argc != 2 && !quick) {
		fprintf(stderr, "usage: %s OUT.json [quick]\n", argv[0]);
		return 2;
	}
	json[0] = '[';
	printf("%-44s %8s %8s %8s %8s %6s   target\n", "20,000 files x 6 epochs, c .50, seed 20261121", "matched", "reuse",
	       "OPT", "keep", "gate");
	static const uint32_t workers[] = { 1, 4, 16 };
	for (int i = 0; i < 3; i++)
		wrong(workers[i]);
	for (int i = 0; i < 3; i++)
		other(workers[i]);
	if (quick)
		timed(100000, 4, 16);
	else
		timed(1281167, 90, 16);
	printf("%d below target\n", below);
	out = fopen(argv[1], "w");
	if (!out || fprintf(out, "%s]\n", json) < 0 || fclose(out)) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
