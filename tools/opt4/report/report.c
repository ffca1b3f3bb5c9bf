/* report.c - `opt4 report`: arguments, the statistics' source, the page's file. See report.h. */
#include "report.h"

#include "../../../preload/base/base.h"
#include "../common/common.h"
#include "page.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
"usage: opt4 report [option]... -o FILE [SESSION | STATS]\n"
"One page of HTML on how close to the best a job came: its reuse ratio and the bytes it read of the store\n"
"by epoch, beside LRU, keep and OPT on the same order with the same cache; its waiting; what a smaller or\n"
"a larger cache would have done.\n"
"\n"
"  SESSION          as opt4 ls prints it; not needed when there is one\n"
"  STATS            or a file that opt4 run --stats or opt4 stat --json wrote\n"
"  --trace FILE     the job's order (default: the one that the statistics name)\n"
"  -o, --output FILE  where the page goes\n"
"  --help, --version\n";

static int write_page(const struct report *r, const char *file)
{
	struct output o;
	int rc = output_open(&o, file);

	if (!rc) {
		report_page(r, o.f);
		rc = output_close(&o);
	}
	return rc ? fail("%s: %s; give another file to -o", file, strerror(-rc)) : 0;
}

static int report(const char *source, const char *trace, const char *output)
{
	struct report r = { 0 };
	struct json *stats;
	char err[256];
	int rc = output_possible(output);   /* before a minute goes into the simulation */

	if (rc)
		return fail("%s: %s; give another file to -o", output, strerror(-rc));
	if ((rc = statistics_load(source, &stats)) != 0)
		return rc;
	if (report_read(&r, stats, err) < 0) {
		rc = fail("%s: %s; give a file that opt4 run --stats or opt4 stat --json wrote", source ? source : "session", err);
	} else {
		const char *order = trace ? trace : json_text(stats, "order_file");

		if (!*order)
			snprintf(r.why_not, sizeof(r.why_not), "the job had no trace; "
				 "opt4-trace makes one, and opt4 report --trace takes it");
		else if (report_simulate(&r, order) < 0 && trace)
			rc = fail("%s", r.why_not);     /* asked for, so it must be in the page */
		else if (!r.simulated)
			fprintf(stderr, "opt4: %s\n", r.why_not);
		if (!rc)
			rc = write_page(&r, output);
	}
	report_free(&r);
	return rc;
}

int cmd_report(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "trace", 1, 0, 't' }, { "output", 1, 0, 'o' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'v' }, { 0 },
	};
	const char *trace = NULL, *output = NULL;
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "o:", longs, NULL)) != -1)
		switch (c) {
		case 't': trace = optarg; break;
		case 'o': output = optarg; break;
		case 'h': fputs(help, stdout); return 0;
		case 'v': puts("opt4 " OPT4_VERSION); return 0;
		default: return usage("report: %s is no option of it or wants a value; see opt4 report --help", argv[optind - 1]);
		}
	if (!output)
		return usage("report: where to?; give -o report.html");
	if (argc - optind > 1)
		return usage("report: one session or file at a time; see opt4 report --help");
	return report(argv[optind], trace, output);
}
