# guest.mk - the programs of tests/guest.bats.
$B/tests/heard: tests/guest/heard.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -o $@ $<

test-bins: $B/tests/heard
