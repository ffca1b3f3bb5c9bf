# Nothing of ours is seen from inside Python: warnings, tracebacks, frames, profiles, modules, finders, coverage.

load common
load lib/live

setup() { setup_live; }

# seen PYTHON: all that guest.py sees, plain and preloaded
seen() {
	within 120 "$1" "$REPO/tests/live/guest.py" data >"$BATS_TEST_TMPDIR/plain" 2>&1
	live 120 "$1" "$REPO/tests/live/guest.py" data >"$BATS_TEST_TMPDIR/live" 2>&1
	diff "$BATS_TEST_TMPDIR/plain" "$BATS_TEST_TMPDIR/live"
	[ "$(grep -c 'from a sampler' "$BATS_TEST_TMPDIR/live")" -ge 12 ]
	grep -q 'ValueError: this one' "$BATS_TEST_TMPDIR/live"
	[ "$(stat_of accesses)" -gt 0 ]
}

@test "warnings name the same lines; tracebacks, frames, profiles, modules, finders, signatures are the same" {
	seen "$PYTHON"
}

@test "the same under the current torch" {
	[ -n "$VENV" ] || skip "no .venv-torch-current: make test-torch-current makes it"
	seen "$VENV"
}

@test "trace and importtime tell of no file and no module of ours" {
	cat >followed.py <<-'END'
		import os
		from torch.utils.data import DataLoader
		class Files:
		    samples = [os.path.join(d, f) for d, _, fs in os.walk("data") for f in fs]
		    __len__ = lambda self: len(self.samples)
		    def __getitem__(self, i):
		        with open(self.samples[i], "rb") as f:
		            return len(f.read())
		print(sum(1 for _ in DataLoader(Files(), 8, shuffle=True)))
	END
	within 120 "$PYTHON" -m trace --count -C plain.cover followed.py
	live 120 "$PYTHON" -m trace --count -C live.cover followed.py
	diff <(ls plain.cover) <(ls live.cover)
	[ -n "$(ls live.cover/*dataloader.cover)" ]
	[ -z "$(find "$REPO/build/opt4_live" -name '*.cover')" ]
	within 60 "$PYTHON" -X importtime -c 'import torch.utils.data' 2>&1 | sed 's/.*| *//' >plain.imports
	live 60 "$PYTHON" -X importtime -c 'import torch.utils.data' 2>&1 | sed 's/.*| *//' >live.imports
	diff plain.imports live.imports
	grep -q 'torch.utils.data.dataloader' live.imports
}

@test "Ctrl-C, or a handler that ends the program, is not lost where ours are at work" {
	cat >ended.py <<-'END'
		import os, signal
		from torch.utils.data import DataLoader
		class Files:
		    samples = [os.path.join(d, f) for d, _, fs in os.walk("data") for f in fs]
		    __len__ = lambda self: len(self.samples)
		    __getitem__ = lambda self, i: i
		def handler(*a):
		    raise KeyboardInterrupt
		signal.signal(signal.SIGALRM, handler)
		loader, got = DataLoader(Files(), 1, shuffle=True), 0
		for n in range(120):
		    try:
		        signal.setitimer(signal.ITIMER_REAL, .0002 + n * .0001)
		        while True:
		            for _ in loader:
		                pass
		    except KeyboardInterrupt:
		        got += 1
		print(got)
	END
	[ "$(live 120 "$PYTHON" -W ignore ended.py)" = 120 ]
}
