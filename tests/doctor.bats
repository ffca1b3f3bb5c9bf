# opt4 doctor: everything that it knows to find is made to happen, in a mount namespace of the test's own.

load common

setup_file() {
	seed
	cd "$BATS_FILE_TMPDIR"
	dataset "$PWD/data" 300 2K-9K
	"$PYTHON" "$OPT4_TRACE_TOOL" imagefolder "$PWD/data" --epochs 2 --seed "$SEED" --batch-size 8 -o run.trace
	[ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null && touch namespaces
	# An interpreter that says of itself what the test wants; where a test is not about the real one.
	printf '#!/bin/sh\necho "opt4 ${FAKE_LOADED:-1} $FAKE_TORCH"\n' >python
	chmod +x python
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	export PYTHON=$BATS_FILE_TMPDIR/python FAKE_TORCH=1.13.0 FAKE_LOADED=1
}

# doctor SETUP [ARGUMENT...]: runs it where /dev/shm is a tmpfs of 512 MiB, with huge pages where the kernel has them,
# swap is off, and SETUP has run.
doctor() {
	local setup=$1
	shift
	[ -e namespaces ] || skip "needs root and mount namespaces"
	: >"$BATS_TEST_TMPDIR/swaps"
	SETUP=$setup run within 60 unshare -m --propagation private bash -ec '
		mount -t tmpfs -o size=512m,mode=1777,huge=within_size tmpfs /dev/shm 2>/dev/null ||
			mount -t tmpfs -o size=512m,mode=1777 tmpfs /dev/shm
		mount --bind "$BATS_TEST_TMPDIR/swaps" /proc/swaps
		eval "$SETUP"
		unset OPT4_TRACE_TOOL
		exec "${DOCTOR:-$OPT4}" doctor "$@"' bash "$@"
	echo "$output"
}

# says VERDICT WHAT WORDS: a line of that verdict on that subject has the words, and only one is on it.
says() {
	grep -Eq "^$1 +$2 .*$3" <<<"$output" || { echo "no line '$1 $2 .. $3'"; return 1; }
}

# alone: that is the only thing that is bad
alone() { [ "$status" = 1 ] && [ "$(grep -c '^bad' <<<"$output")" = 1 ]; }

@test "nothing wrong: a line each, all ok, status 0" {
	doctor '' --trace run.trace
	[ "$status" = 0 ]
	[ -z "$(grep -Ev '^ok    [^ ]+ +[^ ]' <<<"$output" | grep -v '^warn  memory')" ]
	local what
	for what in environment library keeper python live trace torch dataset /dev/shm swap sessions; do
		says ok "$what"
	done
	says ok trace "300 files, 600 accesses; 150 looked at"
	says ok dataset "$PWD/data on $(findmnt -n -o FSTYPE -T "$PWD")"
}

@test "the real interpreter is reached by the library, and its torch is told" {
	PYTHON=$(PYTHON= "$REPO/tests/setup.sh" python) doctor ''
	[ "$status" = 0 ]
	says ok python "with torch [0-9.]+.*the library reaches it"
}

@test "wrong usage" {
	run "$OPT4" doctor --frobnicate
	[ "$status" = 2 ]
	run "$OPT4" doctor somewhere
	[ "$status" = 2 ]
	[[ "$output" == "opt4: doctor: somewhere: "* ]]
}

@test "/dev/shm of Docker's 64 MiB" {
	doctor 'mount -o remount,size=64m /dev/shm'
	alone
	says bad /dev/shm "64.0 MiB in all.*--shm-size"
}

@test "/dev/shm nearly full" {
	doctor 'head -c 450M /dev/zero >/dev/shm/other'
	alone
	says bad /dev/shm "62.0 MiB free of 512.0 MiB.*remove"
}

@test "/dev/shm read only" {
	doctor 'mount -o remount,ro /dev/shm'
	alone
	says bad /dev/shm "read only.*remount,rw"
}

@test "/dev/shm that is no tmpfs, or not there" {
	doctor 'mkdir -p "$BATS_TEST_TMPDIR/plain"; mount --bind "$BATS_TEST_TMPDIR/plain" /dev/shm'
	alone
	says bad /dev/shm "no tmpfs.*OPT4_DIR"
	OPT4_DIR=$BATS_TEST_TMPDIR doctor 'chmod 700 "$OPT4_DIR"'
	alone
	says bad /dev/shm "no tmpfs"
}

@test "/dev/shm with fewer files than the dataset" {
	doctor 'mount -o remount,nr_inodes=200 /dev/shm' --trace run.trace
	[ "$status" = 0 ]
	says warn /dev/shm "room for [0-9]+ files, the dataset has 300.*nr_inodes"
}

@test "OPT4_CACHE beyond /dev/shm; half the dataset is not" {
	OPT4_CACHE=1G doctor ''
	alone
	says bad /dev/shm "OPT4_CACHE asks for 1.0 GiB"
	OPT4_CACHE=50% doctor '' --trace run.trace
	[ "$status" = 0 ]
	says ok /dev/shm "50 % of the dataset"
}

# limit BYTES USED: a memory cgroup of that limit, in whichever version this machine has
limit() {
	grep -Eq '^0::|:memory:|,memory' /proc/self/cgroup || skip "no memory cgroup is mounted here"
	cat <<-END
		mount -t tmpfs tmpfs /sys/fs/cgroup; cd /sys/fs/cgroup; mkdir -p memory
		echo $1 | tee memory.max memory/memory.limit_in_bytes >/dev/null
		echo $2 | tee memory.current memory/memory.usage_in_bytes >/dev/null
		: | tee memory.stat memory/memory.stat; cd "$PWD"
	END
}

@test "a memory cgroup smaller than the budget" {
	OPT4_CACHE=400M doctor "$(limit $((300 << 20)) 1048576)"
	alone
	says bad memory "limit is 300.0 MiB, 299.0 MiB of it left, OPT4_CACHE asks for 400.0 MiB"
	OPT4_CACHE=200M doctor "$(limit $((300 << 20)) 1048576)"
	[ "$status" = 0 ]
	says warn memory "leaves the job little"
	doctor "$(limit $((300 << 20)) 1048576)"
	[ "$status" = 0 ]
	says warn memory "leaves a cache of 149.5 MiB where /dev/shm would hold 256.0 MiB"
	doctor "$(limit $((100 << 20)) 1048576)"
	alone
	says bad memory "too little for a cache"
	doctor "$(limit $((64 << 30)) 1048576)"
	[ "$status" = 0 ]
	says ok memory "limit is 64.0 GiB"
}

@test "swap, and a tmpfs that is never swapped" {
	doctor 'printf "Filename Type\n/dev/sda2 partition\n" >"$BATS_TEST_TMPDIR/swaps"'
	[ "$status" = 0 ]
	says warn swap "on:"
	doctor 'printf "Filename Type\n/dev/sda2 partition\n" >"$BATS_TEST_TMPDIR/swaps"
		mount -t tmpfs -o size=512m,noswap tmpfs /dev/shm 2>/dev/null || echo no noswap here'
	if ! grep -q 'no noswap' <<<"$output"; then
		says ok swap "not for /dev/shm"
	fi
}

# kernel SETTING...: one that has huge pages on tmpfs, set so; without SETTING one that has none
kernel() {
	echo 'mount -t tmpfs tmpfs /sys/kernel/mm; mkdir /sys/kernel/mm/transparent_hugepage'
	[ $# = 0 ] || echo "echo '$*' >/sys/kernel/mm/transparent_hugepage/shmem_enabled"
}

@test "/dev/shm with pages of 4 KiB only, where the kernel has larger ones" {
	local usual='always within_size advise [never] deny force' large
	doctor "$(kernel "$usual"); mount -t tmpfs tmpfs /dev/shm"
	[ "$status" = 0 ]
	says warn pages "/dev/shm has pages of 4 KiB only.*mount -o remount,huge=within_size /dev/shm$"
	OPT4_DIR=/dev/shm/mine doctor "$(kernel "$usual"); mount -t tmpfs tmpfs /dev/shm; mkdir -m 700 /dev/shm/mine"
	says warn pages ".*huge=within_size /dev/shm$"
	# not a word where the mount's option would change nothing
	for large in 'always within_size advise never deny [force]' 'always within_size advise never [deny] force' ''; do
		doctor "$(kernel $large); mount -t tmpfs tmpfs /dev/shm"
		[ "$status" = 0 ]
		[ -z "$(grep ' pages ' <<<"$output")" ]
	done
	doctor "$(kernel "$usual"); mount -o remount,huge=advise /dev/shm || echo no huge pages here"
	if ! grep -q 'no huge pages' <<<"$output"; then
		says warn pages "4 KiB only"
		for large in within_size always; do
			doctor "$(kernel "$usual"); mount -o remount,huge=$large /dev/shm"
			says ok pages "/dev/shm has huge pages"
		done
	fi
}

@test "no library; a library on a file system mounted noexec" {
	mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/lib/opt4"
	cp "$OPT4" "$BATS_TEST_TMPDIR/bin/"
	export DOCTOR=$BATS_TEST_TMPDIR/bin/opt4
	doctor ''
	alone
	says bad library "not beside this program"
	doctor 'mount -t tmpfs -o noexec tmpfs "$BATS_TEST_TMPDIR/lib/opt4"
		cp "$LIB" "$BATS_TEST_TMPDIR/lib/opt4/"'
	alone
	says bad library "noexec"
	says warn keeper "nothing is fetched ahead"
}

@test "a static interpreter, a setuid one, none, one that does not run" {
	echo 'int main(void) { return 0; }' >"$BATS_TEST_TMPDIR/p.c"
	if cc -static -o "$BATS_TEST_TMPDIR/static" "$BATS_TEST_TMPDIR/p.c" 2>/dev/null; then
		PYTHON=$BATS_TEST_TMPDIR/static doctor ''
		alone
		says bad python "linked statically"
	fi
	# as another user, else the loader has no reason to drop anything
	PYTHON=/mnt/python DOCTOR=/mnt/doctor doctor 'mount -t tmpfs tmpfs /mnt; chmod 755 /mnt
		cp "$OPT4" "$LIB" /mnt/; cp "$(readlink -f /usr/bin/python3)" /mnt/python; chmod 4755 /mnt/python
		printf "#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups /mnt/opt4 doctor\n" >/mnt/doctor
		chmod 755 /mnt/doctor; cd /'
	alone
	says bad python "setuid"
	PYTHON=nonsuch doctor ''
	[ "$status" = 0 ]
	says warn python "nonsuch: not found"
	PYTHON=/bin/false doctor ''
	alone
	says bad python "does not run"
	FAKE_LOADED=0 doctor ''
	alone
	says bad python "drops LD_PRELOAD"
}

@test "the order cannot be learned: OPT4_LIVE=0, no module beside the library, python -E, -I, -S" {
	local how
	OPT4_LIVE=0 doctor ''
	[ "$status" = 0 ]
	says warn live "unset OPT4_LIVE"
	for how in -E -I -S; do
		printf '#!/bin/sh\nexec /usr/bin/env python3 %s "$@"\n' $how >"$BATS_TEST_TMPDIR/wrapped"
		chmod +x "$BATS_TEST_TMPDIR/wrapped"
		PYTHON=$BATS_TEST_TMPDIR/wrapped doctor ''
		[ "$status" = 0 ]
		says warn live "runs with .*$how.*: only a trace tells the order"
	done
	mkdir -p "$BATS_TEST_TMPDIR/alone"
	cp "$OPT4" "$LIB" "$BATS_TEST_TMPDIR/alone/"
	DOCTOR=$BATS_TEST_TMPDIR/alone/opt4 doctor ''
	says warn live "no opt4_live/sitecustomize.py beside"
}

@test "files changed or gone since the trace was made" {
	cp -r data "$BATS_TEST_TMPDIR/moved"
	doctor '' --trace run.trace --root "$BATS_TEST_TMPDIR/moved"
	[ "$status" = 0 ]
	says ok trace "300 files"
	for f in "$BATS_TEST_TMPDIR"/moved/*/*; do echo more >>"$f"; done
	doctor '' --trace run.trace --root "$BATS_TEST_TMPDIR/moved"
	alone
	says bad trace "150 of 150 files looked at have another size.*write it anew"
	find "$BATS_TEST_TMPDIR/moved" -type f -delete
	doctor '' --trace run.trace --root "$BATS_TEST_TMPDIR/moved"
	alone
	says bad trace "150 of 150 files looked at are gone.*--root"
}

@test "no trace, no trace at all, a damaged one" {
	doctor '' --trace nonsuch.trace
	alone
	says bad trace "No such file.*opt4-trace"
	head -c 700 run.trace >"$BATS_TEST_TMPDIR/short.trace"
	doctor '' --trace "$BATS_TEST_TMPDIR/short.trace"
	alone
	says bad trace "truncated"
}

# meta FILE CODE: rewrites the trace's description d by Python code, in the room that it has
meta() {
	python3 - "$@" <<-'END'
		import json, struct, sys
		with open(sys.argv[1], "r+b") as f:
		    head = f.read(512)
		    off, size = struct.unpack_from("<QQ", head, 64 + 12 * 24)
		    f.seek(off)
		    d = json.loads(f.read(size))
		    exec(sys.argv[2])
		    text = json.dumps(d).encode()
		    assert len(text) <= size
		    f.seek(off)
		    f.write(text.ljust(size))
	END
}

@test "a trace of another torch: only where the order depends on it" {
	cp run.trace "$BATS_TEST_TMPDIR/t.trace"
	meta "$BATS_TEST_TMPDIR/t.trace" 'd["arguments"] = {}; d["versions"] = {"torch": "1.13.0"}'
	FAKE_TORCH=2.15.0+cu130 doctor '' --trace "$BATS_TEST_TMPDIR/t.trace"
	[ "$status" = 0 ]
	says ok torch "alike"
	FAKE_TORCH= doctor '' --trace "$BATS_TEST_TMPDIR/t.trace"
	[ "$status" = 0 ]
	says warn torch "has none"
	meta "$BATS_TEST_TMPDIR/t.trace" 'd["depends_on"] = ["large-randperm"]'
	FAKE_TORCH=2.15.0+cu130 doctor '' --trace "$BATS_TEST_TMPDIR/t.trace"
	alone
	says bad torch "draws large-randperm otherwise"
	FAKE_TORCH=1.13.1 doctor '' --trace "$BATS_TEST_TMPDIR/t.trace"
	[ "$status" = 0 ]
	says ok torch "as is"
	meta "$BATS_TEST_TMPDIR/t.trace" 'd["versions"] = {}'
	doctor '' --trace "$BATS_TEST_TMPDIR/t.trace"
	says ok torch "recorded"
}

@test "datasets that can't be: /, home, a file, nothing, in memory; and one that can on a strange file system" {
	mkdir -p "$BATS_TEST_TMPDIR/home"
	HOME=$BATS_TEST_TMPDIR/home doctor '' --root "/:$BATS_TEST_TMPDIR/home:$PWD/run.trace:/nonsuch:/dev/shm:/proc"
	[ "$status" = 1 ]
	[ "$(grep -c '^bad   dataset' <<<"$output")" = 5 ]
	says bad dataset "/ is never"
	says bad dataset "home is never"
	says bad dataset "no folder"
	says bad dataset "/nonsuch: No such file"
	says bad dataset "in memory already"
	says ok dataset "/proc on proc"
}

@test "a dataset on a network file system is looked at less often" {
	local type
	for type in nfs4 fuse.sshfs; do
		doctor 'cp /proc/$$/mountinfo "$BATS_TEST_TMPDIR/mounts"
			echo "999 1 0:999 / $PWD/data rw - '$type' server:/images rw" >>"$BATS_TEST_TMPDIR/mounts"
			mount --bind "$BATS_TEST_TMPDIR/mounts" /proc/$$/mountinfo' --root "$PWD/data"
		[ "$status" = 0 ]
		says ok dataset "$PWD/data on $type: looked at again after 60 s.*OPT4_REVALIDATE"
	done
}

@test "another user's directory in our name, one open to others, a file there" {
	doctor 'mkdir -m 700 /dev/shm/opt4-0; chown 1234 /dev/shm/opt4-0'
	alone
	says bad sessions "belongs to uid 1234"
	doctor 'mkdir -m 755 /dev/shm/opt4-0'
	alone
	says bad sessions "open to others .mode 755.*chmod 700"
	doctor ': >/dev/shm/opt4-0'
	alone
	says bad sessions "no directory"
}

@test "sessions: live, kept, left behind" {
	doctor 'mkdir -m 700 /dev/shm/opt4-0 /dev/shm/opt4-0/data-1; echo nonsense >/dev/shm/opt4-0/data-1/index'
	[ "$status" = 0 ]
	says warn sessions "1 left behind.*opt4 clean"
	doctor 'OPT4_KEEP=1 "$OPT4" run --quiet --trace run.trace -- cat data/*/* >/dev/null'
	[ "$status" = 0 ]
	says ok sessions "0 in use, 1 kept"
	doctor '"$OPT4" run --quiet --trace run.trace -- sh -c "cat data/*/* >/dev/null; sleep 50" & job=$!
		for i in $(seq 100); do [ -e /dev/shm/opt4-0/*/index ] && break; sleep .1; done; trap "kill $job" EXIT
		"$OPT4" doctor; kill $job; wait $job || true; trap - EXIT'
	says ok sessions "1 in use"
}

@test "settings that are wrong, unknown, or switch opt4 off" {
	OPT4_CACHE=banana OPT4_REVALIDATE=soon OPT4_TRCE=x doctor ''
	[ "$status" = 1 ]
	[ "$(grep -c '^bad' <<<"$output")" = 2 ]
	says bad environment "OPT4_CACHE=banana is not valid.*64G"
	says bad environment "OPT4_REVALIDATE=soon is not valid.*60s"
	says warn environment "OPT4_TRCE is not known"
	OPT4_DISABLE=1 doctor ''
	alone
	says bad environment "switches opt4 off"
	OPT4_POLICY=none doctor ''
	[ "$status" = 0 ]
	says warn environment "caches nothing"
	OPT4_CACHE=64M OPT4_POLICY=lru OPT4_REVALIDATE=60s doctor ''
	[ "$status" = 0 ]
	says ok environment "3 OPT4_ settings, all valid"
}
