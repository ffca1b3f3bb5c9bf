/* read.c - the statistics that a report is about. */
#include "page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A count from a file that people may edit: what is no count is 0. */
static uint64_t count(const struct json *v, const char *key)
{
	double n = json_number(v, key);

	return n > 0 && n < 1.8e19 ? (uint64_t)n : 0;
}

static int by_number(const void *a, const void *b)
{
	const struct report_epoch *x = a, *y = b;

	return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

static void epoch(struct report_epoch *to, const struct json *v)
{
	uint64_t n = count(v, "epoch");

	*to = (struct report_epoch){
		.epoch = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX,
		.accesses = count(v, "accesses"), .hits = count(v, "hits"), .late = count(v, "late"),
		.misses = count(v, "misses"), .origin_bytes = count(v, "origin_bytes"),
		.wait_ns = count(v, "wait_ns"),
		.reuse = json_number(v, "reuse_ratio"), .seconds = json_number(v, "seconds"),
	};
}

int report_read(struct report *r, struct json *stats, char err[256])
{
	const struct json *list = json_get(stats, "epochs"), *budget = json_get(stats, "budget_bytes");
	uint32_t n = 0;

	r->stats = stats;
	if (!list || list->type != JSON_ARRAY || !budget || budget->type != JSON_NUMBER) {
		snprintf(err, 256, "not a session's statistics (no epochs, no budget_bytes)");
		return -EINVAL;
	}
	r->policy = json_text(stats, "policy");
	r->budget = count(stats, "budget_bytes");
	const struct json *tiers = json_get(stats, "tiers");
	for (const struct json *t = tiers ? tiers->child : NULL; t; t = t->next)
		if (!strcmp(json_text(t, "tier"), "ssd"))  /* one decision over both */
			r->budget += count(t, "budget_bytes");
	r->maxfile = count(stats, "maxfile_bytes");
	r->dataset = count(stats, "dataset_bytes");
	for (const struct json *v = list->child; v; v = v->next)
		n++;
	r->epochs = calloc((size_t)n + 1, sizeof(*r->epochs));
	if (!r->epochs) {
		snprintf(err, 256, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (const struct json *v = list->child; v; v = v->next)
		if (count(v, "accesses"))
			epoch(&r->epochs[r->nepochs++], v);
	qsort(r->epochs, r->nepochs, sizeof(*r->epochs), by_number);
	return 0;
}

void report_free(struct report *r)
{
	if (r->plan.trace.h)
		trace_close(&r->plan.trace);
	free(r->plan.cells);
	free(r->plan.epoch_end);
	free(r->next);
	free(r->epochs);
	json_free(r->stats);
}
