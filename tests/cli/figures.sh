#!/usr/bin/env bash
# Figures that the verbs report, against calculations made here: from the samples that the tables hold, from the network's
# own sizes, from the predictions, by Ohm's and Kirchhoff's laws, by the formulas of least squares. And two verbs that
# report the same agree.
source "$(dirname "$0")/common.sh"

sed -e 's/rows: 64, columns: 64/rows: 24, columns: 18/; s/dac: {bits: 1/dac: {bits: 2/' \
    -e 's/^wire: .*/wire: {word: 1.5 ohm, bit: 2.5 ohm, capacitance: 0.3 fF}/; s/tiles: 8, tiles_heldout: 4, vectors: 16/tiles: 3, tiles_heldout: 2, vectors: 6/' \
    "$XBARTAB_SOURCE/data/tiles/default.yaml" >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 --json >made.json 2>/dev/null
"$XBARTAB" info t.h5 --json >info.json
digits=$XBARTAB_SOURCE/data/digits
common=("$XBARTAB_SOURCE/data/networks/digits.onnx" --images "$digits/test-images.idx.gz" --labels "$digits/test-labels.idx.gz")
few=40
[ "$SANITIZED" = 0 ] || few=8

# info: from the file's own datasets
$PYTHON - <<'P'
import h5py, json, math, numpy as np

i, made = json.load(open("info.json")), json.load(open("made.json"))
near = lambda a, b, rel=1e-9: abs(a - b) <= rel * abs(b) or exit("%r, %r wanted" % (a, b))
t = i["tile"]
assert (t["rows"], t["columns"], t["dac_bits"], t["adc_bits"]) == (24, 18, 2, 8)
assert (t["r_word"], t["r_bit"], t["r_driver"], t["r_sink"], t["read_voltage"]) == (1.5, 2.5, 20, 10, 0.2)
levels = np.linspace(0.5e-6, 10e-6, 4)
assert np.allclose(t["levels"], levels, rtol=1e-12, atol=0)
# 256 steps of a level at one DAC step cover 24 cells of 10 uS at 0.2 V
near(t["full_scale"], 256 * (levels[1] - levels[0]) * 0.2 / 3, 1e-9)
assert made["transfer"]["heldout_rmse_fs"] == i["transfer"]["heldout_rmse_fs"]
with h5py.File("t.h5") as f:
    s = {k: f["samples"][k][...] for k in ("level", "code", "status", "current", "power", "is_heldout")}
    tia = {k: f["tia"][k][...] for k in ("input_current", "input_voltage", "output_voltage", "output_noise", "noise_frequency")}
    a = dict(f["provenance"].attrs)
    terms = f["transfer/coefficient"].shape[0]
assert i["samples"] == {"tiles": 5, "vectors": 6, "failed": int((s["status"] != 0).sum()), "solved_by": "ngspice"}
assert i["provenance"]["tool"] == a["tool"].decode() and i["provenance"]["ngspice"] == a["ngspice"].decode() and i["provenance"]["seed"] == 1
# the ideal product of the held-out tiles, in shares of the largest current of all
V = 0.2 * s["code"] / 3
ideal = np.einsum("tvi,tij->tvj", V, levels[s["level"]])
held = s["is_heldout"] != 0
most = abs(s["current"]).max()
off = (ideal - s["current"])[held] / most
x = i["transfer"]["ideal"]
near(x["full_scale"], most); near(x["heldout_rmse_fs"], (off ** 2).mean() ** 0.5, 1e-9); near(x["heldout_max_fs"], abs(off).max(), 1e-9)
assert x["samples"] == i["transfer"]["samples"] == i["transfer"]["effective"]["samples"] == held.sum() * 6 * 18 and x["failed"] == 0
assert i["transfer"]["terms"] == terms and 0.5 < i["transfer"]["y_max_fs"] <= ideal[~held].max() / t["full_scale"] * 1.001
assert i["transfer"]["heldout_rmse_fs"] < i["transfer"]["effective"]["heldout_rmse_fs"] < x["heldout_rmse_fs"]
# energy and capacitances
e = i["energy"]
near(e["full_scale"], s["power"].max() * e["read_time"]); assert e["samples"] == held.sum() * 6
near(e["word_capacitance"], 0.3e-15); near(e["bit_capacitance"], 0.3e-15); near(e["line_energy"], 24 * 18 * 0.3e-15 * 0.2 ** 2)
assert 0 < e["settling"] < 1e-6
# the amplifier
r = i["tia"]
near(r["read_bandwidth"], 9 * math.log(2) / (2 * math.pi * e["read_time"]))
I, Vin, Vout = tia["input_current"], tia["input_voltage"], tia["output_voltage"]
inside = (I >= 0) & (I <= t["full_scale"])
near(r["virtual_ground"], abs(Vin[inside]).max(), 0.02)
k = np.searchsorted(I, 12 * 24 / 24 * 1e-5 * 0.2)  # half of what 24 cells of 10 uS draw
near(r["transresistance"], abs(Vout[k + 1] - Vout[k - 1]) / (I[k + 1] - I[k - 1]), 0.01)
fr, d = tia["noise_frequency"], tia["output_noise"]
power = d ** 2 / (1 + (fr / r["read_bandwidth"]) ** 2)
near(r["noise_rms"], ((power[1:] + power[:-1]) / 2 * np.diff(fr)).sum() ** 0.5, 1e-6)
near(r["noise_density"], d[0] / r["transresistance"], 1e-9)
# an op-amp's input offset of 1 mV, seen through the conductance of 24 cells of the levels' mean
near(r["offset_sigma"], 1e-3 * (1 + r["transresistance"] * 24 * levels.mean()), 1e-3)
P

