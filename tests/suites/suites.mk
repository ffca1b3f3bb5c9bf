# suites.mk - other people's tests as judges: make test-suites [SUITES="cpython pillow differ"]. Not part of make test:
# each is installed from packages and takes minutes.
SUITES ?= cpython pillow differ
EAGER  := $B/tests/suites/libeager.so

$(EAGER): $(HOOK) $(SESSION) $(POLICY) $B/tests/suites/eager.o preload/libopt4.map
	$(CC) -shared -o $@ $(HOOK) $(SESSION) $(POLICY) $B/tests/suites/eager.o $(LDFLAGS) -Wl,--wrap=clock_gettime \
	  -Wl,--version-script=preload/libopt4.map -Wl,-z,now -Wl,-z,nodelete -ldl -pthread
	ln -sfn ../../opt4_live $(@D)/opt4_live   # the live module is looked for beside the library,
	ln -sfn ../../opt4d $(@D)/opt4d           # and so is the keeper

test-suites: all $(EAGER)
	@tests/suites/run.sh $B $(SUITES)

.PHONY: test-suites
