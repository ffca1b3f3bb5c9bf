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

@test "a size that holds nothing is refused, and what lies there stays; one that the disk has not is said; a smaller one next time holds" {
	export OPT4_CACHE=1M OPT4_POLICY=keep
	with_ssd() { run_opt4 --root "$ROOT" --ssd "$DISK" "$@" -- "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 3 "$SEED" .002 2>"$BATS_TEST_TMPDIR/said"; }
	lies() { find "$DISK" -path '*/objects/*' -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }'; }
	with_ssd --ssd-size 900T
	cat "$BATS_TEST_TMPDIR/said"
	[ "$(grep -c 'OPT4_SSD_SIZE: room for .* a twentieth left to others' "$BATS_TEST_TMPDIR/said")" = 1 ]
	left
	had=$(lies)
	calc "$had > 2 * 1024 * 1024"
	for size in 0 800 4K 0%; do
		run with_ssd --ssd-size $size
		[ "$status" = 2 ]
		[[ $(cat "$BATS_TEST_TMPDIR/said") == "opt4: --ssd-size: '$size' is less than 1M, which holds nothing; use e.g. 800G or 50%" ]]
	done
	OPT4_SSD=$DISK OPT4_SSD_SIZE=800 job 1
	grep 'of less than 1 MiB, by OPT4_SSD_SIZE' "$OPT4_LOG"
	[ "$(lies)" = "$had" ]
	no_session
	with_ssd --ssd-size 2M
	left
	calc "0 < $(lies) <= 2 * 1024 * 1024"
	run run_opt4 --ssd /proc -- touch "$BATS_TEST_TMPDIR/ran"
	[ "$status" = 1 ] && [[ $output == "opt4: --ssd: /proc: no disk lies below it"* ]] && [ ! -e "$BATS_TEST_TMPDIR/ran" ]
}

@test "a log of another version is begun anew, and what it named makes room" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	job 2 .002
	left
	no_session
	printf OPT4SEA9 | dd of="$(echo "$DISK"/opt4-0/*/sealed)" bs=8 count=1 conv=notrunc status=none
	job 2 .002
	left
	grep 'sealed: .*begun anew' "$OPT4_LOG"
	lies=$(find "$DISK" -path '*/objects/*' -type f -printf '%s\n' | awk '{ n += int(($1 + 4095) / 4096) * 4096 } END { print n + 0 }')
	calc "$lies <= $(tier 1 used_bytes) <= $lies + 1024 * 1024"     # what was on its way from memory as the job ended
	no_session
	job 1
	calc "$(tier 1 hits) > 0"
}

@test "half a word of whose the folder is, as a power cut leaves it: what nobody is charged for is not left lying" {
	export OPT4_SSD=$DISK OPT4_CACHE=1M OPT4_POLICY=keep
	local stray
	for word in '' '00000000'; do
		job 1
		left
		no_session
		stray=$(echo "$DISK"/opt4-0/*/objects/ab)/ab000000000000000000000000000000
		head -c 32768 /dev/zero >"$stray"
		echo -n "$word" >"$(echo "$DISK"/opt4-0/*/owner)"
		job 1
		left
		[ ! -e "$stray" ]
	done
}

@test "folders of odd names: spaces, a newline, quotes, a link's target, a path that is not absolute" {
	export OPT4_CACHE=1M OPT4_POLICY=keep
	local name
	for name in 'sp ace' $'new\nline' 'q"u%s:o'; do
		mkdir "$DISK/$name"
		run_opt4 --root "$ROOT" --ssd "$DISK/$name" --stats "$OPT4_STATS" -- "$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" 3 "$SEED" .002
		calc "$(tier 1 hits) > 0"
		[ -n "$(find "$DISK/$name" -path '*/objects/*' -type f | head -1)" ]
		no_session
		"$OPT4" clean --ssd "$DISK/$name" --all
		[ -z "$(ls -A "$DISK/$name")" ]
	done
	cd "$DISK"
	mkdir rel
	run_opt4 --root "$ROOT" --ssd rel --stats "$OPT4_STATS" -- sh -c "cd / && exec $PYTHON $REPO/tests/ssd/job.py $ROOT $SUMS 3 $SEED .002"
	calc "$(tier 1 hits) > 0"
	[ -d rel/opt4-0 ]
	cd "$BATS_FILE_TMPDIR"
}

