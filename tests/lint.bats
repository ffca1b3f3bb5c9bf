# What gcc and clang say of the C of the tree: nothing. (`make lint` asks clang-tidy, too.)
load common

@test "no warning by gcc or clang" {
	mkdir "$BATS_TEST_TMPDIR/b"
	within 200 make -s -C "$REPO" B="$BATS_TEST_TMPDIR/b" lint LINTERS="gcc clang"
}
