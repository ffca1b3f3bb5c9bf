# All kinds of datasets of tests/live/reach.py and kinds.py, with workers and without; under the current torch, too, where `make test-torch-current`
# has made its venv. `make test-reach` prints a table of the same jobs over a slow store.

load ../common
load ../lib/reach

# both CELL...: see reach(); where the current torch is there, half of the cells go to it, so that each kind meets both torches and both numbers of workers
both() {
	local venv=$REPO/.venv-torch-current i=0 cell theirs=() ours=()
	for cell in "$@"; do
		if [ -e "$venv/complete" ] && [[ $((i++ % 4)) = [12] ]]; then theirs+=("$cell"); else ours+=("$cell"); fi
	done
	reach "${ours[@]}"
	[ ${#theirs[@]} = 0 ] || PYTHON=$venv/bin/python reach "${theirs[@]}"
}

@test "files that nothing names, whatever their names" {
	both {silent,npy,bare,tops,farm,numbers,persistent,no-batches},{0,4},1 broken,0,1 broken,4,2
}

@test "lists of files wherever they are" {
	both {dicts,labels,im_files,array,joins,notes,wrapped,own-subset,concat-split,relative},{0,4},1 spawn,2,1
}

@test "more lists, and what is none: databases, properties, globs, closures" {
	both {sqlite,csv,cached-property,globs,scandir,pathlib,namedtuples,slots,closure,class-list,getattr},{0,4},1
}

@test "several files a sample, whole batches, subsets" {
	both {masks,tuples},{0,4},1 frames,0,1 frames,4,2 {silent-masks,at-once,split,wrapped-silent},{0,4},1 nested,0,1 nested,4,2 lazy,0,1
}

@test "three folders, neighbours, as many files as the sample has, what lies beside it" {
	both three-folders,{0,4},1 sibling,{0,4},2 {windows,varying},{0,4},2
}

@test "read by pools of threads, random partners" {
	both cameras,{0,4},2 pooled,{0,4},3 mixup,{0,4},2,.47 mosaic,{0,4},2,.5   # a partner by chance is one of 480: a hit in .5 +- .03
}

@test "ways of reading" {
	both {header-first,mmap,pread,dir-fd,own-thread},{0,4},1
}

@test "samplers and batches of one's own" {
	both {buckets,numpy-sampler,lazy-sampler,nested-batches,sequential,sequential-silent,subset-sampler,collate-none},{0,4},1
}

@test "indices that are no places" {
	both key-{name,bytes,id,names,digits,dataclass,slots,numpy,uuid,set,enum,float,alone},{0,4},1
	both {class-number,index-size-list,index-size-dict,batch-tensor,batch-tuple},{0,4},1 key-itself,0,1,.5,0
}

@test "detection, pairs, classes, identities" {
	both {panoptic,views,pair-list,balanced},{0,4},1 copy-paste,{0,4},1,.5,.97 identities,{0,4},1,.4
}

@test "volumes, several maps, captions, a pool in the collation, lists at once" {
	both {flow,stereo,captions,memmapped,entries,collate-reads,lists},{0,4},1 six-cameras,{0,4},2 csv-each,{0,4},0
}

@test "loaders in turn, draws, curricula" {
	both {prefetcher,forkserver},{0,4},1 cycled,{0,4},2 growing-batches,{0,4},0,.375 curriculum,{0,4},1,.4 from-sampler,{0,4},1,.4 some-samples,0,1,.3 buffer,{0,4},1,.5,0
}

@test "lists that change, other loaders" {
	both shuffled,{0,4},1 drawn,{0,4},1,.22 stream,{0,4},1,.5,0 concat,{0,4},1,.5
}
