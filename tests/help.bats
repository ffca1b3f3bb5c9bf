# What opt4 says of itself: --help as written down in tests/help, manual pages, completion; and where make install
# puts all of it. To take over new wording: build/opt4 COMMAND --help >tests/help/COMMAND.txt

load common

commands() { "$OPT4" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'; }

# options: the long options that a --help on stdin names, but for another command's and the two that all have
options() { sed -E 's/opt4 [a-z]+ --[a-z]+//g' | grep -oE -- '--[a-z][a-z-]*' | grep -vxE -- '--help|--version' | sort -u; }

# tool COMMAND...: opt4-trace with an interpreter whose own settings do not matter
tool() { COLUMNS=100 "$PYTHON" "$OPT4_TRACE_TOOL" "$@"; }

@test "opt4 --help names every command, and each one's --help is as written down" {
	[ "$(commands | wc -l)" -ge 8 ]
	diff -u "$REPO/tests/help/opt4.txt" <("$OPT4" --help)
	local c
	for c in $(commands); do
		diff -u "$REPO/tests/help/$c.txt" <("$OPT4" "$c" --help)
		[ -z "$("$OPT4" "$c" --help 2>&1 >/dev/null)" ]
		[[ "$("$OPT4" "$c" --version)" == "opt4 "[0-9]* ]]
	done
	diff -u "$REPO/tests/help/opt4d.txt" <("$B/opt4d" --help)
	# no text of a command that is gone
	diff <(cd "$REPO/tests/help" && ls -- *.txt | grep -v '^opt4' | sed 's/.txt//' | sort) <(commands | sort)
}

@test "opt4-trace --help is as written down, whichever Python lays it out" {
	# versions of argparse differ in lines and headings, not in words
	words() { tr -s ' \n' '\n\n' | grep -vE '^(options|optional|arguments|positional):?$|^$'; }
	local c
	for c in '' imagefolder loader paths show info check; do
		tool $c --help
	done | words >"$BATS_TEST_TMPDIR/now"
	diff -u <(words <"$REPO/tests/help/opt4-trace.txt") "$BATS_TEST_TMPDIR/now"
	[[ "$(tool --version)" == "opt4-trace "[0-9]* ]]
}

@test "an unknown command, none, an unknown option: status 2 and one line that says what to do" {
	local c
	run "$OPT4" frobnicate
	[ "$status" = 2 ] && [[ "$output" == "opt4: frobnicate: "*"; "* ]] && [ "${#lines[@]}" = 1 ]
	run "$OPT4"
	[ "$status" = 2 ]
	for c in $(commands); do
		run "$OPT4" "$c" --frobnicate
		echo "$c: $status $output"
		[ "$status" = 2 ] && [[ "$output" == "opt4: "*"--help" ]] && [ "${#lines[@]}" = 1 ]
	done
}

@test "manual pages render without a warning" {
	local page tool
	tool=$(command -v mandoc || command -v groff) || skip "neither mandoc nor groff is here"
	for page in "$REPO"/tools/man/*.[1-8]; do
		if [[ $tool == *mandoc ]]; then
			mandoc -Tlint -Wstyle "$page" | grep -vE 'mandoc.db|manual not found' >"$BATS_TEST_TMPDIR/lint" || true
		fi
		if command -v groff >/dev/null; then
			groff -ww -mandoc -Tutf8 "$page" 2>>"$BATS_TEST_TMPDIR/lint" >"$BATS_TEST_TMPDIR/page"
			[ "$(wc -l <"$BATS_TEST_TMPDIR/page")" -gt 20 ]
		fi
		cat "$BATS_TEST_TMPDIR/lint"
		[ ! -s "$BATS_TEST_TMPDIR/lint" ]
	done
}

@test "every option is in the manual, under its command" {
	local c o missing=
	for c in $(commands); do
		sed -n "/^\.Ss opt4 $c\$/,/^\.S[hs]/p" "$REPO/tools/man/opt4.1" >"$BATS_TEST_TMPDIR/section"
		[ -s "$BATS_TEST_TMPDIR/section" ] || { echo "no section on opt4 $c"; return 1; }
		for o in $("$OPT4" "$c" --help | options); do
			grep -q "Fl ${o#-}\b" "$BATS_TEST_TMPDIR/section" || missing+=" $c $o"
		done
	done
	for c in imagefolder loader paths show info check; do
		for o in $(tool "$c" --help | options); do
			grep -q "Fl ${o#-}\b" "$REPO/tools/man/opt4-trace.1" || missing+=" $c $o"
		done
	done
	echo "missing:$missing"
	[ -z "$missing" ]
}

@test "every setting of the environment is in the manual, and doctor knows it" {
	local name
	for name in $(cd "$REPO" && grep -rohE '"OPT4_[A-Z_]+"' preload tools --include='*.c' | tr -d '"' | sort -u); do
		echo "$name"
		grep -q "Ev $name\$" "$REPO/tools/man/libopt4.7"
		grep -q "\"$name\"" "$REPO/tools/opt4/doctor/environment.c"
	done
	[ -n "$name" ]
}

@test "every field of the statistics is in the manual" {
	local name n=0
	sed -n '/^\.Sh STATISTICS$/,/^\.Sh ENV/p' "$REPO/tools/man/opt4.1" >"$BATS_TEST_TMPDIR/section"
	for name in $(grep -oE '(number|text)\(f, "[a-z_]+"|\\"[a-z_]+\\":' "$REPO/preload/session/stats.c" | grep -oE '[a-z_]+\\?"' | tr -d '\\"' | sort -u); do
		echo "$name"
		grep -qw "$name" "$BATS_TEST_TMPDIR/section"
		n=$((n + 1))
	done
	[ "$n" -gt 40 ]
}

# complete WORD...: what bash offers for the last word
completed() {
	bash -c '
		source "$1"
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		compopt() { :; }
		if [ "$1" = opt4-trace ]; then _opt4_trace "$1"; else _opt4 "$1"; fi
		printf "%s\n" "${COMPREPLY[@]}"' bash "$REPO/tools/completion/opt4.bash" "$@" | sort
}

@test "bash completes commands, every option of each, sessions, policies, files" {
	diff <(commands | sort) <(completed opt4 '' | grep -v '^-')
	local c
	for c in $(commands); do
		diff <("$OPT4" "$c" --help | options) <(completed opt4 "$c" - | options)
	done
	for c in imagefolder loader paths show info check; do
		diff <(tool "$c" --help | options) <(completed opt4-trace "$c" - | options)
	done
	diff <(tool --help | sed -n 's/^    \([a-z]\{4,\}\).*/\1/p' | sort) <(completed opt4-trace '' | grep -v '^-')
	[ "$(completed opt4 run --policy l | xargs)" = "lfu lru" ]
	[ "$(completed opt4 plan --policy opt,l | xargs)" = "opt,lfu opt,lru" ]
	cd "$BATS_TEST_TMPDIR"
	mkdir -p "a folder"
	touch run.trace
	[ "$(completed opt4 plan --trace r)" = run.trace ]
	[ "$(completed opt4 doctor --root '')" = "a folder" ]
	[ "$(completed opt4 run -- ./ru)" = "" ]
	printf '#!/bin/sh\nprintf "SESSION STATE\\ndata-12 live x\\nother-9 kept y\\n"\n' >opt4
	chmod +x opt4
	[ "$(completed ./opt4 stat d)" = data-12 ]
	[ "$(completed ./opt4 top '' | xargs)" = "data-12 other-9" ]
}

@test "zsh completes commands and options; its file names them all" {
	command -v zsh >/dev/null || skip "zsh is not here"
	zsh -n "$REPO/tools/completion/_opt4"
	local c o
	for c in $(commands); do
		sed -n "/^		$c) /,/;;/p" "$REPO/tools/completion/_opt4" >"$BATS_TEST_TMPDIR/part"
		for o in $("$OPT4" "$c" --help | options); do
			grep -q -- "$o\b" "$BATS_TEST_TMPDIR/part" || { echo "opt4 $c $o is missing"; return 1; }
		done
	done
	for c in imagefolder loader paths show info check; do
		sed -n "/^		$c) /,/;;/p" "$REPO/tools/completion/_opt4" >"$BATS_TEST_TMPDIR/part"
		for o in $(tool "$c" --help | options); do
			[ "$o" != --output ] || continue    # in all of them: $output
			grep -q -- "$o\b" "$BATS_TEST_TMPDIR/part" || { echo "opt4-trace $c $o is missing"; return 1; }
		done
	done
	touch "$BATS_TEST_TMPDIR/run.trace"
	cd "$BATS_TEST_TMPDIR"
	within 60 python3 "$REPO/tests/look/zsh_complete.py" "$REPO/tools/completion" 'opt4 rep' 'opt4 report ' \
		'opt4 run --pre' 'opt4 run --prefetch ' 'opt4 run --policy ra' 'opt4 run --policy random ' \
		'opt4 plan --trace run.t' 'opt4 plan --trace run.trace ' 'opt4-trace image' 'opt4-trace imagefolder ' \
		'opt4-trace imagefolder --drop' 'opt4-trace imagefolder --drop-last '
}

@test "make install: a tree that works wherever it is moved" {
	local to=$BATS_TEST_TMPDIR/stage here=$BATS_TEST_TMPDIR/moved
	make -s -C "$REPO" B="$B" DESTDIR="$to" PREFIX=/opt/opt4 install
	mv "$to/opt/opt4" "$here"
	[ -z "$(find "$to" -type f)" ]
	diff <(cd "$here" && find . ! -type d ! -name '*.py' | sort) <(sort <<-'END'
		./bin/opt4
		./bin/opt4-trace
		./bin/opt4d
		./lib/opt4/libopt4.so
		./lib/opt4/opt4d
		./share/bash-completion/completions/opt4
		./share/bash-completion/completions/opt4-trace
		./share/man/man1/opt4-trace.1
		./share/man/man1/opt4.1
		./share/man/man1/opt4d.1
		./share/man/man5/opt4-trace.5
		./share/man/man7/libopt4.7
		./share/zsh/site-functions/_opt4
	END
	)
	[ -z "$(find "$here" -type f -perm /022)" ]
	dataset "$BATS_TEST_TMPDIR/data" 60 4096
	cd "$BATS_TEST_TMPDIR"
	"$PYTHON" "$here/bin/opt4-trace" imagefolder "$PWD/data" --epochs 3 --seed 1 --batch-size 4 -o run.trace
	"$PYTHON" "$here/bin/opt4-trace" show run.trace --json >run.order
	# an epoch, time for the keeper to start and look ahead, two more
	within 60 "$here/bin/opt4" run --quiet --trace run.trace --cache 50% --stats st.json -- \
		sh -c 'python3 "$0" run.order "$1" 0 60; sleep 2; python3 "$0" run.order "$1" 1' "$REPO/tests/look/reader.py" "$PWD/data"
	[ "$(json "['accesses']" <st.json)" = 180 ]
	# the library found its keeper too: something was there before it was asked for
	[ "$(json "['prefetched']" <st.json)" -gt 0 ]
	"$here/bin/opt4" report st.json -o report.html
	"$here/bin/opt4" doctor --trace run.trace | grep "^ok    library     $here/.*libopt4.so"
}
