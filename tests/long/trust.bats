# What tests/trust.bats does, for longer.
load ../common

@test "a million opens: no growth, at most 1 MiB of its own, no descriptor kept" {
	cd "$BATS_TEST_TMPDIR"
	dataset d 200 5000
	sleep .05
	within 120 "$B/tests/trust/grow" 1000000 $(find "$PWD/d" -name '*.jpg') >plain
	OPT4_ROOT=$PWD/d OPT4_CACHE=64M OPT4_STATS=$PWD/stats LD_PRELOAD=$LIB \
		within 280 "$B/tests/trust/grow" 1000000 $(find "$PWD/d" -name '*.jpg') >real
	read -r grew all held <real
	read -r _ plain plain_held <plain
	echo "grew by $grew KiB, $((all - plain)) more than plain, $held descriptors (plain $plain_held)"
	[ "$grew" -le 64 ] && [ $((all - plain)) -le 1024 ] && [ "$held" = "$plain_held" ]
	[ "$(json "['hits']" <stats)" -gt 990000 ]
}
