#!/usr/bin/env bash
# calibrate: what it writes is used by characterize, and data that cannot be right are named in one line.
source "$(dirname "$0")/common.sh"

$PYTHON - <<'P'
import math, random
random.seed(4)
def cell(f, name, g, points=24, noise=1e-7, scale=1.0, vscale=1.0, offset=-2e-6):
    for k in range(points):
        x = 0.35 * k / (points - 1)
        v = x
        for _ in range(50): v = x - 560 * g * 0.5 * math.sinh(v / 0.5)
        i = g * 0.5 * math.sinh(v / 0.5) + offset + random.gauss(0, noise)
        f.write("%s\t%.9g\t%.9g\n" % (name, i * scale, x * vscale))
def table(path, **more):
    with open(path, "w") as f:
        for k in range(8): cell(f, "c%d" % k, 10e-6 * (1 + k), **more)
table("sweeps.csv")
table("micro.csv", scale=1e6)
table("milli.csv", scale=1e3)
table("kilo.csv", scale=1e-3)
table("mv.csv", vscale=1e3)
table("two.csv", points=2)
with open("one.csv", "w") as f: cell(f, "c0", 2e-5, points=8)
with open("constant.csv", "w") as f:
    for k in range(20): f.write("c0\t5e-6\t%g\n" % (k * 0.01))
with open("no_sweep.csv", "w") as f:
    for k in range(20): f.write("c0\t%g\t0.2\n" % (5e-6 + 1e-8 * k))
lines = open("sweeps.csv").read().splitlines()
open("nan.csv", "w").write("\n".join(lines[:6] + ["c0\tnan\t0.1"] + lines[6:]) + "\n")
open("word.csv", "w").write("\n".join(lines[:6] + ["c0\tn/a\t0.1"] + lines[6:]) + "\n")
open("short.csv", "w").write("\n".join(lines[:6] + ["c0\t1e-6"] + lines[6:]) + "\n")
open("named.csv", "w").write("cell;I (A);V (V)\n" + "\n".join(l.replace("\t", ";") for l in lines) + "\n")
open("empty.csv", "w").write("# nothing\n")
P
spec=$XBARTAB_SOURCE/data/calibration/sinh.yaml
sed -e 's/device: {number: 1}/device: {name: cell}/' -e 's/current: {number: 2, unit: A}/current: {name: I (A)}/' \
    -e 's/voltage: {number: 3, unit: V}/voltage: {name: V (V)}/' "$spec" >named.yaml

# --help's example, as it stands there
mkdir -p mine/rram data && ln -s "$XBARTAB_SOURCE/data/calibration" data/calibration
example=$("$XBARTAB" calibrate --help | grep "^  xbartab calibrate")
eval "${example/xbartab/"$XBARTAB"}" >out.txt || fail "the example"
grep -q "starts agree" out.txt || fail "nothing said of the starts"
"$XBARTAB" models test cell --models mine | tail -1 | grep -q "1 models tested, 0 checks failed" || fail "the fitted model"
tile 6 5 's/model: sky130_gap/model: cell/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o tile.h5 --models mine 2>/dev/null >&2 || fail "tables of the fitted model"

# named columns, another delimiter, gzip, JSON, a picture, a table of devices: the same fit
gzip -k named.csv
"$XBARTAB" calibrate named.yaml --data named.csv.gz -o again.yaml --json --plot fit.svg --devices devices.csv >fit.json
$PYTHON - <<'P'
import json, math, re
f = json.load(open("fit.json"))
v0 = {p["name"]: p for p in f["parameters"]}["v0"]
assert v0["identifiable"] and v0["low_95"] < 0.5 < v0["high_95"], v0
assert 0.7e-7 < f["rmse"] < 1.3e-7 and 0.7e-7 < f["noise"] < 1.4e-7, f
assert f["devices"] == 8 and f["devices_heldout"] == 2 and 0.8 <= f["heldout.coverage"] <= 1, f
assert abs(float(re.search(r"name: v0\n.*\n *default: (\S+)", open("mine/rram/cell.yaml").read()).group(1)) - v0["value"]) < 1e-6
rows = open("devices.csv").read().splitlines()
assert rows[0] == "device,held_out,g,offset,g_error,offset_error,rmse" and len(rows) == 9
P
if command -v gnuplot >/dev/null; then grep -q "</svg>" fit.svg || fail "no picture"; fi
# where gnuplot is missing the fit is done all the same
PATH=/nowhere "$XBARTAB" calibrate "$spec" --data sweeps.csv -o bare.yaml --plot bare.svg 2>err.txt >/dev/null || fail "without gnuplot"
grep -q "gnuplot is not installed" err.txt && [ ! -e bare.svg ] || fail "without gnuplot: $(cat err.txt)"
rm -f err.txt out.txt

