#!/usr/bin/env bash
# A column's read-out in time: what the tables say of settling, noise and offsets, against closed forms; and wires that are
# given by node and cell.
source "$(dirname "$0")/common.sh"

small() { # small NAME ROWS COLUMNS sed-script
    tile "$2" "$3" "s/model: sky130_gap/model: resistor/;s/    *selector: {model: nmos_level1}/  selector: {model: none}/
        $4" >"$1.yaml"
    "$XBARTAB" characterize "$1.yaml" -o "$1.h5" >/dev/null
    "$XBARTAB" info "$1.h5" --json >"$1.json"
}

values='name: gain, value: "1e6"}, {name: bandwidth, value: 0.7 GHz}, {name: r_out, value: 0.01 ohm}'
small opamp 6 5 "s/model: opamp/model: opamp, parameters: [{name: r_feedback, value: 10 kohm}, {$values, {name: c_load, value: 0.01 fF}]/
    s/bit: 1 ohm/bit: 1 ohm, capacitance: 0 fF/"
small divider 6 5 's/model: opamp/model: divider, parameters: [{name: r_sense, value: 2 kohm}, {name: sigma_offset, value: 3 mV}]/
    s/bit: 1 ohm/bit: 1 ohm, capacitance: 2 fF/'
# one cell on a lossy line with an ideal read-out is one RC; a driver alone carries all the resistance
small line 1 1 's/model: opamp/model: ideal/;s/word: 1 ohm, bit: 1 ohm/word: 0 ohm, bit: 0 ohm, capacitance: 4 fF/
    s/driver: {resistance: 20 ohm}/driver: {resistance: 30 kohm}/;s/sink: {resistance: 10 ohm}/sink: {resistance: 0 ohm}/'
small cmos 6 5 's/model: opamp/model: cmos_two_stage/;s/word: 1 ohm, bit: 1 ohm/model: node_22nm, cell: crosspoint/'
# lossy word lines of 16 cells from one end, the other, or both: a diffusion takes the square of its length, and from both
# ends the middle is 8.5 segments away; sensing at the top is the same circuit upside down
lossy='s/model: opamp/model: ideal/;s/word: 1 ohm, bit: 1 ohm/word: 1 kohm, bit: 0 ohm, capacitance: 100 fF/
    s/g_min: 0.5 uS, g_max: 10 uS/g_min: 10 nS, g_max: 100 nS/;s/driver: {resistance: 20 ohm}/driver: {resistance: 0 ohm}/
    s/sink: {resistance: 10 ohm}/sink: {resistance: 0 ohm}/;s/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 2, tiles_heldout: 1, vectors: 4/'
small left 2 16 "$lossy"
small both 2 16 "$lossy;s/columns: 16/columns: 16, drive: both/"
if [ "$SANITIZED" = 0 ]; then
    small right 2 16 "$lossy;s/columns: 16/columns: 16, drive: right, sense: top/"
    small signed 2 16 "$lossy;s/columns: 16/columns: 16, polarity: alternating/"
fi
# gates: the same lines carry no current; a cell's current is there before its gate has settled, once its transistor conducts
# far better than its device, but no sooner than a tenth of the line's time constants: nothing else is slow here
gates() { # gates NAME KEYS
    tile 4 16 "$lossy;s/bit: 0 ohm/bit: 1 ohm/;s/g_min: 10 nS, g_max: 100 nS/g_min: 0.5 uS, g_max: 10 uS/
        s/columns: 16/columns: 16, topology: gate_input$2/" >"$1.yaml"
    "$XBARTAB" characterize "$1.yaml" -o "$1.h5" >/dev/null
    "$XBARTAB" info "$1.h5" --json >"$1.json"
}
gates gates ""
[ "$SANITIZED" = 1 ] || gates pairs ", polarity: alternating, drive: both, sense: top"
# a column so long that its rows go in groups, on a lossy bit line
if [ "$SANITIZED" = 0 ]; then
    small tall 1100 2 's/model: opamp/model: ideal/;s/word: 1 ohm, bit: 1 ohm/word: 0 ohm, bit: 1 ohm, capacitance: 100 fF/
        s/g_min: 0.5 uS, g_max: 10 uS/g_min: 1 nS, g_max: 10 nS/;s/driver: {resistance: 20 ohm}/driver: {resistance: 0 ohm}/
        s/sink: {resistance: 10 ohm}/sink: {resistance: 0 ohm}/;s/tiles: 4, tiles_heldout: 2, vectors: 6/engine: solve, tiles: 2, tiles_heldout: 1, vectors: 4, check_tiles: 1, check_full: 0/'
fi
# as slow a TIA never settles within the turns that are tried
small slow 2 2 's/model: opamp/model: opamp, parameters: [{name: bandwidth, value: 1 kHz}]/'

$PYTHON - <<'P'
import json, math, os, h5py
kT = 1.380649e-23 * 300.15

