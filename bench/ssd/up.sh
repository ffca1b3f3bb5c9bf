#!/bin/bash
# up.sh BUILD [FILES]: how long the log of a second tier takes to be read (up.c). Not on tmpfs: below TMPDIR.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/root" "$dir/ssd"
OPT4_ROOT=$dir/root OPT4_SSD=$dir/ssd OPT4_SSD_SIZE=1T OPT4_CACHE=64M OPT4_LOG=stderr OPT4_MATCH='*.JPEG' "$1/bench/ssd/up" "${2:-1280000}"
