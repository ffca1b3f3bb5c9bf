# opt4 run: what it says before and after the job; and files that it writes are whole or as they were.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 40 4096
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 2 --seed "$SEED" --batch-size 4 -o run.trace
}

setup() { cd "$BATS_FILE_TMPDIR"; }

# refuses STATUS TEXT OPTION...: opt4 run says one line that begins so and has a mend, and the job does not begin
refuses() {
	local want=$1 text=$2
	shift 2
	run run_opt4 "$@" -- touch begun
	echo "$* -> $status $output"
	[ "$status" = "$want" ] && [ "${#lines[@]}" = 1 ] && [[ "$output" == "opt4: $text"*"; "?* ]] && [ ! -e begun ]
}

@test "wrong values are refused before the job begins" {
	local v
	for v in '' 10GB -1 '5 %' 99999999999T; do refuses 2 "--cache: " --cache "$v"; done
	for v in '' -1 ' 3' 1e3 on 9999999; do refuses 2 "--prefetch: " --prefetch "$v"; done
	for v in '' OPT opt,lru; do refuses 2 "--policy: " --policy "$v"; done
	for v in '' :: / "$HOME" /.. run.trace "data:/"; do refuses 2 "--root: " --root "$v"; done
	for v in nonsuch data /dev/null; do refuses 1 "--trace: $v: " --trace "$v"; done
	for v in '' data /nonsuch/f; do
		refuses 1 "--stats: $v: " --stats "$v"
		refuses 1 "--record: $v: " --record "$v"
	done
}

@test "a root that is not there yet is said, and the job may make it" {
	run run_opt4 --root later -- sh -c 'cp -r data later; sleep .1; cat later/*/* >/dev/null; cat later/*/* >/dev/null'
	[ "$status" = 0 ]
	[[ "${lines[0]}" == "opt4: --root: later: No such file or directory; "* ]]
	[[ "${lines[1]}" == "opt4: 80 accesses: 40 hits, "* ]]
}

@test "a root from the environment that is none is said after the job" {
	OPT4_ROOT=/ run run_opt4 -- true
	[ "$status" = 0 ]
	[[ "$output" == "opt4: run: OPT4_ROOT names no dataset: "*"; "* ]]
	for off in OPT4_DISABLE=1 OPT4_POLICY=none; do
		[ -z "$(env "$off" OPT4_ROOT=/ "$OPT4" run -- true 2>&1)" ]
	done
}

@test "relative paths hold where the job goes into another folder" {
	local job="cd /; cat $PWD/data/*/* $PWD/data/*/* >/dev/null"
	for options in "--trace run.trace" "--root data" "--trace run.trace --root data"; do
		rm -f st.json
		run_opt4 $options --prefetch off --stats st.json -- sh -c "$job"
		[ "$(json "['hits']" <st.json)" = 40 ]
	done
	OPT4_ROOT=data OPT4_STATS=st2.json OPT4_LOG=log OPT4_MAXFILE=x run_opt4 -- sh -c "$job"
	[ -s st2.json ]
	[ -s log ]
}

@test "OPT4_PROGRAMS is the job's: the statistics are written all the same" {
	OPT4_PROGRAMS=cat run_opt4 --root data --stats programs.json -- sh -c 'cat data/*/* >/dev/null; head -qc 9 data/*/* >/dev/null'
	[ "$(json "['accesses']" <programs.json)" = 40 ]
}

@test "statistics that could not be written: said, status 1; what was there stays, a device too" {
	local job=(cat data/*/*)
	echo mine >st.old
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null || skip "needs root and mount namespaces"
	mkdir -p small
	run within 60 unshare -m sh -ec 'mount -t tmpfs -o size=16k tmpfs small; cp st.old small/st.json
		head -c 20K /dev/zero >small/x || true
		"$OPT4" run --root data --stats small/st.json -- cat data/*/* >/dev/null || echo "status $?"
		cat small/st.json; ls small'
	echo "$output"
	[[ "$output" == *"opt4: --stats: small/st.json: No space left on device; "*"status 1"*mine$'\n'st.json$'\n'x ]]
	# what is no regular file is written as it is, not replaced
	mkfifo pipe
	cat pipe >through &
	run_opt4 --quiet --root data --stats pipe -- "${job[@]}" >/dev/null
	wait $!
	[ -p pipe ]
	[ "$(json "['accesses']" <through)" = 40 ]
	echo '{}' >there.json
	ln -s there.json link.json
	run_opt4 --quiet --root data --stats link.json -- "${job[@]}" >/dev/null
	[ -L link.json ]
	[ "$(json "['accesses']" <there.json)" = 40 ]
}

@test "no session, no statistics: that is said, and the status is the job's" {
	run run_opt4 --quiet --root data --stats none.json -- sh -c 'exit 3'
	[ "$status" = 3 ]
	[[ "$output" == "opt4: --stats: none.json: not written, "*"; "* ]]
	[ ! -e none.json ]
}
