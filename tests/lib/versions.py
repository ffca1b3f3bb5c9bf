"""versions.py VERSION FILE...: what the files need of the C library that glibc VERSION does not have, a line each; 1 if any.

A symbol that this machine's C library also has under a version as old as VERSION only got its newer number by being built
here (dlsym, pthread_create). A few have none, since they were in the part that is linked into each program. The rest are
interfaces that the older library lacks.
"""
import re
import subprocess
import sys

LINKED_IN = re.compile(r"(stat|lstat|fstat|fstatat|mknod|mknodat)(64)?$|(atexit|at_quick_exit|pthread_atfork)$")


def symbols(path):
    """(undefined?, name, version as numbers) of each of the file's symbols that is the C library's."""
    for line in subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=True).stdout.splitlines():
        found = re.search(r"\(?GLIBC_([0-9.]+)\)?\s+(\S+)$", line)
        if found:
            yield "*UND*" in line, found[2], tuple(map(int, found[1].split(".")))


def main():
    """Compares; see above."""
    limit = tuple(map(int, sys.argv[1].split(".")))
    status = 0
    for path in sys.argv[2:]:
        libraries = re.findall(r"=> (/\S+)", subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout)
        old = {name for lib in libraries for und, name, version in symbols(lib) if not und and version <= limit}
        needed = [(name, version) for und, name, version in symbols(path) if und]
        if len(old) < 1000 or not needed:
            sys.exit(f"versions.py: {path}: nothing to compare")
        for name, version in needed:
            if version > limit and name not in old and not LINKED_IN.match(name):
                print(f"{path}: {name}@GLIBC_{'.'.join(map(str, version))}")
                status = 1
    return status


sys.exit(main())
