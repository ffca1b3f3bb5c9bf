"""browser.py CHROMIUM REPORT.html: lays the page out in a real browser at both widths and in both colour schemes, and
checks that nothing sticks out, that the drawing made for that width is the one shown, and that text can be read."""
import json
import os
import re
import subprocess
import sys
import tempfile

OUTER = """<iframe id="f" src="file://%s" style="width:%dpx;height:4000px;border:0"></iframe><pre id="out"></pre><script>
f.onload = () => {
  const d = f.contentDocument, w = f.contentWindow, seen = e => w.getComputedStyle(e).display != "none";
  const kinds = k => [...d.querySelectorAll("svg." + k)].filter(seen).length;
  const out = [...d.querySelectorAll("body *")].filter(e => !e.closest(".scroll") && !e.closest("svg") &&
    e.getBoundingClientRect().right > %d + .5).map(e => e.tagName + "." + e.className);
  const cut = [...d.querySelectorAll("svg." + (%d > 600 ? "wide" : "narrow") + " text")].filter(t => {
    const r = t.getBoundingClientRect(), s = t.ownerSVGElement.closest("figure").getBoundingClientRect();
    return r.left < s.left || r.right > s.right; }).map(t => t.textContent);
  const small = [...d.querySelectorAll("svg text")].filter(t => seen(t.ownerSVGElement)).map(t =>
    t.getBoundingClientRect().height);
  document.getElementById("out").textContent = "RESULT" + JSON.stringify({
    page: d.scrollingElement.scrollWidth, wide: kinds("wide"), narrow: kinds("narrow"), out, cut,
    least: Math.min(...small), text: w.getComputedStyle(d.body).color, back: w.getComputedStyle(d.body).backgroundColor });
};
</script>"""


def luminance(color):
    v = [int(x) / 255 for x in re.findall(r"\d+", color)[:3]]
    v = [x / 12.92 if x <= .03928 else ((x + .055) / 1.055) ** 2.4 for x in v]
    return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]


def look(chromium, page, width, dark):
    with tempfile.TemporaryDirectory() as home:
        outer = os.path.join(home, "outer.html")
        with open(outer, "w") as f:
            f.write(OUTER % (os.path.abspath(page), width, width, width))
        scheme = ["--blink-settings=preferredColorScheme=%d" % (not dark)] + ["--force-dark-mode"] * dark
        dom = subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                              "--user-data-dir=" + home, "--window-size=1500,4200", "--virtual-time-budget=5000", *scheme,
                              "--dump-dom", "file://" + outer], capture_output=True, timeout=100).stdout.decode()
    m = re.search(r'<pre id="out">RESULT(\{.*?\})</pre>', dom, re.S)
    assert m, "the browser measured nothing: %r" % dom[:2000]
    return json.loads(m[1])


for width in 400, 1400:
    back = {}
    for dark in False, True:
        r = look(sys.argv[1], sys.argv[2], width, dark)
        assert r["page"] <= width and not r["out"], "sticks out at %d: %s" % (width, r)
        assert not r["cut"], "cut off at %d: %s" % (width, r["cut"])
        assert (r["wide"] > 0) == (width > 600) and (r["narrow"] > 0) == (width < 600), r
        assert r["least"] >= 10, "text of %.1f px at %d" % (r["least"], width)
        light = sorted((luminance(r["text"]), luminance(r["back"])))
        assert (light[1] + .05) / (light[0] + .05) >= 7, r
        back[dark] = luminance(r["back"])
    assert back[True] < .1 < .8 < back[False], back
print("400 and 1400 px, light and dark: all fits")
