# Notebooks: Jupyter's own client and kernel, started below `opt4 run`, and by the kernelspec of `python -m opt4 kernel`.
load ../common

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	NOTEBOOK=$("$REPO/tests/setup.sh" notebook) || skip "no ipykernel and jupyter_client; tests/setup.sh notebook"
	export NOTEBOOK PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$REPO/tools/python PATH=$B:$PATH
	export JUPYTER_DATA_DIR=$PWD/data.jupyter JUPYTER_RUNTIME_DIR=$PWD/runtime.jupyter
	dataset "$PWD/data" 400 4096
	within 300 "$NOTEBOOK" "$REPO/tests/notebook/kernel.py" python3 data >plain 2>/dev/null
	grep -v '^ok opt4' plain >want
	[ "$(grep -c '^ok' want)" = 10 ]
	grep -qx 'ok KeyboardInterrupt' want
}

setup() {
	cd "$BATS_FILE_TMPDIR"
	STATS=$BATS_TEST_TMPDIR/stats
}

@test "opt4 run -- a notebook: cells interrupted, iterators left half read, kernels restarted: the same numbers, hits, nothing left" {
	RUN_LIMIT=300 run_opt4 --cache 8M --stats "$STATS" -- "$NOTEBOOK" "$REPO/tests/notebook/kernel.py" python3 data 2>/dev/null >out
	grep -qx 'ok opt4 True' out
	grep -v '^ok opt4' out | diff - want
	calc "$(json "['hits']" <"$STATS") >= 2000 and $(json "['errors']" <"$STATS") == 0"
	[ "$(json "['fills']" <"$STATS")" = 400 ]
	no_session
}

@test "python -m opt4 kernel: a kernelspec whose kernels read through opt4; the notebook's server knows nothing of it" {
	"$NOTEBOOK" -m opt4 kernel --prefix "$PWD/prefix" -- --cache 8M --stats "$STATS"
	JUPYTER_PATH=$PWD/prefix/share/jupyter within 300 "$NOTEBOOK" "$REPO/tests/notebook/kernel.py" opt4 data 2>/dev/null >out
	grep -qx 'ok opt4 True' out
	grep -v '^ok opt4' out | diff - want
	for i in {1..100}; do [ -s "$STATS" ] && break; sleep .1; done
	[ "$(json "['errors']" <"$STATS")" = 0 ]
	calc "$(json "['hits']" <"$STATS") >= 400"
}
