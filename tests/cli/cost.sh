#!/usr/bin/env bash
# What it costs: keys of the contract, sums of the parts, and one line where it cannot be told.
source "$(dirname "$0")/common.sh"
digits=$XBARTAB_SOURCE/data/networks/digits.onnx

"$XBARTAB" cost "$digits" --arch isaac --json >cost.json
"$XBARTAB" arch show puma --cost --json >peak.json
"$XBARTAB" cost "$digits" --arch survey_default | grep -q "slowest layer: conv1" || fail "no bottleneck"
"$XBARTAB" arch show isaac --cost | grep -q "ratio 1.0001" || fail "no published power"
tile 16 16 >s.yaml
"$XBARTAB" characterize s.yaml -o t.h5 >/dev/null
"$XBARTAB" cost "$digits" --tables t.h5 --json >tables.json
$PYTHON - <<'P'
import json, math
for name in "cost.json", "tables.json":
    c = json.load(open(name))["cost"]
    for key in ("energy", "energy_uncertainty", "latency", "throughput", "area", "power", "operations", "ops_per_joule", "ops_per_second_area"):
        assert c[key] > 0, key
    for key in "name", "kind", "count", "uses", "energy", "area", "energy_share", "area_share", "trust":
        assert all(key in x for x in c["components"]), key
    close = lambda a, b: math.isclose(a, b, rel_tol=1e-9)
    assert close(sum(x["energy"] for x in c["components"]), c["energy"]) and close(sum(x["area"] for x in c["components"]), c["area"])
    assert close(sum(x["energy_share"] for x in c["components"]), 1) and close(sum(x["energy"] for x in c["layers"]), c["energy"])
    assert close(c["ops_per_joule"], c["operations"] / c["energy"]) and all(0 < x["utilisation"] <= 1 for x in c["layers"])
    assert close(sum(c["energy_shares"][t] for t in ("published", "derived", "recalled", "assumed")), 1)
p = json.load(open("peak.json"))
assert set(p["peak"]) >= {"ops_per_second", "power", "area", "ops_per_joule"}
assert all(set(x) >= {"what", "value", "ours", "ratio"} for x in p["published"])
P

# with images: what a run made of conversions, a chip's own writes; exact integers meet nearly the same activations
set_of=$XBARTAB_SOURCE/data/digits/test-images.idx.gz
"$XBARTAB" infer "$digits" --tables t.h5 --images "$set_of" --labels "${set_of/images/labels}" --limit 4 --cost \
    --population hfox_verified --json >run.json 2>/dev/null
"$XBARTAB" cost "$digits" --tables t.h5 --images "$set_of" --limit 4 --json >seen.json
$PYTHON - <<'P'
import json, math
run, seen, placed = json.load(open("run.json")), json.load(open("seen.json"))["cost"], json.load(open("tables.json"))["cost"]
cost, close = run["cost"], lambda a, b, rel=1e-9: math.isclose(a, b, rel_tol=rel)
assert close(cost["conversions"] * 4, run["codes"]) and close(sum(x["conversions"] for x in cost["layers"]) * 4, run["codes"])
assert close(seen["conversions"] + seen["conversions_saved"], sum(x["conversions"] for x in placed["layers"]))
assert close(seen["conversions"], cost["conversions"], 0.02)  # activations on tiles are not those of exact integers
chip = run["chips"]["times"][0]["chips"][0]
assert close(cost["write"]["pulses"], chip["pulses"]) and close(cost["write"]["endurance"], 1e6 * chip["cells"] / chip["pulses"])
for x in seen["layers"]:
    assert all(x[key] > 0 for key in ("steps", "reads", "drives", "outputs", "bits_in", "bits_out"))
for key in "levels", "kinds":
    assert close(sum(x["energy"] for x in seen[key]), seen["energy"]) and close(sum(x["area"] for x in seen[key]), seen["area"])
P
refused 2 "--cost needs tiles" "$XBARTAB" infer "$digits" --tables t.h5 --images "$set_of" --mode integer --cost
refused 2 "of the preset's own scheme" "$XBARTAB" infer "$digits" --tables t.h5 --images "$set_of" --adc-bits 5 --cost

# ISAAC's array from tables: 36.04 pJ with all rows on in 100 ns, within 1 % (wires), and its word lines' own 0.0147 pJ
"$XBARTAB" arch show isaac --json | $PYTHON -c 'import json, sys; print(json.load(sys.stdin)["tile_text"])' >isaac.yaml
"$XBARTAB" characterize isaac.yaml -o isaac.h5 >/dev/null
"$XBARTAB" info isaac.h5 --json >info.json
"$XBARTAB" cost "$digits" --arch isaac --tables isaac.h5 --json >wired.json
$PYTHON - <<'P'
import json, math
energy = json.load(open("info.json"))["energy"]
assert math.isclose(energy["line_energy"], 128 * 128 * 0.0224e-15 * 0.2**2, rel_tol=1e-9) and energy["heldout_rmse_fs"] < 0.01
linear, wired = (json.load(open(name))["cost"] for name in ("cost.json", "wired.json"))
lines = sum(x["drives"] for x in wired["layers"]) * energy["line_energy"] / 128
array = lambda cost: next(x["energy"] for x in cost["components"] if x["kind"] == "array")
assert math.isclose(array(wired) - lines, array(linear), rel_tol=0.01), (array(wired), lines, array(linear))
assert array(wired) != array(linear) and lines < 0.01 * array(wired)
P

refused 2 "needs --arch NAME or --tables T.h5" "$XBARTAB" cost "$digits"
refused 2 "--cost goes with show" "$XBARTAB" arch list --cost
refused 1 "the tables are of 16 x 16 cells, and isaac has 128 x 128" "$XBARTAB" cost "$digits" --arch isaac --tables t.h5
refused 1 "8-bit weights; xnor_pair holds one bit" "$XBARTAB" cost "$digits" --arch xnor_rram
sed '/^hierarchy:/,/^published:/{/^published:/!d}' "$XBARTAB_SOURCE/data/architectures/isaac.yaml" >bare.yaml
refused 1 "bare.yaml: the preset has no hierarchy" "$XBARTAB" cost "$digits" --arch ./bare.yaml
sed 's/{component: router,/{component: ruter,/' "$XBARTAB_SOURCE/data/architectures/isaac.yaml" >bad.yaml
line=$(grep -n ruter bad.yaml | cut -d: -f1)
refused 1 "bad.yaml:$line: levels[2].parts[2].component: none of the component sheets has a \"ruter\"" "$XBARTAB" arch show ./bad.yaml --cost
# a preset may name any file; what is in one that is no component sheet is not told
echo 'password_of_mine: 1' >secret.yaml
sed 's|components: \[isaac_32nm\]|components: [./secret.yaml]|' "$XBARTAB_SOURCE/data/architectures/isaac.yaml" >bad.yaml
refused 1 "bad.yaml:57: components[0]: ./secret.yaml:1: is not as a component sheet has it" "$XBARTAB" arch show ./bad.yaml --cost
