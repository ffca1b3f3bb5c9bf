#!/usr/bin/env python3
"""belady.py ORDER FILES: the fewest files of equal size that can be fetched, when FILES of them fit, by epoch and in all.

ORDER is what `opt4-trace show --json` prints. Dumb on purpose: whenever room is wanted, what is needed furthest in the
future goes, the file just read among them; how far that is is looked for in the rest of the order.
"""
import json
import sys

order = []
with open(sys.argv[1]) as f:
    for line in f:
        d = json.loads(line)
        order.append((d["epoch"], d["path"]))
room, resident, fetched = int(sys.argv[2]), set(), {}
for i, (epoch, path) in enumerate(order):
    if path not in resident:
        fetched[epoch] = fetched.get(epoch, 0) + 1
        resident.add(path)
    if len(resident) > room:
        seen = []
        for _, later in order[i + 1:]:
            if later in resident and later not in seen:
                seen.append(later)
        never = resident.difference(seen)
        resident.remove(sorted(never)[0] if never else seen[-1])
print(json.dumps({"epochs": [fetched[e] for e in sorted(fetched)], "fetched": sum(fetched.values())}))
