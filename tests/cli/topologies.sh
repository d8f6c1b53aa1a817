#!/usr/bin/env bash
# Every topology, polarity, drive and sense: solve against ngspice for linear devices and for cells of tables, to 1e-6 of the
# largest figure.
source "$(dirname "$0")/common.sh"

cat >compare.py <<'P'
import itertools, json, numpy, os, subprocess, sys

def run(*arguments):
    return json.loads(subprocess.run([os.environ["XBARTAB"], "solve", *arguments, "--json"], check=True,
                                     capture_output=True, text=True).stdout)

def compare(*arguments):
    ours, spice = run(*arguments), run(*arguments, "--engine", "spice")
    worst = 0
    for key in ("i_out", "i_device", "v_word", "v_bit"):
        a, b = numpy.array(ours[key]), numpy.array(spice[key])
        assert a.shape == b.shape, key
        worst = max(worst, abs(a - b).max() / abs(numpy.array(spice["v_word" if key[0] == "v" else key])).max())
    assert worst <= 1e-6, (arguments, worst)
    assert abs(numpy.array(ours["i_device"]).sum(axis=1) - ours["i_out"]).max() <= 1e-9 * abs(numpy.array(ours["i_out"])).max()
    return worst, ours

# (topology, polarity, drive, sense)
circuits = [c for t in (("word_line_input", ("left", "right", "both")), ("gate_input", ("top", "bottom", "both")))
            for c in itertools.product((t[0],), ("uniform", "alternating"), t[1], ("bottom", "top"))]

def words(circuit):
    return [w for pair in zip(("--topology", "--polarity", "--drive", "--sense"), circuit) for w in pair]
P

cat >linear.py <<'P'
from compare import *

r = numpy.random.default_rng(3)
wires = (["--r-bit", "10", "--r-source", "20", "--r-sink", "7"], ["--r-bit", "2"], [])
shapes, worst, n = ((7, 5), (13, 17), (16, 16)), 0, 0
for k, circuit in enumerate(circuits):
    has_gates, alternates = circuit[0] == "gate_input", circuit[1] == "alternating"
    for size in (k % 3, (k + 1) % 3)[:1 if int(sys.argv[1]) else 2]:
        rows, columns = shapes[size]
        if has_gates and alternates: rows += rows % 2
        R = 10 ** r.uniform(3, 6, (rows, columns))
        R[r.uniform(size=R.shape) < 0.1] = numpy.inf
        V = 0.2 * (r.uniform(size=(rows, 3)) < 0.6)
        if alternates and not has_gates: V[1::2] *= -1
        numpy.savetxt("R.csv", R, delimiter=",", fmt="%.17g")
        numpy.savetxt("V.csv", V, delimiter=",", fmt="%.17g")
        more = ["--read-voltage", "0.2", "--r-source-line", "3"] if has_gates else ["--r-word", "2.5"]
        some = wires[(k + size) % 3] + (more if (k + size) % 3 == 0 else more[:2] if has_gates else [])
        found, _ = compare("--resistances", "R.csv", "--voltages", "V.csv", *words(circuit), *some)
        worst, n = max(worst, found), n + 1
print("%d linear crossbars: %.1e" % (n, worst))

# two lines of one column, all devices equal: between them u = V_bit - V_source obeys u'' = (r_bit + r_source) G u, and
# r_source V_bit + r_bit V_source runs straight; driven at the top and sensed at the bottom, or both at the top
n, G, rb, rs, V0 = 13, 1e-4, 30.0, 12.0, 0.2
numpy.savetxt("R.csv", numpy.full((n, 1), 1 / G), fmt="%.17g")
numpy.savetxt("V.csv", numpy.ones((n, 1)), fmt="%.17g")
theta = numpy.arccosh(1 + (rb + rs) * G / 2)
k = numpy.arange(-1, n + 1)
basis = (numpy.cosh(theta * k), numpy.sinh(theta * k), numpy.ones(n + 2), k.astype(float)) # of u, u, line, line

def lines(c):
    u, straight = c[0] * basis[0] + c[1] * basis[1], c[2] * basis[2] + c[3] * basis[3]
    return (straight + rb * u) / (rb + rs), (straight - rs * u) / (rb + rs) # V_bit, V_source from -1 to n

