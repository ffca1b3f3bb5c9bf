# The live order under the current torch from pip, with the frameworks that have loaders of their own, and a script like
# PyTorch's ImageNet example. `make test-torch-current` runs it, too.

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

@test "current torch: losses and generators are as without: validation, zipped, left, broken off, in any order" {
	same "$VENV" signatures subset left-early train-val zipped broken-off again-and-again seeded-alike in-any-order
}

@test "more samples than are dealt with in the program itself: no worker, spawned ones, without a keeper" {
	many "$PYTHON" off many
	many "$PYTHON" off many-drawn
	many "$PYTHON" auto many-drawn
}

@test "current torch: more samples than are dealt with in the program itself" {
	many "$VENV" auto many
	many "$VENV" auto many-drawn
}

@test "current torch: Ctrl-C in the middle of an epoch" {
	interrupted "$VENV"
}

@test "torchdata's StatefulDataLoader; one that goes on in mid-epoch" {
	JOBS=frameworks.py same "$VENV" stateful
	learned 6 1 2 3 4 5
	JOBS=frameworks.py same "$VENV" resumed
	learned 4 2 3
}

@test "accelerate" {
	JOBS=frameworks.py same "$VENV" accelerated
	learned 3 1 2
}

@test "Lightning's Trainer, with validation" {
	JOBS=frameworks.py same "$VENV" lightning
	learned 7 2
	# the first validation counts as epoch 1, and most of it is read for the first time then; in all, half of the two epochs that follow
	calc "$(stat_of hits) >= .99 * .5 * 2 * 400"
}

@test "timm's loader, with persistent workers and without" {
	images photos 200
	JOBS=frameworks.py DATA=photos CACHE=50% LEAST=.4 same "$VENV" timm
	LEAST=.4 learned 3 1 2
	JOBS=frameworks.py DATA=photos CACHE=50% same "$VENV" timm-not-persistent
	LEAST=.4 learned 3 1 2
	# its sampler has no end: known by windows
	JOBS=frameworks.py DATA=photos CACHE=50% alike 1 "$VENV" $(JOBS=frameworks.py DATA=photos jobs_py) timm-multi-epochs
	calc "$(stat_of live_epochs) > 0 and $(stat_of match_ratio) > .98"
}

@test "torchrun, two ranks with gloo" {
	alike 2 "$VENV" -W ignore -m torch.distributed.run --standalone --nproc-per-node 2 "$REPO/tests/live/ranks.py" data
	learned 6 1 2
}

@test "current torch: two ranks by mp.spawn" {
	alike 2 "$VENV" -W ignore "$REPO/tests/live/ranks.py" data
	learned 6 1 2
}

# images DIR N: real ones
images() { "$PYTHON" "$REPO/tests/lib/jpegs.py" "$PWD/$1" "$2" "$SEED" && sleep .05; }

# imagenet PYTHON LINES OPTION...
imagenet() {
	[ -d imagenet ] || { images imagenet/train 160 && images imagenet/val 64; }
	local python=$1 lines=$2
	shift 2
	DATA=imagenet CACHE=50% alike "$lines" "$python" -W ignore "$REPO/tests/live/imagenet.py" imagenet "$@"
	LEAST=.3 learned $((6 * lines)) 1 2
	no_session
}

@test "a script as PyTorch's ImageNet example: seeded, without workers, two ranks by mp.spawn" {
	imagenet "$PYTHON" 1 --seed "$SEED"
	imagenet "$PYTHON" 1 --seed "$SEED" -j 0
	imagenet "$PYTHON" 2 --seed "$SEED" -j 1 --spawn
}

@test "the same under the current torch, and by torchrun" {
	imagenet "$VENV" 1 --seed "$SEED"
	imagenet "$VENV" 1 --seed "$SEED" -j 0
	imagenet "$VENV" 2 --seed "$SEED" -j 1 --spawn
	[ -d imagenet ]
	DATA=imagenet CACHE=50% alike 2 "$VENV" -W ignore -m torch.distributed.run --standalone --nproc-per-node 2 \
		"$REPO/tests/live/imagenet.py" imagenet --seed "$SEED" -j 1
	LEAST=.3 learned 12 1 2
}

# Without a seed no two runs are alike: but its order is learned.
@test "the same without a seed" {
	local python
	[ -d imagenet ] || { images imagenet/train 160 && images imagenet/val 64; }
	for python in "$PYTHON" "$VENV"; do
		DATA=imagenet CACHE=50% live 250 "$python" -W ignore "$REPO/tests/live/imagenet.py" imagenet -j 2 | grep -q '^rank 0 [0-9a-f]*$'
		LEAST=.3 learned 6 1 2
	done
}
