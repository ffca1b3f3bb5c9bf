#!/bin/bash
# lint.sh BUILD "TOOLS" FLAGS...: runs gcc, clang or clang-tidy over $LINT_C, the compilers over $LINT_TESTS too, and prints
# what they find. BUILD/trust/lint.txt: lines `tool version files findings`. Exit 0: nothing was found, 1: something
# was, or there is none of the tools.
set -u
build=$1 tools=$2
shift 2
mkdir -p "$build/trust"
: >"$build/trust/lint.txt"
bad=1
for tool in $tools; do
	command -v "$tool" >/dev/null || { echo "lint: no $tool: not run"; continue; }
	[ -s "$build/trust/lint.txt" ] || bad=0
	out=$build/trust/lint.$tool files=$LINT_C
	case $tool in
	clang-tidy) each() { clang-tidy --quiet "$1" -- "${@:2}"; } ;;
	*)
		each() { "$tool" -fsyntax-only "${@:2}" "$1"; }
		files+=" $LINT_TESTS" ;;
	esac
	export tool
	export -f each
	printf '%s\n' $files | xargs -P "$(nproc)" -I{} bash -c 'each "$@"' each {} "$@" >"$out" 2>&1 || bad=1
	# The word about ncurses is ours; clang takes it for a warning.
	n=$(grep -E '(warning|error): ' "$out" | grep -vc 'ncurses was not found')
	[ "$n" = 0 ] || { cat "$out"; bad=1; }
	version=$("$tool" --version | grep -oE '[0-9]+\.[0-9]+\.[0-9]+' | head -1)
	echo "lint: $tool $version: $(wc -w <<<"$files") files, $n findings"
	echo "$tool $version $(wc -w <<<"$files") $n" >>"$build/trust/lint.txt"
done
exit $bad
