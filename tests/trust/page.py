#!/usr/bin/env python3
"""tests/TRUST.md from the results below build/trust: page.py BUILD > tests/TRUST.md. Only what a run has left there is
told; what was not run is said to be missing. page.py BUILD --only TITLE tests/TRUST.md: that section of the page is made anew
in its place, the rest stays."""
import datetime, json, os, re, subprocess, sys

build = sys.argv[1]
results = os.path.join(build, "trust")


def when(name):
    return datetime.date.fromtimestamp(os.path.getmtime(os.path.join(results, name))).isoformat()


def load(name):
    path = os.path.join(results, name)
    if not os.path.exists(path):
        return None
    with open(path) as f:
        return json.load(f) if name.endswith(".json") else [line.split() for line in f if line.strip()]


out = []
say = out.append
missing = []


def section(title, name, command):
    data = load(name)
    if data is None:
        missing.append(f"{title} (`{command}`)")
        return None
    say(f"\n## {title}\n\n`{command}`, {when(name)}.\n")
    return data


say("# Trust: what was run, and what came of it\n")
say("Made by `make trust-page` from the results of the runs (`make trust` does them all, about an hour). A *new failure* is one that")
say("the same test does not have without the library; such a test is tried again alone, both ways. *eager*: a library for which no")
say("file is too young to be cached, so that what tests write and read again at once comes from the cache; *churn*: that, with a")
say("cache of 256 KiB to 1 MiB and random eviction; *keeper*: under `opt4 run`. CPython runs import from a copy of the standard")
say("library that is a dataset root too: most of their hits are of its files.")

def new(variant, result):
    """Failures that plain does not have. Under own few modules read back what they wrote long ago: no access is none."""
    return len(result["not_run"]) + sum(1 for t in result["new_failures"] if variant != "own" or t != "(no access)")


suite = section("CPython's own tests", "cpython.json", "make test-suites SUITES=cpython")
if suite:
    variants = list(suite[0]["variants"])
    say("| module | tests | fail plain | " + " | ".join(f"{v}: new, hits, evicted" for v in variants) + " |")
    say("| --- | ---: | ---: |" + " ---: |" * len(variants))
    for r in suite:
        say(f"| {r['module']} | {r['tests']} | {len(r['plain_failures'])} | " + " | ".join(
            f"{new(v, x)}, {x['hits']}, {x['evictions']}" for v, x in r["variants"].items()) + " |")
    say(f"| **{len(suite)} modules** | **{sum(r['tests'] for r in suite)}** | {sum(len(r['plain_failures']) for r in suite)} | " + " | ".join(
        f"**{sum(new(v, r['variants'][v]) for r in suite)}**, "
        f"{sum(r['variants'][v]['hits'] for r in suite)}, {sum(r['variants'][v]['evictions'] for r in suite)}" for v in variants) + " |")
    unsteady = sorted({t for r in suite for t in r.get("unsteady", [])})
    if unsteady:
        say(f"\nFailed once, not when tried again alone: {', '.join(unsteady)}.")

suite = section("Pillow's tests", "pillow.json", "make test-suites SUITES=pillow")
if suite:
    say(f"{suite['tests']} tests, of which {len(suite['plain_failures'])} fail plain. " + "; ".join(
        f"{v}: {len(r['new_failures'])} new failures, {r['hits']} hits, {r['evictions']} evicted" for v, r in suite["variants"].items()) + ".")

suite = section("Everyday programs", "differ.json", "make test-suites SUITES=differ")
if suite:
    variants = [v for v in suite[0] if v != "tool"]
    say("The same output, exit status and tree of files as plain?\n")
    say("| program | " + " | ".join(f"{v}: same, hits, evicted" for v in variants) + " |")
    say("| --- |" + " ---: |" * len(variants))
    for r in suite:
        say(f"| {r['tool']} | " + " | ".join(f"{'yes' if r[v]['same'] else '**no**'}, {r[v]['hits']}, {r[v]['evictions']}" for v in variants) + " |")

for title, name, what in (("Faults in the library", "faults.txt", "each call of the library's, the nth of its name in turn, and every one of its own"),
                          ("Faults in the keeper", "keeper_faults.txt", "the 1st, 2nd, 5th and 20th call of a name, and every one")):
    table = section(title, name, "make faults")
    if table:
        calls = {}
        for call, error, tried, fired, found in table:
            calls.setdefault(call, []).append((error, int(tried), int(fired), int(found)))
        say(f"{what[0].upper() + what[1:]}; right bytes or the original's own error. "
            f"**{sum(int(r[2]) for r in table)} faults tried, {sum(int(r[3]) for r in table)} came to pass, {sum(int(r[4]) for r in table)} findings.**\n")
        say("| call | errno (tried) | findings |")
        say("| --- | --- | ---: |")
        for call, cells in calls.items():
            say(f"| {call} | " + ", ".join(f"{e} ({t})" for e, t, _, _ in cells) + f" | {sum(c[3] for c in cells)} |")

