# opt4: see README.md. `make` needs a C compiler, glibc's headers and uthash; `make test` and `make demo` set up the rest.
CC       ?= cc
VERSION  := $(shell cat VERSION)
# Which build it is, for `opt4 --version`: the commit, where there is one, and the machine.
BUILD_ID := $(shell git rev-parse --short=10 HEAD 2>/dev/null || echo release)
PREFIX   ?= /usr/local
DESTDIR  ?=
OPTFLAGS ?= -O2 -g
WARN     := -Wall -Wextra -Wconversion -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wvla
BASE     := -std=gnu11 $(OPTFLAGS) $(WARN) -fPIC -fvisibility=hidden -D_GNU_SOURCE -DOPT4_VERSION='"$(VERSION)"' -MMD -MP
# The hooked functions must not be built with _FORTIFY_SOURCE: it would turn our own calls into the __*_chk ones.
CFLAGS_ALL := $(BASE) -U_FORTIFY_SOURCE -ftls-model=initial-exec $(CFLAGS)

B := build
POLICY  := $(patsubst %.c,$B/%.o,$(wildcard policy/*.c))
# preload/'s houses below the hooks, from the ground up; an arrow runs down only (tests/layers.sh).
HOUSES  := base store order session live
SESSION := $(patsubst %.c,$B/%.o,$(foreach h,$(HOUSES),$(wildcard preload/$h/*.c)))
SESSION_C := $(patsubst $B/%.o,%.c,$(SESSION))
HOOK    := $(patsubst %.c,$B/%.o,$(wildcard preload/hook/*.c))
CLI     := $(patsubst %.c,$B/%.o,$(wildcard tools/opt4/*.c tools/opt4/*/*.c))
WIRE    := $(patsubst %.c,$B/%.o,$(wildcard tools/wire/*.c))
KEEPER  := $(patsubst %.c,$B/%.o,$(wildcard tools/opt4d/*.c tools/opt4d/*/*.c))

all: $B/libopt4.so $B/opt4 $(if $(KEEPER),$B/opt4d) $B/opt4-trace $B/opt4_live/sitecustomize.py

$B/libopt4.so: $(HOOK) $(SESSION) $(POLICY) preload/libopt4.map
	$(CC) -shared -o $@ $(HOOK) $(SESSION) $(POLICY) $(LDFLAGS) -Wl,--version-script=preload/libopt4.map \
	  -Wl,-z,now -Wl,-z,nodelete -Wl,-z,relro -ldl -pthread
# .. and `opt4 warm` asks as the keeper does whether a disk rotates
CLI     += $B/tools/opt4d/disk/rotates.o
$B/opt4: $(CLI) $(WIRE) $(SESSION) $(POLICY)
	$(CC) -o $@ $(CLI) $(WIRE) $(SESSION) $(POLICY) $(LDFLAGS) -pthread -lm -ldl
# beside its own: the model of a disk, by which it chooses as opt4 plan does
KEEPER  += $B/tools/opt4/plan/disk.o
$B/opt4d: $(KEEPER) $(WIRE) $(SESSION) $(POLICY)
	$(CC) -o $@ $(KEEPER) $(WIRE) $(SESSION) $(POLICY) $(LDFLAGS) -pthread -lm -ldl
$B/opt4-trace: $(wildcard tools/trace/*.py tools/trace/opt4-trace) VERSION
	@mkdir -p $B/opt4_trace && rm -f $B/opt4_trace/*.py
	cp tools/trace/*.py $B/opt4_trace/
	sed -i "s/@VERSION@/$(VERSION)/" $B/opt4_trace/__init__.py
	install -m 755 tools/trace/opt4-trace $@

$B/opt4_live/sitecustomize.py: $(wildcard tools/live/*.py tools/live/opt4_live/*.py)
	@mkdir -p $B/opt4_live/opt4_live && rm -f $B/opt4_live/opt4_live/*.py
	cp tools/live/opt4_live/*.py $B/opt4_live/opt4_live/
	cp tools/live/sitecustomize.py $@

$B/tools/opt4/main.o: CFLAGS_ALL += -DOPT4_BUILD='"$(BUILD_ID), $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))"'
$B/tools/opt4/common/library.o: CFLAGS_ALL += $(if $(LIBDIR),-DOPT4_LIBDIR='"$(LIBDIR)"')
$B/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -c -o $@ $<

-include $(wildcard $B/*/*.d $B/*/*/*.d $B/*/*/*/*.d)

clean:
	rm -rf $B

.PHONY: all clean
include tests/tests.mk
include bench/bench.mk
include tools/ncurses.mk tools/install.mk packaging/packaging.mk
