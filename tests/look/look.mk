# look.mk - what the tests of the tools for looking need.
test-bins: $B/tests/look/jsondump

$B/tests/look/jsondump: tests/look/jsondump.c tools/opt4/common/jsonread.c tools/opt4/common/jsonread.h
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -MF $@.d -o $@ tests/look/jsondump.c tools/opt4/common/jsonread.c $(LDFLAGS) -lm
