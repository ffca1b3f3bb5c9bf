"""uneven.py BUILD OUT [FILES]: draws with replacement, and one rank of four, with R = .1 of the dataset in memory and S = .3 on an SSD: what
is reused beside an independent Belady over R + S (tests/ssd/belady.py). Files of one size, two workers, the order by a trace."""
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.join(HERE, "../../tests")
HOW = {"with replacement": ["--epochs", "4", "--replacement"], "one rank of four": ["--epochs", "10", "--world-size", "4", "--ranks", "0"]}


def python(*args, **kw):
    return subprocess.run([sys.executable, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL, **kw).stdout


def main():
    build, out, files = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2000
    top = os.path.join(build, "bench", "ssd-uneven")
    shutil.rmtree(top, ignore_errors=True)
    os.makedirs(top + "/ssd")
    os.chdir(top)
    python(os.path.join(TESTS, "dataset.py"), "data", files, 20000)
    with open("sums.json", "w") as f:
        f.write(python(os.path.join(TESTS, "keeper/sums.py"), "data"))
    env = dict({k: v for k, v in os.environ.items() if not k.startswith("OPT4_")}, LD_PRELOAD=os.path.join(build, "libopt4.so"),
               OPT4_ROOT=top + "/data", OPT4_SSD=top + "/ssd", OPT4_SSD_SIZE="30%", OPT4_CACHE="10%", OPT4_TRACE=top + "/trace", OPT4_STATS=top + "/stats")
    result = {}
    print("%d files, two workers; memory .1 of the dataset, SSD .3" % files)
    for name, how in HOW.items():
        tool = os.path.join(build, "opt4-trace")
        python(tool, "imagefolder", "data", "--seed", 7, "--batch-size", 8, "--workers", 2, *how, "-o", "trace")
        with open("order.json", "w") as f:
            f.write(python(tool, "show", "trace", "--json"))
        read = json.loads(python(os.path.join(TESTS, "keeper/reader.py"), "order.json", "data", "--workers", 2, "--sums", "sums.json", "--compute", .04, env=env))
        time.sleep(2)          # its keeper leaves
        with open("stats") as f:
            st = json.load(f)
        best = float(python(os.path.join(TESTS, "ssd/belady.py"), "order.json", .4, files))
        r = result[name] = {"reuse": st["reuse_ratio"], "belady": best, "wrong": read["wrong"] + read["failed"],
                            "written": st["tiers"][1]["written_bytes"] / st["dataset_bytes"]}
        print("  %-18s reuse %.4f, Belady over both %.4f: %.1f points   target <= 1.5 %s; %.2f of the dataset written to the SSD; %d wrong" % (
            name, r["reuse"], best, 100 * (best - r["reuse"]), "yes" if best - r["reuse"] <= .015 else "NO", r["written"], r["wrong"]))
        subprocess.run([os.path.join(build, "opt4"), "clean", "--ssd", top + "/ssd"], check=True)
    shutil.rmtree(top, ignore_errors=True)
    with open(out, "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
