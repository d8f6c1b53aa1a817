#!/usr/bin/env bash
# Measured curves become a model: columns and units as they come, the model passes `models test` and makes tables whose
# currents are the data's; what is no read curve is refused with the line and the way out.
source "$(dirname "$0")/common.sh"

mkdir -p mine/rram
# curves of one form: I = G 0.3 V sinh(V/0.3 V), 31 points from -0.5 V to 0.5 V
$PYTHON - <<'P'
from math import sinh
import random
random.seed(1)
G = {"low": 10e-6, "mid": 25e-6, "high": 60e-6, "top": 90e-6}
V = [(k - 15) / 30 for k in range(31)]
I = lambda g, v: g * 0.3 * sinh(v / 0.3)
with open("list.csv", "w") as f: # a line a point, curves in any order, other columns, blanks, quotes
    print("# a parameter analyser's file\n\ntime [s], curve, voltage [mV], \"current [uA]\"", file=f)
    for name in ("mid", "low", "top", "high"):
        for k, v in enumerate(V): print("%d, %s, %.9g, %.9g" % (k, name, 1e3 * v, 1e6 * I(G[name], v)), file=f)
with open("wide.tsv", "w") as f: # a curve a column, each with a unit of its own
    print("V [V]\tfirst [nA]\tsecond [mA]\tthird", file=f)
    for v in V: print("%.9g\t%.9g\t%.9g\t%.9g" % (v, 1e9 * I(10e-6, v), 1e3 * I(25e-6, v), I(60e-6, v)), file=f)
with open("half.csv", "w") as f: # one side, noise, a meter's offset, no header
    for k in range(41):
        v = k / 100
        print("%g,%.6g" % (v, I(20e-6, v) + 2e-6 + random.gauss(0, 150e-9)), file=f)
P
"$XBARTAB" models from-csv list.csv -o mine/rram/listed.yaml --json >listed.json
"$XBARTAB" models from-csv wide.tsv -o mine/rram/columns.yaml --pieces 4 >/dev/null
"$XBARTAB" models from-csv half.csv -o mine/rram/half.yaml --odd --offset --pool >half.txt
grep -q "points averaged with their neighbours" half.txt || fail "$(cat half.txt)"
[ "$(ls mine/rram | wc -l)" = 6 ] || fail "$(ls mine/rram)"
for name in listed columns half; do
    [ "$SANITIZED" = 0 ] || [ $name = listed ] || continue
    "$XBARTAB" models test $name --models mine >test.txt || fail "$name: $(grep failed test.txt)"
done
tile 4 3 's/model: sky130_gap/model: listed/;s/model: nmos_level1/model: none/;s/g_min: 0.5 uS, g_max: 10 uS/g_min: 11 uS, g_max: 90 uS/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o tile.h5 --models mine >/dev/null 2>&1 || fail "no tables of measured curves"
$PYTHON - <<'P'
import h5py, json, numpy, re
s = json.load(open("listed.json"))
form = 0.3 * numpy.sinh(0.2 / 0.3) / 0.2
assert s["curves"] == 4 and s["points"] == 124 and s["read_voltage"] == 0.2
assert abs(s["g_min"] / (10e-6 * form) - 1) < 1e-6 and abs(s["g_max"] / (90e-6 * form) - 1) < 1e-6, s
with h5py.File("tile.h5") as f: # G_state is the chord at 0.2 V: currents at the data's own voltages, by the form
    V, G, I = (f["cell/" + name][...] for name in ("cell_voltage", "state_conductance", "current"))
    wanted = (G[:, None] / form * 0.3 * numpy.sinh(V / 0.3))[:, None, :]
    assert abs(I - wanted).max() < 2e-3 * abs(wanted).max(), abs(I - wanted).max() / abs(wanted).max()
# four pieces of a spline follow the form better than one straight piece
def off(name, curve):
    text = open("mine/rram/%s.sub" % name).read().replace("\n+", "")
    x = numpy.array([float(v) for v in re.findall(r"pwl\(V\(top,bottom\),([^)]*)\)", text)[curve].split(",")]).reshape(-1, 2)
    V = numpy.linspace(-0.45, 0.45, 500) # the spline is straight at its very ends
    return abs(numpy.interp(V, x[:, 0], x[:, 1]) - 25e-6 * 0.3 * numpy.sinh(V / 0.3)).max()
