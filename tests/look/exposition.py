"""exposition.py FILE [METRIC]: is it Prometheus' text format? By prometheus_client's parser where Python has it, by
promtool where it is, and always by the format's own grammar. Prints a metric's one value, or all names."""
import re
import shutil
import subprocess
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(r"(%s)(?:\{(%s(?:,%s)*)\})? (\S+)" % (NAME, LABEL, LABEL))

with open(sys.argv[1], encoding="utf-8", newline="\n") as f:
    text = f.read()
assert text.endswith("\n")
types, helped, values, seen = {}, set(), {}, set()
for line in text[:-1].split("\n"):
    if line.startswith("# HELP "):
        helped.add(line.split(" ", 3)[2])
    elif line.startswith("# TYPE "):
        _, _, name, kind = line.split(" ")
        assert name not in types and kind in ("counter", "gauge"), line
        types[name] = kind
    else:
        m = SAMPLE.fullmatch(line)
        assert m, "no sample: %r" % line
        name, labels = m[1], m[2]
        assert name in types and name in helped, "no TYPE or HELP before %r" % line
        assert list(types)[-1] == name, "%s is not in one group" % name
        assert (types[name] == "counter") == name.endswith("_total"), line
        assert (name, labels) not in seen, "twice: %r" % line
        seen.add((name, labels))
        values.setdefault(name, []).append(float(m[3]))
try:
    from prometheus_client.parser import text_string_to_metric_families
except ImportError:
    pass
else:
    got = {s.name: s.value for family in text_string_to_metric_families(text) for s in family.samples}
    assert set(got) == set(values), set(got) ^ set(values)
if len(sys.argv) == 2 and shutil.which("promtool"):
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
if len(sys.argv) > 2:
    assert len(values[sys.argv[2]]) == 1
    print("%d" % values[sys.argv[2]][0])
else:
    print("\n".join(sorted(values)))
