# The second tier among people: files larger than memory's part, folders of odd names, several containers, sizes that change.

load common
load ssd/disk

# large N SIZE: another dataset
large() {
	dataset "$BATS_TEST_TMPDIR/large" "$1" "$2"
	ROOT=$BATS_TEST_TMPDIR/large SUMS=$BATS_TEST_TMPDIR/sums OPT4_ROOT=$BATS_TEST_TMPDIR/large N=$1
	(cd "$ROOT" && find . -type f -printf '%P\n' | sort | while read -r f; do echo "$f $(sha256sum <"$f" | cut -d' ' -f1)"; done) >"$SUMS"
}

@test "a file too large for an eighth of memory lies on the SSD, if two of them fit into memory" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=60M OPT4_CACHE=1M OPT4_POLICY=keep
	large 30 300000
	job 4 .02
	left
	cat "$OPT4_STATS"
	[ "$(stat too_large)" = 0 ]
	calc "$(tier 1 resident_files) >= 15 and $(tier 1 hits) >= 15"
	calc "$(tier 0 peak_bytes) <= 1024 * 1024 and $(tier 1 peak_bytes) <= $(tier 1 budget_bytes)"
	no_session
	"$OPT4" clean --ssd "$DISK"
	OPT4_CACHE=500K job 1
	left
	calc "$(stat too_large) > 0"
	grep 'half of OPT4_CACHE' "$OPT4_LOG"
	"$OPT4" warm --root "$ROOT" --cache 1M --ssd "$DISK" --ssd-size 60M 2>&1 | tee "$BATS_TEST_TMPDIR/said"
	grep '30 of 30 files are there' "$BATS_TEST_TMPDIR/said"
	"$OPT4" clean --all
}
