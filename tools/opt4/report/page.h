/* page.h - what goes on the page, and how. */
#ifndef OPT4_REPORT_PAGE_H
#define OPT4_REPORT_PAGE_H

#include "../common/common.h"
#include "../plan/plan.h"

#include <stdio.h>

enum { REPORT_OPT, REPORT_KEEP, REPORT_LRU, REPORT_POLICIES };

struct report_epoch {
	uint32_t epoch;                   /* its number in the trace */
	uint64_t accesses, hits, late, misses, origin_bytes, wait_ns;
	double reuse, seconds;
	struct sim_count sim[REPORT_POLICIES];  /* the same epoch under these; see report.simulated */
};

struct report {
	struct json *stats;
	const char *policy;
	uint64_t budget, maxfile, dataset;  /* bytes; 0 = not said */
	struct report_epoch *epochs;
	uint32_t nepochs;

	bool simulated;                   /* plan and epochs[].sim hold the order and what it would have been */
	char why_not[512];                /* else: why there is nothing to compare with */
	struct plan plan;                 /* each policy at a sweep of sizes, over what the job ran of its trace */
	uint32_t *next;                   /* plan.in.next where it had to be made anew, to be freed */
	bool partial;                     /* the job left its last epoch early: so does the comparison */
};

/* Takes the statistics apart. Returns 0, or -EINVAL with the reason in err. r->stats is r's from then on. */
int report_read(struct report *r, struct json *stats, char err[256]);

/* Simulates opt, keep and lru on the trace, over the epochs that the job ran and at its cache's size.
 * Returns 0; or a negative errno with the reason in r->why_not: then the page says that. */
int report_simulate(struct report *r, const char *trace);

void report_page(const struct report *r, FILE *out);
void report_free(struct report *r);

/* ---- charts ---- */
struct report_series {
	const char *name, *style;         /* style: the CSS class that colours it */
	const double *y;                  /* [n] beside chart.x; NAN leaves a gap */
};

struct report_chart {
	const char *title, *note;         /* note: a sentence below the title (HTML), or NULL */
	const char *x_name;
	const double *x;
	uint32_t n;
	bool bars;                        /* the first series as bars, the others as marks across them */
	bool percent_x;
	enum { REPORT_PERCENT, REPORT_BYTES, REPORT_SECONDS } unit;
	struct report_series series[4];
	unsigned nseries;
	bool here;                        /* a mark "you are here" at (here_x, here_y) */
	double here_x, here_y;
};

/* A <figure>: title, legend and the chart twice, drawn for wide and for narrow screens (the style shows one). */
void report_chart(FILE *out, const struct report_chart *c);

/* ---- HTML ---- */
extern const char report_style[];
/* Text with & < > " escaped; bytes that are no UTF-8 as U+FFFD. */
void report_text(FILE *out, const char *s);
/* "12.3 MiB", "1.2 s", "38.2 %", "12,345" into buf, with a no-break space before the unit. Returns buf. */
char *report_bytes(char buf[32], double bytes);
char *report_seconds(char buf[32], double s);
char *report_percent(char buf[32], double part);
char *report_count(char buf[32], double n);

#endif
