# Every sampler, times workers, persistent workers and validation: orders as the workers open. Other start methods: each sampler, the rest drawn.
load ../common

setup_file() { export BATS_TEST_TIMEOUT=20000 PYTHONDONTWRITEBYTECODE=1; }

product() {
	cd "$BATS_TEST_TMPDIR"
	"$PYTHON" -W ignore "$REPO/tests/trace/cells.py" "$OPT4_TRACE_TOOL" . "$1" 2>errors |
		tee table | grep --line-buffered -e WRONG -e compared -e SEED | sed -u 's/^/# /' >&3
	[ "${PIPESTATUS[0]}" = 0 ] || { cat table errors; return 1; }
}

@test "the whole product, forked workers" { product fork; }
@test "drawn from it, workers from a fork server" { product forkserver; }
@test "drawn from it, spawned workers" { product spawn; }
