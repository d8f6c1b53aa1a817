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
# a device in several states is a curve for each
sed 's/^/chip\t/' sweeps.csv >states.csv
sed -e 's/voltage: {number: 3/voltage: {number: 4/;s/current: {number: 2/current: {number: 3/' \
    -e 's/device: {number: 1}/&\n    state: {number: 2}/' "$spec" >states.yaml
"$XBARTAB" calibrate states.yaml --data states.csv -o again.yaml --devices states.txt >/dev/null
[ "$(sed 's/^chip.//' states.txt)" = "$(cat devices.csv)" ] || fail "states of one device: $(cat states.txt)"
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

# pulses and retention: the same mistakes, each named in one line
$PYTHON - <<'P'
import math, random
random.seed(3)
G = lambda n: 30 - 25 * math.exp(-n / 20) + 0.1 * random.gauss(0, 1)
R = lambda t, T: 50 * math.exp((t / (9 * math.exp(1.1 / 8.617e-5 * (1 / (T + 273.15) - 1 / 400)))) ** 0.5) * (1 + 0.01 * random.gauss(0, 1))
P = [("d%d" % d, n, 0 if n == 0 else 1.2, G(n)) for d in range(4) for n in range(0, 60, 6)]
T = [("d%d" % d, 10 ** (k / 3 - 3), 85 + 30 * d, R(10 ** (k / 3 - 3), 85 + 30 * d)) for d in range(3) for k in range(9)]
heads = {"p": "device,pulse,amplitude [V],G [uS]", "r": "device;t [h];T [C];R [kohm]"}
def table(name, rows, head=None, change=lambda k, row: row):
    kind = name[0]
    with open(name + ".csv", "w") as f:
        print(head or heads[kind], file=f)
        for k, row in enumerate(rows): print(("," if kind == "p" else ";").join("%s" % x for x in change(k, row)), file=f)
for kind, rows in ("p", P), ("r", T):
    table(kind + "_good", rows)
    table(kind + "_column", rows, heads[kind].replace("G [uS]", "G").replace("R [kohm]", "R"))
    table(kind + "_nan", rows, change=lambda k, row: row[:3] + ("nan",) if k == 4 else row)
    table(kind + "_short", rows, change=lambda k, row: row[:2] if k == 4 else row)
    table(kind + "_one", rows[:6])
    table(kind + "_constant", rows, change=lambda k, row: row[:3] + (20,))
    table(kind + "_still", rows, change=lambda k, row: (row[0], 5) + row[2:])
    for power, name in (1e3, "kilo"), (1e6, "mega"), (1e-3, "milli"), (1e-6, "micro"):
        table("%s_%s" % (kind, name), rows, change=lambda k, row: row[:3] + (row[3] * power,))
table("r_kelvin", T, change=lambda k, row: row[:2] + (row[2] + 273.15,) + row[3:])
table("r_same", T, change=lambda k, row: row[:2] + (85,) + row[3:])
table("p_mv", P, change=lambda k, row: row[:2] + (1e3 * row[2],) + row[3:])
table("p_uv", P, change=lambda k, row: row[:2] + (1e-6 * row[2],) + row[3:])
table("p_back", P[:5] + P[3:])
table("p_half", P[:4], change=lambda k, row: (row[0], row[1] / 4) + row[2:])
P
shelf=$XBARTAB_SOURCE/data/calibration
units="kilo mega milli micro"
[ "$SANITIZED" = 0 ] || units=kilo
for kind in p r; do
    law=$shelf/pulses.yaml what=conductance column="G [uS]" of="pulse number"
    [ $kind = p ] || { law=$shelf/retention.yaml what=resistance column="R [kohm]" of=time; }
    "$XBARTAB" calibrate "$law" --data ${kind}_good.csv -o good.yaml | grep -q "starts agree" || fail "$law"
    try "no column is called \"$column\" (the $what)" ${kind}_column.csv "$law"
    try "nan.csv:6: the $what is nan; remove such lines" ${kind}_nan.csv "$law"
    try "short.csv:6: has 2 columns, the" ${kind}_short.csv "$law"
    try "data: one series of 6 points cannot tell shared parameters from the device" ${kind}_one.csv "$law"
    try "the $what is the same number at all" ${kind}_constant.csv "$law"
    try "the $of is" ${kind}_still.csv "$law"
    for unit in $units; do try "suspicious unit of the $what" ${kind}_$unit.csv "$law"; done
