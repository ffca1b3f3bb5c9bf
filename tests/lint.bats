# What gcc and clang say of the C of the tree: nothing. (`make lint` asks clang-tidy, too.) And its layers.
load common

@test "no warning by gcc or clang" {
	mkdir "$BATS_TEST_TMPDIR/b"
	within 200 make -s -C "$REPO" B="$BATS_TEST_TMPDIR/b" lint-c LINTERS="gcc clang"
}

# tree: a copy of what layers.sh reads, objects too; the test's folder from then on
tree() {
	mkdir "$BATS_TEST_TMPDIR/tree"
	cd "$REPO"
	cp -r --parents policy preload tools tests/layers.sh "$BATS_TEST_TMPDIR/tree"
	mkdir "$BATS_TEST_TMPDIR/tree/build"
	(cd "$B" && find policy preload tools -name '*.o' | xargs cp --parents -t "$BATS_TEST_TMPDIR/tree/build")
	cd "$BATS_TEST_TMPDIR/tree"
}

# found FILE WHAT CMD...: layers.sh finds nothing; and this, in the file's last line, once CMD has planted it
found() {
	rm -rf "$BATS_TEST_TMPDIR/tree"
	tree
	run tests/layers.sh
	[ "$status" = 0 ] && [ -z "$output" ] || { echo "before: $output"; return 1; }
	"${@:3}"
	run tests/layers.sh
	echo "$output"
	[ "$status" = 1 ]
	[[ "$output" == *"$1:$(wc -l <"$1"): "*"$2"*"; "* ]]
	[ "${#lines[@]}" = "${FOUND_LINES:-1}" ]
}
include() { printf '#include "%s"\n' "$2" >>"$1"; }
# calls FILE FUNCTION: a call of a function that no header of FILE's says
calls() {
	printf 'int %s(void); int planted(void); int planted(void) { return %s(); }\n' "$2" "$2" >"$BATS_TEST_TMPDIR/planted.c"
	cat "$BATS_TEST_TMPDIR/planted.c" >>"$1"
	cc -c -o "$BATS_TEST_TMPDIR/planted.o" "$BATS_TEST_TMPDIR/planted.c"
	ld -r -o "$BATS_TEST_TMPDIR/both.o" "build/${1%.c}.o" "$BATS_TEST_TMPDIR/planted.o"
	mv "$BATS_TEST_TMPDIR/both.o" "build/${1%.c}.o"
}
new_command() {
	mkdir tools/opt4/fresh
	printf '#include "../common/common.h"\n#include "../plan/plan.h"\n#include "../plan/simulate.h"\n' >tools/opt4/fresh/fresh.c
}
folder() { mkdir -p "$1" && echo 'int planted;' >"$1/planted.c"; }

@test "the folders' arrows run downwards, through doors" {
	run "$REPO/tests/layers.sh" "$B"
	echo "$output"
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "an include that runs up, past a door or in a circle is found" {
	found preload/store/room.c "preload/store must not ask preload/order" include preload/store/room.c ../order/order.h
	found preload/live/files.c "preload/live must not ask preload/hook" include preload/live/files.c ../hook/fd.h
	found policy/lru.c "policy must not ask preload/base" include policy/lru.c ../preload/base/base.h
	found preload/hook/fd.h "past the door of preload/session" include preload/hook/fd.h ../session/keeper.h
	found tools/opt4d/pace.c "past the door of preload/store" include tools/opt4d/pace.c ../../preload/store/layout.h
	found tools/opt4d/pace.c "must not ask preload/hook" include tools/opt4d/pace.c ../opt4d/../../preload/hook/fd.h
	found tools/opt4/stat/stat.c "past the door of tools/opt4/report" include tools/opt4/stat/stat.c ../report/page.h
	found tools/opt4/common/say.c "must not ask tools/opt4/plan" include tools/opt4/common/say.c ../plan/plan.h
	FOUND_LINES=2 found tools/opt4/plan/run.c "a circle" include tools/opt4/plan/run.c ../report/report.h
	found preload/order/join.c "lies outside" include preload/order/join.c ../../tests/hook/common.h
}

@test "a function that is asked for past all headers is found" {
	found preload/base/proc.c "preload/base must not ask preload/session" calls preload/base/proc.c session_attach
	found preload/live/files.c "preload/live must not ask preload/hook" calls preload/live/files.c opt4_live_open
	found tools/opt4/common/say.c "must not ask tools/opt4/report" calls tools/opt4/common/say.c report_page
	found tools/opt4/stat/stat.c "past the door of tools/opt4/report" calls tools/opt4/stat/stat.c report_page
	FOUND_LINES=2 found tools/opt4/doctor/check.c "a circle" calls tools/opt4/doctor/check.c doctor_trace
}

@test "a new folder below preload has no floor until it is given one; a new command needs none" {
	found preload/pool/planted.c "no floor" folder preload/pool
	found tools/opt4/fresh/fresh.c "past the door of tools/opt4/plan" new_command
}

@test "a comment is no include" {
	tree
	printf '/* as in\n#include "../hook/fd.h"\n"*/\nchar planted_text[] = "/*";\n' >>preload/live/files.c
	run tests/layers.sh
	echo "$output"
	[ "$status" = 0 ]
	include preload/live/files.c ../hook/fd.h
	! tests/layers.sh
}
