#!/bin/bash
# layers.sh [BUILD]: do the arrows between the folders of policy/, preload/ and tools/ run downwards only, and through doors?
# Reads the #include lines of the tree, and what the objects below BUILD (default build) define and want of each other: nm says
# that as well as the linker's map, and of what is in no program yet, too. Quiet and 0 when all is well; else a line for each
# arrow, with file:line and what to do, and 1.
#
# A door is a header that others may include; what it includes of its own folder is part of it. Nothing else of a folder
# is seen from outside: no header, and no function declared by hand.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${1:-build}

# Folder, its doors, the doors that may be asked (by their names without .h). A command of opt4's, tools/opt4/X, has the
# door X.h and needs no line here: it may ask what is named for * and the other commands' doors, but not in a circle.
floors='
policy             policy           -
preload/base       base             policy
preload/store      store            base policy
preload/order      order            store base policy
preload/session    session,keeper   order store base policy
preload/live       live             keeper session order store base policy
preload/hook       -                live session base
tools/wire         wire             base
tools/opt4d        -                wire live keeper order store base policy
tools/opt4/common  common           wire live keeper order store base policy
tools/opt4/*       -                common wire live keeper order store base policy
'
# The few that must: a file, the header or function that it asks for past the rules, and why.
exceptions='
tools/opt4d/buckets/rebucket.c  tools/opt4/plan/disk.h  the model of a disk is arithmetic alone; the keeper chooses by it as opt4 plan does
tools/opt4/warm/list.c  tools/opt4d/disk/rotates.h  what sysfs says of a disk: two questions without state, of the keeper and of warm
tools/opt4/doctor/ssd.c  tools/opt4d/disk/rotates.h  as for warm
tools/opt4/plan/simulate.c  policy/bits.h  what is resident is a bitset there as in the policies; it has no rule of its own
'

sources=$(find policy preload tools -name '*.[ch]' | LC_ALL=C sort)
objects=
for c in $sources; do
	o=$build/${c%.c}.o
	[ "$c" != "${c%.c}" ] && [ -e "$o" ] && objects+=" $o"
done
[ -n "$objects" ] || echo "layers: $build: no objects there, so only the includes were read; make first" >&2
# libc's names, which the hooks have as well: not an arrow to the hook
hooked=$(sed -n '/global:/,/local:/p' preload/libopt4.map | grep -oE '\b[a-zA-Z_0-9]+;' | grep -v '^opt4_')

awk -v build="$build/" '
function dir(path) { sub(/\/[^\/]*$/, "", path); return path }
# What lies below the keeper is rooms of one house.
function home(path) { path = dir(path); return path ~ /^tools\/opt4d\// ? "tools/opt4d" : path }
function name(path) { sub(/.*\//, "", path); return path }
function known(house) { return (house in may) || house ~ /^tools\/opt4(\/[^\/]*)?$/ }
# a/b/../c is a/c
function flat(path) {
	while (match(path, /[^\/.][^\/]*\/\.\.\//))
		path = substr(path, 1, RSTART - 1) substr(path, RSTART + RLENGTH)
	gsub(/\/\.\//, "/", path)
	return path
}
function asks(house) { return house in may ? may[house] : may["tools/opt4/*"] }
# The doors of a house that another may ask, with blanks around each.
function open_doors(from, to,    n, t, i, all) {
	n = split(asks(from), t, " ")
	all = " "
	for (i = 1; i <= n; i++)
		if (t[i] in door && dir(door[t[i]]) == to)
			all = all door[t[i]] " "
	if (from ~ /^tools\/opt4/ && from != "tools/opt4/common" && to ~ /^tools\/opt4\/./ && !(to in may))
		all = all to "/" name(to) ".h "
	return all
}
# Does `from` ask `to`, or one that does? What a door declares may be defined below it.
function below(from, to,    n, t, i) {
	if (from == to)
		return 1
	n = split(asks(from), t, " ")
	for (i = 1; i <= n; i++)
		if (t[i] in door && below(dir(door[t[i]]), to))
			return 1
	return 0
}
# Is it declared by a door that may be asked?
function offered(from, to, sym,    n, t, i) {
	n = split(open_doors(from, to), t, " ")
	for (i = 1; i <= n; i++)
		if (declares(t[i], sym))
			return 1
	if (!below(from, to))
		return 0
	n = split(asks(from), t, " ")
	for (i = 1; i <= n; i++)
		if (t[i] in door && declares(door[t[i]], sym))
			return 1
	return 0
}
# A line without its comments; `comment`: one goes on. Of a string only the quotes are left.
function uncommented(s,    out, i) {
	if (!comment)
		gsub(/"([^"\\]|\\.)*"/, "\"\"", s)
	for (;;) {
		if (comment) {
			if (!(i = index(s, "*/")))
				return out
			s = substr(s, i + 2)
			comment = 0
		}
		if (!(i = index(s, "/*")))
			return out s
		out = out substr(s, 1, i - 1) " "
		s = substr(s, i + 2)
		comment = 1
	}
}
function excused(file, what,    k) {
	k = file SUBSEP what
	if (k in exception)
		used[k] = 1
	return k in exception
}
function bad(where, text) { print where ": " text; wrong = 1 }
function up(from, to, open) {
	return open == " " ? from " must not ask " to ": that is above it, or not its business; move what is needed down, or pass it in" \
		: "past the door of " to "; ask by" open "only, and let that declare what is needed"
}
# Is the word in the door, or in what the door includes of its own house?
function declares(header, word,    n, t, i) {
	if ((header, word) in words)
		return 1
	n = split(includes[header], t, " ")
	for (i = 1; i <= n; i++)
		if (dir(t[i]) == dir(header) && t[i] != header && declares(t[i], word))
			return 1
	return 0
}
function line_of(file, word,    s, n, at) {
	at = 0
	while (!at && (getline s < file) > 0) {
		n++
		if (match(s, "(^|[^A-Za-z0-9_])" word "([^A-Za-z0-9_]|$)"))
			at = n
	}
	close(file)
	return at ? at : 1
}
# Is there a way back from `to` to `from` along edges of this kind?
function way(kind, from, to,    k, p) {
	if (from == to)
		return 1
	been[from] = 1
	for (k in edge) {
		split(k, p, SUBSEP)
		if (p[1] == kind && p[2] == from && !(p[3] in been) && way(kind, p[3], to))
			return 1
	}
	return 0
}
function circles(kind,    k, p, other) {
	for (k in edge) {
		split(k, p, SUBSEP)
		split("", been)
		if (p[1] == kind && way(kind, p[3], p[2]))
			bad(edge[k], p[2] " asks " p[3] ", which comes back to it: a circle; put what both need below them")
	}
}

