#!/usr/bin/env bash
# solve against ngspice on the same files: linear devices with open ones, and the cells of tables (1T1R, 1S1R and
# strongly curved passive ones), wires from 0 to 10 ohm, extreme patterns; currents, voltages and what is refused.
source "$(dirname "$0")/common.sh"

compare() { # compare ARGUMENTS...: both engines, every figure within 1e-6 of the largest
    "$XBARTAB" solve "$@" --json >ours.json
    "$XBARTAB" solve "$@" --engine spice --json >spice.json 2>/dev/null
    $PYTHON - "$*" <<'P'
import json, numpy, sys
a, b = json.load(open("ours.json")), json.load(open("spice.json"))
worst = 0
for key in ("i_out", "i_device", "v_word", "v_bit"):
    x, y = numpy.array(a[key]), numpy.array(b[key])
    assert x.shape == y.shape, key
    most = abs(numpy.array(b["v_word" if key[0] == "v" else key])).max()
    worst = max(worst, abs(x - y).max() / most)
    assert abs(x - y).max() <= 1e-6 * most, (sys.argv[1], key, abs(x - y).max(), most)
assert abs(numpy.array(a["i_device"]).sum(axis=1) - a["i_out"]).max() <= 1e-9 * abs(numpy.array(a["i_out"])).max()
assert b["seconds"] > 0
print("%.1e: %s" % (worst, sys.argv[1]))
P
}

$PYTHON - <<'P'
import numpy
r = numpy.random.default_rng(5)
for n in (8, 16, 32):
    R = 10 ** r.uniform(3, 6, (n, n))
    R[r.uniform(size=R.shape) < 0.1] = numpy.inf
    numpy.savetxt("R%d.csv" % n, R, delimiter=",", fmt="%.17g")
    V = 0.2 * (r.uniform(size=(n, 4)) < [1, 0.5, 0.1, 0.9])
    numpy.savetxt("V%d.csv" % n, V, delimiter=",", fmt="%.17g")
    numpy.savetxt("random%d.csv" % n, r.integers(0, 4, (n, n)), delimiter=",", fmt="%d")
    numpy.savetxt("high%d.csv" % n, numpy.full((n, n), 3), delimiter=",", fmt="%d")
    corner = numpy.zeros((n, n), int)
    corner[-1, -1] = 3
    numpy.savetxt("corner%d.csv" % n, corner, delimiter=",", fmt="%d")
P
sizes="8 16 32" patterns="random high corner"
[ "$SANITIZED" = 0 ] || sizes=8 patterns=random
for n in $sizes; do
    compare --resistances R$n.csv --voltages V$n.csv --r-word 2.5 --r-bit 10
done
compare --resistances R16.csv --voltages V16.csv --r-word 0 --r-bit 1 --r-source 50
compare --resistances R16.csv --voltages V16.csv --r-word 3 --r-bit 0 --r-sink 12
compare --resistances R8.csv --voltages V8.csv

tile 16 16 >1t1r.yaml
tile 16 16 's/g_min: 0.5 uS, g_max: 10 uS/g_min: 5 uS, g_max: 100 uS/' |
    sed 's/rram: .*/rram: {model: sinh, parameters: [{name: v0, value: 0.2 V}]}/; s/nmos_level1/none/' >sinh.yaml
tile 16 16 's/g_min: 0.5 uS, g_max: 10 uS/g_min: 0.5 uS, g_max: 8 uS/' |
    sed 's/sky130_gap/sinh/; s/model: nmos_level1/model: tunnel, parameters: [{name: i_s, value: 1 nA}]/; s/200 mV/1.2 V/' >1s1r.yaml
for cell in 1t1r sinh 1s1r; do
    "$XBARTAB" characterize $cell.yaml -o $cell.h5 >/dev/null 2>&1
    for pattern in $patterns; do
        compare --levels ${pattern}16.csv --tables $cell.h5 --voltages V16.csv
    done
    compare --levels random16.csv --tables $cell.h5 --voltages V16.csv --r-word 10 --r-bit 10
    compare --levels random16.csv --tables $cell.h5 --voltages V16.csv --r-word 0 --r-bit 0 --r-source 0 --r-sink 0
    [ "$SANITIZED" = 1 ] || compare --levels random32.csv --tables $cell.h5 --voltages V32.csv
    compare --levels random8.csv --tables $cell.h5 --voltages V8.csv
done

# 64 x 64, 10-ohm wires: what a characterization says of the solver on the tiles that ngspice solved
large="resistor sinh 1s1r"
[ "$SANITIZED" = 0 ] || large=
for cell in $large; do
    model=sinh selector='none' level='g_min: 1 uS, g_max: 20 uS' volt='200 mV'
    [ $cell != resistor ] || model=resistor
    [ $cell != 1s1r ] || selector='tunnel, parameters: [{name: i_s, value: 1 nA}]' level='g_min: 0.5 uS, g_max: 8 uS' volt='1.2 V'
    tile 64 64 "s/g_min: 0.5 uS, g_max: 10 uS/$level/" |
        sed "s/sky130_gap/$model/; s/model: nmos_level1/model: $selector/; s/200 mV/$volt/; s/word: 1 ohm, bit: 1 ohm/word: 10 ohm, bit: 10 ohm/
             s/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 4/" >large.yaml
    "$XBARTAB" characterize large.yaml -o large.h5 >/dev/null 2>&1
    "$XBARTAB" info large.h5 --json >large.json
    $PYTHON -c '
import json, sys
(s,) = json.load(open("large.json"))["solver"]
print("%.1e: 64 x 64 %s" % (s["max_fs"], sys.argv[1]))
assert s["rows"] == 64 and s["samples"] == 2 * 4 * 64 and s["max_fs"] <= 1e-6, s' $cell
done

# a voltage beyond the table is no guess, but an error
sed 's/,/,/; s/^0.2[^,]*/0.9/' V16.csv >high_voltage.csv
refused 1 "outside the cell table's" "$XBARTAB" solve --levels high16.csv --tables sinh.h5 --voltages high_voltage.csv
refused 2 "--engine guess" "$XBARTAB" solve --resistances R8.csv --voltages V8.csv --engine guess
