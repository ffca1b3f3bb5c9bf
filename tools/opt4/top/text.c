/* text.c - a frame as text. */
#include "frame.h"


#include "../../../preload/session/keeper.h"
#include "../common/common.h"

#include <string.h>

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

/* [####....] of n columns between the brackets. */
static void bar(FILE *out, double part, int n)
{
	int full = part >= 1 ? n : part > 0 ? (int)(part * n) : 0;

	fputc('[', out);
	for (int i = 0; i < n; i++)
		fputc(i < full ? '#' : '.', out);
	fputc(']', out);
}

/* Part of what happened between the two frames; of everything when nothing did. */
static double now(uint64_t part, uint64_t part0, uint64_t whole, uint64_t whole0)
{
	return whole > whole0 && part >= part0 ? ratio(part - part0, whole - whole0) : 0;
}

static void plan(const struct top_frame *f, const struct top_plan *p, int width, FILE *out)
{
	double per = p->per_batch > 0 ? p->per_batch : 1;
	char name[4096];

	if (p->live && p->ended)
		return;
	if (!p->followed && !p->live) {
		fprintf(out, "epoch     not begun   %s\n", name_text(name, p->path));
		return;
	}
	if (p->live)               /* learned from the loader: how many will follow is not known */
		fprintf(out, "epoch     %llu begun  ", (unsigned long long)f->live_epochs);
	else
		fprintf(out, "epoch     %u of 0 to %u  ", p->epoch, p->last_epoch);
	bar(out, p->epoch_part, width > 78 ? 30 : 12);
	fprintf(out, "  %.1f %%   batch %u of %u\n", 100 * p->epoch_part, p->batch, p->nbatches);
	fprintf(out, "position  %llu of %llu   ahead %llu%s batches   as traced %.1f %%%s\n", (unsigned long long)p->position,
		(unsigned long long)p->positions, (unsigned long long)((double)p->ahead / per), p->ahead_more ? "+" : "",
		100 * ratio(p->matched, p->matched + p->diverged), p->gate_shut ? ", gate shut" : "");
}

static void workers(const struct top_frame *f, const struct top_frame *before, double seconds, FILE *out)
{
	fprintf(out, "\n%6s %8s %10s %7s %9s %6s %9s %14s\n", "WORKER", "PID", "ACCESSES", "HITS", "FILES/S", "EPOCH", "BATCH",
		"BATCHES BEHIND");
	for (uint32_t i = 0, b = 0; i < f->nworkers; i++) {
		const struct top_worker *w = &f->workers[i];
		uint64_t was = 0;

		while (b < before->nworkers && before->workers[b].slot < w->slot)
			b++;
		if (b < before->nworkers && before->workers[b].slot == w->slot && before->workers[b].pid == w->pid)
			was = before->workers[b].accesses;
		fprintf(out, "%6u %8u %10llu %5.1f %% %9.1f", w->slot, w->pid, (unsigned long long)w->accesses,
			100 * ratio(w->hits, w->accesses), seconds > 0 && w->accesses > was ? (double)(w->accesses - was) / seconds : 0);
		if (w->placed) {
			double per = f->plans[w->plan - 1].per_batch;

			if (f->plans[w->plan - 1].live)
				fprintf(out, " %6s", "-");
			else
				fprintf(out, " %6u", w->epoch);
			fprintf(out, " %9u %14.0f\n", w->batch, (double)w->behind / (per > 0 ? per : 1));
		} else {
			fprintf(out, " %6s %9s %14s\n", "-", "-", w->plan ? "lost" : "no order");
		}
	}
}

/* Up to so many servers each get a line; of more those that are dead. */
#define SERVERS 8u

