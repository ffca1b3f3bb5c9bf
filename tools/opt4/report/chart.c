/* chart.c - the report's charts as inline SVG. */
#include "page.h"

#include <math.h>
#include <string.h>

#define MARKS_MAX 60               /* more points than that get no dots */

struct canvas {
	const struct report_chart *c;
	FILE *out;
	const char *kind;
	double w, h, left, right, top, bottom;   /* of the drawing; margins */
	double x0, x1, y1;                       /* domain: x0 .. x1, 0 .. y1 */
	double step;                             /* of the ticks in y */
	int labels;                              /* so many in x at most */
};

/* The least of 1, 2, 2.5, 5 times a power of ten that is at least v. */
static double nice_step(double v)
{
	double p = pow(10, floor(log10(v > 1e-12 ? v : 1e-12)));
	static const double steps[] = { 1, 2, 2.5, 5, 10 };

	for (unsigned i = 0; i < 5; i++)
		if (v <= p * steps[i] * 1.000001)
			return p * steps[i];
	return p * 10;
}

static double greatest(const struct report_chart *c)
{
	double most = c->here ? c->here_y : 0;

	for (unsigned s = 0; s < c->nseries; s++)
		for (uint32_t i = 0; i < c->n; i++)
			if (c->series[s].y[i] > most)
				most = c->series[s].y[i];
	return most;
}

