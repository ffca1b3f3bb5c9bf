# hook.mk - what tests/hook*.bats run: the situations, and the hooks over a session that is a fake.
HOOK_TESTS := $(patsubst %,$B/tests/hook/%,calls change access odd random variety family crowd execs)
HOOK_HEADERS := tests/hook/common.h tests/hook/random.h tests/hook/variety.h $(wildcard preload/hook/*.h) preload/session/session.h $(wildcard preload/base/*.h)

$(HOOK_TESTS): $B/tests/hook/%: tests/hook/%.c $(HOOK_HEADERS)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $< -pthread
# Nothing left to be found at load time: a hook that asks for something new says so here, not in each test.
$B/tests/hook/libfake.so: $(HOOK) $B/preload/base/preload.o $B/preload/base/trace.o $B/preload/base/stack.o $B/tests/hook/fake_session.o preload/libopt4.map
	$(CC) -shared -o $@ $(HOOK) $B/preload/base/preload.o $B/preload/base/trace.o $B/preload/base/stack.o $B/tests/hook/fake_session.o $(LDFLAGS) -Wl,--version-script=preload/libopt4.map \
	  -Wl,-z,now -Wl,-z,nodelete $(if $(findstring fsanitize,$(CFLAGS) $(LDFLAGS)),,-Wl,-z,defs) -ldl -pthread

test-bins: $(HOOK_TESTS) $B/tests/hook/libfake.so