for sense in ("bottom", "top"):
    first, last = 0, n + 1
    rows = []
    for m in range(4):
        c = numpy.eye(4)[m]
        bit, source = lines(c)
        free = first if sense == "bottom" else last
        inner = 1 if sense == "bottom" else n
        rows.append((bit[first], bit[last] - bit[n], source[last if sense == "bottom" else first],
                     source[free] - source[inner]))
    c = numpy.linalg.solve(numpy.array(rows).T, (V0, 0, 0, 0))
    bit, source = lines(c)
    ours = run("--resistances", "R.csv", "--voltages", "V.csv", "--topology", "gate_input", "--read-voltage", "0.2",
               "--r-bit", "30", "--r-source-line", "12", "--sense", sense)
    off = max(abs(numpy.array(ours["v_word"])[0, :, 0] - bit[1:-1]).max(), abs(numpy.array(ours["v_bit"])[0, :, 0] - source[1:-1]).max())
    assert off <= 1e-9 * V0, off
    print("two-line ladder sensed at the %s: %.1e of the read voltage" % (sense, off / V0))
P
$PYTHON linear.py "$SANITIZED"

# cells of tables: solve against ngspice, and the netlist in the ngspice program against what was sampled in process
cat >cells.py <<'P'
import h5py, re
from compare import *

levels, inputs, name = "levels.csv", "inputs.csv", sys.argv[1]
with h5py.File(name + ".h5") as f:
    tile = {k: v.decode() if isinstance(v, bytes) else v for k, v in f["tile"].attrs.items()}
    numpy.savetxt(levels, f["samples/level"][1], fmt="%d", delimiter=",")
    code, currents, outputs = f["samples/code"][1].astype(int), f["samples/current"][1], f["samples/tia_output"][1]
    if tile["topology"] == "gate_input":
        V = f["cell/gate_voltage"][...][code]
        assert f["cell/current"].shape[0] == 2 ** tile["dac_bits"]
    else:
        V = code * tile["read_voltage_V"] / (2 ** tile["dac_bits"] - 1)
        if tile["polarity"] == "alternating": V[:, 1::2] *= -1
numpy.savetxt(inputs, V.T, fmt="%.17g", delimiter=",")
worst, _ = compare("--levels", levels, "--tables", name + ".h5", "--voltages", inputs)
drives = ("left", "right", "both") if tile["topology"] == "word_line_input" else ("top", "bottom", "both")
for drive, sense in itertools.product(drives, ("bottom", "top")): # the cells are the same, however they are wired
    if int(sys.argv[2]) and (drive, sense) != (drives[1], "bottom"): continue
    other, _ = compare("--levels", levels, "--tables", name + ".h5", "--voltages", inputs, "--drive", drive, "--sense", sense)
    worst = max(worst, other)

subprocess.run([os.environ["XBARTAB"], "netlist", name + ".yaml", "--levels", levels, "--voltages", inputs, "-o", "t.cir"], check=True)
text = subprocess.run(["ngspice", "-b", "t.cir"], capture_output=True, text=True).stdout
found, column = {}, None
for line in text.splitlines():
    head = re.match(r"Index\s+v-sweep\s+vs(\d+)#branch\s+v\(o(\d+)\)", line)
    if head: column = int(head.group(1))
    row = re.match(r"(\d+)\s+\S+\s+(\S+)\s+(\S+)\s*$", line)
    if row: found[int(row.group(1)), column] = float(row.group(2)), float(row.group(3))
assert len(found) == currents.size, (len(found), currents.shape)
off = max(abs(found[k][0] - currents[k]) for k in found) / abs(currents).max()
off_out = max(abs(found[k][1] - outputs[k]) for k in found) / abs(outputs).max()
print("%s: solve %.1e, netlist %.1e, its outputs %.1e" % (name, worst, off, off_out))
assert off < 1e-8 and off_out < 1e-8
if tile["polarity"] == "alternating": assert currents.min() < 0 < currents.max()
P
array() { # array NAME ROWS COLUMNS KEYS
    tile "$2" "$3" "s/columns: $3}/columns: $3, $4}/" >"$1.yaml"
    "$XBARTAB" characterize "$1.yaml" -o "$1.h5" >/dev/null 2>&1
    $PYTHON cells.py "$1" "$SANITIZED"
}
array lines 7 5 "drive: both, sense: top"
array alternating 7 5 "polarity: alternating, drive: right"
array gates 7 5 "topology: gate_input, drive: both, sense: top"
array pairs 8 5 "topology: gate_input, polarity: alternating, drive: bottom"