# infer: counts from the network's sizes, accuracies from the predictions, chips from their own list
run() { "$XBARTAB" infer "${common[@]}" --tables t.h5 --limit $few --refine 0 --json "$@" 2>/dev/null; }
run --predictions table.csv >table.json
run --mode ideal --predictions ideal.csv >ideal.json
run --mode integer --predictions integer.csv >integer.json
cat >sheet.yaml <<'Y'
name: t
summary: s
source: s
conductance: {min: 0.5 uS, max: 10 uS}
temperature: 300 K
programming: {family: normal, sigma: {value: 0.3 uS}, source: s, trust: assumed}
retention: {median: 1000 s, temperature: 300 K, activation_energy: 1 eV, sigma: 0.7, lost: 0.5 uS, source: s, trust: assumed}
endurance: {median: 1e5, sigma: 0.5, source: s, trust: assumed}
Y
run --population ./sheet.yaml --chips 3 --time 0 --time 700s --cycles 6e4 >chips.json
"$XBARTAB" explain "${common[@]}" --tables t.h5 --limit $few --refine 0 --without-layers --json 2>/dev/null >explain.json
"$XBARTAB" network "$XBARTAB_SOURCE/data/networks/digits.onnx" --rows 24 --columns 18 --json >network.json
"$XBARTAB" sweep tile.yaml --network "${common[@]}" --limit $few --cache cache --set scheme.adc_bits=6,8 -o s.csv --json 2>/dev/null >sweep.json
run --adc-bits 6 >six.json
$PYTHON - <<'P'
import csv, json, math, statistics

