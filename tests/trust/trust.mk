# trust.mk - what tests/trust*.bats run.
TRUST_TESTS := $(patsubst %,$B/tests/trust/%,process handler grow raw)

$(TRUST_TESTS): $B/tests/trust/%: tests/trust/%.c tests/hook/common.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $(filter %.c,$^) -pthread
$B/tests/trust/process: tests/trust/process_meta.c tests/trust/process.h

test-bins: $(TRUST_TESTS) $(EAGER)

# The suite with the address and undefined behaviour sanitizers (half an hour on 2 cores; TESTS= some of it), and the
# session's shared state under the thread sanitizer. Both end with `N passed, N failed`; results below $B/trust.
test-asan:
	@tests/setup.sh build && tests/trust/asan.sh $B $(TESTS)

$B/tests/trust/threads: tests/trust/threads.c $(wildcard preload/session/*.[ch] policy/*.[ch])
	@mkdir -p $(@D)
	@# -Wno-tsan: it knows no fences; ours order words that are atomic by themselves
	@$(CC) -std=gnu11 -O1 -g -Wno-tsan -D_GNU_SOURCE -DOPT4_VERSION='"$(VERSION)"' -fsanitize=thread -o $@ $< $(wildcard preload/session/*.c policy/*.c) -pthread -lm

test-tsan: $B/tests/trust/threads
	@tests/trust/tsan.sh $B

.PHONY: test-asan test-tsan

# All of it, and the page. trust-suite: the kills, the crashes and the situations of the ordinary suite, counted.
trust-suite: all test-bins
	@mkdir -p $B/trust && : >$B/trust/suite.txt; for f in $(wildcard tests/trust*.bats) tests/hook.bats $(wildcard tests/crash*.bats) tests/long/trust.bats; do \
	  tests/run.sh $$f >$B/trust/suite.out; sed -n "s,^\([0-9]*\) passed\, \([0-9]*\) failed.*,$$f \1 \2,p" $B/trust/suite.out | tail -1 >>$B/trust/suite.txt; done; cat $B/trust/suite.txt
trust-page:
	tests/trust/page.py $B >tests/TRUST.md
trust:
	-$(MAKE) test-suites
	-$(MAKE) faults
	-$(MAKE) fuzz
	-$(MAKE) test-asan
	-$(MAKE) test-tsan
	-$(MAKE) trust-suite
	$(MAKE) trust-page

.PHONY: trust trust-suite trust-page
