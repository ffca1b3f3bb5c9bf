#!/usr/bin/python3
"""CPython's own tests (Debian: libpython3.11-testsuite) as judges: each module once plain and once under each
variant of the library, with the tests' temporary folder and the standard library's own files as dataset roots and
every file matched. A test that fails under the library and not without is a new failure; it is tried again alone,
both ways, before it counts as one.

    cpython.py --build DIR --out results.json [--variants own,warm,eager,churn,ssd,keeper] [module...]

Variants: `own`: the root is the tests' temporary folder; hits are of files that a test wrote and read again more
than 20 ms later (younger ones are never cached). `warm`: a copy of the standard library is a second root, read once
before, and Python imports from it. `eager`: as warm, with a library for which no file is too young (eager.c). `churn`:
as eager, with a cache of 256 KiB and random eviction. `ssd`: as eager, with 1 MiB of memory and the rest of the cache on an SSD. `keeper`: as warm, under `opt4 run`. In each the live module is on: that is
looked at first.
"""
import argparse, json, os, shutil, subprocess, sys, tempfile, time
import xml.etree.ElementTree as ET

MODULES = """test_io test_os test_shutil test_mmap test_tarfile test_zipfile test_tempfile test_pathlib test_fcntl
test_subprocess test_file test_fileio test_posix test_genericpath test_posixpath test_glob test_gzip test_bz2 test_lzma
test_mailbox test_dbm_dumb test_dbm_gnu test_largefile test_stat test_fileinput test_linecache test_select
test_import test_runpy test_compileall test_py_compile test_zipimport test_filecmp test_bufio test_univnewlines
test_netrc test_configparser test_shelve test_pickle test_imghdr test_sndhdr test_wave test_zipapp test_fork1 test_wait3
test_wait4 test_popen test_pty test_signal test_threadedtempfile test_unicode_file test_unicode_file_functions test_ioctl
test_epoll test_memoryio test_array test_hashlib test_plistlib test_mimetypes test_csv test_logging test_trace test_venv
test_cmd_line_script test_pkgutil test_traceback test_tokenize test_faulthandler test_eintr
test_sys_settrace test_sys_setprofile test_sys test_site test_importlib test_warnings test_profile test_cprofile test_bdb test_pdb
test_inspect test_threading test_atexit test_gc test_tracemalloc test_audit test_cmd_line test_multiprocessing_main_handling
test_asyncio test_socketserver""".split()
# Of these only what has to do with files, or what ends in a sandbox without a network.
ALONE = {"test_socket": ["-m", "*Rights*", "-m", "*Sendfile*", "-m", "*File*"],
         "test_multiprocessing_fork": ["-m", "*WithProcessesTestSharedMemory*", "-m", "*WithProcessesTestPool.*",
                                       "-m", "*TestHeap*", "-m", "*WithProcessesTestConnection*"],
         "test_multiprocessing_spawn": ["-m", "*WithProcessesTestPool.*", "-m", "*WithProcessesTestProcess*"],
         "test_multiprocessing_forkserver": ["-m", "*WithProcessesTestPool.*", "-m", "*WithProcessesTestProcess*"],
         "test_concurrent_futures": ["-m", "ProcessPool*Executor*"]}
BAD = ("failure", "error")
IS_LIVE = "import sys; sys.exit(not any(getattr(f, '__module__', '') == 'opt4' for f in sys.meta_path))"


def under(variant, cmd, arg, top):
    """(command, environment) of cmd under this variant."""
    root, lib = f"{top}/root", f"{top}/stdlib"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPT4_", "LD_PRELOAD", "PYTHON"))}
    env.update(TMPDIR=root, PYTHONPATH=lib, PYTHONDONTWRITEBYTECODE="1", PYTHONHASHSEED="0")
    if variant == "plain":
        return cmd, env
    env.update(OPT4_ROOT=root if variant == "own" else f"{root}:{lib}", OPT4_MATCH="*", OPT4_STATS=f"{top}/stats",
               OPT4_LOG=f"{top}/log", OPT4_CACHE="128M")
    if variant == "churn":
        env.update(OPT4_CACHE="256K", OPT4_MAXFILE="200K", OPT4_POLICY="random")
    if variant == "ssd":
        os.makedirs(f"{top}/ssd", exist_ok=True)
        env.update(OPT4_CACHE="1M", OPT4_MAXFILE="500K", OPT4_SSD=f"{top}/ssd", OPT4_SSD_SIZE="256M")
    if variant != "own":
        # The first process of a job is the job: the shell, so that what was read before is still there.
        cmd = ["sh", "-c", 'cat "$0"/*.py "$0"/__pycache__/* "$0"/[a-z]*/__pycache__/* >/dev/null 2>&1; "$@"', lib] + cmd
    if variant == "keeper":
        return [f"{arg.build}/opt4", "run", "--quiet", "--"] + cmd, env
    env["LD_PRELOAD"] = f"{arg.build}/" + ("tests/suites/libeager.so" if variant in ("eager", "churn", "ssd") else "libopt4.so")
    return cmd, env