try() { # WORDS DATA [SPEC]
    refused 1 "$1" "$XBARTAB" calibrate "${3:-$spec}" --data "$2" -o bad.yaml
}
try 'no column is called "V (V)" (the voltage); there are: c0' sweeps.csv named.yaml
sed 's/delimiter: auto/&\n  header: no/' named.yaml >headless.yaml
try 'has no header' sweeps.csv headless.yaml
try 'nan.csv:7: the current is nan; remove such lines' nan.csv
try 'word.csv:7: the current "n/a" is not a number' word.csv
try 'short.csv:7: has 2 columns, the voltage is in column 3' short.csv
try 'empty.csv: the file is empty' empty.csv
try 'one sweep of 8 points cannot tell shared parameters from the device' one.csv
try 'the current is the same number at all 20 points' constant.csv
try 'the voltage is 200 mV at all 20 points' no_sweep.csv
try 'device c0 has 2 points' two.csv
try 'suspicious unit of the current' micro.csv
try 'if the column were in microampere' micro.csv
try 'if the column were in milliampere' milli.csv
try 'suspicious unit of the current' kilo.csv
try 'if the column were in kiloampere' kilo.csv
try 'if the column were in millivolt' mv.csv
sed 's/delimiter: auto/&\n  accept_units: yes/' "$spec" >accept.yaml
"$XBARTAB" calibrate accept.yaml --data kilo.csv -o accepted.yaml >/dev/null || fail "accept_units"

# the specification's own mistakes
bad() { # WORDS SED
    sed "$2" "$spec" >bad_spec.yaml
    refused 1 "$1" "$XBARTAB" calibrate bad_spec.yaml --data sweeps.csv -o bad.yaml
    rm -f bad_spec.yaml
}
touch bad_spec.yaml && rm bad_spec.yaml
bad 'no rram model is called "sinus"' 's/^model: sinh/model: sinus/'
bad 'there is no parameter "w0"' 's/name: v0/name: w0/'
bad 'is not one of: fixed, shared, device' 's/name: v0, fit: shared/name: v0, fit: all/'
bad 'outside' 's/start: 0.4 V/start: 400 V/'
bad 'kind iv needs voltage and current' 's/    current: .*//'
refused 2 "needs --data" "$XBARTAB" calibrate "$spec" -o bad.yaml
refused 1 "ends in .yaml" "$XBARTAB" calibrate "$spec" --data sweeps.csv -o bad.yml

# measured cells: a quarter of the chip's, of which 64 are held out
sweeps=$DATA/rram/ni_rram/read_multivolt.tsv.gz
[ -e "$sweeps" ] || { echo "no measured sweeps: $sweeps" >&2; exit 0; }
[ "$SANITIZED" = 1 ] && exit 0
zcat "$sweeps" | awk '!($1 in cell) {cell[$1] = n++} cell[$1] % 4 == 1' >cells.tsv
"$XBARTAB" calibrate "$spec" --data cells.tsv -o measured.yaml --json >measured.json
$PYTHON - <<'P'
import json
f = json.load(open("measured.json"))
assert f["devices"] == 256 and f["devices_heldout"] == 64, f
assert 0.90 <= f["heldout.coverage"] <= 0.97, f["heldout.coverage"]
assert f["noise_points_apart"] == 3 and f["noise_neighbours"] < f["noise"], f # errors of neighbours go together
assert f["heldout.rmse"] < 1.4 * f["heldout.rmse_expected_of_noise"], f
v0 = [p for p in f["parameters"] if p["name"] == "v0"][0]
assert v0["identifiable"] and abs(v0["value"] - 0.66) < 0.06, v0
P
# the table of each cell's own parameters becomes a population with their correlation
"$XBARTAB" calibrate "$XBARTAB_SOURCE/data/calibration/sinh_each.yaml" --data cells.tsv -o each.yaml --devices cells.csv >/dev/null
"$XBARTAB" population fit "$XBARTAB_SOURCE/data/calibration/population_cells.yaml" --data . -o population.yaml >/dev/null 2>notes.txt
"$XBARTAB" population show population.yaml | grep -q "sinh.v0: .*normal about" || fail "the cells' population"
