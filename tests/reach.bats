# Kinds of datasets as people write them, under `opt4 run` that is told of no folder and knows no attribute's name.
# tests/long/reach.bats: all kinds, with workers and without.

load common
load lib/reach

@test "files that nothing names, whatever their names: learned from what is opened, in order from the second epoch on" {
	reach silent,4,1 npy,0,1 bare,4,1 tops,0,1 farm,0,1
}

@test "lists in dicts, by label, of paths, joined with a folder, wrapped, picked: in order from the first epoch on" {
	reach dicts,0,1 labels,4,1 joins,0,1 notes,0,1 wrapped,4,1 own-subset,0,1 concat-split,0,1
}

@test "several files a sample, whole batches, subsets, a first batch of one class: from the second or third epoch on" {
	reach masks,0,1 tuples,4,1 pooled,4,3 silent-masks,4,1 frames,0,1 at-once,4,1 split,0,1 lazy,0,1 no-batches,0,1
}

@test "a list shuffled in place, an iterable dataset" {
	reach shuffled,0,1 stream,4,1,.5,0
}

@test "no DataLoader: a loop, pools of threads and of processes; all files verified first, and then a loader over some" {
	reach by-hand,0,1,.5,0 threads,4,1,.5,0 pool,2,1,.5,0 scan-first,0,2
}

@test "a loader of its own around torch's iterators, indices with a flag: in order from the first epoch on" {
	reach around,0,1 around,4,1 index-pairs,4,1
}

@test "indices that are no places: names, ids, pairs of a class and a number, alone; batches that are arrays, or can be gone through but once" {
	"$PYTHON" "$REPO/tests/live/numbers_of.py" "$B/opt4_live" >"$BATS_TEST_TMPDIR/here"
	PYTHONHASHSEED=3 "$PYTHON" "$REPO/tests/live/numbers_of.py" "$B/opt4_live" | cmp - "$BATS_TEST_TMPDIR/here"
	reach key-name,4,1 key-ids,0,1 key-no-length,0,1 key-tuple-alone,0,1 numbered-class,4,1 index-size,0,1 batch-array,4,1 batch-once,0,1,.5,0
}

@test "one rank of two, whose other is elsewhere: the next epoch's order is known with this one's, and more than what fits is hit" {
	reach distributed,0,2,.58 distributed,4,2,.58
}

@test "episodes, draws by weights: what is not known yet of an order is none of its faults; a list that is read otherwise from the second epoch on" {
	reach episodes,0,1 five-weighted,4,1 prepared,0,2,.5,.6
}

@test "folders opened before it is known where the dataset lies; a file of the sample's beside its image" {
	reach dir-fd,0,1 sibling,4,2
}

@test "a header first, then the whole file: what was read just now is not evicted for what is fetched ahead" {
	cd "$BATS_FILE_TMPDIR"
	export SLOWSTORE_ROOT=$PWD/data SLOWSTORE_LATENCY=4
	slow run_opt4 --cache 480K --stats "$BATS_TEST_TMPDIR/stats" -- "$PYTHON" -W ignore "$REPO/tests/live/kinds.py" "$PWD/data" header-first 0
	cat "$BATS_TEST_TMPDIR/stats"
	calc "$(json "['reuse_ratio']" <"$BATS_TEST_TMPDIR/stats") >= .97 * .375"   # 240 files, four times, half fits
	calc "$(json "['prefetched']" <"$BATS_TEST_TMPDIR/stats") > 0"
}
