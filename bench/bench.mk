# The slow store that tests and benches run on: bench/slowstore/store.h says what it models.
SLOWSTORE := $B/slowstore.so $B/slowstore-stat
$B/slowstore.so: $(patsubst %,$B/bench/slowstore/%.o,store hooks stat)
	$(CC) -shared -o $@ $^ $(LDFLAGS) -ldl
$B/slowstore-stat: $B/bench/slowstore/show.o
	$(CC) -o $@ $^ $(LDFLAGS)
slowstore: $(SLOWSTORE)
-include $(wildcard $B/bench/*/*.d)

.PHONY: slowstore
