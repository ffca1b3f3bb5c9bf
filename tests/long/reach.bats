# All kinds of datasets of tests/live/reach.py, with workers and without.

load ../common
load ../lib/reach

@test "files that nothing names, whatever their names" {
	reach {silent,npy,bare,tops,farm,numbers,persistent,no-batches},{0,4},1 broken,0,1 broken,4,2
}

@test "lists of files wherever they are" {
	reach {dicts,labels,im_files,array,joins,notes,wrapped,own-subset,concat-split,relative},{0,4},1 spawn,2,1
}

@test "several files a sample, whole batches, subsets" {
	reach {masks,tuples},{0,4},1 frames,0,1 frames,4,2 {silent-masks,at-once,split,wrapped-silent},{0,4},1 nested,0,1 nested,4,2 lazy,0,1
}

@test "read by pools of threads, random partners" {
	reach {cameras,pooled},{0,4},2,.5,.4 {mixup,mosaic},{0,4},2,.5,.9
}

@test "lists that change, other loaders" {
	reach shuffled,{0,4},1 drawn,{0,4},1,.22 stream,{0,4},1,.5,0 concat,{0,4},1,.5
}
