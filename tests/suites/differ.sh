#!/bin/bash
# differ.sh BUILD OUT.json [TOOL...]: everyday programs plain against preloaded. Each works through a tree of files, in a
# directory that is the dataset's root, and must print the same, end with the same status and leave the same tree: names,
# kinds, modes, times (where the program sets them) and bytes. Under four variants: as it is, with a library for which
# no file is too young to be cached (eager.c), the same with a cache so small that it churns, with a memory so small that most lies on the
# SSD, and under `opt4 run`.
set -u
build=$(realpath "$1") out=$2
shift 2
self=$(realpath "$0")

# ---- the programs: run in a directory with src/ (files), in bash -e; read everything twice where that makes sense ----
t_cp() { cp -a src a; cp -r src b; cp -a src/. c; cp -au src/. a; cp --reflink=auto src/f1.jpg x; cp -l src/f2.jpg y; cmp src/f1.jpg x; cp x src/f3.jpg; cmp x src/f3.jpg; diff -r src b || true; cp -a src z; diff -r src z; }
t_tar() { tar cf a.tar src; tar tvf a.tar | wc -l; mkdir x; tar xf a.tar -C x; diff -r src x/src; tar cf - -C x src | tar df - -C .; tar czf b.tgz src; tar dzf b.tgz; tar --append -f a.tar x; tar df a.tar src; tar cf inc.tar -g snap src; echo more >>src/f4.jpg; tar df a.tar src || true; tar xOf a.tar | sha256sum; tar tf inc.tar | sha256sum; rm a.tar inc.tar snap; }
t_rsync() { rsync -a src/ a/; rsync -ac --itemize-changes src/ a/; echo changed >>src/f5.jpg; rsync -a --itemize-changes src/ a/; cmp src/f5.jpg a/f5.jpg; rsync -a --inplace --no-whole-file --checksum src/ a/; rsync -a --delete --remove-source-files src/sub/ b/; find src -type f | sort; diff -r a b | wc -l; }
t_git() { export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
	git init -q -b m r; cp -r src/. r/; cd r; git add -A; git commit -qm one; git rev-parse HEAD; git status --short; echo x >>f1.jpg; git mv f2.jpg g2.jpg; git rm -q f3.jpg; git status --short; git diff --stat; git add -A; git commit -qm two; git rev-parse HEAD; git checkout -q HEAD~1; git status --short; git checkout -q m; git stash list; echo y >f1.jpg; git stash -q; git stash pop -q; git diff --stat; git checkout -q -- f1.jpg; git gc -q; git fsck --full --strict; git clone -q . ../c; diff -r --exclude .git . ../c; git grep -c a -- '*.txt' || true; git archive HEAD | sha256sum; rm -f .git/index; git reset -q; git status --short; cd ..; rm -rf r/.git c/.git; }
