# The slow store that tests and benches run on: bench/slowstore/store.h says what it models.
SLOWSTORE := $B/slowstore.so $B/slowstore-stat
$B/slowstore.so: $(patsubst %,$B/bench/slowstore/%.o,store hooks stat)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -ldl
$B/slowstore-stat: $B/bench/slowstore/show.o
	$(CC) -o $@ $^ $(LDFLAGS)
slowstore: $(SLOWSTORE)
-include $(wildcard $B/bench/*/*.d)

.PHONY: slowstore

# A trace of 1.28 million files x 90 epochs: seconds, memory, attaching.
$B/bench-trace-reader: tests/trace/reader.c preload/session/trace.c preload/session/trace.h
	@mkdir -p $B
	$(CC) $(CFLAGS_ALL) -o $@ tests/trace/reader.c preload/session/trace.c
bench-trace: $B/opt4-trace $B/bench-trace-reader
	@mkdir -p $B/bench && python=$$(tests/setup.sh python) && \
	  $$python bench/trace/trace.py $B/opt4-trace $B/bench-trace-reader $B/bench/trace.json
bench: bench-trace
.PHONY: bench bench-trace

# What following the trace costs, in hits when the trace is wrong and in time at ImageNet's size (1.3 GB of memory).
$B/bench/follow/follow: $(patsubst %,$B/%.o,bench/follow/main tests/follow/plan tests/follow/job tests/follow/play tests/follow/cache) $(filter $B/preload/session/follow%,$(SESSION)) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS)
bench-follow: $B/bench/follow/follow
	$< $B/bench/follow.json
bench: bench-follow
-include $(wildcard $B/tests/follow/*.d)
.PHONY: bench bench-follow

# What calls that are not ours pay, and what a hit costs: each a table, and JSON under build/bench.
$B/bench/hit: bench/hit/hit.c
$B/bench/toll: bench/toll/toll.c
$B/bench/hit $B/bench/toll:
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(OPTFLAGS) $(WARN) -D_GNU_SOURCE -o $@ $< -ldl
bench-hit: $B/libopt4.so $B/bench/hit
	bench/hit/hit.sh $(HIT_FILES)
bench-toll: $B/libopt4.so $B/bench/toll
	bench/toll/toll.sh
bench: bench-toll bench-hit
.PHONY: bench bench-hit bench-toll

# What an access costs under each policy (1 GB of memory, 2 minutes); bench-plan: a whole plan at ImageNet's size (up to 10 minutes).
$B/bench/policy/policy: $B/bench/policy/policy.o $(filter $B/tools/opt4/plan_run.o $B/tools/opt4/plan_lru.o $B/tools/opt4/plan_time.o $B/tools/opt4/simulate.o,$(CLI)) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS) -pthread -lm
bench-policy: $B/bench/policy/policy
	$< $B/bench/policy.json
bench-plan: $B/bench/policy/policy
	$< $B/bench/plan.json sweep
bench: bench-policy
.PHONY: bench-policy bench-plan

# The main job, start to end, on a machine as it comes: OPT4_DEMO_IMAGES=DIR takes a folder of yours.
demo:
	@tests/setup.sh build && $(MAKE) --no-print-directory all slowstore
	@python=$$(tests/setup.sh python) && $$python bench/demo/demo.py $B
.PHONY: demo

# A job's epochs against the page cache, keep, OPT without prefetch, and the bound (up to 10 minutes; EPOCH=--full: hours, resumable).
bench-epoch: all slowstore
	@python=$$(tests/setup.sh python) && $$python bench/epoch/epoch.py $B $(EPOCH)
bench: bench-epoch
.PHONY: bench-epoch
