# guest.mk - the programs of tests/guest.bats and tests/hostile.bats.
GUEST_BINS := $B/tests/heard $B/tests/filter $B/tests/jumps $B/tests/stacks

$(GUEST_BINS): $B/tests/%: tests/guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -pthread -o $@ $<

test-bins: $(GUEST_BINS)

# What people do around a job, plain and under opt4: build/trust/situations.json, for the page.
trust-situations: all test-bins
	@tests/guest/situations.sh

.PHONY: trust-situations
