#!/bin/bash
# cost.sh BUILD: cost.c with a server of its own on the loopback.
set -u
at=127.0.7.7:21411
OPT4_POOL_SIZE=256M "$1/opt4" pool start $at || exit 0
trap '"$1/opt4" pool stop $at' EXIT
"$1/bench/pool/cost" $at "$(pgrep -f '[m]emcached -l 127.0.7.7 ')"
