# A node that sees other times of files (tests/pool.bats).
$B/tests/pool/drag.so: tests/pool/drag.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -shared -fPIC -o $@ $< -ldl
test-bins: $B/tests/pool/drag.so
