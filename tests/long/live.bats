# The live order under the current torch from pip, and with the loaders of torchdata and accelerate.

load ../common
load ../lib/live

setup() {
	setup_live
	[ -n "$VENV" ] || skip "no .venv-torch-current: make test-torch-current makes it"
}

@test "current torch: losses and generators are as without: fork, spawn, forkserver, watched datasets" {
	same "$VENV" no-workers persistent spawn forkserver watched-alone
}

@test "current torch: losses and generators are as without: samplers" {
	same "$VENV" replacement more-than-all weighted part own-sampler own-batches endless
}

@test "current torch: losses and generators are as without: validation, left, broken off, in any order" {
	same "$VENV" subset left-early train-val zipped broken-off again-and-again in-any-order
}

@test "StatefulDataLoader and accelerate" {
	"$VENV" -c 'import torchdata, accelerate' || skip "no torchdata or accelerate in .venv-torch-current"
	same "$VENV" stateful accelerated
	calc "$(stat_of match_ratio) > .99"
}
