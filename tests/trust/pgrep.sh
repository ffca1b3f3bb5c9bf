#!/bin/bash
# pgrep.sh -f PATTERN | -P PID: pgrep (pkill, by that name) for runs under the address sanitizer, with whose runtime procps' own hang.
found=1
for dir in /proc/[0-9]*; do
	pid=${dir#/proc/}
	[ "$pid" != $$ ] || continue
	case $1 in
	-f) { mapfile -d '' -t args <"$dir/cmdline"; } 2>/dev/null && [[ ${args[*]} =~ $2 ]] || continue ;;
	-P) { read -r stat <"$dir/stat"; } 2>/dev/null && read -r _ parent _ <<<"${stat##*) }" && [ "$parent" = "$2" ] || continue ;;
	*) exit 2 ;;
	esac
	found=0
	if [ "${0##*/}" = pkill ]; then kill "$pid"; else echo "$pid"; fi
done
exit $found
