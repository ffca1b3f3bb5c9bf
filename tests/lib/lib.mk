# Programs that tests/budget*.bats and tests/crash*.bats run.
LIB_BINS := $B/tests/lock_holder $B/tests/session_samples

$(LIB_BINS): $B/tests/%: tests/lib/%.c preload/store/layout.h policy/policy.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -o $@ $<
$B/tests/reap: tests/lib/reap.c $(SESSION) $(POLICY)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -o $@ $^ $(LDFLAGS) -pthread

$B/tests/bigpages.so $B/tests/renumber.so: $B/tests/%.so: tests/lib/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -shared -fPIC -o $@ $< -ldl

test-bins: $(LIB_BINS) $B/tests/reap $B/tests/bigpages.so $B/tests/renumber.so