table = section("Fuzzing", "fuzz.txt", "make fuzz FUZZ_RUNS=10000000")
if table:
    say("libFuzzer, in memory: trace, path, index, parse and json make no system call an execution; session goes through real files.\n")
    say("| target | executions | seconds | findings | sanitizers |\n| --- | ---: | ---: | ---: | --- |")
    for target, n, seconds, found, *sanitizers in table:
        say(f"| {target} | {int(n):,} | {seconds} | {found} | {' '.join(sanitizers).replace(',', ', ')} |")

table = section("Kills", "kills.txt", "make test-long")
if table:
    say("kill -9 at random moments while others go on and new ones join. *Longest wait*: seconds of the slowest open and read by a process that was not")
    say("killed; *without opt4*: by one that reads the same files beside them, without the library. *Over budget*: of some billion looks at the charge.\n")
    say("| killed | workers | keepers | main | reads compared | wrong | longest wait | without opt4 | over budget |")
    say("| --- |" + " ---: |" * 8)
    for worker, keeper, main, reads, wrong, slowest, plain, over, *what in table:
        seconds = (f"{float(s):.3f}" if s != "-" else s for s in (slowest, plain))
        say(f"| {' '.join(what)} | {worker} | {keeper} | {main} | {int(reads):,} | {wrong} | " + " | ".join(seconds) + f" | {over} |")

table = section("Address and undefined behaviour sanitizers", "asan.txt", "make test-asan")
if table:
    say("| tests | passed | failed | skipped | reports |\n| --- | ---: | ---: | ---: | ---: |")
    for row in table:
        say("| " + " | ".join(row) + " |")
    say("| **all** | " + " | ".join(f"**{sum(int(row[i]) for row in table)}**" for i in range(1, 5)) + " |")

table = section("Thread sanitizer", "tsan.txt", "make test-tsan")
if table:
    say("Processes as threads of one, each with code and data of its own, that meet in the files which they map: eight workers that come")
    say("and go, and in *keeper* and *replay* all of opt4d's threads. *threads*: eight threads of one process. *live*: orders")
    say("published while workers follow the last; *replay*: by processes that the keeper starts. *opt4d*: the keeper itself, a real process.")
    say("*Reports*: beside those that tests/trust/tsan.supp explains.\n")
    say("| mode | accesses | wrong | hits | evictions | fetched ahead | orders | reports |")
    say("| --- |" + " ---: |" * 7)
    for mode, *figures in table:
        say(f"| {mode} | " + " | ".join(f"{int(n):,}" for n in figures) + " |")

table = section("Compilers' warnings and static analysis", "lint.txt", "make lint")
if table:
    say("-Wall -Wextra -Wconversion and what else the Makefile asks for; clang-tidy with the checks of .clang-tidy, the static analyser's among them.\n")
    say("| tool | version | files | findings |\n| --- | --- | ---: | ---: |")
    for row in table:
        say("| " + " | ".join(row) + " |")

table = section("Crashes and situations in the suite", "suite.txt", "make trust-suite")
if table:
    say("| tests | passed | failed |\n| --- | ---: | ---: |")
    for name, passed, failed in table:
        say(f"| {name} | {passed} | {failed} |")

table = section("Situations", "situations.json", "make trust-situations")
if table:
    say("What people do around a job: output and exit status once plain, and so many times under `opt4 run`. *left*: sessions that are")
    say("still there a second later; where all of the job and of opt4 was killed at once, after the next `opt4 run`. The scripts:")
    say("`tests/guest/situations/`. Counts of signals, job control at a terminal, containers, last words: `tests/guest.bats`.\n")
    say("| situation | plain | under opt4 as plain | tries | left |\n| --- | --- | ---: | ---: | ---: |")
    for r in table:
        plain = re.sub(r"[0-9a-f]{32} +-", "its bytes", r["plain"]).replace("|", "\\|")
        say(f"| {r['situation']} | {plain} | {r['same']} | {r['tries']} | {r['left']} |")

if missing:
    say("\n## Not run\n")
    for m in missing:
        say(f"- {m}")
notes = os.path.join(os.path.dirname(os.path.abspath(__file__)), "notes.md")
if os.path.exists(notes):
    say("\n" + open(notes).read().rstrip())

if sys.argv[2:3] == ["--only"]:
    begin = f"\n## {sys.argv[3]}\n"
    text = "\n".join(out) + "\n"
    fresh = text[text.index(begin):].split("\n## ", 2)[1]
    with open(sys.argv[4]) as f:
        old = f.read()
    head, rest = old.split(begin, 1)
    rest = rest.split("\n## ", 1)
    with open(sys.argv[4], "w") as f:
        f.write("\n## ".join([head, fresh.rstrip("\n") + "\n"] + rest[1:]))
else:
    print("\n".join(out))