done
try "if the column were in nanosiemens (1e-3 of uS)" p_kilo.csv "$shelf/pulses.yaml"
try "if the column were in picosiemens (1e-6 of uS)" p_mega.csv "$shelf/pulses.yaml"
try "if the column were in megaohm (1e3 of kohm)" r_milli.csv "$shelf/retention.yaml"
# a header's [C] is degrees Celsius; without it, and without a unit in the specification, it is kelvin
sed 's/, unit: degC//' "$shelf/retention.yaml" >celsius.yaml
"$XBARTAB" calibrate "$shelf/retention.yaml" --data r_good.csv -o good.yaml --json | sed 's/"seconds".*//' >by_unit.json
"$XBARTAB" calibrate celsius.yaml --data r_good.csv -o good.yaml --json | sed 's/"seconds".*//' >by_header.json
cmp by_unit.json by_header.json || fail "a header's [C]"
sed 's/T \[C\]/T/' celsius.yaml >kelvin.yaml
for name in good kelvin; do sed 's/T \[C\]/T/' r_$name.csv >r_bare_$name.csv; done
try "suspicious unit of the temperature: 85 K to 145 K" r_bare_good.csv kelvin.yaml
"$XBARTAB" calibrate kelvin.yaml --data r_bare_kelvin.csv -o good.yaml >/dev/null || fail "kelvin"
"$XBARTAB" calibrate "$shelf/retention.yaml" --data r_same.csv -o good.yaml >out.txt
grep -q "NOT IDENTIFIED: the data fix only a combination of tau, ea" out.txt || fail "one temperature"
rm out.txt

# a model of the user's own that switches, fitted to trains of pulses; and what is no train
mkdir -p own/rram
for ending in sub yaml; do
    sed 's/vteam/hops/g' "$XBARTAB_SOURCE/devicemodels/rram/vteam.$ending" >own/rram/hops.$ending
done
sed 's/^model: vteam/model: hops/;s/current: {name: "I .uA.", unit: uA}/conductance: {name: "G [uS]", unit: uS}/' \
    "$shelf/pulses_vteam.yaml" >train.yaml
try_train() { # WORDS DATA [SED]
    sed "${3:-}" train.yaml >bad_train.yaml
    refused 1 "$1" "$XBARTAB" calibrate bad_train.yaml --data "$2" -o bad.yaml --models own -j 1
    rm bad_train.yaml
}
try_train "suspicious unit of the amplitude: the highest pulse is 1.2 kV" p_mv.csv
try_train "if the column were in millivolt" p_mv.csv
try_train "if the column were in megavolt (1e6 of V)" p_uv.csv
try_train "p_back.csv:7: pulse number 18 after 24: a device's lines count whole pulses, in their order" p_back.csv
try_train "p_half.csv:3: pulse number 1.5 after 0" p_half.csv
try_train "suspicious unit of the conductance" p_mega.csv
try_train "no column is called" r_good.csv
try_train "a model's pulses need their width" p_good.csv '/^pulses:/d'
try_train "a model is read at some voltage" p_good.csv '/read_voltage/d'
try_train "is given for all pulses, and as a column" p_good.csv 's/^pulses: {/&amplitude: 1 V, /'
try_train "there is no selector with a gate" p_good.csv 's/^pulses: {/&gate: 1 V, /'
try_train "is a read curve that does not switch" p_good.csv 's/^model: hops/model: sinh/'
$PYTHON - <<'P'
import random # resets and sets, whose steps VTEAM's equation gives in closed form
random.seed(2)
off, on = 1.1 / 0.5 - 1, 0.9 / 0.4 - 1
steps = {1.1: 8e-3 * off * 1e-8 * (1 + 0.05 * (1 - 0.5 / 1.1)), -0.9: -5e-3 * on ** 2 * 1e-8 * (1 + 0.1 / 3 * (1 - 0.4 / 0.9))}
with open("train.csv", "w") as f:
    print("device,pulse,amplitude [V],G [uS]", file=f)
    for d in range(2):
        x = (0.8 + 0.3 * d) * 1e-9
        for n, V in enumerate([0] + 4 * [1.1] + 3 * [-0.9]):
            x += steps.get(V, 0)
            print("c%d,%d,%g,%.7g" % (d, n, V, 1e6 / (10e3 + 190e3 * x / 3e-9) * (1 + 0.005 * random.gauss(0, 1))), file=f)
P
"$XBARTAB" calibrate train.yaml --data train.csv -o own/rram/hopped.yaml --models own -j 1 --json >hops.json 2>err.txt || fail "$(cat err.txt)"
rm err.txt
$PYTHON - <<'P'
import json
f = json.load(open("hops.json"))
for name, truth in ("k_off", 8e-3), ("k_on", -5e-3):
    k = [p for p in f["parameters"] if p["name"] == name][0]
    assert f["in_ngspice"] and k["identifiable"] and abs(k["value"] - truth) < 4 * k["standard_error"] < abs(truth) / 10, k
P
grep -A2 "name: k_off" own/rram/hopped.yaml | grep -q "default: 0.00[78]" || fail "the sheet has not the fitted rate"
if [ "$SANITIZED" = 0 ]; then
    "$XBARTAB" models test hopped --models own | tail -1 | grep -q "1 models tested, 0 checks failed" || fail "the fitted model that switches"
fi

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
