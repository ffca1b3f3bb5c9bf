/* plan.c - `opt4 plan`: arguments, input, and what goes where. See plan.h. */
#include "plan.h"

#include "../../../preload/base/base.h"
#include "../common/common.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
"usage: opt4 plan --trace FILE [option]...\n"
"What each policy would hit at each size of the cache: a simulation over the trace, with the policy code\n"
"and the rules of the library (whole pages; files over OPT4_MAXFILE stay outside).\n"
"\n"
"  --trace FILE        the trace, from opt4-trace or opt4 run --record\n"
"  --cache SIZE,...    sizes of the cache: bytes, K M G T, or % of the dataset (default: 5% to 100%)\n"
"  --ssd SIZE,...      sizes of a second tier, each with each of --cache (policies opt and keep)\n"
"  --policy NAME,...   of opt lru lfu fifo random keep (default: all)\n"
"  --bandwidth SIZE    the store's bytes a second:  these three give the seconds of a later epoch,\n"
"  --latency TIME      its time a file:             its stall, and the smallest cache with which\n"
"  --compute TIME      the job's time a batch:      the job does not wait for the store\n"
"  --nodes K           K nodes that read as the trace's: what they read of the store, with caches of their\n"
"                      own and with a pool (opt4 run --pool)\n"
"  --disk SEEK,SIZE    a spinning disk's mean seek and bytes a second, as 10ms,150M: minutes of an epoch,\n"
"                      read at random, by the elevator, re-bucketed, and in one pass\n"
"  --json              an array of objects instead of the tables\n"
"  --svg FILE          a line chart besides\n"
"  --help, --version\n"
"Times take ms, s, m.\n";

static int wrong(const char *what, const char *why)
{
	return usage("plan: %s: %s; see opt4 plan --help", what, why);
}

static int failed(const char *what, const char *why, const char *mend)
{
	return fail("%s: %s; %s", what, why, mend);
}

/* Copies the next item of a comma separated list to buf. Returns the rest, NULL at the end. */
static const char *item(const char *list, char *buf, size_t room)
{
	size_t n = strcspn(list, ",");

	snprintf(buf, room, "%.*s", (int)(n < room ? n : room - 1), list);
	return list[n] ? list + n + 1 : NULL;
}

static int policies(struct plan *p, const char *list)
{
	char name[32];

	while (list) {
		list = item(list, name, sizeof(name));
		const struct policy *policy = policy_find(name);

		if (!policy)
			return wrong(name, "no such policy");
		for (unsigned i = 0; i < p->npolicies; i++)
			if (p->policies[i] == policy)
				return wrong(name, "named twice");
		p->policies[p->npolicies++] = policy;
	}
	return 0;
}

static int sizes(struct plan *p, const char *list)
{
	char text[32];

	while (list) {
		list = item(list, text, sizeof(text));
		if (p->nsizes == PLAN_SIZES)
			return wrong("--cache", "more than 256 sizes");
		if (parse_size(text, p->dataset ? p->dataset : 1, &p->sizes[p->nsizes]))
			return wrong(text, "not a size such as 64G or 50%");
		p->nsizes++;
	}
	return 0;
}

/* Each size of memory with each of the SSD, the latter's first: one decision over both, so that what is simulated is their sum. */
static int with_ssd(struct plan *p, const char *list)
{
	uint64_t memory[PLAN_SIZES];
	unsigned n = p->nsizes;
	char text[32];

	if (!list)
		return 0;
	memcpy(memory, p->sizes, sizeof(memory));
	for (p->has_ssd = true, p->nsizes = 0; list;) {
		uint64_t ssd;

		list = item(list, text, sizeof(text));
		if (parse_size(text, p->dataset ? p->dataset : 1, &ssd))
			return wrong(text, "not a size such as 800G or 50%");
		for (unsigned k = 0; k < n; k++, p->nsizes++) {
			if (p->nsizes == PLAN_SIZES)
				return wrong("--ssd", "more than 256 pairs of sizes");
			p->sizes[p->nsizes] = memory[k] + ssd;
			p->ssd[p->nsizes] = ssd;
		}
	}
	for (unsigned i = 0; i < p->npolicies; i++)
		if (p->policies[i] != &policy_opt && p->policies[i] != &policy_keep)
			return wrong(p->policies[i]->name, "with --ssd only opt and keep decide over both tiers; the others evict from memory, and what lies on "
				     "the SSD stays there");
	return 0;
}

static int output(const struct plan *p, bool json, const char *svg)
{
	(json ? plan_json : plan_table)(p, stdout);
	if (fflush(stdout) || ferror(stdout))
		return failed("standard output", strerror(errno), "nothing else is wrong");
	if (!svg)
		return 0;
	struct output o;
	int rc = output_open(&o, svg);
	if (!rc) {
		plan_svg(p, o.f);
		rc = output_close(&o);
	}
	if (rc)
		return failed(svg, strerror(-rc), "give another file to --svg");
	return 0;
}

