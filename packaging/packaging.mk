# packaging.mk - make wheel: dist/opt4-VERSION-py3-none-manylinux_2_28_{x86_64,aarch64}.whl, by a C compiler from PyPI (ziglang) that
# links against glibc 2.28 for either machine. make deb: dist/*.deb of this machine. make test-packages: both, tried in clean roots.
WHEEL_ARCHS ?= x86_64 aarch64
ZIG         := build/setup/zig/bin/python
WHEELS      := $(WHEEL_ARCHS:%=wheel-%)

wheel: $(WHEELS)
$(ZIG):
	@tests/setup.sh build
	python3 -m venv build/setup/zig && $(ZIG) -m pip install -q ziglang
# uthash alone of the system's headers: the others are zig's own
build/wheel/include/uthash.h:
	@mkdir -p $(@D)
	cp "$$(printf '#include <uthash.h>\n' | $(CC) $(CFLAGS) -E - | sed -n 's/^# 1 "\(.*uthash\.h\)".*/\1/p' | head -n 1)" $@
$(WHEELS): wheel-%: $(ZIG) build/wheel/include/uthash.h
	$(MAKE) B=build/wheel/$* NCURSES= OPTFLAGS="-O2 -g0" CFLAGS="-isystem build/wheel/include -Wno-\#pragma-messages" LDFLAGS=-s \
	  CC="$(ZIG) -m ziglang cc -target $*-linux-gnu.2.28" all
	python3 packaging/wheel.py build/wheel/$* dist manylinux_2_28_$*

.PHONY: wheel $(WHEELS)

# Built in a copy: dpkg's tools leave their files beside it.
deb:
	@for p in debhelper libncurses-dev uthash-dev; do dpkg -s $$p >/dev/null 2>&1 || { \
	  echo "opt4: deb: no $$p; as root: apt-get update && apt-get install -y debhelper libncurses-dev uthash-dev pkgconf" >&2; exit 1; }; done
	rm -rf build/deb && mkdir -p build/deb/opt4 dist
	git ls-files -z | tar --null -T - -c | tar -x -C build/deb/opt4
	sed -i "1s/(.*)/($(VERSION))/" build/deb/opt4/debian/changelog
	cd build/deb/opt4 && dpkg-buildpackage -us -uc -b
	cp build/deb/*.deb dist/
	@ls dist/*.deb

.PHONY: deb

# Both tried in clean roots (root; some minutes and 1 GB the first time).
test-packages:
	@tests/packages.sh

.PHONY: test-packages
