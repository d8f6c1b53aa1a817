#!/usr/bin/env bash
# The table of all presets, on two of them: CSV, Markdown, JSON and the picture; causes beside what is lost.
: "${XBARTAB:?the program}"; export XBARTAB
source "$(dirname "$0")/common.sh"
export XBARTAB_DATA=$DATA
[ -e "$DATA/mnist/t10k-images-idx3-ubyte.gz" ] || { echo "no MNIST in $DATA"; exit 77; }
[ "$SANITIZED" = 0 ] || { echo "left to the other build"; exit 77; }

$PYTHON "$XBARTAB_SOURCE/scripts/architectures" -o out --cache cache --limit 60 -j 2 --only li_2018,liu_2020 >table.txt 2>err.txt ||
    fail "scripts/architectures: $(cat err.txt)"
cmp table.txt out/architectures.md || fail "the table printed is not the one written"
$PYTHON - <<'P'
import csv, json
rows = list(csv.DictReader(open("out/architectures.csv")))
assert [r["preset"] for r in rows] == ["li_2018", "liu_2020"] and rows[0]["ref"] == "[16]"
r = rows[0]
assert r["images"] == "60" and abs(float(r["published"]) - 0.9171) < 1e-12 and r["why"], r
assert abs(float(r["difference"]) - (float(r["table"]) - 0.9171)) < 1e-9
for r in rows:
    if not r["table"]:
        assert "is not at hand" in r["why"]
        continue
    assert float(r["integer"]) - float(r["ideal"]) <= 0.02 or "read-out" in r["why"]
assert json.load(open("out/architectures.json"))[0]["preset"]["adc_bits_needed"] > 0
P
if command -v gnuplot >/dev/null; then [ -s out/bits.png ] || fail "no picture"; fi
$PYTHON "$XBARTAB_SOURCE/scripts/architectures" --only nothing 2>err.txt && fail "an unknown preset is taken"
grep -q "no preset is called nothing" err.txt || fail "unknown preset: $(cat err.txt)"
