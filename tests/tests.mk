# tests.mk - the regression suite. A program that a bats file needs is added as `test-bins: build/tests/x`.
TESTS ?= $(wildcard tests/*.bats)
RUN_TESTS = tests/setup.sh build && $(MAKE) --no-print-directory all test-bins || \
	{ echo "0 passed, 1 failed"; exit 1; }; tests/run.sh

# make test [TESTS=tests/some.bats]: sets itself up, builds, runs; ends with `N passed, N failed`.
test:
	@$(RUN_TESTS) $(TESTS)

# And what takes longer than the suite's quarter of an hour allows.
test-long:
	@export BATS_TEST_TIMEOUT=3000; $(RUN_TESTS) $(TESTS) $(wildcard tests/long/*.bats)

include tests/hook/hook.mk
include tests/lib/lib.mk
include tests/look/look.mk
include tests/guest/guest.mk
include tests/pool/pool.mk

test-bins: slowstore

.PHONY: test test-long test-bins

# The orders that opt4-trace foretells, and the live ones, under the current torch from pip, in a venv of its own (5 GB).
test-torch-current:
	@tests/setup.sh build && $(MAKE) --no-print-directory all test-bins && tests/torch-current.sh

# A table of kinds of jobs, under both torches where that venv is there, with 0 and 4 workers, over a slow store (an hour on 2 cores). KINDS="csv masks": these.
test-reach:
	@tests/setup.sh build && $(MAKE) --no-print-directory all test-bins && python3 tests/live/table.py --lanes 2 --json $B/reach.json \
		$$(tests/setup.sh python)$$(test -e .venv-torch-current/complete && echo ,.venv-torch-current/bin/python) 0,4 $(KINDS)
# Whole programs, as their users write them, under an interpreter that has their packages.
test-programs:
	@tests/setup.sh build && $(MAKE) --no-print-directory all test-bins && mkdir -p $B/programs && \
		python=$$(test -e .venv-torch-current/complete && echo .venv-torch-current/bin/python || tests/setup.sh python) && \
		$$python tests/programs/run.py --json $B/programs.json $$python $B/programs $(PROGRAMS)

.PHONY: test-torch-current test-reach test-programs
include tests/suites/suites.mk
include tests/trust/trust.mk
include tests/faults/faults.mk
include tests/fuzz/fuzz.mk
include tests/lint.mk
