# faults.mk - make faults [CALLS="open fstat"]: every call that the library makes fails in turn with each errno. Minutes.
FAULT_BINS := $B/tests/faults/libfaults.so $B/tests/faults/drive

$B/tests/faults/libfaults.so: tests/faults/faults.c tests/faults/faults.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -Wno-nonnull-compare -D_GNU_SOURCE -fPIC -fvisibility=hidden -shared -o $@ $< -ldl
$B/tests/faults/drive: tests/faults/drive.c tests/faults/faults.h tests/hook/common.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -g $(WARN) -D_GNU_SOURCE -o $@ $< -ldl

faults: all $(FAULT_BINS)
	@tests/faults/run.sh $B $(CALLS)
	@tests/faults/keeper.sh $B

.PHONY: faults
