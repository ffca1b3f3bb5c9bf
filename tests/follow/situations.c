/* situations.c NAME [SEED]: one situation of the follower's tests, over its axes. Prints a line for each case;
 * exit 1 if any does not hold, 2 for a name that there is not. `situations` alone lists the names. */
#include "play.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 20261121;
static int failed, cases;

static void expect(bool ok, const char *what, ...)
{
	va_list ap;
	if (ok)
		return;
	failed = 1;
	va_start(ap, what);
	printf("    NOT SO: ");
	vprintf(what, ap);
	printf("\n");
	va_end(ap);
}

struct shown { struct played p; uint64_t exact, keep; };

static double part(uint64_t a, uint64_t b)
{
	return b ? (double)a / (double)b : 1;
}

/* Plays a job, prints its line and checks what holds for every one. The job is freed. */
static struct shown show(const char *name, const struct trace *t, struct job *j, uint32_t cache, size_t late)
{
	struct shown s = { .p = play(t, j, &(struct playing){ .cache = cache, .late = late }) };
	s.exact = exact_hits(j, t->h->nfiles, cache);
	s.keep = keep_hits(j, t->h->nfiles, cache);
	printf("%-44s accesses %7llu matched %.4f exact %.4f missed in a row %4u gate %.3f reuse %.4f opt %.4f keep %.4f\n",
	       name, (unsigned long long)s.p.accesses, part(s.p.matched, s.p.accesses), part(s.p.exact, s.p.planned),
	       s.p.found_after, part(s.p.shut, s.p.accesses), part(s.p.hits, s.p.accesses),
	       part(s.exact, s.p.accesses), part(s.keep, s.p.accesses));
	expect(s.p.accesses > 0, "no access at all");
	expect(!s.p.stale, "%llu answers were expired, consumed or another file's", (unsigned long long)s.p.stale);
	job_free(j);
	cases++;
	return s;
}

#define EACH(var, ...) for (uint32_t var##_i = 0, var##_v[] = { __VA_ARGS__ }, var; \
	var##_i < sizeof var##_v / sizeof *var##_v && (var = var##_v[var##_i], 1); var##_i++)

static uint32_t enough(uint32_t batch)
{
	return 2 * batch > 32 ? 2 * batch : 32;
}

/* The right trace: nothing diverges; one worker a rank is followed to the very position, and hits what an
 * oracle that looks at all residents hits. */
static void right_kind(enum kind kind, uint32_t files, uint32_t val)
{
	EACH(w, 0, 1, 4, 16) EACH(b, 1, 2, 32, 256) EACH(pf, 2, 8) EACH(stay, 0, 1) {
		struct rng r = { seed };
		struct trace t;
		struct job j = { 0 };
		char name[99];
		plan_make(&t, &(struct plan){ files, 3, b, w, 1, 1, kind, val }, &r);
		job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = pf, .persistent = stay }, &r);
		job_end(&j);
		uint64_t oracle = w < 2 ? oracle_hits(&j, t.h->nfiles, files / 4) : 0;
		snprintf(name, sizeof name, "workers %u batch %u prefetch %u%s", w, b, pf, stay ? " persistent" : "");
		struct shown s = show(name, &t, &j, files / 4, 0);
		expect(!s.p.shut, "the gate was shut");
		expect(part(s.p.matched, s.p.accesses) >= .999, "matched");
		expect(part(s.p.exact, s.p.planned) >= (kind == SHUFFLE ? .999 : .995), "exact");
		expect(part(s.p.hits, s.p.accesses) >= part(s.exact, s.p.accesses) - .01, "a point below Belady");
		if (w < 2) {
			expect(s.p.exact == s.p.accesses, "not every access to its position");
			expect(s.p.hits == oracle, "oracle hits %llu, not %llu", (unsigned long long)oracle,
			       (unsigned long long)s.p.hits);
		}
		plan_free(&t);
	}
}

static void right_shuffle(void) { right_kind(SHUFFLE, 4000, 0); }
static void right_val(void) { right_kind(SHUFFLE, 4000, 400); }
static void right_replacement(void) { right_kind(REPLACEMENT, 4000, 0); }
static void right_sequential(void) { right_kind(SEQUENTIAL, 4000, 400); }

