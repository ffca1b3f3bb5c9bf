"""`pip install .` from a clone: builds with the system's compiler, then makes the wheel (PEP 517). Needs what `make` does."""

import os
import platform
import subprocess
import tarfile

import wheel as wheels


def _platform():
    return "linux_" + platform.machine()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    build = os.path.join("build", "pip-" + platform.machine())
    try:
        subprocess.run(["make", "-j2", "B=" + build, "all"], cwd=wheels.HERE, check=True)
    except (OSError, subprocess.CalledProcessError) as e:
        raise SystemExit("opt4: build: %s; a C compiler, make, glibc's headers and uthash are needed (Debian: apt-get install "
                         "gcc make libc6-dev uthash-dev)" % e)
    return wheels.make(os.path.join(wheels.HERE, build), wheel_directory, _platform())


def build_sdist(sdist_directory, config_settings=None):
    base = "opt4-" + wheels.version()
    name = base + ".tar.gz"
    listed = subprocess.run(["git", "ls-files"], cwd=wheels.HERE, check=True, stdout=subprocess.PIPE).stdout.decode().split("\n")
    with tarfile.open(os.path.join(sdist_directory, name), "w:gz", format=tarfile.PAX_FORMAT) as t:
        for f in filter(None, listed):
            t.add(os.path.join(wheels.HERE, f), base + "/" + f)
        info = os.path.join(sdist_directory, ".PKG-INFO")
        with open(info, "w", encoding="utf-8") as f:
            f.write(wheels.metadata())
        t.add(info, base + "/PKG-INFO")
        os.unlink(info)
    return name
