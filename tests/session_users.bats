# A second user can read nothing, and plant nothing that a job would use.

load common
load lib/situations

setup() {
	need_root "acts as two users"
	seed
	cd "$BATS_TEST_TMPDIR"
	data "$PWD/data" 20 1K-60K
	LIST=$PWD/data.list SUMS=$PWD/data.sums
	others_may
	chmod 1777 .
	cp "$LIB" lib.so
	cp "$REPO/tests/lib/holder.py" .
	other=64321 theirs=/dev/shm/opt4-64321
	rm -rf $theirs
	export OPT4_ROOT=$PWD/data OPT4_CACHE=5M OPT4_PREFETCH=off
}

teardown() {
	umount "$BATS_TEST_TMPDIR/shm" 2>/dev/null || true
	rm -rf "$theirs" /dev/shm/opt4-planted "$OPT4_DIR"
}

# as_other CMD...: as another user than root, under the library, with a log
as_other() {
	within 30 setpriv --reuid $other --regid $other --clear-groups env LD_PRELOAD="$BATS_TEST_TMPDIR/lib.so" \
		OPT4_LOG="$BATS_TEST_TMPDIR/log" "$@"
}

# uncached WHY: their job reads right bytes, nothing is cached or written, the log says why
uncached() {
	rm -f log
	local before=$(find -L /dev/shm "$BATS_TEST_TMPDIR/trap" 2>/dev/null | sort)
	cut -c67- "$SUMS" | as_other xargs sha256sum | cmp - "$SUMS"
	[ "$(find -L /dev/shm "$BATS_TEST_TMPDIR/trap" 2>/dev/null | sort)" = "$before" ]
	grep "^opt4: .*$1" log || { cat log; return 1; }
}

@test "a session is its owner's alone: nobody else lists it, reads it or opens an object by name" {
	start job as_other "$PYTHON" holder.py $(cat "$LIST")
	[ "$(stat -c '%u %a' $theirs)" = "$other 700" ]
	local session=$(find $theirs -mindepth 1 -maxdepth 1)
	[ "$(stat -c '%u %a' "$session")" = "$other 700" ]
	[ "$(stat -c '%u %a' "$session/index")" = "$other 600" ]
	[ "$(find "$session/objects" -type f | wc -l)" = 20 ]
	local object=$(find "$session/objects" -type f | head -1)
	fails setpriv --reuid 64322 --regid 64322 --clear-groups ls "$theirs" 2>/dev/null
	fails setpriv --reuid 64322 --regid 64322 --clear-groups ls "$session" 2>/dev/null
	fails setpriv --reuid 64322 --regid 64322 --clear-groups cat "$object" 2>/dev/null
	fails setpriv --reuid 64322 --regid 64322 --clear-groups sh -c ': >>"$0"' "$session/index" 2>/dev/null
	fails setpriv --reuid 64322 --regid 64322 --clear-groups touch "$session/objects/00/planted" 2>/dev/null
	finish job
	[ -z "$(find $theirs -mindepth 1 2>/dev/null)" ]
}

@test "their folder planted beforehand by somebody else: uncached, and said" {
	mkdir -m 700 $theirs
	uncached "somebody else"
	chmod 777 $theirs
	uncached "somebody else"
	rm -r $theirs
	: >$theirs
	uncached .
	rm $theirs
}

@test "their folder planted as a symlink to what the other user could write to: not followed" {
	mkdir -m 777 trap
	ln -s "$PWD/trap" $theirs
	uncached .
	rm $theirs
	ln -s /dev/shm/opt4-planted $theirs    # dangling, on tmpfs
	uncached .
	mkdir -m 700 /dev/shm/opt4-planted
	chown $other /dev/shm/opt4-planted      # even their own, by way of a link that others can move
	uncached .
}

@test "their own folder, open to others: uncached, and said" {
	mkdir -m 770 $theirs
	chown $other $theirs
	uncached "mode 700"
}

@test "the session's folder within it: a link, a stranger's, one open to others" {
	as_other env OPT4_KEEP=1 cat "$(head -1 "$LIST")" >/dev/null
	local session=$(find $theirs -mindepth 1 -maxdepth 1)
	rm -r "$session"
	mkdir -m 777 trap && ln -s "$PWD/trap" "$session"
	uncached .
	rm "$session"
	mkdir -m 700 "$session"
	uncached "somebody else"
	rmdir "$session"
	mkdir -m 750 "$session" && chown $other "$session"
	uncached "mode 700"
}

@test "OPT4_DIR of somebody else's, or by a link: uncached, and said" {
	export OPT4_DIR=/dev/shm/opt4-planted
	mkdir -m 777 $OPT4_DIR
	uncached OPT4_DIR
	rmdir $OPT4_DIR
	mkdir -m 700 $OPT4_DIR.real && chown $other $OPT4_DIR.real
	ln -s $OPT4_DIR.real $OPT4_DIR
	uncached OPT4_DIR
	rm -r $OPT4_DIR $OPT4_DIR.real
}

@test "an index planted in their own folder: another's, a link, rubbish, one cut short: not believed" {
	local session index what
	as_other env OPT4_KEEP=1 cat "$(head -1 "$LIST")" >/dev/null
	session=$(find $theirs -mindepth 1 -maxdepth 1)
	index=$session/index
	for what in link rubbish short empty bits root; do
		case $what in
		link) mv "$index" "$session/real" && ln -s "$session/real" "$index" ;;
		rubbish) head -c 300000 /dev/urandom >"$index" ;;
		short) truncate -s 500K "$index" ;;
		empty) : >"$index" ;;
		bits) "$PYTHON" - "$index" "$SEED" <<'EOP' ;;
import random, sys
rng = random.Random(int(sys.argv[2]))
with open(sys.argv[1], "r+b") as f:
    for _ in range(300):
        f.seek(rng.randrange(300000))
        byte = f.read(1)[0]
        f.seek(-1, 1)
        f.write(bytes([byte ^ 1 << rng.randrange(8)]))
EOP
		root) chown 0:0 "$index" ;;
		esac
		cut -c67- "$SUMS" | OPT4_KEEP=1 as_other xargs sha256sum | cmp - "$SUMS" || { echo "$what"; return 1; }
		[ "$(stat -c %u "$index")" = $other ]
	done
}