def run(module, variant, arg, top, match=()):
    """One module. Returns ({test: verdict}, stats, seconds, tail of what it printed)."""
    root = f"{top}/root"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    xml, stats, log = f"{top}/result.xml", f"{top}/stats", f"{top}/log"
    for f in (xml, stats, log):
        if os.path.exists(f):
            os.unlink(f)
    cmd = [arg.python, "-m", "test", "--junit-xml", xml, "--tempdir", root, "--timeout", "240", "-u", "largefile", "-u", "network"]
    cmd += ["-v"] if arg.verbose else []
    for m in match or [p for p in ALONE.get(module, []) if p != "-m"]:
        cmd += ["-m", m]
    cmd.append(module)
    cmd, env = under(variant, cmd, arg, top)
    began = time.time()
    with open(f"{top}/output", "w+") as out:
        p = subprocess.Popen(cmd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=top,
                             start_new_session=True)
        try:
            p.wait(arg.limit)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            p.wait()
        out.seek(0)
        text = out.read()
    took = time.time() - began
    tests = {}
    try:
        for case in ET.parse(xml).getroot().iter("testcase"):
            # Subtests and repeated names: the worst verdict counts.
            kind = next((c.tag for c in case if c.tag in BAD), "skipped" if case.find("skipped") is not None or
                        case.get("status") != "run" else "ok")
            name = case.get("name")
            if kind in BAD or tests.get(name, "ok") not in BAD:
                tests[name] = kind
    except (OSError, ET.ParseError):
        tests["(module)"] = "error"
    if p.returncode != 0 and not any(v in BAD for v in tests.values()):
        tests["(exit status)"] = "error"
    try:
        figures = json.load(open(stats))
    except (OSError, ValueError):
        figures = {}
    return tests, figures, took, text


def failures(tests):
    return {t for t, v in tests.items() if v in BAD}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("build", "out"):
        ap.add_argument("--" + name, required=True)
    ap.add_argument("--python", default="/usr/bin/python3")
    ap.add_argument("--variants", default="own,warm,eager,churn,ssd,keeper")
    ap.add_argument("--limit", type=float, default=300, help="seconds a module")
    ap.add_argument("--keep", action="store_true", help="leave the last run's files")
    ap.add_argument("--verbose", action="store_true")
    ap.add_argument("modules", nargs="*")
    arg = ap.parse_args()
    arg.build = os.path.realpath(arg.build)
    top = tempfile.mkdtemp(prefix="o4s.", dir=os.environ.get("TMPDIR", "/var/tmp"))
    home = os.path.dirname(os.path.realpath(subprocess.check_output(
        [arg.python, "-c", "import os; print(os.__file__)"], text=True).strip()))
    shutil.copytree(home, f"{top}/stdlib", symlinks=False, ignore=shutil.ignore_patterns("dist-packages", "config-*", "__pycache__", "idlelib", "lib2to3"))
    subprocess.call([arg.python, "-m", "compileall", "-q", "-x", "bad|lib2to3", f"{top}/stdlib"])
    os.makedirs(f"{top}/root", exist_ok=True)
    for variant in arg.variants.split(","):
        cmd, env = under(variant, [arg.python, "-c", IS_LIVE], arg, top)
        if subprocess.call(cmd, env=env):
            sys.exit(f"opt4: suites: {variant}: the live module is off; make builds build/opt4_live, beside the library")
    report = []
    new = 0
    for module in arg.modules or MODULES + list(ALONE):
        plain, _, took, text = run(module, "plain", arg, top)
        row = {"module": module, "tests": sum(v != "skipped" for v in plain.values()), "plain_failures": sorted(failures(plain)),
               "seconds": round(took, 1), "variants": {}}
        for variant in arg.variants.split(","):
            tests, figures, took, text = run(module, variant, arg, top)
            worse = failures(tests) - failures(plain)
            missing = {t for t, v in plain.items() if v == "ok" and t not in tests}
            for t in sorted(worse):  # once more, alone
                if t.startswith("("):
                    continue
                short = [t.rsplit(".", 1)[-1]]
                again = failures(run(module, variant, arg, top, short)[0])
                if t not in again or t in failures(run(module, "plain", arg, top, short)[0]):
                    worse.discard(t)
                    row.setdefault("unsteady", []).append(t)
            row["variants"][variant] = {k: figures.get(k, 0) for k in ("accesses", "hits", "late", "misses", "evictions", "invalidated")}
            row["variants"][variant]["ssd_hits"] = sum(t["hits"] for t in figures.get("tiers", []) if t["tier"] == "ssd")
            row["variants"][variant].update(new_failures=sorted(worse), not_run=sorted(missing), seconds=round(took, 1))
            if not figures.get("accesses") and variant != "own":  # nothing was tried; few modules read back what they wrote long ago
                worse.add("(no access)")
                row["variants"][variant]["new_failures"] = sorted(worse)
            if worse or missing:
                new += 1
                with open(f"{arg.out}.{module}.{variant}.txt", "w") as f:
                    f.write(text)
        report.append(row)
        with open(arg.out, "w") as f:
            json.dump(report, f, indent=1)
        print(f"{module}: {row['tests']} tests, {len(row['plain_failures'])} fail plain;", "; ".join(
            f"{v}: {len(r['new_failures'])} new, {len(r['not_run'])} not run, {r['hits']} hits, {r['evictions']} evicted, {r['seconds']} s"
            for v, r in row["variants"].items()), flush=True)
    if arg.keep:
        print(top)
    else:
        subprocess.call(["chmod", "-R", "u+rwX", top])
        shutil.rmtree(top, ignore_errors=True)
    hits = {v: sum(r["variants"][v]["hits"] for r in report) for v in arg.variants.split(",")}
    print(f"{len(report)} modules, {sum(r['tests'] for r in report)} tests; hits {hits}; modules with new failures: {new}")
    sys.exit(1 if new else 0)


if __name__ == "__main__":
    main()
