#!/usr/bin/env bash
# solve against ngspice on the same files: linear devices with open ones, and the cells of tables (1T1R, 1S1R and
# strongly curved passive ones), wires from 0 to 10 ohm, extreme patterns; currents, voltages and what is refused.
source "$(dirname "$0")/common.sh"

n_compared=0
compare() { # compare ARGUMENTS...: both engines; looked at at the end
    n_compared=$((n_compared + 1))
    echo "$*" >$n_compared.arguments
    "$XBARTAB" solve "$@" --json >$n_compared.ours
    "$XBARTAB" solve "$@" --engine spice --json >$n_compared.spice 2>/dev/null
}

$PYTHON - <<'P'
import numpy
r = numpy.random.default_rng(5)
for n in (8, 16, 32, 64):
    R = 10 ** r.uniform(3, 6, (n, n))
    R[r.uniform(size=R.shape) < 0.1] = numpy.inf
    numpy.savetxt("R%d.csv" % n, R, delimiter=",", fmt="%.17g")
    V = 0.2 * (r.uniform(size=(n, 4)) < [1, 0.5, 0.1, 0.9])[:, :2 if n > 32 else 4]
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

# 64 x 64, 10-ohm wires; then every figure within 1e-6 of the largest, and what the
# characterizations say of the solver on the tiles that ngspice solved
if [ "$SANITIZED" = 0 ]; then
    compare --resistances R64.csv --voltages V64.csv --r-word 10 --r-bit 10
    compare --levels random64.csv --tables sinh.h5 --voltages V64.csv --r-word 10 --r-bit 10
    compare --levels random64.csv --tables 1s1r.h5 --voltages V64.csv --r-word 10 --r-bit 10
fi
$PYTHON - $n_compared <<'P'
import json, numpy, sys
for n in range(1, int(sys.argv[1]) + 1):
    arguments = open("%d.arguments" % n).read().strip()
    a, b = json.load(open("%d.ours" % n)), json.load(open("%d.spice" % n))
    worst = 0
    for key in ("i_out", "i_device", "v_word", "v_bit"):
        x, y = numpy.array(a[key]), numpy.array(b[key])
        assert x.shape == y.shape, key
        most = abs(numpy.array(b["v_word" if key[0] == "v" else key])).max()
        worst = max(worst, abs(x - y).max() / most)
        assert abs(x - y).max() <= 1e-6 * most, (arguments, key, abs(x - y).max(), most)
    assert abs(numpy.array(a["i_device"]).sum(axis=1) - a["i_out"]).max() <= 1e-9 * abs(numpy.array(a["i_out"])).max()
    assert b["seconds"] > 0
    print("%.1e: %s" % (worst, arguments))
P
for cell in 1t1r sinh 1s1r; do
    "$XBARTAB" info $cell.h5 --json >info.json
    $PYTHON -c '
import json, sys
(s,) = json.load(open("info.json"))["solver"]
print("%.1e: characterization of %s" % (s["max_fs"], sys.argv[1]))
assert s["rows"] == 16 and s["samples"] == 6 * 6 * 16 and s["max_fs"] <= 1e-6, s' $cell
done

# a voltage beyond the table is no guess, but an error
sed 's/,/,/; s/^0.2[^,]*/0.9/' V16.csv >high_voltage.csv
refused 1 "outside the cell table's" "$XBARTAB" solve --levels high16.csv --tables sinh.h5 --voltages high_voltage.csv
refused 2 "--engine guess" "$XBARTAB" solve --resistances R8.csv --voltages V8.csv --engine guess
