"""Wheels without a build tool: what `make` leaves in a build folder becomes a .whl. Standard library only.

    python3 packaging/wheel.py BUILD DIST PLATFORM      BUILD: where make built; PLATFORM: e.g. manylinux_2_28_x86_64
Prints the wheel's path. The wheel is one for all Pythons: it has no extension module; the programs lie in the package's
folder, beside the library, as in the build folder."""

import base64
import hashlib
import os
import re
import sys
import time
import zipfile

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAMS = ("opt4", "opt4d", "opt4-trace", "libopt4.so")
SCRIPTS = """[console_scripts]
opt4 = opt4.__main__:opt4
opt4d = opt4.__main__:opt4d
opt4-trace = opt4.__main__:opt4_trace
"""
SUMMARY = "A cache in front of a PyTorch training job's image files that knows the job's future"


def version():
    """The one in VERSION."""
    with open(os.path.join(HERE, "VERSION")) as f:
        return f.read().strip()


def metadata():
    """METADATA's text."""
    with open(os.path.join(HERE, "README.md"), encoding="utf-8") as f:
        readme = re.sub(r"<picture>.*?</picture>\n\n", "", f.read())    # it lies in the repository
    return ("Metadata-Version: 2.1\nName: opt4\nVersion: %s\nSummary: %s\nLicense: MIT\nRequires-Python: >=3.8\n"
            "Requires-Dist: numpy\nClassifier: Operating System :: POSIX :: Linux\n"
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Description-Content-Type: text/markdown\n\n%s") % (version(), SUMMARY, readme)


def _files(build):
    """(name in the wheel, path, mode) of all that goes in."""
    package = os.path.join(HERE, "tools", "python", "opt4")
    for name in sorted(os.listdir(package)):
        if name.endswith(".py"):
            yield "opt4/" + name, os.path.join(package, name), 0o644
    for name in PROGRAMS:
        yield "opt4/programs/" + name, os.path.join(build, name), 0o755
    for folder in ("opt4_live", "opt4_live/opt4_live", "opt4_trace"):
        for name in sorted(os.listdir(os.path.join(build, folder))):
            if name.endswith(".py"):
                yield "opt4/programs/%s/%s" % (folder, name), os.path.join(build, folder, name), 0o644


def make(build, dist, platform):
    """Writes the wheel into the folder dist; returns its file name. build: a folder that make has built in; platform: the
    tag's last part. The same input gives the same bytes (SOURCE_DATE_EPOCH, else 1980). Raises OSError."""
    info = "opt4-%s.dist-info" % version()
    name = "opt4-%s-py3-none-%s.whl" % (version(), platform)
    when = time.gmtime(max(int(os.environ.get("SOURCE_DATE_EPOCH", 0)), 315532800))[:6]
    record = []
    os.makedirs(dist, exist_ok=True)
    temporary = os.path.join(dist, "." + name)
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as z:
        def put(where, data, mode=0o644):
            entry = zipfile.ZipInfo(where, when)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(entry, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append("%s,sha256=%s,%d" % (where, digest, len(data)))
        for where, path, mode in _files(build):
            with open(path, "rb") as f:
                put(where, f.read(), mode)
        put(info + "/METADATA", metadata().encode())
        put(info + "/WHEEL", ("Wheel-Version: 1.0\nGenerator: opt4\nRoot-Is-Purelib: false\nTag: py3-none-%s\n" % platform).encode())
        put(info + "/entry_points.txt", SCRIPTS.encode())
        with open(os.path.join(HERE, "LICENSE"), "rb") as f:
            put(info + "/LICENSE", f.read())
        record.append(info + "/RECORD,,")
        put(info + "/RECORD", ("\n".join(record) + "\n").encode())
    os.replace(temporary, os.path.join(dist, name))
    return name


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: wheel.py BUILD DIST PLATFORM")
    print(os.path.join(sys.argv[2], make(*sys.argv[1:])))
