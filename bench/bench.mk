# Benches. `make bench`: each in a form of minutes at most, a table and JSON under build/bench; `make bench-readme`: the page.
# A bench's rule is `bench-NAME: ...; $(call BENCH,NAME,its title) COMMAND`, and `bench: bench-NAME` puts it into `make bench`;
# where that takes long, bench-NAME goes into LONG_BENCHES instead, and a bench-NAME-quick into bench.
BENCH = @bench/run.sh $(1) "$(strip $(2))"
LONG_BENCHES := policy plan trace follow
bench-long: $(addprefix bench-,$(LONG_BENCHES))
bench-readme:
	@python3 bench/readme.py $(LONG_BENCHES)
.PHONY: bench bench-long bench-readme

# The slow store that tests and benches run on: bench/slowstore/store.h says what it models.
SLOWSTORE := $B/slowstore.so $B/slowstore-stat
$B/slowstore.so: $(patsubst %,$B/bench/slowstore/%.o,store disk hooks stat)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -ldl -lm
$B/slowstore-stat: $B/bench/slowstore/show.o
	$(CC) -o $@ $^ $(LDFLAGS)
slowstore: $(SLOWSTORE)
-include $(wildcard $B/bench/*/*.d)

.PHONY: slowstore

# A trace of 1.28 million files x 90 epochs: seconds, memory, attaching (5 minutes, 1.3 GB of disk); quick: a tenth of both.
$B/bench-trace-reader: tests/trace/reader.c preload/base/trace.c preload/base/trace.h
	@mkdir -p $B
	$(CC) $(CFLAGS_ALL) -o $@ tests/trace/reader.c preload/base/trace.c
TRACE_BENCH = "$$(tests/setup.sh python)" bench/trace/trace.py $B/opt4-trace $B/bench-trace-reader
bench-trace: $B/opt4-trace $B/bench-trace-reader
	$(call BENCH,trace,Writing a trace and attaching to it) $(TRACE_BENCH) $B/bench/trace.json
bench-trace-quick: $B/opt4-trace $B/bench-trace-reader
	$(call BENCH,trace-quick,Writing a trace and attaching to it) $(TRACE_BENCH) $B/bench/trace-quick.json --files 128000 --epochs 9
bench: bench-trace-quick
.PHONY: bench-trace bench-trace-quick

# What following the trace costs, in hits when the trace is wrong and in time at ImageNet's size (1.3 GB of memory).
$B/bench/follow/follow: $(patsubst %,$B/%.o,bench/follow/main tests/follow/plan tests/follow/job tests/follow/play tests/follow/cache) $(filter $B/preload/order/follow%,$(SESSION)) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS)
FOLLOW_TITLE := Following the trace: hits when it is wrong and what tracker and policy cost an access
bench-follow: $B/bench/follow/follow
	$(call BENCH,follow,$(FOLLOW_TITLE)) $< $B/bench/follow.json
bench-follow-quick: $B/bench/follow/follow
	$(call BENCH,follow-quick,$(FOLLOW_TITLE)) $< $B/bench/follow-quick.json quick
bench: bench-follow-quick
-include $(wildcard $B/tests/follow/*.d)
.PHONY: bench-follow bench-follow-quick

# What calls that are not ours pay, and what a hit costs: each a table, and JSON under build/bench.
$B/bench/hit: bench/hit/hit.c
$B/bench/toll: bench/toll/toll.c
$B/bench/hit $B/bench/toll:
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(OPTFLAGS) $(WARN) -D_GNU_SOURCE -o $@ $< -ldl
bench-hit: $B/libopt4.so $B/bench/hit
	$(call BENCH,hit,A hit beside a hot page cache and a bare file on tmpfs. As it comes tmpfs has pages of 4 KiB where ext4's page cache has large folios: reading 110 KiB takes longer there whoever opened it; huge=within_size makes them alike) bench/hit/hit.sh $(HIT_FILES)
bench-toll: $B/libopt4.so $B/bench/toll
	$(call BENCH,toll,What calls that are not opt4's pay) bench/toll/toll.sh
bench: bench-toll bench-hit
.PHONY: bench-hit bench-toll

# What an access costs under each policy (1 GB of memory, 2 minutes; quick: 10,000 files only, seconds); bench-plan: a whole plan at
# ImageNet's size (up to 10 minutes).
$B/bench/policy/policy: $B/bench/policy/policy.o $(filter $(patsubst %,$B/tools/opt4/%.o,plan/run plan/cell plan/lru plan/time plan/simulate common/progress),$(CLI)) $B/preload/base/page.o $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS) -pthread -lm
POLICY_TITLE := An access under each policy: CPU time with a step of the simulator around it and the bytes of state
bench-policy: $B/bench/policy/policy
	$(call BENCH,policy,$(POLICY_TITLE)) $< $B/bench/policy.json
bench-policy-quick: $B/bench/policy/policy
	$(call BENCH,policy-quick,$(POLICY_TITLE)) $< $B/bench/policy-quick.json quick
bench-plan: $B/bench/policy/policy
	$(call BENCH,plan,A whole plan at ImageNet's size) $< $B/bench/plan.json sweep
bench: bench-policy-quick
.PHONY: bench-policy bench-policy-quick bench-plan

# What the keeper costs: copying a byte, beside cat, and asleep (a minute).
bench-keeper: all
	$(call BENCH,keeper,What the keeper costs: CPU time of all that it does to fetch files beside one cat of them into tmpfs and asleep) "$$(tests/setup.sh python)" bench/keeper/keeper.py $B $B/bench/keeper.json
bench: bench-keeper
.PHONY: bench-keeper

# What learning the order from the running DataLoader costs (1.28 million samples, five minutes).
$B/bench/live/publish: $B/bench/live/publish.o $(SESSION) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS) -ldl -pthread
bench-live: all $B/bench/live/publish
	$(call BENCH,live,What learning the order from the running DataLoader costs the training process) "$$(tests/setup.sh python)" bench/live/live.py $B/libopt4.so $B/bench/live/publish $B/bench/live.json
bench: bench-live
.PHONY: bench-live

# A spinning disk: random, by the elevator, in one pass (six minutes, 450 MB of disk); from buckets (eight more, 11 GB).
bench-disk: all slowstore
	$(call BENCH,disk,A spinning disk with one arm: an epoch at random and by the elevator and from buckets and in one pass) "$$(tests/setup.sh python)" bench/disk/disk.py $B $B/bench/disk.json
bench: bench-disk
.PHONY: bench-disk

# The main job, start to end, on a machine as it comes: OPT4_DEMO_IMAGES=DIR takes a folder of yours.
demo:
	@tests/setup.sh build && $(MAKE) --no-print-directory all slowstore
	@python=$$(tests/setup.sh python) && $$python bench/demo/demo.py $B
.PHONY: demo

# A job's epochs against the page cache, keep, OPT without prefetch, and the bound (up to 10 minutes; EPOCH=--full: hours, resumable).
bench-epoch: all slowstore
	$(call BENCH,epoch,A job's epochs beside the page cache and other policies and the bound) "$$(tests/setup.sh python)" bench/epoch/epoch.py $B $(EPOCH)
bench: bench-epoch
.PHONY: bench-epoch

# A second tier on an SSD: bytes of the store and seconds an epoch (root; four minutes, 1 GB of disk); coming up with 1.28 million files.
$B/bench/ssd/up: $B/bench/ssd/up.o $(SESSION) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS) -ldl -pthread
bench-ssd: all $B/bench/ssd/up
	$(call BENCH,ssd,A second tier on an SSD: what is read of the store and seconds an epoch with a tenth of the dataset in memory) "$$(tests/setup.sh python)" bench/ssd/ssd.py $B
bench-ssd-up: all $B/bench/ssd/up
	$(call BENCH,ssd-up,A second tier of 1.28 million files comes up) bench/ssd/up.sh $B
$B/bench/ssd/near: bench/ssd/near.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 $(OPTFLAGS) $(WARN) -D_GNU_SOURCE -o $@ $< -pthread
bench-ssd-near: all $B/bench/hit $B/bench/ssd/near
	$(call BENCH,ssd-near,What lies on the SSD is brought to its reader: how fast and for how much CPU; and a hit there) python3 bench/ssd/near.py $B $B/bench/ssd-near.json
bench-ssd-uneven: all
	$(call BENCH,ssd-uneven,A second tier where the future is uneven: what is reused beside Belady over memory and SSD) "$$(tests/setup.sh python)" bench/ssd/uneven.py $B $B/bench/ssd-uneven.json
bench: bench-ssd bench-ssd-up bench-ssd-near bench-ssd-uneven
.PHONY: bench-ssd bench-ssd-up bench-ssd-near bench-ssd-uneven

# Several nodes, one pool of memcached servers (root, network namespaces; four minutes).
bench-pool: all slowstore
	$(call BENCH,pool,Several nodes and one pool: what is read of the store and seconds an epoch and what goes over the network) "$$(tests/setup.sh python)" bench/pool/pool.py $B
# .. and what a GB through a server costs, beside libmemcached (a minute).
$B/bench/pool/cost: $B/bench/pool/cost.o $(WIRE) $(filter $B/preload/base/%,$(SESSION)) $(POLICY)
	$(CC) -o $@ $^ $(LDFLAGS) -ldl -pthread
bench-pool-cost: all $B/bench/pool/cost
	$(call BENCH,pool-cost,Values of 110 KiB to a server and back: CPU of the client and of memcached) bench/pool/cost.sh $B
bench: bench-pool bench-pool-cost
.PHONY: bench-pool bench-pool-cost