kind == "floors" && NF {
	n = split($2, d, ",")
	for (i = 1; i <= n && d[1] != "-"; i++)
		door[d[i]] = $1 "/" d[i] ".h"
	house = $1
	$1 = $2 = ""
	may[house] = $0
}
kind == "exceptions" && NF { exception[$1, $2] = 1 }
kind == "hooked" { sub(/;/, ""); libc[$1] = 1 }

kind == "sources" && FNR == 1 {
	file = FILENAME
	house = home(file)
	comment = 0
	if (!known(house) && !(house in told)) {
		told[house] = 1
		bad(file ":1", house " has no floor; give it a line in tests/layers.sh: its door, and what it may ask")
	}
}
kind == "sources" {
	code = uncommented($0)
	if (file ~ /\.h$/) {
		n = split(code, w, /[^A-Za-z0-9_]+/)
		for (i = 1; i <= n; i++)
			words[file, w[i]] = 1
	}
	if (code !~ /^[ \t]*#[ \t]*include/)
		next
	if (code !~ /include[ \t]*"/) {
		if (code !~ /include[ \t]*</)
			bad(file ":" FNR, "the name of what is included is not written there; write it")
		next
	}
	split($0, q, "\"")
	to = flat(dir(file) "/" q[2])
	includes[file] = includes[file] " " to
	target = home(to)
	if (target == house || !known(house) || excused(file, to))
		next
	if (!known(target)) {
		bad(file ":" FNR, to " lies outside policy, preload and tools; what is shared goes below, in one of them")
		next
	}
	open = open_doors(house, target)
	if (!index(open, " " to " "))
		bad(file ":" FNR, "includes " to ": " up(house, target, open))
	else if (house ~ /^tools\/opt4/ && target ~ /^tools\/opt4\// && !(("house", house, target) in edge))
		edge["house", house, target] = file ":" FNR
}

# nm -A: build/preload/base/log.o:0000000000000000 T opt4_log
kind == "objects" {
	o = substr($1, length(build) + 1)
	sub(/\.o:.*/, ".c", o)
	type = $(NF - 1)
	sub(/.*:/, "", type)
	if ($NF in libc || $NF == "main")
		next
	if (type == "U")
		wants[++nwants] = o SUBSEP $NF
	else if (type ~ /^[ABCDGRSTVWi]$/)
		owner[$NF] = o
}
END {
	for (i = 1; i <= nwants; i++) {
		split(wants[i], p, SUBSEP)
		from = p[1]
		sym = p[2]
		if (!(sym in owner) || owner[sym] == from)
			continue
		to = owner[sym]
		house = home(from)
		target = home(to)
		if (house == target) {
			if (house ~ /^tools\// && !(("file", from, to) in edge))
				edge["file", from, to] = from ":" line_of(from, sym)
			continue
		}
		if (!known(house) || !known(target) || excused(from, sym))
			continue
		ok = offered(house, target, sym)
		for (k in exception) {
			split(k, e, SUBSEP)
			ok = ok || (e[1] == from && home(e[2]) == target && declares(e[2], sym))
		}
		if (!ok)
			bad(from ":" line_of(from, sym), sym " is " to "\047s: " up(house, target, open_doors(house, target)))
	}
	circles("house")
	circles("file")
	for (k in exception)
		if (!(k in used) && nwants) {
			split(k, e, SUBSEP)
			bad("tests/layers.sh:1", "nobody needs the exception of " e[1] " for " e[2] "; take it from the list")
		}
	exit wrong
}' kind=floors <(echo "$floors") kind=exceptions <(echo "$exceptions") kind=hooked <(echo "$hooked") \
	kind=sources $sources kind=objects <([ -z "$objects" ] || nm -A $objects)
