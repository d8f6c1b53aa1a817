#!/usr/bin/env bash
# What verbs say to people are the figures that they give to scripts.
source "$(dirname "$0")/common.sh"

cat >tile.yaml <<'Y'
name: small
cell: {rram: {model: sinh}, selector: {model: none}}
levels: {count: 4, g_min: 1 uS, g_max: 10 uS}
array: {rows: 72, columns: 64}
wire: {word: 1 ohm, bit: 1 ohm}
dac: {read_voltage: 200 mV}
tia: {model: ideal}
adc: {bits: 8}
sampling: {tiles: 1, tiles_heldout: 1, vectors: 6, engine: solve, check_tiles: 1, check_full: 0}
Y
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
digits=$XBARTAB_SOURCE/data/digits net=$XBARTAB_SOURCE/data/networks/digits.onnx
few=4
[ "$SANITIZED" = 0 ] || few=1
images=(--images "$digits/test-images.idx.gz" --labels "$digits/test-labels.idx.gz" --limit $few)
printf 'V,I\n-0.2,-2.1e-6\n-0.1,-1e-6\n0,0\n0.1,1e-6\n0.2,2.1e-6\n' >curve.csv
cat >fit.yaml <<'Y'
name: line
kind: iv
model: resistor
data: {columns: {voltage: {name: V, unit: V}, current: {name: I, unit: A}}}
parameters: [{name: g, fit: shared}]
Y
both() { # both NAME ARGUMENTS...: NAME.txt and NAME.json
    local name=$1
    shift
    "$XBARTAB" "$@" >"$name.txt" 2>/dev/null || fail "$* as text"
    rm -f line.yaml
    "$XBARTAB" "$@" --json >"$name.json" 2>/dev/null || fail "$* as JSON"
}
both explain explain "$net" --tables t.h5 --refine 0 "${images[@]}"
both network network "$net" --rows 72 --columns 64
both models models list
both model models show sinh
both sheet population show pcm --levels 3
both sheets population list
both fit calibrate fit.yaml --data curve.csv -o line.yaml
both info info t.h5
both arch arch show isaac
both archs arch list
"$XBARTAB" models from-csv curve.csv -o made.yaml >made.txt || fail "a model of curves"
[ -s made.yaml ] && [ -s made.sub ] || fail "no model of the curves"
$PYTHON - <<'P'
import json
load = lambda name: (open(name + ".txt").read(), json.load(open(name + ".json")))
def says(text, *words):
    for w in words:
        assert w in text, (w, text[:2000])

t, j = load("explain")
a = j["accuracy"]
says(t, "float %.2f %%, exact integers %.2f %%, all effects %.2f %%, outputs off by %.3f %%" % tuple(
    100 * a[k] for k in ("float", "integer", "all", "output_change")))
for name, x in j["effects"].items():
    (line,) = [l for l in t.splitlines() if l.startswith(name + " ") and "points" not in l and l.count("%") == 4]
    alone, out = x["alone"], x["left_out"]
    says(line, "%6.2f %%" % (100 * alone["accuracy"]), "%.3f %%" % (100 * alone["output_change"]), "%.3f %%" % (100 * out["output_change"]),
         "+- %5.2f" % (100 * alone["error"]))
for l in j["layers"]:
    (line,) = [x for x in t.splitlines() if x.startswith(l["name"] + " ") and "LSB" in x]
    says(line, " %d " % l["tiles"], "%.3f LSB" % l["rmse_codes"], "%.3f LSB (%d)" % (l["worst_rmse_codes"], l["worst_tile"]))
says(t, "worst tile of all: %d of %s" % (j["worst_tile"]["tile"], j["worst_tile"]["layer"]))

t, j = load("network")
says(t, "%d weights, %d multiply-accumulates an image, %d tiles of 72 x 64" % (j["weights"], j["macs"], j["tiles"]))
for node in j["nodes"]:
    says(t, node["name"], node["operator"], "x".join(map(str, node["shape"])))

t, j = load("models")
assert len(j["models"]) > 15
for m in j["models"]:
    (line,) = [x for x in t.splitlines() if x.split()[:2] == [m["kind"], m["name"]]]
    says(line, m["summary"])
t, j = load("model")
says(t, j["summary"], *(p["name"] for p in j["parameters"]))
for p in j["parameters"]:
    says(t, "%g %s" % (p["default"], p["unit"]), "%g to %g" % (p["min"], p["max"]))

t, j = load("sheets")
for p in j["populations"]:
    says(t, p["name"])
t, j = load("sheet")
says(t, "window: %g to %g uS, %g K" % (1e6 * j["g_min"], 1e6 * j["g_max"], j["temperature"]))
for f in j["figures"]:
    if f["sigma"] > 0:
        says(t, "%.4g" % (1e6 * f["sigma"]))

t, j = load("fit")
(g,) = [p for p in j["parameters"] if p["name"] == "g"]
says(t, "%.4g" % g["value"])
t, j = load("info")
says(t, "%d x %d" % (j["tile"]["rows"], j["tile"]["columns"]))
t, j = load("arch")
says(t, j["name"], j["survey_ref"], "%d bits used, %d needed" % (j["adc_bits"], j["adc_bits_needed"]))
for n in j["numbers"]:
    says(t, n["key"], n["value"])
t, j = load("archs")
for x in j["architectures"]:
    says(t, x["name"], x["summary"])
P
