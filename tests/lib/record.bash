# record.bash - results for tests/TRUST.md: load it, then `record`.

# record FILE WHAT VALUE...: BUILD/trust/FILE.txt gets the line `VALUE... WHAT`, in place of WHAT's last.
record() {
	local file=$B/trust/$1.txt what=$2
	shift 2
	mkdir -p "$B/trust"
	(
		flock 9
		grep -v " $what\$" "$file" >"$file.new" 2>/dev/null || true   # there is none yet
		echo "$* $what" >>"$file.new"
		mv "$file.new" "$file"
	) 9>"$file.lock"
}
