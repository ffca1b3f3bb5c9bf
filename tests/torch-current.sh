#!/bin/bash
# torch-current.sh: the orders that opt4-trace foretells, and those learned from the running DataLoader, under the current
# torch from pip and with frameworks that have loaders of their own, in a venv of its own: a minute or two and 5 GB the
# first time. The tables, the tests, then `N passed, N failed`.
set -u
cd "$(dirname "$0")/.." || exit 1
venv=.venv-torch-current
packages="torch torchvision torchdata accelerate lightning timm"
if [ "$(cat $venv/complete 2>/dev/null)" != "$packages" ]; then
	echo "opt4: set-up: $venv: pip install $packages (5 GB)" >&2
	python3 -m venv $venv && $venv/bin/pip install -q $packages </dev/null >$venv/pip.log 2>&1 &&
		echo "$packages" >$venv/complete || {
		tail -n 3 $venv/pip.log >&2
		echo "opt4: set-up: $venv: pip failed; mend the reason above and try again" >&2
		echo "0 passed, 1 failed"
		exit 1
	}
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/o4t.XXXX") || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0
for kind in samplers axes extras; do
	PYTHONDONTWRITEBYTECODE=1 timeout 900 $venv/bin/python -W ignore tests/trace/cells.py build/opt4-trace "$work" $kind | tee "$work/table"
	[ "${PIPESTATUS[0]}" = 0 ] || failed=$((failed + 1))   # also where it did not come to its end
	passed=$((passed + $(grep -cE ' (exact|other batches)$' "$work/table")))
	failed=$((failed + $(grep -c 'WRONG$' "$work/table")))
done
tests/run.sh tests/long/live.bats | tee "$work/live"
# its last line: `N passed, N failed[, N skipped]`; a test that was skipped here is one that failed
read -r ok _ bad _ skipped _ < <(tail -n 1 "$work/live" | tr -d ,)
passed=$((passed + ${ok:-0}))
failed=$((failed + ${bad:-1} + ${skipped:-0}))
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
