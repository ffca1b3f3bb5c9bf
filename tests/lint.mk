# lint.mk - `make lint`: what gcc, clang and clang-tidy (.clang-tidy) find in the C of the tree, as far as they are installed.
# Must be nothing. `make lint LINTERS=gcc`: one of them. (tests/fuzz is built by other rules, as is what needs libfuse.) And whether the arrows between
# the folders run downwards, through doors (tests/layers.sh).
LINTERS    ?= gcc clang clang-tidy
LINT_C     := $(wildcard preload/*/*.c policy/*.c tools/*/*.c tools/*/*/*.c)
LINT_TESTS := $(filter-out tests/fuzz/% tests/guest/numbersfs.c,$(wildcard tests/*/*.c bench/*/*.c))
LINT_FLAGS := -std=gnu11 $(WARN) -D_GNU_SOURCE -DOPT4_VERSION='"$(VERSION)"'

lint: lint-layers lint-c

lint-layers: all
	@tests/layers.sh $B
lint-c:
	@LINT_C="$(LINT_C)" LINT_TESTS="$(LINT_TESTS)" tests/lint.sh $B "$(LINTERS)" $(LINT_FLAGS)

.PHONY: lint lint-layers lint-c
