# bash completion for opt4 and opt4-trace

# The sessions on this machine, by the names that `opt4 ls` prints.
_opt4_sessions() {
	"${1:-opt4}" ls 2>/dev/null | sed -n '2,$s/ .*//p'
}

_opt4_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

_opt4_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }

# The part of a comma separated list after its last comma.
_opt4_list() {
	local head=${cur%"${cur##*,}"}
	mapfile -t COMPREPLY < <(compgen -P "$head" -W "$1" -- "${cur##*,}")
	compopt -o nospace 2>/dev/null
}

_opt4() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]} i
	local policies="opt lru lfu fifo random keep"
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_opt4_words "run warm stat ls clean plan pool top report doctor --help --version"
		return
	fi
	if [ "$command" = run ]; then          # what stands behind -- is another command's
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" = -- ] || continue
			if declare -F _command_offset >/dev/null; then
				_command_offset $((i + 1))
			elif [ $((i + 1)) = "$COMP_CWORD" ]; then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				_opt4_files -f
			fi
			return
		done
	fi
	case $prev in
	--trace | --order | --record | --stats | --svg | --output | -o) _opt4_files -f; return ;;
	--root | --rebucket) _opt4_files -d; return ;;
	--ssd)
		if [ "$command" = plan ]; then _opt4_words "25% 50% 100%"; else _opt4_files -d; fi
		return ;;
	--policy)
		if [ "$command" = plan ]; then _opt4_list "$policies"; else _opt4_words "$policies none"; fi
		return ;;
	--prefetch) _opt4_words "auto off"; return ;;
	--pool) _opt4_words "auto"; return ;;
	--pool-size | --ssd-writes) return ;;
	--cache | --ssd-size) _opt4_words "25% 50% 75% 100%"; return ;;
	--bandwidth | --latency | --compute | --disk | --nodes) return ;;
	esac
	case $command:$cur in
	run:*) _opt4_words "--trace --root --cache --ssd --ssd-size --ssd-writes --pool --pool-size --rebucket --policy --prefetch --order --record --stats --keep --quiet --help --version --" ;;
	stat:-*) _opt4_words "--json --help --version" ;;
	ls:*) _opt4_words "--help --version" ;;
	warm:*) _opt4_words "--trace --root --cache --ssd --ssd-size --quiet --help --version" ;;
	clean:-*) _opt4_words "--all --ssd --rebucket --help --version" ;;
	plan:*) _opt4_words "--trace --cache --ssd --policy --bandwidth --latency --compute --disk --nodes --json --svg --help --version" ;;
	pool:-*) _opt4_words "--pool-size --help --version" ;;
	pool:*)
		if [ "$COMP_CWORD" = 2 ]; then _opt4_words "init start stop status"; elif [ "${COMP_WORDS[2]}" = init ]; then _opt4_files -f; fi ;;
	top:-*) _opt4_words "--once --prometheus --help --version" ;;
	report:-*) _opt4_words "--trace --output -o --help --version" ;;
	doctor:*) _opt4_words "--trace --root --ssd --pool --help --version" ;;
	stat:* | clean:* | top:*) _opt4_words "$(_opt4_sessions "$1")" ;;
	report:*)
		_opt4_files -f
		mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$(_opt4_sessions "$1")" -- "$cur") ;;
	esac
}

_opt4_trace() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		_opt4_words "imagefolder loader paths show info check --help --version"
		return
	fi
	case $prev in
	-o | --output | --weights) _opt4_files -f; return ;;
	--val | --root) _opt4_files -d; return ;;
	--epochs | --seed | --batch-size | --workers | --prefetch-factor | --num-samples | --limit-batches | --world-size | --ranks \
		| --val-batch-size | --epoch | --rank) return ;;
	esac
	case $command:$cur in
	imagefolder:-*) _opt4_words "--epochs --seed --batch-size --drop-last --workers --persistent-workers --prefetch-factor
		--sequential --replacement --weights --num-samples --limit-batches --global-seed --world-size --ranks --no-set-epoch
		--val --val-batch-size --output -o --help" ;;
	paths:-*) _opt4_words "--epochs --batch-size --workers --root --output -o --help" ;;
	loader:-*) _opt4_words "--epochs --world-size --ranks --limit-batches --output -o --help" ;;
	show:-*) _opt4_words "--json --epoch --rank --help" ;;
	info:-*) _opt4_words "--json --help" ;;
	check:-*) _opt4_words "--root --help" ;;
	imagefolder:*) _opt4_files -d ;;
	*) _opt4_files -f ;;
	esac
}

complete -F _opt4 opt4
complete -F _opt4_trace opt4-trace
