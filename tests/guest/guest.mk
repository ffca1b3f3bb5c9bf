# guest.mk - the programs of tests/guest.bats and tests/hostile.bats.
GUEST_BINS := $B/tests/heard $B/tests/filter $B/tests/jumps $B/tests/stacks

$(GUEST_BINS): $B/tests/%: tests/guest/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -pthread -o $@ $<

test-bins: $(GUEST_BINS)

# What people do around a job, plain and under opt4 (ten minutes): build/trust/situations.json, and the table in tests/TRUST.md.
trust-situations: all test-bins
	@tests/guest/situations.sh; rc=$$?; tests/trust/page.py $B --only Situations tests/TRUST.md && exit $$rc

.PHONY: trust-situations