static void pool(const struct top_frame *f, const struct top_frame *before, double per, FILE *out)
{
	const struct pool_counters *n = &f->pool_n, *o = &before->pool_n;
	char a[16], b[16], name[4096];
	uint32_t alive = 0;

	for (uint32_t i = 0; i < f->npool; i++)
		alive += f->pool[i].alive != 0;
	fprintf(out, "pool      %u of %u servers   gave %.1f MB/s, %s so far   took %s   late %llu   refused %llu\n", alive, f->npool,
		(double)(n->hit_bytes - o->hit_bytes) / 1e6 * per, size_text(a, n->hit_bytes), size_text(b, n->set_bytes),
		(unsigned long long)n->hedged, (unsigned long long)n->refused);
	for (uint32_t i = 0; i < f->npool; i++) {
		const struct pool_server *s = &f->pool[i];

		if (f->npool > SERVERS && s->alive)
			continue;
		fprintf(out, "          %-24s ", name_text(name, s->address));
		if (!s->alive) {
			fputs("dead\n", out);
			continue;
		}
		bar(out, ratio(s->bytes, s->limit_bytes), 12);
		fprintf(out, "  %s of %s   %llu values%s\n", size_text(a, s->bytes), size_text(b, s->limit_bytes), (unsigned long long)s->items,
			s->full ? "   full" : "");
	}
}

void top_text(const struct top_frame *f, const struct top_frame *before, int width, FILE *out)
{
	const struct counters *n = &f->n, *o = &before->n;
	double seconds = (double)(f->at_ns - before->at_ns) / 1e9, per = seconds > 0 ? 1 / seconds : 0;
	char a[16], b[16], c[16], name[4096];

	fprintf(out, "session   %s%s\n", name_text(name, f->session), f->live ? "" : "  (its jobs are gone)");
	fprintf(out, "root      %s\n", name_text(name, f->root));
	fprintf(out, "policy    %s   jobs %u   processes %u\n", f->policy, f->jobs, f->clients);
	if (*f->advice)
		fprintf(out, "advice    %s\n", name_text(name, f->advice));
	for (uint32_t i = 0; i < f->nplans; i++)
		plan(f, &f->plans[i], width, out);
	fprintf(out, "hits      now %.1f %%   so far %.1f %%   late %.1f %%   reuse %.1f %%   waiting %.2f s a second\n",
		100 * now(n->hits, o->hits, n->accesses, o->accesses), 100 * ratio(n->hits, n->accesses),
		100 * ratio(n->late, n->accesses), n->accesses ? 100 - 100 * ratio(session_reads(), n->accesses) : 0.0,
		(double)(n->wait_ns - o->wait_ns) / 1e9 * per);
	fprintf(out, "store     %.1f MB/s   %.1f files/s   so far %s   asked for %.1f files/s\n",
		(double)(n->origin_bytes - o->origin_bytes) / 1e6 * per, (double)(n->origin_opens - o->origin_opens) * per,
		size_text(a, n->origin_bytes), (double)(n->accesses - o->accesses) * per);
	fputs("cache     ", out);
	bar(out, ratio(f->used_bytes + f->lingering_bytes, f->budget_bytes), width > 78 ? 30 : 12);
	fprintf(out, "  %s of %s", size_text(a, f->used_bytes), size_text(b, f->budget_bytes));
	if (f->lingering_bytes)
		fprintf(out, ", lingering %s", size_text(c, f->lingering_bytes));
	fprintf(out, "   %u of %u files\n", f->resident, f->files);
	if (f->has_ssd) {
		fputs("ssd       ", out);
		bar(out, ratio(f->ssd_used_bytes, f->ssd_budget_bytes), width > 78 ? 30 : 12);
		fprintf(out, "  %s of %s   %u files, written %.1f MB/s\n", size_text(a, f->ssd_used_bytes), size_text(b, f->ssd_budget_bytes), f->ssd_resident,
			f->ssd_written_bytes > before->ssd_written_bytes ? (double)(f->ssd_written_bytes - before->ssd_written_bytes) / 1e6 * per : 0.0);
	}
	if (f->npool)
		pool(f, before, per, out);
	if (n->prefetched)
		fprintf(out, "prefetch  %llu files, %s   wasted %.1f %%\n", (unsigned long long)n->prefetched,
			size_text(a, n->prefetched_bytes), 100 * ratio(n->prefetch_wasted, n->prefetched));
	if (n->errors || n->lock_timeouts)
		fprintf(out, "trouble   %llu errors, %llu lock timeouts; opt4 stat shows the messages\n", (unsigned long long)n->errors,
			(unsigned long long)n->lock_timeouts);
	workers(f, before, seconds, out);
}
