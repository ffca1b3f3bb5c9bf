/* html.c - the page's style, and text and numbers as HTML. */
#include "page.h"

#include <string.h>

#define NBSP "\xC2\xA0"           /* a number and its unit stay on one line */

/* Line styles differ by width, dash and mark as well as colour: on grey paper too they are told apart. */
const char report_style[] =
":root{color-scheme:light dark;--page:#fafaf8;--card:#fff;--ink:#1c1f23;--soft:#5b626b;--line:#dcdfe3;"
"--job:#c2410c;--opt:#5aa2dc;--keep:#00754f;--lru:#8a3f9a;--bar:#e9a27c}\n"
"@media(prefers-color-scheme:dark){:root{--page:#15171a;--card:#1e2125;--ink:#e8e9eb;--soft:#a3aab3;--line:#363b42;"
"--job:#ff9a62;--opt:#4f97d6;--keep:#4cc79c;--lru:#d193e0;--bar:#a85f39}}\n"
"*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);"
"font:16px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
"main{max-width:1400px;margin:0 auto;padding:24px clamp(12px,3vw,40px) 48px}\n"
"h1{font-size:1.5rem;margin:0 0 4px}h2{font-size:1.06rem;margin:0 0 2px}p{margin:0 0 8px}\n"
".soft,.note{color:var(--soft)}.note{font-size:.875rem}.path{overflow-wrap:anywhere}\n"
".verdict{font-size:1.12rem;max-width:62em;margin:14px 0 18px}\n"
".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,158px),1fr));gap:12px;margin:0 0 16px}\n"
".tile,figure,section{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:0}\n"
".tile b{display:block;font-size:1.5rem;line-height:1.25;font-weight:600}.tile{font-size:.875rem;color:var(--soft)}"
".tile b{color:var(--ink)}\n"
".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,520px),1fr));gap:16px;align-items:stretch}"
".grid>*{min-width:0}\n"
"svg{display:block;width:100%;height:auto;margin-top:8px;overflow:visible}svg.narrow{display:none}\n"
"svg text{fill:var(--soft);font:12px system-ui,\"DejaVu Sans\",sans-serif}.rule{stroke:var(--line);fill:none}"
".axis{stroke:var(--soft);fill:none}\n"
".legend{display:flex;flex-wrap:wrap;gap:2px 16px;font-size:.875rem;margin-top:6px}"
".legend span{display:inline-flex;align-items:center;gap:6px}.legend svg{width:26px;height:12px;margin:0}\n"
"path.job,path.opt,path.keep,path.lru{fill:none;stroke-linejoin:round}\n"
"path.job{stroke:var(--job);stroke-width:2}circle.job{fill:var(--job)}path.opt{stroke:var(--opt);stroke-width:6;stroke-opacity:.55}\n"
"path.keep{stroke:var(--keep);stroke-width:2;stroke-dasharray:7 4}path.lru{stroke:var(--lru);stroke-width:2;"
"stroke-dasharray:2 3}\n"
"rect.job{fill:var(--bar)}path.mark{stroke:var(--ink);stroke-width:2.5;stroke-opacity:1;stroke-dasharray:none}\n"
".here{stroke:var(--ink);stroke-width:1;stroke-dasharray:3 3;fill:none}circle.here{fill:var(--job);stroke:var(--card);"
"stroke-width:2;stroke-dasharray:none}svg text.you{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:4px}\n"
"table{border-collapse:collapse;width:100%;font-size:.875rem;font-variant-numeric:tabular-nums;margin-top:6px}"
"th,td{text-align:right;padding:3px 8px;white-space:nowrap;border-bottom:1px solid var(--line)}th{font-weight:600;color:var(--soft)}"
"th:first-child,td:first-child{text-align:left;padding-left:0}th:last-child,td:last-child{padding-right:0}\n"
"td.path{white-space:normal}.scroll{overflow-x:auto}.whole{grid-column:1/-1}.stack{display:grid;gap:16px;align-content:start}.late{align-self:start}dl{display:grid;grid-template-columns:1fr auto;gap:2px 16px;margin:6px 0 0;"
"font-size:.9375rem}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums}\n"
"@media(max-width:600px){svg.wide{display:none}svg.narrow{display:block}body{font-size:15px}"
".tiles{grid-template-columns:1fr 1fr}.tile:last-child:nth-child(odd){grid-column:1/-1}.tile,figure,section{padding:12px}.tile b{font-size:1.25rem}}\n"
"@media print{@page{margin:14mm}:root{color-scheme:light;--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;"
"--job:#c2410c;--opt:#5aa2dc;--keep:#00754f;--lru:#8a3f9a;--bar:#e9a27c}body{font-size:10.5pt;print-color-adjust:exact;"
"-webkit-print-color-adjust:exact}main{padding:0 1px}.grid,.stack{display:block}.grid>*,.stack>*{margin-bottom:12px}figure,section,.tile,tr"
"{break-inside:avoid}section.long{break-inside:auto}.tiles{grid-template-columns:repeat(5,1fr)}.tile{padding:8px}"
"table{font-size:7.5pt}th,td{padding:2px 3px}th{white-space:normal}.tile b{font-size:1.1rem}svg.wide{display:block;max-height:64mm}svg.narrow{display:none}.legend svg{max-height:none}.scroll{overflow:visible}}\n";

/* Length of the valid UTF-8 sequence at s, 0 if it is none. */
static size_t utf8(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : (s[0] & 0xF0) == 0xE0 ? 3
		: s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : 0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xC0) != 0x80)
			return 0;
	if ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF0 && s[1] < 0x90)
	    || (s[0] == 0xF4 && s[1] > 0x8F))
		return 0;
	return n;
}

void report_text(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t n = utf8(s);

		if (*s == '&' || *s == '<' || *s == '>' || *s == '"')
			fprintf(out, "&#%d;", *s);
		else if (!n || *s < 0x20 || *s == 0x7F)
			fputs("\xEF\xBF\xBD", out);
		else
			fwrite(s, 1, n, out);
		s += n ? n : 1;
	}
}

char *report_bytes(char buf[32], double v)
{
	static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	unsigned u = 0;

	for (; v >= 1023.95 && u < 5; u++)
		v /= 1024;
	snprintf(buf, 32, u ? "%.1f" NBSP "%s" : "%.0f" NBSP "%s", v, unit[u]);
	return buf;
}

char *report_seconds(char buf[32], double s)
{
	if (s >= 7200)
		snprintf(buf, 32, "%.1f" NBSP "h", s / 3600);
	else if (s >= 120)
		snprintf(buf, 32, "%.1f" NBSP "min", s / 60);
	else if (s >= 1)
		snprintf(buf, 32, "%.1f" NBSP "s", s);
	else
		snprintf(buf, 32, s > 0 ? "%.1f" NBSP "ms" : "0" NBSP "s", s * 1e3);
	return buf;
}

char *report_percent(char buf[32], double part)
{
	snprintf(buf, 32, "%.1f" NBSP "%%", part * 100);
	return buf;
}

char *report_count(char buf[32], double n)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%.0f", n < 1e18 ? n : 1e18), to = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[to++] = ',';
		buf[to++] = digits[i];
	}
	buf[to] = 0;
	return buf;
}
