# trust.mk - what tests/trust*.bats run.
TRUST_TESTS := $(patsubst %,$B/tests/trust/%,process handler grow)

$(TRUST_TESTS): $B/tests/trust/%: tests/trust/%.c tests/hook/common.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $< -pthread

test-bins: $(TRUST_TESTS) $(EAGER)
