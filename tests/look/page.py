"""page.py REPORT.html [EXPRESSION]: takes a report apart and checks that it is one well-formed, self-contained
page; prints the expression over `page`:

page["epochs"]: {epoch: {column: text}} of the table by epoch; page["facts"]: {name: value} of the lists and
tiles; page["text"]: all of the text; page["late"]: rows of the late files; page["titles"]: of the charts."""
import html.parser
import re
import sys

VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.text, self.tables, self.titles, self.facts = [], [], [], [], {}
        self.term, self.ids = None, []

    def handle_starttag(self, tag, attrs):
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "base", "form"), "<%s> in the page" % tag
        for name, v in attrs:
            assert not name.startswith("on") and name not in ("src", "href", "xlink:href"), "%s in the page" % name
            if name in ("d", "x", "y", "cx", "cy", "width", "height"):
                assert not re.search("nan|inf", v or "", re.I), "%s=%s in a chart" % (name, v)
                assert name in ("d", "x", "y", "cx", "cy") or not v.startswith("-"), "negative %s" % name
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, "</%s> closes <%s>" % (tag, self.open[-1:])
        self.open.pop()

    def handle_data(self, data):
        where = self.open[-1] if self.open else ""
        if where == "style":
            assert "url(" not in data and "@import" not in data
            return
        self.text.append(data)
        if where in ("td", "th"):
            self.tables[-1][-1][-1] += data
        elif where == "h2":
            self.titles.append(data.strip())
        elif where == "dt":
            self.term = data
        elif where == "dd":
            self.facts[self.term] = data
        elif where == "b" and "div" in self.open[-2:]:
            self.term = data
        elif where == "div" and self.term and self.open[-2:-1] == ["div"]:
            self.facts[data.strip()] = self.term


def read(path):
    with open(path, "rb") as f:
        text = f.read().decode("utf-8").replace("\xa0", " ")     # strict: it must be valid
    assert text.startswith("<!DOCTYPE html>")
    assert "prefers-color-scheme:dark" in text and "@media print" in text
    p = Page()
    p.feed(text)
    p.close()
    assert not p.open, "not closed: %s" % p.open
    page = {"text": "".join(p.text), "titles": p.titles, "facts": p.facts, "epochs": {}, "late": []}
    for t in p.tables:
        if t[0][0] == "epoch":
            page["epochs"] = {int(r[0]): dict(zip(t[0], r)) for r in t[1:]}
        elif t[0] == ["file", "wait"]:
            page["late"] = t[1:]
    return page


if __name__ == "__main__":
    page = read(sys.argv[1])
    if len(sys.argv) > 2:
        print(eval(sys.argv[2]))
