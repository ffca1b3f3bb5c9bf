# opt4 stat, ls, clean and top on what they may meet: foreign folders, hostile names, no room for what they print.

load common

setup() {
	cd "$BATS_TEST_TMPDIR"
	[ -z "$(sessions)" ] || skip "this user has sessions of his own in /dev/shm"
	export OPT4_KEEP=1
}

teardown() {
	[ -n "${BATS_TEST_SKIPPED:-}" ] || rm -rf "/dev/shm/opt4-$(id -u)" /dev/shm/opt4-foreign
}

# Prints STATUS and the one line of stderr that a command left
says() {
	local rc=0
	"$@" >out 2>err || rc=$?
	[ "$(wc -l <err)" -le 1 ]
	echo "$rc $(cat err)"
}

@test "a dataset whose name has a newline and an escape: one line each, and JSON" {
	local root=$PWD/$'we\nird\e[31m' name
	dataset "$root" 5 4096
	run_opt4 --quiet --root "$root" -- sh -c 'cat we*/*/* >/dev/null'
	"$OPT4" ls >ls
	[ "$(wc -l <ls)" = 2 ]
	grep -qF "$PWD/we?ird?[31m" ls
	name=$(awk 'NR == 2 { print $1 }' ls)
	for c in stat "top --once"; do
		"$OPT4" $c "$name" >frame
		grep -qxF "root      $PWD/we?ird?[31m" frame
		[ "$(LC_ALL=C grep -c '[^[:print:]]' frame)" = 0 ]
	done
	"$OPT4" stat --json "$name" | python3 -c 'import json, sys; assert json.load(sys.stdin)["root"] == sys.argv[1]' "$root"
}

@test "clean leaves alone what is no session, whoever names it" {
	mkdir -m 700 /dev/shm/opt4-foreign
	mkdir -p /dev/shm/opt4-foreign/objects/00
	touch /dev/shm/opt4-foreign/{index,HEAD,objects/00/mine}
	[[ "$(says "$OPT4" clean /dev/shm/opt4-foreign)" == "1 opt4: /dev/shm/opt4-foreign: holds what is not a session's; "* ]]
	[[ "$(OPT4_DIR=/dev/shm/opt4-foreign says "$OPT4" clean --all)" == "1 opt4: "* ]]
	[ "$(find /dev/shm/opt4-foreign -type f | wc -l)" = 3 ]
	rm /dev/shm/opt4-foreign/HEAD             # now it is what a killed job left
	"$OPT4" clean /dev/shm/opt4-foreign
	[ ! -e /dev/shm/opt4-foreign ]
	[[ "$(says "$OPT4" clean "$PWD")" == "1 opt4: $PWD: "*"; "* ]]
	local c
	for c in "stat" "clean" "top --once"; do
		[[ "$(says "$OPT4" $c '')" == "2 opt4: session: "*"; "* ]]
		[[ "$(says "$OPT4" $c nonsuch)" == "1 opt4: nonsuch: no such session; "* ]]
	done
}

@test "a broken session, and one with a strange name: shown, refused, removed" {
	local base=/dev/shm/opt4-$(id -u)
	mkdir -p -m 700 "$base"
	mkdir -m 700 "$base/x" "$base/"$'y\nz'
	head -c 100000 /dev/urandom >"$base/x/index"
	[ "$("$OPT4" ls | awk 'NR > 1 { print $1, $2 }' | sort | xargs)" = "x broken y?z broken" ]
	local c
	for c in "stat" "stat --json" "top --once" "top --prometheus" "report -o report.html"; do
		[[ "$(says "$OPT4" $c x)" == "1 opt4: $base/x: not a session of this version and boot; "* ]]
	done
	[ "$(says "$OPT4" clean)" = "0 " ]
	[ ! -e "$base" ]
}

@test "what cannot be printed is said, status 1; a reader that goes early is none's fault" {
	[ -c /dev/full ] || skip "no /dev/full here"
	dataset "$PWD/data" 5 4096
	run_opt4 --quiet --root data -- sh -c 'cat data/*/* >/dev/null'
	local c rc
	for c in stat "stat --json" ls "top --once" "top --prometheus" doctor --help --version "run --help" "plan --version"; do
		rc=0
		"$OPT4" $c >/dev/full 2>err || rc=$?
		echo "$c: $rc $(cat err)"
		[ "$rc" = 1 ] && grep -q '^opt4: standard output: No space left on device; ' err
		rc=0
		"$OPT4" $c >&- 2>err || rc=$?
		[ "$rc" = 1 ] && grep -q '^opt4: standard output: Bad file descriptor; ' err
		"$OPT4" $c 2>err | head -c 1 >/dev/null
		[ ! -s err ]
	done
}
