#!/usr/bin/env bats
# Files that other processes read: what a sample starts is looked at as the process itself is, and so is a pool of Pythons without torch. `opt4 run` is told
# of no folder.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 96 3000 4
	dataset "$PWD/beside" 96 3000 4
	export SEED BATS_TEST_TIMEOUT=900
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export PYTHONDONTWRITEBYTECODE=1
	STATS=$BATS_TEST_TMPDIR/stats
}

# reads KIND WORKERS REUSE: as without opt4, below the dataset's own folder, and so much is reused at least
reads() {
	local job="$PYTHON -W ignore $REPO/tests/live/children.py $PWD/data $1 $2"
	within 300 $job >"$BATS_TEST_TMPDIR/plain"
	rm -f "$STATS"
	RUN_LIMIT=300 run_opt4 --cache 200K --stats "$STATS" -- $job >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	cat "$BATS_TEST_TMPDIR/err"
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/out"
	[ -e "$STATS" ]
	[ "$(json "['root']" <"$STATS")" = "$(realpath data)" ]
	[ "$(json "['errors']" <"$STATS")" = 0 ]
	calc "$(json "['reuse_ratio']" <"$STATS") >= $3"
	no_session
}

# 96 files four times, 50 of which fit: of 384 accesses `keep` hits 150 at most (.39). What is read before the folder is known costs up to an epoch.
@test "cat, a shell's pipe, popen() with workers and without: no list names the files" {
	reads cat 0 .2
	reads cat 2 .2
	reads pipe 0 .2
	reads popen 2 .2
}
@test "an environment of its own, without what the training has learned; a list that names the files" {
	reads bare 0 .2
	reads cat-named 2 .2
}
@test "a process that a sample starts and that stays; one that is forked" {
	reads server 0 .2
	reads forked 0 .2
}
@test "an iterable dataset" { reads stream 0 .2; }
@test "a pool of spawned Pythons that have no torch in them" { reads pool 2 .2; }

@test "what other processes of the job read at another time makes no root" {
	reads elsewhere 2 .2
	[ "$("$PYTHON" - "$STATS" <<-'END'
		import json, sys
		d = json.load(open(sys.argv[1]))
		print(d["accesses"] <= 4 * 96)
	END
	)" = True ]
}

@test "a program that reads as a sample is fetched, but few files: nothing is made a root" {
	cat >few.py <<-'END'
		import subprocess, sys
		from torch.utils.data import DataLoader
		class D:
		    def __len__(self):
		        return 200
		    def __getitem__(self, i):
		        return len(subprocess.run("cat beside/c00/f000000.jpg beside/c00/f000004.jpg", shell=True, stdout=subprocess.PIPE).stdout)
		print(sum(int(b.sum()) for b in DataLoader(D(), 8)))
	END
	[ "$("$PYTHON" -W ignore few.py)" = "$(run_opt4 --quiet --cache 200K --stats "$STATS" -- "$PYTHON" -W ignore few.py)" ]
	[ ! -e "$STATS" ]
	OPT4_MINUTE=1 run_opt4 --cache 200K -- "$PYTHON" -W ignore few.py 2>&1 | tee "$BATS_TEST_TMPDIR/said"
	grep -q "opt4: nothing is cached: .*$PWD/beside" "$BATS_TEST_TMPDIR/said"
	no_session
}