/* The unit in which an axis up to `most` reads well. */
static double unit(const struct report_chart *c, double most, const char **name)
{
	static const char *const bytes[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double scale = 1;
	unsigned u = 0;

	switch (c->unit) {
	case REPORT_PERCENT:
		*name = "%";
		return .01;
	case REPORT_BYTES:
		for (; most >= scale * 1024 && u < 5; u++)
			scale *= 1024;
		*name = bytes[u];
		return scale;
	default:
		*name = most >= 7200 ? "h" : most >= 300 ? "min" : most >= 1 || most <= 0 ? "s" : "ms";
		return most >= 7200 ? 3600 : most >= 300 ? 60 : most >= 1 || most <= 0 ? 1 : 1e-3;
	}
}

static double px(const struct canvas *v, double x)
{
	return v->left + (x - v->x0) / (v->x1 - v->x0) * (v->w - v->left - v->right);
}

static double py(const struct canvas *v, double y)
{
	double part = y / v->y1;

	return v->h - v->bottom - (part < 0 ? 0 : part > 1 ? 1 : part) * (v->h - v->top - v->bottom);
}

static const char *value(const struct report_chart *c, char buf[32], double y)
{
	return c->unit == REPORT_PERCENT ? report_percent(buf, y) : c->unit == REPORT_BYTES ? report_bytes(buf, y)
		: report_seconds(buf, y);
}

static void axes(const struct canvas *v, double scale)
{
	const struct report_chart *c = v->c;

	for (int i = 0; i * v->step <= v->y1 * 1.0001; i++)
		fprintf(v->out, "<path class=\"%s\" d=\"M%.1f %.1fH%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
			"text-anchor=\"end\">%g</text>\n", i ? "rule" : "axis", v->left, py(v, i * v->step),
			v->w - v->right, v->left - 8, py(v, i * v->step) + 4, i * v->step / scale);
	double step = c->percent_x ? .2 : nice_step((v->x1 - v->x0) / v->labels);
	if (!c->percent_x && step < 1)
		step = 1;
	step = c->percent_x ? step : ceil(step);
	double first = ceil(v->x0 / step) * step + 0.0;   /* + 0.0: not -0 */
	for (int i = 0; first + i * step <= v->x1 * 1.0001; i++) {
		double x = first + i * step;

		fprintf(v->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g%s</text>\n", px(v, x),
			v->h - v->bottom + 18, c->percent_x ? x * 100 : x, c->percent_x ? " %" : "");
	}
	fprintf(v->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
		(v->left + v->w - v->right) / 2, v->h - 4, c->x_name);
}

static void line(const struct canvas *v, const struct report_series *s)
{
	bool pen = false;
	char buf[32];

	fprintf(v->out, "<path class=\"%s\" d=\"", s->style);
	for (uint32_t i = 0; i < v->c->n; i++) {
		if (isnan(s->y[i])) {
			pen = false;
			continue;
		}
		fprintf(v->out, "%c%.1f %.1f", pen ? 'L' : 'M', px(v, v->c->x[i]), py(v, s->y[i]));
		if (v->c->n == 1)          /* a line of one point would not be seen */
			fprintf(v->out, "m-14 0h28");
		pen = true;
	}
	fprintf(v->out, "\"><title>%s</title></path>\n", s->name);
	for (uint32_t i = 0; !strcmp(s->style, "job") && v->c->n <= MARKS_MAX && i < v->c->n; i++)
		if (!isnan(s->y[i]))
			fprintf(v->out, "<circle class=\"job\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"><title>%s %g: %s"
				"</title></circle>\n", px(v, v->c->x[i]), py(v, s->y[i]), v->c->x_name, v->c->x[i],
				value(v->c, buf, s->y[i]));
}

/* The first series' bars, and where the others would be: a mark across each bar. */
static void bars(const struct canvas *v)
{
	const struct report_chart *c = v->c;
	double slot = px(v, 1) - px(v, 0), wide = slot * (c->n > 30 ? .8 : .6);
	char a[32], b[32];

	if (wide > 56)
		wide = 56;
	for (uint32_t i = 0; i < c->n; i++) {
		double x = px(v, c->x[i]), y = py(v, c->series[0].y[i]);

		fprintf(v->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>%s %g: %s",
			c->series[0].style, x - wide / 2, y, wide, py(v, 0) - y, c->x_name, c->x[i],
			value(c, a, c->series[0].y[i]));
		for (unsigned s = 1; s < c->nseries; s++)
			fprintf(v->out, ", %s: %s", c->series[s].name, value(c, b, c->series[s].y[i]));
		fputs("</title></rect>\n", v->out);
		for (unsigned s = 1; s < c->nseries; s++) {
			double over = wide / 2 + (slot - wide) / 4;

			fprintf(v->out, "<path class=\"%s\" d=\"M%.1f %.1fh%.1f\"/>\n", c->series[s].style, x - over,
				py(v, c->series[s].y[i]), 2 * over);
		}
	}
}

static void here(const struct canvas *v)
{
	double x = px(v, v->c->here_x), y = py(v, v->c->here_y);
	bool left = x > v->left + (v->w - v->left - v->right) * .6;   /* curves rise: room is below right, above left */

	fprintf(v->out, "<path class=\"here\" d=\"M%.1f %.1fV%.1f\"/><circle class=\"here\" cx=\"%.1f\" cy=\"%.1f\" r=\"6\"/>"
		"<text class=\"you\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">you are here</text>\n", x, v->top,
		py(v, 0), x, y, x + (left ? -10 : 10), !left && y < py(v, 0) - 30 ? y + 22 : y < v->top + 20 ? y + 26 : y - 12,
		left ? "end" : "start");
}

static void draw(FILE *out, const struct report_chart *c, const char *kind, double w, double h, int labels)
{
	struct canvas v = { .c = c, .out = out, .kind = kind, .w = w, .h = h, .left = 48, .right = 12, .top = 12,
			    .bottom = 42, .labels = labels };
	const char *name;
	double most = greatest(c), scale = unit(c, most, &name);

	v.step = nice_step((most > 0 ? most : scale) / scale / 4) * scale;
	v.y1 = ceil(most / v.step - 1e-6) * v.step;
	if (v.y1 <= 0)
		v.y1 = v.step;
	v.x0 = c->percent_x ? 0 : c->x[0] - .5;
	v.x1 = c->percent_x ? 1 : c->x[c->n - 1] + .5;
	if (c->here && c->here_x > v.x1)
		v.x1 = c->here_x;
	fprintf(out, "<svg class=\"%s\" viewBox=\"0 0 %g %g\" role=\"img\" aria-label=\"%s\">\n", kind, w, h, c->title);
	axes(&v, scale);
	if (c->bars)
		bars(&v);
	for (unsigned s = c->nseries; !c->bars && s--; )   /* the first one on top */
		line(&v, &c->series[s]);
	if (c->here)
		here(&v);
	fputs("</svg>\n", out);
}

void report_chart(FILE *out, const struct report_chart *c)
{
	const char *name;

	unit(c, greatest(c), &name);
	fprintf(out, "<figure>\n<h2>%s <span class=\"soft\">(%s)</span></h2>\n", c->title, name);
	if (c->note)
		fprintf(out, "<p class=\"note\">%s</p>\n", c->note);
	if (c->nseries > 1) {
		fputs("<div class=\"legend\">", out);
		for (unsigned s = 0; s < c->nseries; s++)
			fprintf(out, c->bars && !s
				? "<span><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><rect class=\"%s\" x=\"6\" width=\"14\" "
				  "height=\"12\"/></svg>%s</span>"
				: "<span><svg viewBox=\"0 0 26 12\" aria-hidden=\"true\"><path class=\"%s\" d=\"M0 6h26\"/></svg>%s"
				  "</span>", c->series[s].style, c->series[s].name);
		fputs("</div>\n", out);
	}
	draw(out, c, "wide", 640, 290, 9);
	draw(out, c, "narrow", 340, 250, 5);
	fputs("</figure>\n", out);
}
