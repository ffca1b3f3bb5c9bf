# Samplers without an end, as YOLO, timm, mmengine and detectron2 have them: known by windows.

load common
load lib/live

setup() { setup_live; }

# endless JOB...: as without; of six passes all but the first hit what fits
endless() {
	local job e
	for job; do
		JOBS=endless.py same "$PYTHON" "$job"
		echo "$job: $(cat "$OPT4_STATS")"
		# where each pass is drawn when it has begun, how much of it is read by then is the machine's affair
		calc "$(stat_of match_ratio) >= .98 and $(stat_of matched) > $([ "$job" = dropout-4 ] && echo 200 || echo 2000)"
		[ "$(stat_of gate)" = open ]
		calc "$(stat_of reuse_ratio) >= .97 * .5 * 5 / 6"
	done
}

@test "YOLO's and timm's loaders: losses as without, hits as the future allows" {
	endless yolo-4 timm-4
}

@test "mmengine's and detectron2's samplers" {
	endless mmengine-4 detectron2-4
}

@test "without workers" {
	local job
	for job in yolo-0 mmengine-0; do
		JOBS=endless.py same "$PYTHON" "$job"
		calc "$(stat_of reuse_ratio) >= .97 * .5 * 5 / 6"
	done
}

@test "what it will ask for is fetched ahead in the first pass already" {
	PASSES=1 PREFETCH=auto JOBS=endless.py same "$PYTHON" timm-4
	calc "$(stat_of prefetched) > 20"
	calc "$(stat_of prefetch_wasted) <= .01 * $(stat_of accesses)"
}

@test "each pass' seed is drawn from the training's own generator: followed pass by pass" {
	KNOWN=0 endless dropout-4   # how soon a pass is drawn is the machine's affair
}

@test "train and validation in turn, both without an end: what is fetched ahead takes nothing of the other's" {
	endless turns-4
	PREFETCH=auto JOBS=endless.py same "$PYTHON" turns-4
	calc "$(stat_of prefetched) > 20"
	calc "$(stat_of reuse_ratio) >= .9 * .5 * 5 / 6"
}

@test "the same read by the main process itself: it has its place in both" {
	endless turns-0
	PREFETCH=auto JOBS=endless.py same "$PYTHON" turns-0
	calc "$(stat_of reuse_ratio) >= .9 * .5 * 5 / 6"
	calc "$(stat_of match_ratio) == 1"
}

@test "a dataset that keeps its last samples itself: what it will not open is neither kept nor fetched" {
	local workers keep
	for workers in 0 2; do
		OPT4_POLICY=keep JOBS=endless.py same "$PYTHON" buffer-$workers
		keep=$(stat_of reuse_ratio)
		PREFETCH=auto JOBS=endless.py same "$PYTHON" buffer-$workers
		echo "$workers workers: keep $keep; $(cat "$OPT4_STATS")"
		calc "$(stat_of reuse_ratio) >= $keep - .02"
		calc "$(stat_of prefetched) > 0 and $(stat_of prefetch_wasted) <= .015 * $(stat_of accesses)"
	done
}

@test "one that draws from the training's own generator is followed only as far as it is true" {
	JOBS=endless.py same "$PYTHON" liar-4
	calc "$(stat_of reuse_ratio) >= .44"
	PREFETCH=auto JOBS=endless.py same "$PYTHON" liar-4
	calc "$(stat_of prefetch_wasted) <= .01 * $(stat_of accesses)"
}

@test "mosaic, each pass drawn when it begins: the workers, in the middle of batches, go on by their samples' own files" {
	local workers
	for workers in 0 4; do
		JOBS=endless.py same "$PYTHON" mosaic-$workers
		echo "$workers workers: $(cat "$OPT4_STATS")"
		# how soon a pass is drawn is the machine's affair
		calc "$(stat_of match_ratio) >= .98 and $(stat_of matched) > 400"
		[ "$(stat_of gate)" = open ]
	done
}
