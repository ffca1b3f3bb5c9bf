# trust.mk - what tests/trust*.bats run.
TRUST_TESTS := $(patsubst %,$B/tests/trust/%,process handler grow raw)

$(TRUST_TESTS): $B/tests/trust/%: tests/trust/%.c tests/hook/common.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $(filter %.c,$^) -pthread
$B/tests/trust/process: tests/trust/process_meta.c tests/trust/process.h

$B/tests/trust/lease.so: tests/trust/lease.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -shared -fPIC -o $@ $<

test-bins: $(TRUST_TESTS) $B/tests/trust/lease.so $(EAGER)

# The suite with the address and undefined behaviour sanitizers (half an hour on 2 cores; TESTS= some of it), and the
# session's shared state under the thread sanitizer. Both end with `N passed, N failed`; results below $B/trust.
test-asan:
	@tests/setup.sh build && tests/trust/asan.sh $B $(TESTS)

# Each process of the model is a copy of the whole code with data of its own (tests/trust/threads.h): one object file whose
# only name, process, is another in each copy. The program opt4d beside them is for the mode in which the keeper is a process.
TSAN_DIR    := $B/tests/trust/tsan
TSAN_CC      = $(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -DOPT4_VERSION='"$(VERSION)"'
TSAN_SRC    := $(SESSION_C) $(wildcard policy/*.c tools/opt4d/*.c tools/opt4d/*/*.c tools/wire/*.c) tools/opt4/plan/disk.c
TSAN_HEADERS := $(wildcard preload/*/*.h policy/*.h tools/opt4d/*.h tools/opt4d/*/*.h tools/wire/*.h) tests/trust/threads.h
TSAN_IMAGE  := $(patsubst %.c,$(TSAN_DIR)/%.o,$(filter-out %/spawn.c,$(TSAN_SRC)) tests/trust/client.c tests/trust/order.c)
TSAN_COPIES := $(patsubst %,$(TSAN_DIR)/copy%.o,0 1 2 3 4 5 6 7 8 9 10 11 12)
# -Wno-tsan: it knows no fences; ours order words that are atomic by themselves
$(TSAN_IMAGE): $(TSAN_DIR)/%.o: %.c $(TSAN_HEADERS)
	@mkdir -p $(@D)
	@$(TSAN_CC) -Wno-tsan -fsanitize=thread $(foreach call,mmap munmap syscall getpid flock,-D$(call)=model_$(call)) -D_exit=model_exit \
	  $(if $(filter %/main.c,$<),-Dmain=opt4d -Wno-missing-prototypes) -c -o $@ $<
$(TSAN_DIR)/image.o: $(TSAN_IMAGE)
	@$(LD) -r -o $@ $^
$(TSAN_COPIES): $(TSAN_DIR)/copy%.o: $(TSAN_DIR)/image.o
	@objcopy --redefine-sym process=process_$* --keep-global-symbol=process_$* $< $@
$(TSAN_DIR)/model.o: tests/trust/model.c
	@mkdir -p $(@D)
	@$(TSAN_CC) -c -o $@ $<
$(TSAN_DIR)/opt4d: $(TSAN_SRC) $(TSAN_HEADERS)
	@mkdir -p $(@D)
	@$(TSAN_CC) -Wno-tsan -fsanitize=thread -o $@ $(TSAN_SRC) -pthread -lm
$B/tests/trust/threads: tests/trust/threads.c tests/trust/threads.h $(TSAN_DIR)/model.o $(TSAN_COPIES) $(TSAN_DIR)/opt4d
	@$(TSAN_CC) -fsanitize=thread -o $@ $< $(TSAN_DIR)/model.o $(TSAN_COPIES) -pthread -lm

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