/* Several ranks in one node, all traced, or four of sixteen. */
static void right_ranks(void)
{
	EACH(world, 4, 16) EACH(w, 0, 1, 4, 16) EACH(b, 1, 2, 32) EACH(pf, 2, 8) {
		struct rng r = { seed };
		struct trace t;
		struct job j = { 0 };
		char name[99];
		plan_make(&t, &(struct plan){ world * 1000, 3, b, w, world, 4, SHUFFLE, 0 }, &r);
		job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = pf }, &r);
		job_end(&j);
		snprintf(name, sizeof name, "4 of %u ranks, workers %u batch %u prefetch %u", world, w, b, pf);
		struct shown s = show(name, &t, &j, world * 1000 / 4, 0);
		expect(!s.p.shut && part(s.p.exact, s.p.planned) >= .998, "followed");
		expect(part(s.p.hits, s.p.accesses) >= part(s.exact, s.p.accesses) - .01, "a point below Belady");
		plan_free(&t);
	}
}

/* The job has other worker counts than the trace, or deals its batches in any order. */
static void other_workers(void)
{
	EACH(traced, 1, 4, 16) EACH(w, 0, 3, 16) EACH(b, 1, 2, 32) EACH(any, 0, 1) {
		struct rng r = { seed };
		struct trace t;
		struct job j = { 0 };
		char name[99];
		plan_make(&t, &(struct plan){ 4000, 3, b, traced, 1, 1, SHUFFLE, 0 }, &r);
		job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2, .in_any_order = any }, &r);
		job_end(&j);
		snprintf(name, sizeof name, "traced %u workers %u batch %u%s", traced, w, b, any ? " any order" : "");
		struct shown s = show(name, &t, &j, 1000, 0);
		expect(part(s.p.exact, s.p.planned) >= .97, "followed");
		expect(s.p.found_after <= enough(b), "found again");
		expect(part(s.p.hits, s.p.accesses) >= part(s.exact, s.p.accesses) - .03, "reuse");
		plan_free(&t);
	}
}

static void wrong_accesses(void)
{
	static const char *const names[] = { "substituted", "skipped", "added" };
	EACH(how, SUBSTITUTE, SKIP, ADD) EACH(percent, 1, 10, 100) EACH(w, 0, 1, 4, 16) EACH(b, 1, 2, 32, 256) {
		struct rng r = { seed };
		struct trace t;
		struct job j = { 0 };
		char name[99];
		if (how == SKIP && percent == 100)
			continue;
		plan_make(&t, &(struct plan){ 8000, 6, b, w, 1, 1, SHUFFLE, 0 }, &r);
		job_trace(&j, &t, 0, &(struct style){ .workers = w, .prefetch = 2 }, &r);
		job_end(&j);
		job_wrong(&j, how, percent / 100., 8000, &r);
		snprintf(name, sizeof name, "%u %% %s, workers %u batch %u", percent, names[how], w, b);
		struct shown s = show(name, &t, &j, 4000, 0);
		if (percent == 100) {
			expect(part(s.p.shut, s.p.accesses) > .9 && s.p.gate_shut, "gate");
			expect(part(s.p.hits, s.p.accesses) >= part(s.keep, s.p.accesses) - .01, "keep");
		} else {
			expect(!s.p.shut, "the gate was shut");
			expect(part(s.p.hits, s.exact) >= (percent == 1 ? .97 : .895), "reuse %.4f of Belady's",
			       part(s.p.hits, s.exact));
			expect(s.p.found_after <= enough(b), "found again");
		}
		plan_free(&t);
	}
}

static const struct { const char *name; void (*run)(void); } situations[] = {
	{ "right-shuffle", right_shuffle }, { "right-val", right_val }, { "right-replacement", right_replacement },
	{ "right-sequential", right_sequential }, { "right-ranks", right_ranks }, { "other-workers", other_workers },
	{ "wrong-accesses", wrong_accesses },
};

int main(int argc, char **argv)
{
	size_t n = sizeof situations / sizeof *situations;
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0);
	for (size_t i = 0; i < n; i++)
		if (argc > 1 && !strcmp(argv[1], situations[i].name)) {
			printf("%s, seed %llu\n", argv[1], (unsigned long long)seed);
			situations[i].run();
			printf("%d cases, %s\n", cases, failed ? "FAILED" : "all hold");
			return failed || !cases;
		}
	for (size_t i = 0; argc < 2 && i < n; i++)
		puts(situations[i].name);
	return argc < 2 ? 0 : 2;
}