/* SEEK,BANDWIDTH as in 10ms,150M. */
static int disk(struct plan *p, const char *text)
{
	char seek[32];
	uint64_t ns, bytes;
	const char *rest = item(text, seek, sizeof(seek));

	if (!rest || parse_time(seek, &ns) || !ns || parse_size(rest, 0, &bytes) || !bytes)
		return wrong(text, "--disk takes a seek and bytes a second such as 10ms,150M");
	p->disk = (struct plan_disk){ (double)ns / 1e9, (double)bytes };
	return 0;
}

struct options {
	const char *trace, *cache, *ssd, *policy, *svg;
	bool json;
};

/* Reads the arguments. Returns -1 to go on, else the exit status. */
static int arguments(int argc, char **argv, struct plan *p, struct options *o)
{
	static const struct option longs[] = {
		{ "trace", 1, 0, 't' }, { "cache", 1, 0, 'c' }, { "ssd", 1, 0, 'S' }, { "policy", 1, 0, 'p' }, { "json", 0, 0, 'j' },
		{ "svg", 1, 0, 's' }, { "bandwidth", 1, 0, 'b' }, { "latency", 1, 0, 'l' },
		{ "compute", 1, 0, 'k' }, { "disk", 1, 0, 'd' }, { "nodes", 1, 0, 'n' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0, 0, 0, 0 },
	};
	uint64_t n;
	int c;

	optind = 0;                       /* the caller may have used getopt */
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":", longs, NULL)) != -1)
		switch (c) {
		case 't': o->trace = optarg; break;
		case 'c': o->cache = optarg; break;
		case 'S': o->ssd = optarg; break;
		case 'p': o->policy = optarg; break;
		case 's': o->svg = optarg; break;
		case 'j': o->json = true; break;
		case 'b':
			if (parse_size(optarg, 0, &n) || !n)
				return wrong(optarg, "--bandwidth takes bytes a second such as 200M");
			p->store.bandwidth = (double)n;
			break;
		case 'l':
		case 'k':
			if (parse_time(optarg, &n))
				return wrong(optarg, "not a time such as 10ms");
			*(c == 'l' ? &p->store.latency : &p->store.compute) = (double)n / 1e9;
			break;
		case 'd':
			if (disk(p, optarg))
				return 2;
			break;
		case 'n':
			if (!*optarg || strspn(optarg, "0123456789") != strlen(optarg) || strlen(optarg) > 5 || !atoi(optarg))
				return wrong(optarg, "--nodes takes how many, such as 4");
			p->nodes = (unsigned)atoi(optarg);
			break;
		case 'h':
			fputs(help, stdout);
			return 0;
		case 'v':
			puts("opt4 " OPT4_VERSION);
			return 0;
		case ':':
			return wrong(argv[optind - 1], "a value is missing");
		default:
			return wrong(argv[optind - 1], "no such option");
		}
	if (optind < argc)
		return wrong(argv[optind], "an argument that plan does not take");
	return o->trace ? -1 : wrong("--trace", "missing");
}

static int plan(struct plan *p, const struct options *o)
{
	const char *maxfile = getenv("OPT4_MAXFILE");
	int r;

	if (maxfile && *maxfile && parse_size(maxfile, 0, &p->maxfile))
		return wrong(maxfile, "OPT4_MAXFILE is not a size");
	if (plan_epochs(p))
		return failed(p->name, strerror(ENOMEM), "free some memory");
	p->dataset = sim_dataset(&p->in);
	if ((r = policies(p, o->policy ? o->policy : o->ssd ? "opt,keep" : "opt,lru,lfu,fifo,random,keep"))
	    || (r = sizes(p, o->cache ? o->cache : "5%,10%,15%,20%,25%,30%,35%,40%,45%,50%,55%,60%,65%,70%,75%,"
			  "80%,85%,90%,95%,100%"))
	    || (r = with_ssd(p, o->ssd)))
		return r;
	p->cells = calloc((size_t)p->npolicies * p->nsizes, sizeof(*p->cells));
	if (!p->cells)
		return failed(p->name, strerror(ENOMEM), "free some memory");
	for (unsigned i = 0; i < p->npolicies; i++)
		for (unsigned k = 0; k < p->nsizes; k++) {
			plan_at(p, i, k)->policy = p->policies[i];
			plan_at(p, i, k)->cache = p->sizes[k];
			plan_at(p, i, k)->ssd = p->ssd[k];
		}
	plan_compute(p);
	if (o->svg && (r = output_possible(o->svg)))   /* before minutes go into the simulation */
		return failed(o->svg, strerror(-r), "give another file to --svg");
	r = plan_run(p, "plan");
	if (r)
		return failed(p->name, strerror(-r), "ask for fewer sizes at a time, or free some memory");
	return output(p, o->json, o->svg);
}

int cmd_plan(int argc, char **argv)
{
	struct plan *p = calloc(1, sizeof(*p));
	struct options o = { 0 };
	char err[256];
	int r;

	if (!p)
		return failed("plan", strerror(ENOMEM), "free some memory");
	r = arguments(argc, argv, p, &o);
	if (r < 0) {
		p->name = o.trace;
		if (trace_open(&p->trace, o.trace, err) < 0) {
			r = failed(o.trace, err, "make it with opt4-trace");
		} else {
			r = plan(p, &o);
			trace_close(&p->trace);
		}
	}
	free(p->cells);
	free(p->epoch_end);
	free(p);
	return r;
}
