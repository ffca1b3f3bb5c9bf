"""picture.py: README's picture, light and dark, from the epoch bench's table: seconds beside what is possible at all.

Called by readme.py with the table's text, as bench/epoch printed it, so that picture and page say the same."""
import re

LOOKS = {"light": {"paper": "#ffffff", "ink": "#1f2328", "soft": "#59636e", "line": "#d1d9e0", "bar": "#8c959f", "ours": "#0072b2", "bound": "#d55e00"},
         "dark": {"paper": "#0d1117", "ink": "#f0f6fc", "soft": "#9198a1", "line": "#3d444d", "bar": "#656c76", "ours": "#56b4e9", "bound": "#f0a35e"}}
NAMES = {"plain": "page cache", "demand": "opt4 without prefetch", "keep": "a fixed part kept", "live": "opt4", "opt4": "opt4, with a trace"}
WIDE, LEFT, RIGHT, BAR, STEP, HEAD = 800, 190, 70, 18, 27, 58


def rows(text, part):
    """The rows of one part of the bench's first tables, each {column: number}; `-` is left out."""
    found = re.search(r"^\(%s\) [^\n]*\n\n([^\n]*)\n((?:[^\n]+\n)+)" % part, text + "\n", re.M)
    if not found:
        return []
    names = found.group(1).split()
    out = []
    for line in found.group(2).splitlines():
        values = line.split()
        kind = next((v for v in values if v in ("bytes", "decoded")), None)
        values = [v for v in values if v != kind]
        out.append({n: float(v) for n, v in zip(names, values) if v != "-"})
        out[-1]["kind"] = kind
    return out


def panel(look, top, title, note, bars, mark, what):
    """One panel: bars [(contestant, seconds)], a line at `mark` seconds. Returns (svg, height)."""
    scale = (WIDE - LEFT - RIGHT) / max([s for _, s in bars] + [mark])
    s = '<text x="16" y="%d" class="title">%s</text><text x="16" y="%d" class="note">%s</text>' % (top + 22, title, top + 41, note)
    y = top + HEAD
    for who, seconds in bars:
        ours = who in ("live", "opt4")
        s += '<text x="%d" y="%d" class="%s" text-anchor="end">%s</text>' % (LEFT - 10, y + 14, "name ours" if ours else "name", NAMES[who])
        s += '<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>' % (LEFT, y, seconds * scale, BAR, look["ours" if ours else "bar"])
        inside = (seconds - mark) * scale < 60 and abs(seconds - mark) * scale < 60
        at = max(seconds, mark if inside else 0) * scale
        s += '<text x="%.1f" y="%d" class="value">%.1f s</text>' % (LEFT + at + 7, y + 14, seconds)
        y += STEP
    x = LEFT + mark * scale
    s += '<path d="M%.1f %dV%d" stroke="%s" stroke-width="2" stroke-dasharray="5 3"/>' % (x, top + HEAD - 6, y - 2, look["bound"])
    s += '<text x="%.1f" y="%d" class="bound" text-anchor="middle">%s: %.1f s</text>' % (x, y + 13, what, mark)
    return s, y + 26 - top


def draw(text, name):
    """The picture (svg) of a table's text in one of the LOOKS; None where the table has no such rows."""
    look = LOOKS[name]
    device = [r for r in rows(text, "a") if r.get("c") == .5]
    slow = [r for r in rows(text, "b") if r["kind"] == "decoded"]
    body, high = "", 4
    if device:
        r = device[-1]
        part, tall = panel(look, high, "A store that is short of bandwidth", "Seconds an epoch, from the second on; half of the dataset fits into memory.",
                           [(w, r[w]) for w in ("plain", "demand", "keep", "live", "opt4") if w in r], r["bound"],
                           "what Belady's cache must read, at the store's bandwidth")
        body, high = body + part, high + tall
    if slow:
        r = slow[-1]
        part, tall = panel(look, high, "A store that takes 10 ms a file", "Seconds for two epochs, the first one cold; JPEG files are decoded; "
                           "half of the dataset fits into memory.", [(w, r[w]) for w in ("plain", "live", "opt4") if w in r], r["hot"],
                           "all files in memory from the start")
        body, high = body + part, high + tall
    if not body:
        return None
    style = ("text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:%(ink)s}"
             ".title{font-size:15px;font-weight:600}.note,.value{fill:%(soft)s}.ours{font-weight:600;fill:%(ours)s}.bound{fill:%(bound)s;font-size:12px}") % look
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
            'aria-label="Seconds of training epochs through the page cache and through opt4, beside the bound"><style>%s</style>'
            '<rect width="100%%" height="100%%" fill="%s"/>%s</svg>\n') % (WIDE, high, WIDE, high, style, look["paper"], body)
