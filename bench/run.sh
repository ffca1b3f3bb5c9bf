#!/bin/bash
# run.sh NAME TITLE COMMAND...: runs a bench and keeps what it prints, for `make bench-readme`. One at a time: a bench
# beside another measures that one. build/bench/NAME.txt: the table; NAME.run: title, when, how loaded the machine was,
# how long it took, exit status. The command itself writes build/bench/NAME.json. Exit status: the command's.
set -u
cd "$(dirname "$0")/.." || exit 1
name=$1 title=$2
shift 2
mkdir -p build/bench
exec 9>build/bench/lock && flock 9
read -r load _ </proc/loadavg
begin=$(date +%s)
echo "== $name: $title"
"$@" 9>&- | tee build/bench/"$name".txt
status=${PIPESTATUS[0]}
cat >build/bench/"$name".run <<EOF
title=$title
date=$(date -u +%F)
seconds=$(($(date +%s) - begin))
load=$load
status=$status
EOF
exit "$status"