assert off("columns", 1) < off("listed", 1) / 3, (off("columns", 1), off("listed", 1))
print("between points: %.1e A straight, %.1e A by the spline" % (off("listed", 1), off("columns", 1)))
P

bad() { # bad WORDS OPTIONS, the file on stdin
    cat >bad.csv
    refused 1 "$1" "$XBARTAB" models from-csv bad.csv -o mine/rram/bad.yaml "${@:2}"
    [ ! -e mine/rram/bad.sub ] || fail "half a model"
}
rows() { printf '%s\n' "$@"; }
rows 'bias,current' 1,2 | bad 'bad.csv:1: no column is called voltage (or V), with its unit as in "voltage [mV]"; there are: bias, current'
rows 'voltage [mV],curve,amps' 1,2,3 | bad 'bad.csv:1: no column is called current (or I)'
rows 'voltage [mA],current' 1,2 | bad 'bad.csv:1: the unit [mA] of column 1 (voltage)'
rows 'V,I' -0.1,-1e-6 0.1,nan | bad 'bad.csv:3: the current is nan; remove such lines'
rows 'V,I' -0.1,-1e-6 0.1,1e-6x | bad 'bad.csv:3: the current "1e-6x" is not a number'
rows 'V,I' -0.1,-1e-6 0.1 | bad 'bad.csv:3: has 1 columns, the current is in column 2'
rows 'V,I' -100,-1e-6 100,1e-6 | bad 'goes to 100 V and 1e-06 A; is it another unit?'
rows 'V,I' -0.1,-20 0.1,20 | bad 'goes to 0.1 V and 20 A; is it another unit?'
rows 'V,I' 0.1,1e-6 0.2,2e-6 | bad 'has no point below 0 V, where an array'
rows 'V,I' -0.1,-1e-6 0,1e-7 0.1,1e-6 | bad 'bad.csv:3: curve "I" has 1e-07 A at 0 V, 10 % of its largest current'
rows 'V,I' -0.1,1e-6 0.1,-1e-6 | bad 'bad.csv:2: curve "I" has 1e-06 A at -0.1 V: a positive voltage drives a positive current'
rows 'V,I' -0.1,-1e-6 0.1,1e-6 0.2,0.9e-6 | bad 'bad.csv:4: curve "I" does not rise: 1e-06 A at 0.1 V, 9e-07 A at 0.2 V'
rows 'V,I' -0.1,-1e-6 0.1,1e-6 0.2,9e-6 0.1,4e-6 | bad 'bad.csv:5: curve "I" has two currents at 0.1 V'
rows 'V,a,b' -0.1,-1e-6,-1e-6 0.1,1e-6,1e-6 | bad 'curves "a" and "b" have one conductance at 0.1 V'
rows 'V,I' -0.1,-1e-6 0.1,1e-6 | bad 'a read voltage of 0.3 V is outside -0.1 V to 0.1 V' --read-voltage 0.3
rows 'V,I' 0,0 | bad 'has no current at all'
rows '# nothing' | bad 'bad.csv: the file is empty'
rows 'V,I' -0.1,-1e-6 0.1,1e-6 >good.csv
refused 2 '--pieces 99 is outside 1 to 32' "$XBARTAB" models from-csv good.csv -o mine/rram/bad.yaml --pieces 99
refused 1 "the file's name becomes the model's" "$XBARTAB" models from-csv good.csv -o mine/rram/1st.yaml
refused 1 "nowhere/x.yaml: cannot write: No such file or directory" "$XBARTAB" models from-csv good.csv -o nowhere/x.yaml
refused 1 "none.csv" "$XBARTAB" models from-csv none.csv -o mine/rram/x.yaml
refused 2 "usage: from-csv FILE -o DIR/rram/NAME.yaml" "$XBARTAB" models from-csv good.csv
refused 2 "are for from-csv" "$XBARTAB" models list --odd
