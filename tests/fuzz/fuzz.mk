# fuzz.mk - make fuzz [FUZZ_SECONDS=60 | FUZZ_RUNS=10000000] [FUZZ_JOBS=1] [FUZZ_LEN=100] [FUZZ="trace path"]: libFuzzer (clang) over what reads bytes that
# others wrote, with these sanitizers (FUZZ_SAN=undefined: several times as many executions; then guard pages alone tell
# what is read or written outside). Each target does its work in memory: no file, and next to no system call, an execution.
FUZZ         ?= trace index path parse json session
FUZZ_SECONDS ?= 60
FUZZ_RUNS    ?= 0
FUZZ_JOBS    ?= 1
FUZZ_LEN     ?= 0
FUZZ_SAN     ?= address,undefined
comma        := ,
FUZZ_DIR     := $B/tests/fuzz/$(subst $(comma),-,$(FUZZ_SAN))
FUZZ_CC      := clang -std=gnu11 -g -O2 -D_GNU_SOURCE -DOPT4_VERSION='"fuzz"' -fsanitize=fuzzer,$(FUZZ_SAN) -fno-sanitize-recover=all
FUZZ_SESSION := $(SESSION_C) $(wildcard policy/*.c)
FUZZ_DEPS    := $(FUZZ_SESSION) $(wildcard preload/*/*.h policy/*.h tests/fuzz/*.h)

$(FUZZ_DIR)/path: tests/fuzz/path.c preload/hook/path.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ tests/fuzz/path.c preload/hook/path.c
$(FUZZ_DIR)/json: tests/fuzz/json.c tools/opt4/common/jsonread.c preload/base/json.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $^ -lm
$(FUZZ_DIR)/trace: tests/fuzz/trace.c preload/base/trace.c $(wildcard preload/order/follow*.c)  $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -Dsyscall=fuzz_syscall -o $@ $(filter tests/fuzz/trace.c preload/base/trace.c preload/order/follow%.c,$^)
# The session as it is, but its system calls are kernel.c's.
FUZZ_CALLS   := open openat stat lstat fstatat fstat access unlink unlinkat rename renameat link linkat mkdir mkdirat rmdir chmod fchmod futimens \
  flock fcntl close statfs statvfs readlink read write pwrite pread preadv2 posix_fadvise ftruncate fallocate posix_fallocate mmap munmap madvise \
  syscall getpid geteuid clone sched_yield nanosleep clock_gettime getrlimit pthread_sigmask pthread_setcancelstate sigpending sigaction
FUZZ_OBJECTS := $(patsubst %.c,$(FUZZ_DIR)/of/%.o,$(FUZZ_SESSION) tests/fuzz/client.c)
$(FUZZ_OBJECTS): $(FUZZ_DIR)/of/%.o: %.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -fno-sanitize-coverage=trace-cmp $(foreach call,$(FUZZ_CALLS),-D$(call)=fuzz_$(call)) -c -o $@ $<
$(FUZZ_DIR)/index: $(patsubst %,tests/fuzz/%.c,index index_trace kernel kernel_calls) $(FUZZ_DEPS) tests/follow/plan.c $(FUZZ_OBJECTS)
	$(FUZZ_CC) -fno-sanitize-coverage=trace-cmp -o $@ $(filter tests/%.c %.o,$^) -pthread -lm
$(FUZZ_DIR)/session: tests/fuzz/client.c
$(FUZZ_DIR)/%: tests/fuzz/%.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $(filter tests/%.c,$^) $(FUZZ_SESSION) -pthread -lm

fuzz: $(FUZZ:%=$(FUZZ_DIR)/%)
	@tests/fuzz/run.sh $B $(FUZZ_DIR) $(FUZZ_SAN) $(FUZZ_SECONDS) $(FUZZ_RUNS) $(FUZZ_JOBS) $(FUZZ_LEN) $(FUZZ)

.PHONY: fuzz