@test "a job that comes to another's session is told that its own second tier, or its size, does not hold" {
	export OPT4_CACHE=1M OPT4_POLICY=keep OPT4_SSD=$DISK OPT4_SSD_SIZE=4M
	mkdir "$DISK/second"
	mkfifo "$BATS_TEST_TMPDIR/over"
	within 60 env LD_PRELOAD="$LIB" "$PYTHON" -c 'import os, sys
for d, _, names in os.walk(sys.argv[1]):
    for n in names: open(os.path.join(d, n), "rb").read()
open(sys.argv[2]).read()' "$ROOT" "$BATS_TEST_TMPDIR/over" 3>&- &
	local first=$!
	for _ in {1..100}; do [ -z "$(sessions)" ] || break; sleep .1; done
	other() { : >"$BATS_TEST_TMPDIR/told"; within 60 env LD_PRELOAD="$LIB" OPT4_LOG="$BATS_TEST_TMPDIR/told" "$@" cat "$ROOT"/*/*.jpg >/dev/null; grep -c 'shares the session' "$BATS_TEST_TMPDIR/told"; }
	[ "$(other OPT4_SSD="$DISK/second")" = 1 ]
	grep "second tier is $DISK/opt4-0" "$BATS_TEST_TMPDIR/told"
	[ "$(other OPT4_SSD_SIZE=5M)" = 1 ]
	grep 'OPT4_SSD_SIZE: 5M: left alone.* has 4 MiB' "$BATS_TEST_TMPDIR/told"
	[ "$(other OPT4_SSD_SIZE=4M)" = 0 ]
	[ ! -e "$DISK/second/opt4-0" ]
	echo >"$BATS_TEST_TMPDIR/over"
	wait $first
}

@test "two containers, each with its own /dev/shm, on one folder: one has it, the other is told; the budget holds, and both are right" {
	export OPT4_CACHE=1M OPT4_POLICY=keep OPT4_SSD=$DISK OPT4_SSD_SIZE=3M
	unset OPT4_STATS
	container() {   # NAME ROUNDS [FIFO]: pid and mount namespaces of its own; stays until somebody writes to FIFO
		within 120 unshare -m -p -f --mount-proc sh -c 'mount -t tmpfs -o size=256M tmpfs /dev/shm && "$@"' sh \
			env LD_PRELOAD="$LIB" OPT4_LOG="$BATS_TEST_TMPDIR/$1.log" sh -c 'fifo=$1; shift; "$@"; [ -z "$fifo" ] || read -r _ <"$fifo"' sh "${3:-}" \
			"$PYTHON" "$REPO/tests/ssd/job.py" "$ROOT" "$SUMS" "$2" "$SEED" .004 >"$BATS_TEST_TMPDIR/$1"
	}
	right() { [ "$(cat "$BATS_TEST_TMPDIR/$1")" = "read $((N * $2)) wrong 0 failed 0" ]; }
	coproc WATCH { "$PYTHON" "$REPO/tests/ssd/watch.py" $((3 << 20)) "$DISK/opt4-0"; }
	local in=${WATCH[1]} out=${WATCH[0]} a b
	touch "$BATS_TEST_TMPDIR"/{a,b,c,d}.log
	mkfifo "$BATS_TEST_TMPDIR/over"
	container a 2 "$BATS_TEST_TMPDIR/over" 3>&- & a=$!
	for _ in {1..300}; do [ ! -s "$BATS_TEST_TMPDIR/a" ] || break; sleep .1; done
	right a 2
	container b 1
	echo >"$BATS_TEST_TMPDIR/over"
	wait $a
	cat "$BATS_TEST_TMPDIR"/?.log
	[ "$(grep -c 'another session has it; give this job a folder of its own; the job goes without it' "$BATS_TEST_TMPDIR/b.log")" = 1 ]
	[ ! -s "$BATS_TEST_TMPDIR/a.log" ]
	container c 1 3>&- & b=$!                    # two at once, whoever comes first
	container d 1
	wait $b
	right b 1 && right c 1 && right d 1
	echo >&"$in"
	read -r samples most over <&"$out"
	echo "$samples samples, $most most, $over over"
	[ "$most" -gt $((1 << 20)) ] && [ "$over" = 0 ]
}

@test "--ssd-size N% without a trace is of what the DataLoader's dataset takes" {
	large 120 20000                              # more than are looked at before the first batch
	cat >"$BATS_TEST_TMPDIR/train.py" <<-'END'
		import json, subprocess, sys, time, torch
		from torchvision.datasets import DatasetFolder
		ds = DatasetFolder(sys.argv[1], lambda p: len(open(p, "rb").read()), extensions=("jpg",))
		for x, y in torch.utils.data.DataLoader(ds, 4, shuffle=True, num_workers=1): pass
		for _ in range(600):
		    tiers = json.loads(subprocess.check_output([sys.argv[2], "stat", "--json"]))["tiers"]
		    if tiers[1]["budget_bytes"] == int(sys.argv[3]) and tiers[0]["budget_bytes"] == 1 << 20: break
		    time.sleep(.05)
		else: sys.exit("budgets: %s" % tiers)
	END
	unset OPT4_ROOT
	run_opt4 --cache 1M --ssd "$DISK" --ssd-size 50% -- "$PYTHON" "$BATS_TEST_TMPDIR/train.py" "$ROOT" "$OPT4" $((120 * 20480 / 2))
}

@test "warm: budgets in percent without a trace; what can't be read is named; broken off and taken up again, nothing is read twice" {
	"$OPT4" warm --root "$ROOT" --cache 30% --ssd "$DISK" --ssd-size 20% --quiet
	"$OPT4" stat --json >"$OPT4_STATS"
	[ "$(tier 0 budget_bytes) $(tier 1 budget_bytes)" = "$((DATA * 3 / 10 / 4096 * 4096)) $((DATA / 5 / 4096 * 4096))" ]
	calc "$(tier 0 used_bytes) > .25 * $DATA and $(tier 1 used_bytes) > .15 * $DATA"
	"$OPT4" clean --all
	"$OPT4" clean --ssd "$DISK"
	export SLOWSTORE_ROOT=$ROOT SLOWSTORE_STATE=$BATS_TEST_TMPDIR/state
	warm() { LD_PRELOAD=$SLOWSTORE within 60 "$OPT4" warm --root "$ROOT" --cache 2M --ssd "$DISK" --ssd-size 50M 2>"$BATS_TEST_TMPDIR/said"; }
	just() { sed -n 's/.*; \([0-9]*\) read just now.*/\1/p' "$BATS_TEST_TMPDIR/said"; }
	SLOWSTORE_LATENCY=80ms warm & pid=$!
	sleep 1
	pkill -INT -P $pid -f 'opt4 warm' || true     # may not have begun, or be over; timeout sends it twice, to its child and to its group
	wait $pid || true
	first=$(just)
	cat "$BATS_TEST_TMPDIR/said"
	SLOWSTORE_LATENCY=0 warm
	cat "$BATS_TEST_TMPDIR/said"
	grep "$N of $N files are there" "$BATS_TEST_TMPDIR/said"
	[ $((${first:-0} + $(just))) = "$N" ]
	"$OPT4" clean --all
	"$OPT4" clean --ssd "$DISK"
	SLOWSTORE_LATENCY=0 SLOWSTORE_FAIL=eio:3 warm && return 1 || [ $? = 1 ]
	cat "$BATS_TEST_TMPDIR/said"
	grep "could not be read ($ROOT/.*: Input/output error)" "$BATS_TEST_TMPDIR/said"
	"$OPT4" clean --all
}

@test "what a job left that read another part of the dataset makes room; what is read again stays, and nothing is written twice" {
	export OPT4_SSD=$DISK OPT4_SSD_SIZE=2600K OPT4_CACHE=1M OPT4_STATS
	dataset "$BATS_TEST_TMPDIR/both/a" 80 40000 && dataset "$BATS_TEST_TMPDIR/both/b" 80 40000
	both() {  # PART ROUNDS
		(cd "$BATS_TEST_TMPDIR/both" && find "$1" -type f | sort | while read -r f; do echo "$f $(sha256sum <"$f" | cut -d' ' -f1)"; done) >"$BATS_TEST_TMPDIR/sums"
		N=80 SUMS=$BATS_TEST_TMPDIR/sums ROOT=$BATS_TEST_TMPDIR/both OPT4_ROOT=$BATS_TEST_TMPDIR/both job "$2" .005
		left
		no_session
	}
	for OPT4_POLICY in keep opt; do
		export OPT4_POLICY
		both a 2
		calc "$(tier 1 used_bytes) >= 1.5 * 1024 * 1024"
		both b 4
		cat "$OPT4_STATS"
		calc "$(tier 1 hits) > 20 and $(tier 1 evictions) > 10"
		calc "$(tier 1 written_bytes) <= 1.05 * 2600 * 1024"
		both b 1
		calc "$(tier 1 written_bytes) <= .3 * 2600 * 1024"
		"$OPT4" clean --ssd "$DISK"
	done
}

@test "opt4 doctor knows the second tier: room, a size that holds nothing, a folder that can't hold it, the dataset's own disk, a container" {
	doctor() { run env "$@" PYTHON="$PYTHON" "$OPT4" doctor --root "$ROOT" --ssd "$DISK"; echo "$output"; }
	doctor -u OPT4_STATS -u OPT4_LOG -u KUBERNETES_SERVICE_HOST
	grep -E "^(ok|warn) +ssd +$DISK" <<<"$output"
	doctor OPT4_SSD_SIZE=60M
	grep -E "^ok +ssd +$DISK on ext4: room for .* more; 0 datasets lie there" <<<"$output"
	doctor OPT4_SSD_SIZE=900G
	grep -E "^warn +ssd +$DISK: room for .* of the 900.0 GiB of OPT4_SSD_SIZE" <<<"$output"
	doctor OPT4_SSD_SIZE=800
	[ "$status" = 1 ] && grep -E "^bad +ssd +OPT4_SSD_SIZE=800 is less than 1M" <<<"$output"
	doctor -u OPT4_SSD_SIZE KUBERNETES_SERVICE_HOST=10.0.0.1
	grep -E "^warn +ssd +$DISK: in a container" <<<"$output"
	run env OPT4_SSD=/proc "$OPT4" doctor
	[ "$status" = 1 ] && grep -E "^bad +ssd +/proc: no disk" <<<"$output"
	cd "$DISK" && mkdir data rel
	run "$OPT4" doctor --root "$DISK/data" --ssd rel
	grep -E "^warn +ssd +$DISK/rel: on the file system of the dataset" <<<"$output"
	run "$OPT4" doctor --root "$DISK/data" --ssd data
	grep -E "^bad +ssd +data: within the dataset" <<<"$output"
	cd /
	fallocate -l 88M "$DISK/others" || true
	doctor OPT4_SSD_SIZE=
	grep -E "^bad +ssd +$DISK: the disk is full" <<<"$output"
}
