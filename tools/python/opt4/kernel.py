"""`python -m opt4 kernel`: a Jupyter kernel whose process is started by `opt4 run`.

A kernel that runs already can't be preloaded; one that this kernelspec starts is. `opt4 run -- jupyter lab` needs none: all
its kernels are preloaded."""

import argparse
import json
import os
import sys


def spec(opt4, python, options):
    """kernel.json's content (dict). opt4: path of the program; python: the interpreter; options: of `opt4 run`, list of str."""
    return {"argv": [opt4, "run", "--quiet"] + options + ["--", python, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            "display_name": "Python 3 (opt4)", "language": "python", "metadata": {"debugger": True}}


def main(arguments, opt4):
    """Runs the command; returns the exit status."""
    p = argparse.ArgumentParser(prog="python -m opt4 kernel", description="Writes a Jupyter kernelspec whose kernels read "
                                "their datasets through opt4.")
    p.add_argument("--prefix", metavar="DIR", default=sys.prefix, help="below DIR/share/jupyter/kernels; default: this environment")
    p.add_argument("--name", default="opt4", help="the kernel's name; default opt4")
    p.add_argument("option", nargs="*", help="options of `opt4 run`, after --: e.g. -- --cache 64G")
    a = p.parse_args(arguments)
    if opt4 is None:
        print("opt4: kernel: the program opt4 is not found; install opt4 anew", file=sys.stderr)
        return 1
    folder = os.path.join(a.prefix, "share", "jupyter", "kernels", a.name)
    try:
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "kernel.json"), "w") as f:
            json.dump(spec(os.path.abspath(opt4), sys.executable, a.option), f, indent=1)
            f.write("\n")
    except OSError as e:
        print("opt4: kernel: %s: %s; give another folder to --prefix" % (folder, e.strerror), file=sys.stderr)
        return 1
    print(folder)
    return 0
