/* svg.c - a plan as a line chart: one line a policy over the size of the cache. Colours tell apart
 * for the colour-blind too (Okabe and Ito), and follow the reader's light or dark setting. */
#include "plan.h"

#define LEFT 70
#define WIDE 520
#define HIGH 300
#define PANEL 400                 /* height of a panel with its title and axis */

static const char *const colour[PLAN_POLICIES] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
};

typedef double value(const struct plan_cell *);

static double hit_ratio(const struct plan_cell *c)
{
	return c->total.accesses ? (double)c->total.hits / (double)c->total.accesses : 0;
}

static double seconds(const struct plan_cell *c)
{
	return c->seconds;
}

/* The least of 1, 2, 5 times a power of ten that is at least v. */
static double nice_step(double v)
{
	double step = 1e-9;

	while (step * 10 < v)
		step *= 10;
	return v <= step ? step : v <= step * 2 ? step * 2 : v <= step * 5 ? step * 5 : step * 10;
}

static uint64_t largest(const struct plan *p)
{
	uint64_t most = 1;

	for (unsigned k = 0; k < p->nsizes; k++)
		if (p->sizes[k] > most)
			most = p->sizes[k];
	return most;
}

static void axes(const struct plan *p, FILE *out, double y0, double top, double step, const char *unit)
{
	double whole = p->dataset ? (double)p->dataset : 1, wide = (double)largest(p) / whole;
	double xstep = nice_step(wide / 6);
	char buf[16];

	for (int i = 0; i * step <= top * 1.0001; i++) {
		double v = i * step, y = y0 + HIGH - v / top * HIGH;

		fprintf(out, "<path class=\"grid\" d=\"M%d %.1fh%d\"/><text x=\"%d\" y=\"%.1f\" "
			"text-anchor=\"end\">%g%s</text>\n", LEFT, y, WIDE, LEFT - 8, y + 4, v, unit);
	}
	for (int i = 0; i * xstep <= wide * 1.0001; i++) {
		double v = i * xstep, x = LEFT + v / wide * WIDE;

		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g %%</text>"
			"<text class=\"faint\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
			x, y0 + HIGH + 18, v * 100, x, y0 + HIGH + 33, plan_size_text(v * whole, buf));
	}
	fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">size of the cache, "
		"of the dataset</text>\n", LEFT + WIDE / 2, y0 + HIGH + 52);
}

static void line(const struct plan *p, FILE *out, unsigned i, double y0, double top, value *of)
{
	uint64_t last = 0, most = largest(p);
	bool started = false;

	/* On shuffled epochs keep lies exactly under opt: broad, so that both are seen. */
	const char *class = p->policies[i] == &policy_keep ? "line broad" : "line";

	fprintf(out, "<g stroke=\"%s\" fill=\"%s\"><path class=\"%s\" d=\"", colour[i], colour[i], class);
	for (unsigned n = 0; n < p->nsizes; n++) {        /* by rising size, however they were given */
		unsigned best = p->nsizes;

		for (unsigned k = 0; k < p->nsizes; k++)
			if ((!started || p->sizes[k] > last) && (best == p->nsizes || p->sizes[k] < p->sizes[best]))
				best = k;
		if (best == p->nsizes)
			break;
		last = p->sizes[best];
		fprintf(out, "%c%.1f %.1f", started ? 'L' : 'M', LEFT + (double)last / (double)most * WIDE,
			y0 + HIGH - of(plan_at(p, i, best)) / top * HIGH);
		started = true;
	}
	fprintf(out, "\"/>\n");
	for (unsigned k = 0; k < p->nsizes; k++) {
		double v = of(plan_at(p, i, k));
		char buf[16];

		fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\"><title>%s, %s: %g</title></circle>\n",
			LEFT + (double)p->sizes[k] / (double)most * WIDE, y0 + HIGH - v / top * HIGH,
			p->policies[i]->name, plan_size_text((double)p->sizes[k], buf), v);
	}
	fprintf(out, "</g>\n<path stroke=\"%s\" class=\"%s\" d=\"M%d %.1fh22\"/><text x=\"%d\" y=\"%.1f\">%s"
		"</text>\n", colour[i], class, LEFT + WIDE + 20, y0 + 10 + 20 * i, LEFT + WIDE + 48, y0 + 14 + 20 * i,
		p->policies[i]->name);
}

static void panel(const struct plan *p, FILE *out, double y0, const char *title, value *of, double top,
		  double step, const char *unit)
{
	fprintf(out, "<text class=\"title\" x=\"%d\" y=\"%.1f\">%s</text>\n", LEFT, y0 - 14, title);
	axes(p, out, y0, top, step, unit);
	for (unsigned i = p->npolicies; i--; )            /* the first one on top */
		line(p, out, i, y0, top, of);
}

void plan_svg(const struct plan *p, FILE *out)
{
	bool model = plan_has_model(p);
	int high = PANEL * (model ? 2 : 1) + 20;

	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\"%d\" viewBox=\"0 0 720 %d\" "
		"role=\"img\" aria-label=\"opt4 plan\">\n<style>\n"
		"svg{background:#fff;font:13px system-ui,sans-serif}text{fill:#222}.title{font-weight:600;font-size:15px}"
		".faint{fill:#777;font-size:11px}.grid{stroke:#ddd;fill:none}.line{fill:none;stroke-width:2}"
		".broad{stroke-width:7;opacity:.6}circle{stroke:none}.bound{stroke:#777;stroke-dasharray:5 4;fill:none}\n"
		"@media (prefers-color-scheme:dark){svg{background:#16181c}text{fill:#e4e4e4}.faint{fill:#999}"
		".grid{stroke:#33363c}}\n</style>\n", high, high);
	panel(p, out, 50, "Hit ratio", hit_ratio, 1, .2, "");
	if (model) {
		double most = p->store.epoch_compute, y0 = 50 + PANEL, step;

		for (unsigned i = 0; i < p->npolicies * p->nsizes; i++)
			if (p->cells[i].seconds > most)
				most = p->cells[i].seconds;
		step = nice_step((most > 0 ? most : 1) / 6);
		double top = step;
		while (top < most)
			top += step;
		panel(p, out, y0, "Seconds of a later epoch, read ahead of the job", seconds, top, step, " s");
		if (p->store.epoch_compute > 0) {
			double y = y0 + HIGH - p->store.epoch_compute / top * HIGH;

			/* The label stands below: no epoch is shorter than its computing. */
			fprintf(out, "<path class=\"bound\" d=\"M%d %.1fh%d\"/><text class=\"faint\" x=\"%d\" "
				"y=\"%.1f\" text-anchor=\"end\">computing</text>\n", LEFT, y, WIDE, LEFT + WIDE, y + 16);
		}
	}
	fputs("</svg>\n", out);
}
