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
