# fuzz.mk - make fuzz [FUZZ_SECONDS=60] [FUZZ="trace path"]: libFuzzer (clang) over what reads bytes that others wrote.
FUZZ         ?= trace index path parse json
FUZZ_SECONDS ?= 60
FUZZ_CC      := clang -std=gnu11 -g -O1 -D_GNU_SOURCE -DOPT4_VERSION='"fuzz"' -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined
FUZZ_SESSION := $(wildcard preload/session/*.c policy/*.c)
FUZZ_DEPS    := $(FUZZ_SESSION) $(wildcard preload/*/*.h policy/*.h)

$B/tests/fuzz/path: tests/fuzz/path.c preload/hook/path.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ tests/fuzz/path.c preload/hook/path.c
$B/tests/fuzz/json: tests/fuzz/json.c tools/opt4/jsonread.c preload/session/json.c
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $^ -lm
$B/tests/fuzz/%: tests/fuzz/%.c $(FUZZ_DEPS)
	@mkdir -p $(@D)
	$(FUZZ_CC) -o $@ $< $(FUZZ_SESSION) -pthread -lm

fuzz: $(FUZZ:%=$B/tests/fuzz/%)
	@tests/fuzz/run.sh $B $(FUZZ_SECONDS) $(FUZZ)

.PHONY: fuzz