def near(found, wanted, tolerance, what):
    assert abs(found / wanted - 1) < tolerance, (what, found, wanted)
    print("%-55s %.5g, by hand %.5g" % (what, found, wanted))

levels = [0.5e-6 + (10e-6 - 0.5e-6) * k / 3 for k in range(4)]
G = 6 * sum(levels) / 4
tia, energy = (json.load(open("opamp.json"))[g] for g in ("tia", "energy"))
gain = 1 + 10e3 * G
f_read = 9 * math.log(2) / (2 * math.pi * 10e-9)
near(tia["read_bandwidth"], f_read, 1e-9, "read bandwidth [Hz]")
near(tia["transresistance"], 10e3, 5e-3, "op-amp: transresistance [ohm]") # its soft clip bends the output
near(tia["offset_sigma"], 1e-3 * gain, 5e-3, "op-amp: offset sigma at the output [V]")
density = math.hypot(5e-9 * gain, math.sqrt(4 * kT * 10e3))
near(tia["noise_density"] * tia["transresistance"], density, 5e-3, "op-amp: output noise [V/Hz^0.5]")
f_closed = 0.7e9 / gain
# two poles in a row pass white noise up to pi/2 f1 f2/(f1 + f2)
near(tia["noise_rms"], density * math.sqrt(math.pi / 2 * f_closed * f_read / (f_closed + f_read)), 0.01, "op-amp: noise [V]")
near(tia["settling"], 9 * math.log(2) / (2 * math.pi * f_closed), 0.03, "op-amp: settling [s]")
assert energy["line_energy"] == 0

tia, energy = (json.load(open("divider.json"))[g] for g in ("tia", "energy"))
share = 1 / (1 + 2e3 * G) # what the column leaves of a current
near(tia["offset_sigma"], 3e-3, 1e-6, "divider: offset sigma [V]")
near(tia["transresistance"], 2e3 * share, 1e-6, "divider: transresistance [ohm]")
density = math.hypot(5e-9, math.sqrt(4 * kT * 2e3) * share)
near(tia["noise_density"] * tia["transresistance"], density, 1e-3, "divider: output noise [V/Hz^0.5]")
near(energy["line_energy"], 6 * 5 * 2e-15 * 0.2**2, 1e-9, "word lines' charge [J]")
with h5py.File("divider.h5") as f:
    noise = f["tia/output_noise"]
    assert noise.attrs["units"] in ("V/Hz^0.5", b"V/Hz^0.5") and noise.dims[0].label == "noise_frequency"
    near(noise[0], density, 1e-3, "divider: the stored density [V/Hz^0.5]")

R = 1 / (1 / 30e3 + 10e-6) # driver beside the cell of 10 uS
near(json.load(open("line.json"))["energy"]["settling"], R * 4e-15 * 9 * math.log(2), 0.01, "one RC: settling [s]")

def settling(name):
    return json.load(open(name + ".json"))["energy"]["settling"]

near(settling("left") / settling("both"), (16 / 8.5) ** 2, 0.1, "word lines from one end over from both")
# 9 time constants of the slowest mode, 4 L^2 R C/pi^2, from an amplitude of 4/pi; 16 sections are 3 % off a smooth line
near(settling("left"), 4 / math.pi**2 * 16 * 17 * 1e3 * 1e-13 * math.log(4 / math.pi * 512), 0.05, "lossy word line: settling [s]")
assert settling("left") / 20 < settling("gates") < settling("left"), settling("gates")
if os.path.exists("right.json"):
    assert settling("right") == settling("left")
    near(settling("signed"), settling("left"), 0.02, "lines of one sign: settling [s]")
    near(settling("pairs"), settling("gates"), 0.1, "pairs of gates: settling [s]")
    # current that comes in all along the line: its slowest mode starts at 8/pi^2 of it
    near(settling("tall"), 4 / math.pi**2 * 1100 * 1101 * 1e-13 * math.log(8 / math.pi**2 * 512), 0.02, "1,100 rows: settling [s]")

cmos = json.load(open("cmos.json"))
assert 1e-9 < cmos["tia"]["settling"] < 1e-6 and 1e-9 < cmos["energy"]["settling"] < 1e-6
assert 1e-5 < cmos["tia"]["noise_rms"] < 5e-3 and 0.5e-3 < cmos["tia"]["offset_sigma"] < 10e-3
near(cmos["tile"]["r_word"], 2 * 40e-9 * 11.6e6, 1e-6, "22 nm crosspoint: resistance a cell [ohm]")
near(cmos["energy"]["bit_capacitance"], 2 * 40e-9 * 0.2e-9, 1e-6, "22 nm crosspoint: capacitance a cell [F]")
slow = json.load(open("slow.json"))
assert slow["tia"]["settling"] is None and slow["energy"]["settling"] is None
assert slow["tia"]["noise_rms"] > 0
P
"$XBARTAB" info slow.h5 | grep -q "column     settling unknown" || fail "info tells a settling time that there is not"

