# look.mk - what the tests of the tools for looking need.
test-bins: $B/tests/jsondump

$B/tests/jsondump: tests/look/jsondump.c tools/opt4/jsonread.c tools/opt4/jsonread.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MF $@.d -o $@ tests/look/jsondump.c tools/opt4/jsonread.c $(LDFLAGS) -lm