load = lambda name: json.load(open(name + ".json"))
near = lambda a, b, rel=1e-9: abs(a - b) <= rel * abs(b) or exit("%r, %r wanted" % (a, b))
layers = [(9, 8, 28 * 28), (72, 16, 14 * 14), (784, 10, 1)]  # inputs, outputs, products of digits.onnx
weights = sum(i * o for i, o, _ in layers)
columns = 2 * math.ceil(7 / 2)  # an output's: 7 bits in cells of 2, differential
tiles = sum(math.ceil(i / 24) * math.ceil(o / (18 // columns)) for i, o, _ in layers)
r = load("table")
n = r["images"]
assert r["tiles"] == tiles and r["weights"] == weights and r["cells"] == columns * weights, r
near(r["utilisation"], columns * weights / (tiles * 24 * 18))
assert r["rows_active"] == 24 and r["adc_bits"] == 8
assert r["adc_bits_exact"] == math.ceil(math.log2(24 * 3 * 10e-6 / (9.5e-6 / 3))) # of all sums, the lowest level's included
assert r["transfer_heldout_rmse_fs"] == load("info")["transfer"]["heldout_rmse_fs"]
near(r["images_per_second"] * r["seconds"], n)
assert r["adc_bits_needed"] == math.ceil(math.log2(3 * 3 * 24)) # the survey's formula: (2^dac - 1)(2^cell - 1) rows
slices = 4 # 8-bit inputs on a 2-bit DAC; all conversions but those of slices that are zero
most = n * slices * sum(p * columns * o * math.ceil(i / 24) for i, o, p in layers)
assert 0.1 * most < r["codes"] <= most * 1.3 and r["codes_outside"] == 0, (r["codes"], most)
assert 0 <= r["readout_error_codes"] < 1e-3
i, tile = load("info"), r["tile_error"]
near(tile["worst_tile_adc_steps"], tile["worst_tile_rmse_fs"] * i["transfer"]["full_scale"] / (i["tile"]["full_scale"] / 256), 1e-6)
assert tile["refined"] == 0 and tile["rmse_fs"] <= tile["worst_tile_rmse_fs"] <= tile["max_fs"]
for mode in ("table", "ideal", "integer"):
    rows = list(csv.DictReader(open(mode + ".csv")))
    right = [row["label"] == row["prediction"] for row in rows]
    assert load(mode)["accuracy"][mode] == sum(right) / n and len(rows) == n, mode
assert load("integer")["accuracy"]["float"] == r["accuracy"]["float"]

m = load("network")
near(m["macs"], sum(i * o * p for i, o, p in layers)); near(m["weights"], weights)
assert m["tiles"] == tiles and m["outputs"] == 10
found = [(x["inputs"], x["outputs"], x["products"], x["groups"]) for x in m["nodes"] if "inputs" in x]
assert found == [(*l, 1) for l in layers], found
shapes = {x["name"]: x["shape"] for x in m["nodes"]}
assert shapes["pool1"] == [1, 8, 14, 14] and shapes["pool2"] == [1, 16, 7, 7] and shapes["digit"] == [1, 10]

c = load("chips")
for k, t in enumerate(c["chips"]["times"]):
    a = [x["accuracy"] for x in t["chips"]]
    assert t["time"] == (0, 700)[k] and len(a) == 3
    near(t["mean"], statistics.mean(a), 1e-12); assert abs(t["sigma"] - statistics.stdev(a)) < 1e-12
    assert t["min"] == min(a) and t["max"] == max(a)
    phi = lambda z: 0.5 * (1 + math.erf(z / 2 ** 0.5))
    for x in t["chips"]:
        assert x["cells"] == columns * weights and x["stuck"] == 0 and x["clipped"] == 0
        worn, lost = phi(math.log(6e4 / 1e5) / 0.5), phi(math.log(700 / 1000) / 0.7) if k else 0
        within = lambda count, p: abs(count / x["cells"] - p) <= 4 * (p * (1 - p) / x["cells"]) ** 0.5
        assert within(x["worn"], worn), (x["worn"] / x["cells"], worn)
        assert within(x["lost"], lost * (1 - worn)), (x["lost"] / x["cells"], lost * (1 - worn))
near(c["accuracy"]["table"], c["chips"]["times"][0]["mean"])

e = load("explain")
assert e["images"] == n and e["chips"] == 1 and e["accuracy"]["all_sigma"] == 0
assert e["accuracy"]["integer"] == r["accuracy"]["integer"] and e["accuracy"]["float"] == r["accuracy"]["float"]
near(e["accuracy"]["all"], r["accuracy"]["table"], 1e-12)
for name, x in e["effects"].items():
    if name == "quantization":
        assert abs(x["alone"]["points"] - (e["accuracy"]["float"] - e["accuracy"]["integer"])) < 1e-12
        continue
    assert abs(x["alone"]["points"] - (e["accuracy"]["integer"] - x["alone"]["accuracy"])) < 1e-12, name
    assert abs(x["left_out"]["points"] - (x["left_out"]["accuracy"] - e["accuracy"]["all"])) < 1e-12, name
worst = max(e["layers"], key=lambda l: l["worst_rmse_codes"])
assert e["worst_tile"]["layer"] == worst["name"] and e["worst_tile"]["rmse_codes"] == worst["worst_rmse_codes"]
assert sum(l["tiles"] for l in e["layers"]) == tiles

rows = {x["values"]["scheme.adc_bits"]: x for x in load("sweep")["rows"]}
for bits, one in (("8", r), ("6", load("six"))):
    x = rows[bits]
    assert x["status"] == "ok" and x["images"] == n and x["adc_bits"] == int(bits) and x["tiles"] == tiles
    for key in ("float", "integer", "ideal"):
        assert x[key] == one["accuracy"][key], (bits, key)
    assert x["mode_accuracy"] == one["accuracy"]["table"] and x["adc_bits_needed"] == one["adc_bits_needed"]
    assert x["heldout_rmse_fs"] == one["transfer_heldout_rmse_fs"]
    assert 0 < x["tile_rmse_fs"] <= 1.001 * one["tile_error"]["rmse_fs"] # which were not refined
P

# solve: Kirchhoff's law at every node of what it says
$PYTHON - <<'P'
import numpy
r = numpy.random.default_rng(7)
numpy.savetxt("R.csv", 10 ** r.uniform(3, 5, (7, 5)), delimiter=",", fmt="%.17g")
numpy.savetxt("V.csv", r.uniform(-0.3, 0.3, (7, 3)), delimiter=",", fmt="%.17g")
P
"$XBARTAB" solve --resistances R.csv --voltages V.csv --r-word 3 --r-bit 2 --r-source 15 --r-sink 7 --json >solve.json
$PYTHON - <<'P'
import json, numpy as np
s, R, V = json.load(open("solve.json")), np.loadtxt("R.csv", delimiter=","), np.loadtxt("V.csv", delimiter=",")
w, b, I, out = (np.array(s[k]) for k in ("v_word", "v_bit", "i_device", "i_out"))
largest = 0
for v in range(3):
    assert np.allclose(I[v], (w[v] - b[v]) / R, rtol=1e-9, atol=1e-15)
    left = np.hstack([(V[:, v:v + 1] - w[v][:, :1]) / 18, (w[v][:, :-1] - w[v][:, 1:]) / 3])
    word = left - np.hstack([left[:, 1:], np.zeros((7, 1))]) - I[v]
    down = np.vstack([(b[v][:-1] - b[v][1:]) / 2, b[v][-1:] / 9])
    bit = I[v] + np.vstack([np.zeros((1, 5)), down[:-1]]) - down
    assert np.allclose(out[v], down[-1], rtol=1e-9)
    largest = max(largest, abs(word).max(), abs(bit).max())
assert largest < 1e-14 and s["residual"] < 1e-14 and s["iterations"] <= 2, (largest, s["residual"], s["iterations"])
P

# calibrate: a straight line through noise, by the formulas of least squares
$PYTHON - <<'P'
import random
random.seed(3)
with open("line.csv", "w") as f:
    f.write("V,I\n")
    for k in range(41):
        f.write("%.4f,%.8g\n" % (-0.5 + 0.025 * k, (-0.5 + 0.025 * k) / 47e3 + random.gauss(0, 2e-8)))
P
cat >fit.yaml <<'Y'
name: line
kind: iv
model: resistor
data: {columns: {voltage: {name: V, unit: V}, current: {name: I, unit: A}}}
instrument: {offset: shared}
parameters: [{name: g, fit: shared}]
Y
"$XBARTAB" calibrate fit.yaml --data line.csv -o line.yaml --json 2>/dev/null >fit.json
$PYTHON - <<'P'
import json, numpy as np
f = json.load(open("fit.json"))
near = lambda a, b, rel=1e-6: abs(a - b) <= rel * abs(b) or exit("%r, %r wanted" % (a, b))
V, I = np.loadtxt("line.csv", delimiter=",", skiprows=1).T
X = np.stack([V, np.ones_like(V)], 1)
c, *_ = np.linalg.lstsq(X, I, rcond=None)
off = I - X @ c
sigma = (off @ off / 39) ** 0.5
covariance = sigma ** 2 * np.linalg.inv(X.T @ X)
p = {x["name"]: x for x in f["parameters"]}
for k, name in enumerate(("g", "offset")):
    se = covariance[k, k] ** 0.5
    near(p[name]["value"], c[k]); near(p[name]["standard_error"], se)
    near(p[name]["high_95"] - p[name]["value"], 2.022691 * se, 1e-4)  # Student's t with 39 degrees of freedom
    near(p[name]["value"] - p[name]["low_95"], 2.022691 * se, 1e-4)
    assert p[name]["role"] == "shared" and p[name]["identifiable"] and p[name]["devices_at_bound"] == 0
assert p["g"]["unit"] == "S" and p["series"]["role"] == "fixed" and p["series"]["standard_error"] is None
assert (f["points"], f["points_fitted"], f["devices"], f["dof"]) == (41, 41, 1, 39)
near(f["rmse"], (off @ off / 41) ** 0.5); near(f["residual_sigma"], sigma); near(f["residual_max"], abs(off).max())
assert f["correlation"][0][0] == 1 and abs(f["correlation"][0][1]) < 1e-6 # V is even about 0
assert f["starts"] == f["starts_that_agree"] and f["iterations"] >= 1 and not f["in_ngspice"]
assert f["weighting"] == "linear" and f["loss"] == "squares"
assert 1e-8 < f["noise"] < 3e-8 and 1e-8 < f["noise_neighbours"] < 3e-8 # 2e-8 was drawn
P

# confusion: normal errors as wide as levels lie apart
sed '/^retention\|^endurance/d; s/0.3 uS/2 uS/' sheet.yaml >wide.yaml
"$XBARTAB" population confusion ./wide.yaml --levels 6 --devices 4000 --json >confusion.json
# compare: what it says of a pair is what its tables say
"$XBARTAB" compare --size 8 --pairs sky130_gap:nmos_level1 -o pairs --cost --csv pairs.csv --json 2>/dev/null >pairs.json
"$XBARTAB" cost "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables pairs/sky130_gap-nmos_level1.h5 --json >pair_cost.json
"$XBARTAB" info pairs/sky130_gap-nmos_level1.h5 --json >pair.json
printf '3,3,3,3,3,3,3,3\n%.0s' 1 2 3 4 5 6 7 8 >L.csv
printf '0.2\n%.0s' 1 2 3 4 5 6 7 8 >V.csv
"$XBARTAB" solve --tables pairs/sky130_gap-nmos_level1.h5 --levels L.csv --voltages V.csv --json >full.json
$PYTHON - <<'P'
import csv, h5py, json, math, numpy as np
load = lambda name: json.load(open(name + ".json"))
near = lambda a, b, rel=1e-9: abs(a - b) <= rel * abs(b) or exit("%r, %r wanted" % (a, b))
c = load("confusion")
near(c["step"], 10e-6 / 5) # from nothing to the window's upper end
phi = lambda z: 0.5 * (1 + math.erf(z / 2 ** 0.5))
for j in range(6):
    for k in range(6):
        low, high = -math.inf if k == 0 else k - j - 0.5, math.inf if k == 5 else k - j + 0.5
        if j == 0:
            continue # what would conduct less than nothing is floored
        p = phi(high) - phi(low)
        assert abs(c["share"][j][k] - p) <= 4.5 * (p * (1 - p) / 4000) ** 0.5 + 1e-9, (j, k, c["share"][j][k], p)
(p,), i = load("pairs")["pairs"], load("pair")
cost, (row,) = load("pair_cost")["cost"], csv.DictReader(open("pairs.csv"))
for key, column in (("energy", "image_energy_J"), ("energy_uncertainty", "image_energy_uncertainty_J"), ("latency", "image_latency_s"),
                    ("area", "image_area_m2"), ("ops_per_joule", "image_ops_per_J")):
    near(p["cost"][key], cost[key], 1e-12)
    near(float(row[column]), cost[key], 1e-8)
assert p["g_min"] == i["tile"]["levels"][0] and p["g_max"] == i["tile"]["levels"][-1] and p["read_voltage"] == 0.2
assert p["heldout_rmse_fs"] == i["transfer"]["heldout_rmse_fs"] and p["heldout_max_fs"] == i["transfer"]["heldout_max_fs"]
assert p["settling"] == i["energy"]["settling"] and p["failed"] == 0
with h5py.File("pairs/sky130_gap-nmos_level1.h5") as f:
    near(p["read_energy"], f["samples/power"][...].mean() * i["energy"]["read_time"])
    levels = f["tile/conductance"].shape[0]
s = load("full")
if levels == 4: # the highest everywhere, all lines on
    drop = 1 - (np.array(s["v_word"][0]) - np.array(s["v_bit"][0])) / 0.2
    near(p["ir_drop"], drop.max(), 1e-6)
P
echo "every figure follows"