# a network behind transistors, behind a resistor that lifts its bit lines by the read voltage, and behind outputs that clip:
# what ngspice says of the whole chain, and what the same run is without its TIA
behind() { # behind NAME TIA
    tile 16 8 "s/tia: .*/tia: {model: $2}/;s/vectors: 6/vectors: 4/" >"$1.yaml"
    "$XBARTAB" characterize "$1.yaml" -o "$1.h5" >/dev/null 2>&1
}
run() { # run NAME OPTIONS...
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables "$1.h5" --limit 20 --json "${@:2}" 2>/dev/null \
        --images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz"
}
if [ "$SANITIZED" = 0 ]; then
    behind transistors cmos_two_stage
    behind resistor 'divider, parameters: [{name: r_sense, value: 5 kohm}]'
    behind clipped 'opamp, parameters: [{name: v_min, value: -0.05 V}]'
    for name in transistors resistor; do run $name --check 5 --check-engine spice >$name.json; done
    run clipped --refine 0 >clipped.json
    run clipped --without tia >without.json
    "$XBARTAB" info resistor.h5 --json >lifted.json
    $PYTHON - <<'P'
import json
load = lambda name: json.load(open(name + ".json"))
for name in ("transistors", "resistor"):
    r = load(name)
    assert r["accuracy"]["table"] >= r["accuracy"]["ideal"] - 0.05, (name, r["accuracy"])
    assert r["check"]["rmse_fs"] < 1e-4 and r["check"]["codes_differ"] <= 1, (name, r["check"])
    print("%s: accuracy %.3f, check %.1e" % (name, r["accuracy"]["table"], r["check"]["rmse_fs"]))
lifted = load("lifted")
assert lifted["tia"]["virtual_ground"] > 0.1 and lifted["transfer"]["ideal"]["heldout_rmse_fs"] > 0.05, lifted["transfer"]
clipped, without = load("clipped")["accuracy"], load("without")["accuracy"]
print("clipped: %.3f, without the TIA %.3f" % (clipped["table"], without["table"]))
assert clipped["table"] < 0.7 and without["table"] >= without["ideal"] - 0.05
P
fi

# the table of wire resistances: ohm/um with liner, and a cell's resistances by node
for row in "130 0.48 0.17 0.34 1.01" "90 1.49 0.33 0.66 1.97" "65 1.43 0.30 0.60 1.80" "45 2.60 0.42 0.83 2.50" \
    "32 5.70 0.64 1.28 3.83" "22 11.6 0.93 1.86 5.57" "14 19.7 1.26 2.52 7.57" "10 52.8 2.32 4.65 13.9" \
    "7 69.5 2.78 5.56 16.7" "5 166 4.98 9.96 29.9"; do
    set -- $row
    "$XBARTAB" models show "node_$1nm" --json | $PYTHON -c '
import json, sys
p = {x["name"]: x["default"] for x in json.load(sys.stdin)["parameters"]}
per_um, crosspoint, word, bit = map(float, sys.argv[1:])
def near(a, b): assert abs(a / b - 1) < 0.03, (a, b) # two digits
near(p["r_length"], per_um * 1e6)
near(p["r_length"] * p["width"] * 2, crosspoint)
near(p["r_length"] * p["width"] * p["word_side"], word)
near(p["r_length"] * p["width"] * p["bit_side"], bit)' "${@:2}" || fail "$row"
done

# what cannot be
wrong() { # wrong WORDS sed-script
    tile 6 5 "$2" >wrong.yaml
    refused 1 "$1" "$XBARTAB" characterize wrong.yaml -o t.h5
}
wrong 'wire.cell: node_22nm has no "2t2r"; there is: 1t1r, crosspoint' 's/word: 1 ohm, bit: 1 ohm/model: node_22nm, cell: 2t2r/'
wrong 'wire: cell and parameters belong to a model' 's/bit: 1 ohm/bit: 1 ohm, cell: 1t1r/'
wrong 'wire.capacitance' 's/bit: 1 ohm/bit: 1 ohm, capacitance: -1 fF/'
wrong 'cell.selector.preset: nmos_level1 has no "3nm"; there is: 130nm' 's/model: nmos_level1/model: nmos_level1, preset: 3nm/'
mkdir -p mine/tia
sed 's/opamp/mine/' "$XBARTAB_SOURCE/devicemodels/tia/opamp.sub" >mine/tia/mine.sub
sed 's/name: opamp/name: mine/;s/sigma: sigma_offset/sigma: nothing/' "$XBARTAB_SOURCE/devicemodels/tia/opamp.yaml" >mine/tia/mine.yaml
refused 1 'offset.sigma: "nothing" is none of the parameters' "$XBARTAB" models show mine --models mine
