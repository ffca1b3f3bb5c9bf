# guest.mk - the programs of tests/guest.bats.
GUEST_BINS := $B/tests/heard $B/tests/filter

$(GUEST_BINS): $B/tests/%: tests/guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -o $@ $<

test-bins: $(GUEST_BINS)

# What people do around a job, plain and under opt4: build/trust/situations.json, for the page.
trust-situations: all test-bins
	@tests/guest/situations.sh

.PHONY: trust-situations
