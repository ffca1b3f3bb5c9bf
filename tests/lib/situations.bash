# situations.bash - what the budget, crash and session tests share: load common, then this.

# start NAME CMD...: runs it beside the test; waits for its first line, which is then in $line.
# finish NAME: its stdin ends; what else it said is in $said; its exit status is finish's.
declare -gA to from pid
start() {
	local name=$1 fifo=$BATS_TEST_TMPDIR/$1.in i=${fds[$1]:-}
	shift
	rm -f "$fifo" "$fifo.out"
	mkfifo "$fifo" "$fifo.out"
	"$@" <"$fifo" >"$fifo.out" 3>&- 2>>"$BATS_TEST_TMPDIR/$name.err" &
	pid[$name]=$!
	exec {i}>"$fifo"
	to[$name]=$i
	exec {i}<"$fifo.out"
	from[$name]=$i
	read -r -t 60 line <&"${from[$name]}" || { echo "$name said nothing"; cat "$BATS_TEST_TMPDIR/$name.err"; return 1; }
}
finish() {
	local i=${to[$1]} o=${from[$1]}
	exec {i}>&-
	said=$(timeout 60 cat <&"$o")
	exec {o}<&-
	wait "${pid[$1]}"
}

# holder [FILE]: a job that lives until `finish holder`, so that its session does; its pid in $holder
holder() {
	start holder env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/holder.py" "${@:-$(head -1 "$LIST")}"
	holder=${line#ready }
}

# data DIR N SIZE: a dataset, its LIST of files and SUMS
data() {
	dataset "$1" "$2" "$3"
	find "$1" -type f | sort >"$1.list"
	xargs -a "$1.list" sha256sum >"$1.sums"
	sleep .1    # what has changed this very moment is not cached
}

# file_data N SIZE: for setup_file: the file's seed and its dataset `data`. test_data: for setup: in its folder, with them.
file_data() {
	seed
	cd "$BATS_FILE_TMPDIR"
	echo "$SEED" >seed
	data "$PWD/data" "$@"
}
test_data() {
	cd "$BATS_FILE_TMPDIR"
	SEED=$(cat seed) LIST=$PWD/data.list SUMS=$PWD/data.sums
	echo "TEST_SEED=$SEED"
	export OPT4_STATS=$BATS_TEST_TMPDIR/stats OPT4_LOG=$BATS_TEST_TMPDIR/log
}

# churn SUMS OPTION...: tests/lib/churn.py under the library; its JSON in $churned
churn() { churned=$(within 100 env LD_PRELOAD="$LIB" "$PYTHON" "$REPO/tests/lib/churn.py" "$@") || { echo "$churned"; return 1; }; }

# stat_of NAME: of OPT4_STATS
stat_of() { json "['$1']" <"$OPT4_STATS"; }

# tmpfs DIR SIZE: as root; unmounted by unmount_all in teardown
tmpfs() {
	mkdir -p "$1"
	mount -t tmpfs -o "size=$2,mode=0700" tmpfs "$1"
	mounted+=("$1")
}
unmount_all() {
	local dir
	for dir in "${mounted[@]}"; do
		umount "$dir" 2>/dev/null || umount -l "$dir"
	done
	mounted=()
}
need_root() { [ "$(id -u)" = 0 ] || skip "needs root: $1"; }

# fails CMD...: it must (a plain `! CMD` never ends a test)
fails() { ! "$@"; }

# others_may: another user can reach what this test has below $TMPDIR (the suite's is 0700 at first)
others_may() {
	local dir=$BATS_TEST_TMPDIR
	chmod -R a+rX "$BATS_TEST_TMPDIR"
	while [ "$dir" != / ] && [ "$dir" != "$(dirname "${TMPDIR:-/tmp}")" ]; do
		chmod a+x "$dir"
		dir=$(dirname "$dir")
	done
	setpriv --reuid 65534 --clear-groups ls "$BATS_TEST_TMPDIR" >/dev/null 2>&1 || skip "$TMPDIR is closed to other users"
}
