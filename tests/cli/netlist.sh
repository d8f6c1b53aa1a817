#!/usr/bin/env bash
# What netlist writes gives the ngspice program the same currents as the samples that were solved in process.
source "$(dirname "$0")/common.sh"

compare() {
    "$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null
    $PYTHON - <<'P'
import h5py, numpy
with h5py.File("t.h5") as f:
    numpy.savetxt("levels.csv", f["samples/level"][1], fmt="%d", delimiter=",")
    codes = f["samples/code"][1].astype(float)
    volts = f["tile"].attrs["read_voltage_V"] / (2 ** f["tile"].attrs["dac_bits"] - 1)
    numpy.savetxt("voltages.csv", volts * codes.T, fmt="%.17g", delimiter=",")
    numpy.save("currents.npy", f["samples/current"][1])
    numpy.save("outputs.npy", f["samples/tia_output"][1])
P
    "$XBARTAB" netlist tile.yaml --levels levels.csv --voltages voltages.csv -o tile.cir
    ngspice -b tile.cir >ngspice.txt 2>&1 || fail "ngspice: $(tail -3 ngspice.txt)"
    $PYTHON - <<'P'
import numpy, re
currents, outputs = numpy.load("currents.npy"), numpy.load("outputs.npy")
found = {}
for line in open("ngspice.txt"):
    head = re.match(r"Index\s+v-sweep\s+vs(\d+)#branch\s+v\(o(\d+)\)", line)
    if head:
        column = int(head.group(1))
        assert column == int(head.group(2))
    row = re.match(r"(\d+)\s+\S+\s+(\S+)\s+(\S+)\s*$", line)
    if row:
        found[int(row.group(1)), column] = float(row.group(2)), float(row.group(3))
assert len(found) == currents.size, (len(found), currents.shape)
worst = max(abs(found[v, j][0] - currents[v, j]) for v, j in found) / abs(currents).max()
worst_out = max(abs(found[v, j][1] - outputs[v, j]) for v, j in found) / abs(outputs).max()
print("largest difference %.1e of the currents, %.1e of the outputs" % (worst, worst_out))
assert worst < 1e-8 and worst_out < 1e-8
P
}

tile 7 5 >tile.yaml
compare
tile 6 5 's/model: nmos_level1/model: none/;s/bits: 1, read/bits: 2, read/;s/word: 1 ohm, bit: 1 ohm/word: 0 ohm, bit: 3 ohm/;s/driver: {resistance: 20 ohm}/driver: {resistance: 0 ohm}/' >tile.yaml
compare
! grep -E '^R[^ ]+ [^ ]+ [^ ]+ 0$' tile.cir || fail "a resistor of 0 ohm in the netlist"

# an open device leaves its element out; all word lines at the read voltage by default
tile 3 2 >tile.yaml
printf '1e-6,0\n5e-6,1e-5\n2.385e-6,3e-6\n' >G.csv
"$XBARTAB" netlist tile.yaml --conductances G.csv -o g.cir
[ "$(grep -c '^Xc' g.cir)" = 5 ] || fail "an open device has an element"
ngspice -b g.cir 2>&1 | grep -q "vs1#branch" || fail "ngspice refuses the netlist"
printf '1,2\n3,9\n0,0\n' >L.csv
refused 1 "L.csv:2: level 9 is not one of 0 to 3" "$XBARTAB" netlist tile.yaml --levels L.csv -o x.cir
printf '1,2\n' >L.csv
refused 1 "L.csv: 1 x 2 numbers; the tile has 3 x 2 cells" "$XBARTAB" netlist tile.yaml --levels L.csv -o x.cir
