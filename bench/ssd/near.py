"""near.py BUILD OUT: what bringing objects of the second tier to their reader gives, and what it costs (near.c), beside the disk itself and
`cat`; and a hit on such an object beside the plain file on the same file system, both in the page cache (bench/hit), and both not (cold.py). Files of 110 KiB
below BUILD/bench. Medians of interleaved rounds."""
import json
import os
import random
import re
import statistics
import subprocess
import sys

FILES, ROUNDS, DEPTH = 2500, 7, 4
WAYS = ("ahead", "direct", "read", "cat")
TELLS = {"ahead": "readahead, the keeper's way", "direct": "O_DIRECT into RAM, not taken", "read": "O_DIRECT, the disk itself", "cat": "cat"}


def hits(build, data, ssd):
    """Rounds of bench/hit with every object on the SSD; by whether a look at the original is due at each open."""
    opt4 = [os.path.join(build, "opt4")]
    tier = ["--root", data, "--cache", "24M", "--ssd", ssd, "--ssd-size", "2G"]
    out = {}
    os.makedirs(ssd, exist_ok=True)
    subprocess.run(opt4 + ["clean", "--ssd", ssd, "--all"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(opt4 + ["warm"] + tier, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # both as the disk gave them: what has just been written lies in the page cache in larger pieces, and is faster to read
    where = [os.path.join(d, f) for top in (data, ssd) for d, _, names in os.walk(top) for f in names if f.endswith(".jpg") or "objects" in d]
    os.sync()
    for i in range(0, len(where), 2000):
        subprocess.run([os.path.join(build, "bench/ssd/near"), "ahead", str(DEPTH)] + where[i:i + 2000], check=True, stdout=subprocess.DEVNULL)
    for look in ("never", "always"):
        env = dict(os.environ, OPT4_REVALIDATE=look, OPT4_PREFETCH="off", OPT4_POLICY="keep")
        runs = [json.loads(subprocess.run(opt4 + ["run", "--quiet"] + tier + ["--", os.path.join(build, "bench/hit"), data, str(FILES), "3"],
                                          check=True, env=env, stdout=subprocess.PIPE).stdout) for _ in range(3)]
        cold = subprocess.run(opt4 + ["run", "--quiet"] + tier + ["--", sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "cold.py"), data, "1"],
                              check=True, env=env, stdout=subprocess.PIPE).stdout
        out[look] = {k: statistics.median(r[k] for r in runs) for k in ("page_cache_ns", "hit_ns", "hit_to_page_cache", "resident")}
        out[look]["cold"] = json.loads(cold)
    subprocess.run(opt4 + ["clean", "--ssd", ssd, "--all"], check=True, stdout=subprocess.DEVNULL)
    return out


def main():
    build, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    data = os.path.join(build, "bench", "near.data")
    os.makedirs(data, exist_ok=True)
    subprocess.run([os.path.join(build, "bench/hit"), data, str(FILES), "1"], check=True, stdout=subprocess.DEVNULL)
    files = sorted(os.path.join(d, f) for d, _, names in os.walk(data) for f in names)[:FILES]
    random.Random(1).shuffle(files)
    seen = {w: [] for w in WAYS}
    for _ in range(ROUNDS):
        for w in WAYS:
            line = subprocess.run([os.path.join(build, "bench/ssd/near"), w, str(DEPTH)] + files, check=True, stdout=subprocess.PIPE, text=True).stdout
            seen[w].append([float(x) for x in re.search(r": +(\d+) MB/s +([\d.]+) s", line).groups()])
    result = {w: {"mb_s": statistics.median(x[0] for x in seen[w]), "cpu_s_gb": statistics.median(x[1] for x in seen[w])} for w in WAYS}
    ratio = statistics.median(a[0] / r[0] for a, r in zip(seen["ahead"], seen["read"]))
    print("%d cold files of 110 KiB, %d in flight, with the reader's own copy (but for the disk itself)" % (FILES, DEPTH))
    for w in WAYS:
        print("  %-30s %6.0f MB/s   %.2f s of CPU a GB" % (TELLS[w], result[w]["mb_s"], result[w]["cpu_s_gb"]))
    print("  readahead beside the disk itself, by rounds: %.2f   target >= .9 %s" % (ratio, "yes" if ratio >= .9 else "NO"))
    result["hits"] = hits(build, data, os.path.join(build, "bench", "near.ssd"))
    for look, text in (("never", "no look due"), ("always", "a look at each open")):
        r = result["hits"][look]
        print("  a hit in the page cache, %-19s %6.1f us, the plain file %.1f us: %.3f   target <= 1.1 %s" % (
            text, r["hit_ns"] / 1e3, r["page_cache_ns"] / 1e3, r["hit_to_page_cache"], "yes" if r["hit_to_page_cache"] <= 1.1 else "NO"))
        r = r["cold"]
        print("  .. not in it, %-29s %6.1f us, the plain file %.1f us: %.3f   target <= 1.1 %s" % (
            text, r["hit_ns"] / 1e3, r["plain_ns"] / 1e3, r["hit_to_plain"], "yes" if r["hit_to_plain"] <= 1.1 else "NO"))
    with open(out, "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
