# The demo, small: what `make demo` shows, checked on a reader's own folder.
load common

@test "images.py: real JPEGs, sizes near the mean asked for, no two alike, made once, the same again" {
	cd "$BATS_TEST_TMPDIR"
	within 200 "$PYTHON" "$REPO/tests/images.py" 60 a --mean 40K --classes 3
	within 200 "$PYTHON" "$REPO/tests/images.py" 60 b --mean 40K --classes 3
	same_bytes a b
	touch -d @1 a/*/*
	"$PYTHON" "$REPO/tests/images.py" 60 a --mean 40K --classes 3
	[ "$(find a -name '*.jpg' ! -newermt @2 | wc -l)" = 60 ]
	[ "$(sha256sum a/*/* | cut -c 1-64 | sort -u | wc -l)" = 60 ]
	[ "$(ls a | wc -l)" = 3 ]
	mean=$(cat a/*/* | wc -c)
	calc "30 * 1024 < $mean / 60 < 50 * 1024"
	"$PYTHON" -c "
import glob
from PIL import Image
for f in glob.glob('a/*/*'):
    with Image.open(f) as i:
        assert i.format == 'JPEG'
        i.load()"
}

@test "the demo on a folder of one's own: losses equal, least bytes read, a table that fits" {
	cd "$BATS_TEST_TMPDIR"
	within 200 "$PYTHON" "$REPO/tests/images.py" 240 own --mean 30K --classes 3
	OPT4_DEMO_IMAGES=own within 280 "$PYTHON" "$REPO/bench/demo/demo.py" "$B" out >table
	cat table
	[ -z "$(grep -v '^how close' table | grep -E '.{101}')" ]    # but for the line that ends with the page's path
	grep -q 'losses of all 24 batches: equal to the last digit' table
	result() { json "$1" <out/result.json; }
	[ "$(result "['losses_equal']")" = true ]
	bytes=$(result "['dataset_bytes']")
	[ "$(result "['rows'][0]['store']['bytes']")" -ge $((3 * bytes)) ]
	least=$(result "['least']['bytes'][0] + d['least']['bytes'][1] + d['least']['bytes'][2]")
	calc "$(result "['rows'][1]['store']['bytes']") <= 1.05 * $least"
	calc "$(result "['rows'][1]['opt4']['epochs'][2]['reuse_ratio']") >= .4"
}
