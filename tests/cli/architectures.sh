#!/usr/bin/env bash
# The table of all presets, on two of them: CSV, Markdown, JSON and the picture; causes beside what is lost.
: "${XBARTAB:?the program}"; export XBARTAB
source "$(dirname "$0")/common.sh"
export XBARTAB_DATA=$DATA
# labels of the picture: none touches another or a point, whatever the systems
$PYTHON - "$XBARTAB_SOURCE/scripts/architectures" <<'P'
import importlib.machinery, importlib.util, itertools, random, sys
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("architectures", sys.argv[1])
m = importlib.util.module_from_spec(importlib.util.spec_from_loader("architectures", loader))
loader.exec_module(m)
open("a.csv", "w").write("index,label,prediction,output0\n0,5,5,1\n1,4,3,1\n2,1,1,2\n3,2,2,0\n")
open("b.csv", "w").write("index,label,prediction,output0\n0,5,5,9\n1,4,3,1\n2,1,7,2\n3,2,2,0\n")
assert m.agreement("a.csv", "b.csv") == 0.75
random.seed(1)
for trial in range(100):
    places = {}
    for k in range(random.randint(1, 60)):
        places.setdefault((random.randint(1, random.choice((3, 16))), random.randint(1, 8)), []).append("[%d]" % random.randint(1, 999))
    (width, height), placed = m.place_labels(places)
    boxes = [(x * width - m.CHARACTER * len(t) / 2, y * height + dy - m.LINE / 2, x * width + m.CHARACTER * len(t) / 2,
              y * height + dy + m.LINE / 2) for x, y, t, dy in placed]
    boxes += [(x * width - m.MARK / 2, y * height - m.MARK / 2, x * width + m.MARK / 2, y * height + m.MARK / 2) for x, y in places]
    for a, b in itertools.combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], (trial, a, b)
    assert sorted(n for _, _, t, _ in placed for n in t.split()) == sorted(n for names in places.values() for n in names)
P
[ -e "$DATA/mnist/t10k-images-idx3-ubyte.gz" ] || { echo "no MNIST in $DATA"; exit 77; }
[ "$SANITIZED" = 0 ] || { echo "left to the other build"; exit 77; }

$PYTHON "$XBARTAB_SOURCE/scripts/architectures" -o out --cache cache --limit 100 -j 2 --only li_2018,liu_2020 >table.txt 2>err.txt ||
    fail "scripts/architectures: $(cat err.txt)"
cmp table.txt out/architectures.md || fail "the table printed is not the one written"
$PYTHON - "$XBARTAB_SOURCE" <<'P'
import csv, json, sys
source = sys.argv[1]
sys.dont_write_bytecode = True
sys.path.insert(0, source + "/scripts")
import results
rows = list(csv.DictReader(open("out/architectures.csv")))
assert [r["preset"] for r in rows] == ["li_2018", "liu_2020"] and rows[0]["ref"] == "[16]"
r = rows[0]
assert r["images"] == "100" and abs(float(r["published"]) - 0.9171) < 1e-12 and r["why"], r
assert abs(float(r["difference"]) - (float(r["table"]) - 0.9171)) < 1e-9
for r in rows:
    if not r["table"]:
        assert "is not at hand" in r["why"]
        continue
    assert float(r["integer"]) - float(r["ideal"]) <= 0.02 or "read-out" in r["why"]
# data/architectures/RESULTS.md says the same of these two
stated = {r["preset"].strip("`"): r for r in results.rows(source + "/data/architectures/RESULTS.md", "scripts/architectures")}
for r in rows:
    for column in ("float", "integer", "ideal", "table"):
        assert not r[column] or stated[r["preset"]][column] == "%.4g %%" % (100 * float(r[column])), (r, stated[r["preset"]])
first = json.load(open("out/architectures.json"))[0]
assert first["preset"]["adc_bits_needed"] > 0 and int(rows[0]["adc_bits_exact"]) == first["result"]["adc_bits_exact"]
P
if command -v gnuplot >/dev/null; then [ -s out/bits.png ] || fail "no picture"; fi
$PYTHON "$XBARTAB_SOURCE/scripts/architectures" --only nothing 2>err.txt && fail "an unknown preset is taken"
grep -q "no preset is called nothing" err.txt || fail "unknown preset: $(cat err.txt)"
