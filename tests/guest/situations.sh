#!/bin/bash
# situations.sh [TRIES]: what people do around a job, each once plain and TRIES times (default 5) under opt4 run: output, exit
# status, what is left. Prints a line each and writes build/trust/situations.json. As root, in namespaces of its own.
set -u
cd "$(dirname "$0")/../.." || exit 1
if [ -z "${SITUATIONS:-}" ]; then
	SITUATIONS=$(pwd) exec unshare -m -p -f --mount-proc --propagation private "$0" "$@"
fi
tries=${1:-5} B=$PWD/build
PYTHON=${PYTHON:-$(tests/setup.sh python)}
export OPT4=$B/opt4 FILTER=$B/tests/filter PYTHON
mount -t tmpfs -o size=2G,mode=1777 tmpfs /dev/shm
work=$(mktemp -d "${TMPDIR:-/tmp}/o4s.XXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
"$PYTHON" tests/dataset.py --seed 1 "$work/data" 40 4096
mkdir -p "$B/trust"
rows=$work/rows
cd "$work" || exit 1
sleep .1
export R='cat data/*/* data/*/* | md5sum'

# try NAME SCRIPT: RUN in it is `opt4 run .. --`, or nothing
try() {
	local plain out same=0 left i
	plain=$(RUN='' timeout 30 bash -c "$2" 2>/dev/null; echo "status $?")
	for ((i = 0; i < tries; i++)); do
		out=$(RUN="$OPT4 run --root data --quiet --" timeout 30 bash -c "$2" 2>/dev/null; echo "status $?")
		[ "$out" = "$plain" ] && same=$((same + 1))
	done
	sleep .5
	left=$(find /dev/shm -name index | wc -l)
	rm -rf /dev/shm/opt4-*
	printf '%-62s %d of %d as plain, %d left\n' "$1" $same "$tries" "$left"
	printf '%s\t%s\t%d\t%d\t%d\n' "$1" "$(tr '\n\r' '  ' <<<"$plain" | cut -c1-60)" $same "$tries" "$left" >>"$rows"
}

try "a shell script with a trap, TERM to its number" '$RUN bash -c "trap \"echo trapped; exit 7\" TERM; $R; sleep 2 & wait" & sleep .7; kill -TERM $!; wait $!'
try "nohup, then HUP to the group" 'setsid -w bash -c "nohup $RUN sh -c \"$R; sleep .6; echo done\" & sleep .4; kill -HUP -\$\$; wait; wait"; sleep .9'
try "subprocess: kill(), its code, no process stays" '$PYTHON -c "import subprocess, sys, time
p = subprocess.Popen(sys.argv[1:]); time.sleep(.5); p.kill(); print(p.wait()); time.sleep(.3)
print(subprocess.call([\"pgrep\", \"-x\", \"sleep\"], stdout=subprocess.DEVNULL))" $RUN sleep 29'
try "subprocess: terminate(), its code" '$PYTHON -c "import subprocess, sys, time
p = subprocess.Popen(sys.argv[1:]); time.sleep(.5); p.terminate(); print(p.wait())" $RUN sleep 29'
try "stopped and continued ten times by its number" '$RUN sh -c "$R; sleep .3; echo on" & for i in 1 2 3 4 5 6 7 8 9 10; do kill -STOP $!; sleep .02; kill -CONT $!; sleep .02; done; wait $!'
try "timeout -s INT" 'timeout -s INT .5 $RUN sleep 20'
try "ulimit -n 24" 'ulimit -n 24; $RUN sh -c "$R"'
try "ulimit -f 0" 'ulimit -f 0; $RUN sh -c "$R"'
try "ulimit -v 200000" 'ulimit -v 200000; $RUN sh -c "$R"'
try "two processes allowed, another user" 'setpriv --reuid 65534 --clear-groups prlimit --nproc=2 $RUN cat data/*/* | md5sum'
try "seccomp denies socket and signalfd" '$FILTER deny $RUN sh -c "$R"'
try "the job puts on a filter that ends who makes a socket" '$RUN sh -c "$FILTER kill sh -c \"$R\""'
try "opt4 run within opt4 run, ends by a signal" '$RUN $RUN sh -c "$R; kill -USR1 \$\$"'
try "stdin, stdout and stderr closed" '$RUN sh -c "$R >out" <&- >&- 2>&-; cat out'
try "a user namespace of its own" '$RUN unshare -Ur sh -c "$R"'
try "a time namespace of its own" '$RUN unshare -T --boottime 100000 -f sh -c "$R"'
try "chroot in the job" '$RUN chroot / sh -c "cd $PWD; $R"'
try "exec by a shell that has children" 'bash -c "sleep .2 & exec $RUN sh -c \"$R\""'
try "SIGCHLD ignored by who starts it" 'env --ignore-signal=CHLD $RUN sh -c "$R; (exit 3); echo \$?"'
try "the reader of its pipe ends: SIGPIPE" '$RUN sh -c "cat data/*/*; yes" | head -c 5000 | md5sum; echo ${PIPESTATUS[0]}'
try "an orphan of it reads on" '$RUN sh -c "(sleep .4; cat data/*/* | md5sum >orphan) & $R"; sleep .9; cat orphan'
try "coproc" 'coproc $RUN cat; echo hi >&${COPROC[1]}; read -r -u ${COPROC[0]} l; echo $l'
try "script(1)'s terminal" 'script -qec "$RUN sh -c \"tty >/dev/null && $R\"" /dev/null'
try "xargs -P 4: four jobs at a time" 'ls -d data/*/* | xargs -P 4 -n 10 $RUN cat | wc -c'
try "the root is replaced by a link in the middle" 'rm -rf d2; cp -a data d1; sleep .1; $RUN sh -c "cat d1/*/* >/dev/null; mv d1 d2; ln -s d2 d1; cat d1/*/* | md5sum"; rm -rf d1 d2'
try "/dev/shm is emptied in the middle" '$RUN sh -c "$R; find /dev/shm -mindepth 1 -delete; $R"'

"$PYTHON" - "$rows" "$B/trust/situations.json" <<'END'
import json, sys
with open(sys.argv[1]) as f:
    rows = [line.rstrip("\n").split("\t") for line in f]
with open(sys.argv[2], "w") as f:
    json.dump([{"situation": r[0], "plain": r[1].strip(), "same": int(r[2]), "tries": int(r[3]), "left": int(r[4])} for r in rows], f)
END
! awk -F'\t' '$3 != $4 || $5 { bad = 1 } END { exit !bad }' "$rows"