t_sqlite() { sqlite3 db.jpg 'create table t(a integer primary key, b blob, c text); begin;'; for i in 1 2 3 4 5 6; do sqlite3 db.jpg "with recursive n(i) as (values(1) union all select i+1 from n where i<500) insert into t(b,c) select zeroblob(i*3), printf('%d-$i', i) from n; select count(*), sum(length(b)) from t; delete from t where a % 7 = $i; pragma integrity_check;"; sqlite3 db.jpg "select count(*), sum(a), max(c) from t"; done; sqlite3 db.jpg 'pragma journal_mode=wal; insert into t(c) values(99); select count(*) from t;'; sqlite3 db.jpg 'update t set c=c||1; vacuum; pragma integrity_check; select sum(length(c)) from t'; cp db.jpg db2.jpg; sqlite3 db2.jpg 'select count(*), sum(a) from t'; sqlite3 db.jpg ".dump" | sha256sum; rm -f *.jpg-*; rm db.jpg db2.jpg; }
t_dd() { for f in src/f*.jpg; do dd if="$f" bs=777 skip=3 count=9 status=none | sha256sum; done; dd if=src/f1.jpg of=src/f2.jpg bs=100 conv=notrunc seek=2 status=none; sha256sum src/f2.jpg; dd if=src/f1.jpg of=src/f2.jpg bs=100 conv=notrunc oflag=append status=none; sha256sum src/f2.jpg; dd if=src/f3.jpg iflag=direct bs=4096 status=none | sha256sum; dd if=src/f4.jpg iflag=fullblock bs=1M status=none of=o.jpg; cmp o.jpg src/f4.jpg; dd if=/dev/null of=o.jpg status=none; stat -c %s o.jpg; dd if=src/f6.jpg of=src/f6.jpg bs=10 count=5 conv=notrunc status=none; sha256sum src/f6.jpg; }
t_cmp() { for i in 1 2 3; do for j in 1 2 3; do cmp src/f$i.jpg src/f$j.jpg || true; done; done; cmp src/f1.jpg - <src/f1.jpg; (head -c 10 >/dev/null; cmp - src/f1.jpg) <src/f1.jpg || true; cmp -n 50 -i 5 src/f1.jpg src/f2.jpg || true; diff src/t1.txt src/t2.txt | sha256sum; diff3 src/t1.txt src/t2.txt src/t1.txt | sha256sum; comm src/t1.txt src/t2.txt 2>/dev/null | sha256sum; }
t_install() { install -D -m 640 src/f1.jpg d/e/f.jpg; install -p -m 755 src/f*.jpg d/; install -C src/f1.jpg d/f1.jpg; install -d d/x; install -b -m 600 src/f2.jpg d/f1.jpg; ls -l d | awk '{print $1, $5, $NF}'; cmp src/f2.jpg d/f1.jpg; }
t_find() { touch -d '2021-01-01' src/f1.jpg; find src -newer src/f1.jpg | sort; touch src/f2.jpg; find src -newer src/f2.jpg | sort; find src -type f -size +10k -print0 | sort -z | xargs -0 sha256sum; find src -type f -exec sh -c 'wc -c <"$1"' _ {} \; | sort | sha256sum; find src -samefile src/f3.jpg; find src -links 1 -type f | wc -l; find src -name 'f7*' -delete; find src | sort | sha256sum; }
t_gcc() { for i in 1 2 3; do printf '#include "h.h"\nint f%d(void) { return N + %d; }\n' $i $i >c$i.c; done; echo '#define N 40' >h.h; echo '#include "h.h"
#include <stdio.h>
int f1(void), f2(void), f3(void); int main(void) { printf("%d\n", f1() + f2() + f3()); return 0; }' >m.c; gcc -O1 -pipe -c c1.c c2.c c3.c m.c; ar rcs l.a c1.o c2.o c3.o; gcc m.o l.a -o prog; ./prog; ./prog; sleep .03; echo '#define N 50' >h.h; gcc -MD -save-temps -c c1.c; gcc c*.c m.c -o prog; ./prog; gcc -shared -fPIC c1.c -o l.so; nm -D l.so | grep -c f1; strip prog; ./prog; rm -f *.i *.s; cp prog prog2; ./prog2; }
t_zip() { rm src/new*; zip -qr a.zip src; unzip -tqq a.zip; mkdir x; (cd x; unzip -q ../a.zip); diff -r src x/src; echo more >>src/f1.jpg; zip -qur a.zip src; unzip -p a.zip src/f1.jpg | cmp - src/f1.jpg; zip -qd a.zip src/f2.jpg; unzip -l a.zip | tail -1 | awk '{print $1, $2}'; unzip -p a.zip | sha256sum; rm a.zip; gzip -k src/f3.jpg; gzip -t src/f3.jpg.gz; gunzip -c src/f3.jpg.gz | cmp - src/f3.jpg; xz -k src/f4.jpg; xzcat src/f4.jpg.xz | cmp - src/f4.jpg; bzip2 src/f5.jpg; bunzip2 src/f5.jpg.bz2; sha256sum src/f5.jpg; }
t_coreutils() { for f in src/*.jpg src/*.txt; do md5sum "$f"; cksum <"$f"; wc "$f"; head -c 99 "$f" | sum; tail -c 99 "$f" | sum; tail -n +3 "$f" | sum; split -b 3000 "$f" s.; cat s.* | cmp - "$f"; rm s.*; od -c "$f" | tail -1; base64 "$f" | md5sum; sort "$f" 2>/dev/null | md5sum; tac "$f" | md5sum; done; (read -r l; echo "${#l}"; cat | md5sum) <src/t1.txt; (head -n 2; cat | md5sum) <src/t1.txt; exec 5<src/t2.txt; read -r -u5 l; cat <&5 | md5sum; truncate -s 50 src/f1.jpg; md5sum src/f1.jpg; truncate -s 5000 src/f1.jpg; md5sum src/f1.jpg; shuf --random-source=src/f9.jpg src/t1.txt | md5sum; sort -u src/t1.txt src/t2.txt | md5sum; join src/t1.txt src/t1.txt 2>/dev/null | md5sum; paste src/t1.txt src/t2.txt | md5sum; tee b.jpg <src/f8.jpg | md5sum; cmp b.jpg src/f8.jpg; shred -n 1 --random-source=/dev/zero b.jpg; md5sum b.jpg; ln src/f8.jpg h.jpg; echo z >>h.jpg; md5sum src/f8.jpg; ln -s src/f8.jpg l.jpg; md5sum l.jpg; mv src/f8.jpg src/q.jpg; md5sum l.jpg 2>&1 || true; md5sum src/q.jpg h.jpg; rm src/q.jpg; md5sum h.jpg; }
t_shells() { for s in bash dash; do $s -c 'while read -r a; do echo "$a"; read -r b || :; done <src/t1.txt | md5sum; { read -r x; echo "$x"; head -n1; cat; } <src/t2.txt | md5sum; . ./src/s.sh; . ./src/s.sh; echo "echo 2" >>src/s.sh; . ./src/s.sh; cat src/t1.txt >>src/t2.txt; md5sum src/t2.txt; cat src/t1.txt src/t1.txt | md5sum'; done; sed -i 's/a/b/' src/t1.txt; md5sum src/t1.txt; sed -n 5p src/t1.txt; awk 'FNR==NR{n++;next}{print n}' src/t1.txt src/t1.txt | tail -1; perl -pi -e 's/b/c/' src/t1.txt; md5sum src/t1.txt; perl -ne 'print if $. == 2 .. eof' src/t1.txt | md5sum; grep -c a src/*.txt; xargs -a src/t1.txt -n 50 echo | md5sum; patch -s src/t2.txt </dev/null; ed -s src/t1.txt <<<$'1d\nw\nq' 2>/dev/null || true; md5sum src/t1.txt; make -s -f - <<<$'all: o1\no1: src/t1.txt\n\tcp src/t1.txt o1'; make -s -q o1 -f - <<<$'o1: src/t1.txt\n\tcp src/t1.txt o1'; echo $?; }
t_python() { python3 - <<'P'
import shutil, mmap, os, tarfile, zipfile, hashlib, filecmp, pickle
names = sorted(os.listdir("src"))
for n in names:
    p = f"src/{n}"
    if not os.path.isfile(p): continue
    a = open(p, "rb").read(); shutil.copy2(p, "k.jpg"); b = open("k.jpg", "rb").read()
    with open(p, "r+b") as f:
        m = mmap.mmap(f.fileno(), 0)
        m[0:1] = b"Z"; m.flush(); c = open(p, "rb").read()
        m[0:1] = a[0:1]; m.close()
    with open(p, "rb") as f, open(p, "ab") as g:
        x = f.read(20); g.write(b"tail"); g.flush(); y = f.read()
    print(n, a == b, c[:1], hashlib.sha1(x + y).hexdigest(), filecmp.cmp(p, "k.jpg", shallow=False), os.stat(p).st_size)
    os.replace("k.jpg", p); print(hashlib.sha1(open(p, "rb").read()).hexdigest())
P
}
ALL=$(compgen -A function | sed -n 's/^t_//p')

# ---- one run: in $1/d, tool $2; what it printed and left goes to $1/seen ----
tree() { find . -mindepth 1 -printf '%P %y %m %n %l' \( -type f -printf ' %s' -o -true \) -printf '\n' | sort; find . -type f -print0 | sort -z | xargs -0 -r sha256sum; }
if [ "${1:-}" = --one ]; then
	# Read once before, so that the program's own first reads can be hits; on the SSD, once the keeper has moved what memory can't hold.
	cd "$2" && for _ in ${OPT4_SSD:+1 2 3 4}; do find src -type f -exec cat {} + >/dev/null && sleep .5; done
	find src -type f -exec cat {} + >/dev/null && exec bash -ec "$(declare -f "t_$3"); t_$3"
fi

files() {
	rm -rf "$1"
	mkdir -p "$1/src/sub/deep"
	python3 - "$1/src" <<'P'
import os, random, sys
r = random.Random(7)
for n in range(30):
    open(f"{sys.argv[1]}/f{n}.jpg", "wb").write(r.randbytes(r.choice((1, 4095, 4096, 4097, 30000, 120000))))
for n in ("sub/a", "sub/deep/b", "sp ace", "new\nline", "caf\u00e9"):
    open(f"{sys.argv[1]}/{n}.jpg", "wb").write(r.randbytes(20000))
for n in (1, 2):
    open(f"{sys.argv[1]}/t{n}.txt", "w").write("".join(f"line {i} {r.random()} a\n" for i in range(900)))
open(f"{sys.argv[1]}/s.sh", "w").write("echo 1\n")
P
	find "$1" -exec touch -h -d '2022-02-02 02:02:02' {} +
}

top=$(mktemp -d "${TMPDIR:-/var/tmp}/o4d.XXXX")
trap 'rm -rf "$top"' EXIT
unset "${!OPT4_@}" LD_PRELOAD
export LC_ALL=C.UTF-8 TZ=UTC OPT4_MATCH='*'
bad=0 rows=
for tool in ${*:-$ALL}; do
	row=
	for variant in plain own eager churn ssd keeper; do
		t=$top/$variant
		files "$t/d"
		rm -f "$t/stats"
		pre=()
		vars=(OPT4_ROOT="$t/d" OPT4_STATS="$t/stats" OPT4_LOG="$t/log" OPT4_CACHE=64M)
		case $variant in
		plain) vars=() ;;
		own) vars+=(LD_PRELOAD="$build/libopt4.so") ;;
		eager) vars+=(LD_PRELOAD="$build/tests/suites/libeager.so") ;;
		churn) vars+=(LD_PRELOAD="$build/tests/suites/libeager.so" OPT4_CACHE=400K OPT4_MAXFILE=200K OPT4_POLICY=random) ;;
		ssd)
			mkdir -p "$t/ssd"
			vars+=(LD_PRELOAD="$build/tests/suites/libeager.so" OPT4_CACHE=400K OPT4_MAXFILE=200K OPT4_SSD="$t/ssd" OPT4_SSD_SIZE=64M) ;;
		keeper) pre=("$build/opt4" run --quiet --) ;;
		esac
		env "${vars[@]}" "${pre[@]}" timeout -k 5 120 bash "$self" "$build" "$out" --one "$t/d" "$tool" >"$t/seen" 2>&1 </dev/null
		echo "status $?" >>"$t/seen"
		sed -i "s,$t,TOP,g" "$t/seen"
		(cd "$t/d" && tree) >>"$t/seen" 2>&1
		[ $variant = plain ] && { grep -q '^status 0' "$t/seen" || { echo "$tool fails plain:"; head -9 "$t/seen"; bad=$((bad + 1)); }; continue; }
		hits=$(python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["hits"], d["accesses"], d["evictions"], sum(t["hits"] for t in d["tiers"] if t["tier"] == "ssd"))' "$t/stats" 2>/dev/null || echo 0 0 0 0)
		read -r h a e on <<<"$hits"
		same=true
		if ! cmp -s "$top/plain/seen" "$t/seen"; then
			same=false bad=$((bad + 1))
			echo "$tool: $variant is not as plain:"
			diff "$top/plain/seen" "$t/seen" | head -${DIFF_LINES:-20}
		elif [ "$a" = 0 ]; then
			same=false bad=$((bad + 1))
			echo "$tool: $variant: no access was seen"
		fi
		row+="${row:+, }\"$variant\": {\"same\": $same, \"hits\": $h, \"accesses\": $a, \"evictions\": $e, \"ssd_hits\": $on}"
	done
	echo "$tool: $row"
	rows+="${rows:+,
 }{\"tool\": \"$tool\", $row}"
done
echo "[$rows]" >"$out"
echo "$(wc -w <<<"${*:-$ALL}") programs, $bad differences"
[ $bad = 0 ]