# a network on gates: differential columns ask nothing more of the circuit
if [ "$SANITIZED" = 0 ]; then
    digits=$XBARTAB_SOURCE/data/digits
    tile 32 32 "s/columns: 32}/columns: 32, topology: gate_input}/" >net.yaml
    "$XBARTAB" characterize net.yaml -o net.h5 >/dev/null 2>&1
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables net.h5 --images "$digits/test-images.idx.gz" \
        --labels "$digits/test-labels.idx.gz" --limit 200 --check 20 --json >net.json 2>/dev/null
    $PYTHON -c '
import json
r = json.load(open("net.json"))
print("digits on gates: %.3f, check %.1e" % (r["accuracy"]["table"], r["check"]["rmse_fs"]))
assert r["accuracy"]["ideal"] - r["accuracy"]["table"] <= 0.01 and r["check"]["rmse_fs"] < 1e-3'
fi

# pairs of word lines of opposite polarity, and pairs of gates on one source line: weights in differential rows
signed() { # signed NAME KEYS
    cat >"$1.yaml" <<P
name: $1
summary: differential rows
survey_ref: "-"
tile:
  name: $1
  cell: {rram: {model: sky130_gap}, selector: {model: nmos_level1}}
  levels: {count: 4, g_min: 0.5 uS, g_max: 10 uS}
  array: {rows: 32, columns: 32, polarity: alternating$2}
  wire: {word: 1 ohm, bit: 1 ohm}
  driver: {resistance: 20 ohm}
  sink: {resistance: 10 ohm}
  dac: {bits: 1, read_voltage: 200 mV}
  tia: {model: opamp}
  adc: {bits: 8}
  sampling: {engine: solve, tiles: 4, tiles_heldout: 2, vectors: 8, check_tiles: 1, check_full: 0}
scheme: {weights: differential_rows}
quantization: {weight_bits: 8, activation_bits: 8}
P
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --arch "$1.yaml" --cache cache --images "$digits/test-images.idx.gz" \
        --labels "$digits/test-labels.idx.gz" --limit 100 --check 20 --json >signed.json 2>/dev/null
    $PYTHON -c '
import json, sys
r = json.load(open("signed.json"))
print("digits on %s: %.3f, check %.1e" % (sys.argv[1], r["accuracy"]["table"], r["check"]["rmse_fs"]))
assert r["accuracy"]["integer"] - r["accuracy"]["table"] <= 0.01 and r["check"]["rmse_fs"] < 1e-3
assert r["check"]["codes_differ"] <= 0.02 * r["check"]["codes"]' "$1"
}
if [ "$SANITIZED" = 0 ]; then
    signed rows ""
    signed rows_of_gates ", topology: gate_input"
    # what pairs of gates lose to their lines does not go with their current: T has a term of its own for it
    "$XBARTAB" info "$(ls -t cache/*.h5 | head -n 1)" --json >info.json
    $PYTHON -c '
import json
t = json.load(open("info.json"))["transfer"]
print("pairs of gates: held-out tiles %.1e of full scale, %.1e without T" % (t["heldout_rmse_fs"], t["effective"]["heldout_rmse_fs"]))
assert t["heldout_rmse_fs"] <= 0.6 * t["effective"]["heldout_rmse_fs"]'
fi

# words and combinations that are refused
printf '1e3,1e4\n1e5,1e3\n1e4,1e4\n' >R.csv
printf '0.1\n0.2\n0\n' >V.csv
printf '1\n0\n1\n0\n1\n0\n1\n0\n' >V8.csv
linear="solve --resistances R.csv --voltages V.csv"
refused 2 "--drive top is not one of: left, right, both" "$XBARTAB" $linear --drive top
refused 2 "--drive left is not one of: top, bottom, both" "$XBARTAB" $linear --topology gate_input --drive left
refused 2 "--topology gate_input needs --read-voltage" "$XBARTAB" $linear --topology gate_input
refused 1 "stand in pairs" "$XBARTAB" $linear --topology gate_input --read-voltage 0.2 --polarity alternating
refused 1 "the tables have 2 gate voltages, 0 V to 1.8 V" "$XBARTAB" solve --levels levels.csv --tables pairs.h5 --voltages V8.csv
refused 2 "--topology word_line_input: the tables' cells were characterized for gate_input" \
    "$XBARTAB" solve --levels levels.csv --tables pairs.h5 --voltages V8.csv --topology word_line_input
