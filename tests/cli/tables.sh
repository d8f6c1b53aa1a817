#!/usr/bin/env bash
# A table file shows labelled axes in h5py and in xarray, and info's JSON has the keys of the contract.
source "$(dirname "$0")/common.sh"

tile 9 7 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 --json >c.json
"$XBARTAB" info t.h5 --json >i.json
$PYTHON - <<'P'
import h5py, json, math, xarray

info = json.load(open("i.json"))
assert info["schema"] == 5 and info["sealed"] and not info["edited"]
assert (info["tile"]["rows"], info["tile"]["columns"]) == (9, 7)
for group in ("cell", "tia", "transfer", "energy"):
    for key in ("heldout_rmse_fs", "heldout_max_fs", "samples", "failed"):
        assert math.isfinite(info[group][key]), (group, key)
assert info["transfer"]["samples"] == 2 * 6 * 7 and info["transfer"]["failed"] == 0
assert 0 < info["transfer"]["heldout_rmse_fs"] < 0.003
assert json.load(open("c.json"))["transfer"]["heldout_rmse_fs"] == info["transfer"]["heldout_rmse_fs"]

axes = {
    "cell/current": ("state_conductance", "bit_line_voltage", "cell_voltage"),
    "cell/state_parameter": ("state_conductance",),
    "tia/input_voltage": ("input_current",),
    "tia/output_voltage": ("input_current",),
    "tia/output_noise": ("noise_frequency",),
    "energy/cell_read_energy": ("state_conductance", "cell_voltage"),
    "samples/current": ("tile", "vector", "bit_line"),
    "samples/level": ("tile", "word_line", "bit_line"),
    "samples/code": ("tile", "vector", "word_line"),
    "samples/power": ("tile", "vector"),
    "transfer/coefficient": ("term",),
    "transfer/heldout_rmse_fs_by_drive": ("mean_drive_up_to",),
    "solver/max": ("size",),
}
with h5py.File("t.h5") as f:
    assert f.attrs["xbartab_schema"] == 5 and f.userblock_size == 512
    assert [f["tile"].attrs[k].decode() for k in ("topology", "polarity", "drive", "sense")] == \
        ["word_line_input", "uniform", "left", "bottom"]
    assert "sky130_gap" in f["provenance/specification"][()].decode()
    assert ".subckt" in f["provenance/models"][()].decode()
    assert f["provenance"].attrs["ngspice"].decode().startswith("ngspice-")
    for name, wanted in axes.items():
        d = f[name]
        assert d.attrs["units"], name
        found = tuple(d.dims[k].label for k in range(d.ndim))
        assert found == wanted, (name, found)
        for k in range(d.ndim):
            scale = d.dims[k][0]
            assert scale.shape == (d.shape[k],) and scale.attrs["units"], (name, k)

    def walk(name, item):
        if isinstance(item, h5py.Dataset) and item.ndim and item.attrs.get("CLASS") != b"DIMENSION_SCALE":
            assert all(len(item.dims[k]) == 1 for k in range(item.ndim)), name
    f.visititems(walk)
    currents = f["samples/current"][...]

for group in ("cell", "tia", "transfer", "energy", "samples", "tile"):
    with xarray.open_dataset("t.h5", group=group, engine="h5netcdf") as x:
        for name, wanted in axes.items():
            if name.startswith(group + "/"):
                assert x[name.split("/")[1]].dims == wanted, name
        if group == "samples":
            assert (x["current"].values == currents).all()
            assert x["current"].sizes == {"tile": 6, "vector": 6, "bit_line": 7}
            assert x["current"].attrs["units"] in ("A", b"A")
        if group == "cell":
            at = x["current"].sel(cell_voltage=0.2, bit_line_voltage=0.0, method="nearest")
            ratio = at / (at["cell_voltage"] * x["state_conductance"])
            assert abs(ratio - 1).max() < 0.02 # the grid's nearest points, not the read voltage itself
assert info["samples"]["solved_by"] == "ngspice"
(check,) = info["solver"]
assert (check["rows"], check["columns"]) == (9, 7) and check["max_fs"] < 1e-6 and check["samples"] == 6 * 6 * 7
print("labelled axes everywhere")

# a file of schema 1 has neither /solver nor the error by drive, and is still read
with h5py.File("t.h5") as new, h5py.File("old.h5", "w", libver=("v108", "latest")) as old:
    for name in new:
        if name != "solver":
            new.copy(name, old)
    for key in ("mean_drive_up_to", "heldout_rmse_fs_by_drive"):
        del old["transfer"][key]
    del old["samples"].attrs["solved_by"]
    for key in ("topology", "polarity", "drive", "sense"): # nor does it say how its array works
        del old["tile"].attrs[key]
    old.attrs["xbartab_schema"] = 1.0
P
"$XBARTAB" info old.h5 --json >old.json
$PYTHON - <<'P'
import json
new, old = json.load(open("i.json")), json.load(open("old.json"))
assert old["schema"] == 1 and not old["sealed"]
assert old["solver"] == [] and old["samples"] == new["samples"] and old["transfer"] == new["transfer"]
P

# samples by our solver: the same technology, and ngspice on check tiles
sed 's/^sampling: {/sampling: {engine: solve, check_tiles: 2, check_full: 1, /' tile.yaml >by_solver.yaml
"$XBARTAB" characterize by_solver.yaml -o s.h5 --json >/dev/null
"$XBARTAB" info s.h5 --json >s.json
$PYTHON - <<'P'
import json
spice, solve = json.load(open("i.json")), json.load(open("s.json"))
assert solve["samples"]["solved_by"] == "xbartab" and solve["samples"]["failed"] == 0
assert solve["solver"][0]["samples"] == 3 * 6 * 7 and solve["solver"][0]["max_fs"] < 1e-6
a, b = (t["transfer"]["heldout_rmse_fs"] for t in (spice, solve))
assert abs(a - b) < 1e-3 * a, (a, b)
P

# sample tiles of a chip's cells, written and aged: ngspice has their conductances, the states reach as far as they do, any
# number of workers gives the same bytes, and another age other cells
tile 9 8 >aged.yaml
aged=(characterize aged.yaml --population wan_2022 --scale-population)
"$XBARTAB" "${aged[@]}" --time 1d -j 1 -o aged.h5 --json >/dev/null
[ "$SANITIZED" = 1 ] && cp aged.h5 again.h5 || "$XBARTAB" "${aged[@]}" --time 1d -j 3 -o again.h5 >/dev/null 2>&1
"$XBARTAB" "${aged[@]}" --cycles 1e9 --temperature 358 --seed 5 -o fresh.h5 >/dev/null 2>&1
cmp aged.h5 again.h5 || fail "other aged tables with 3 workers"
"$XBARTAB" info aged.h5 --json >aged.json
"$XBARTAB" info fresh.h5 >fresh.txt
grep -q "^population wan_2022, 0 s after its writes, at 358 K, 1e+09 writes before: cells off" fresh.txt || fail "$(cat fresh.txt)"
$PYTHON - <<'P'
import h5py, json, numpy
i = json.load(open("aged.json"))
p = i["population"]
assert (p["name"], p["time"], p["temperature"], p["cycles"]) == ("wan_2022", 86400, 300, 0)
assert i["transfer"]["samples"] == 2 * 6 * 8 and 0 < i["transfer"]["heldout_rmse_fs"] < 0.003 and i["solver"][0]["max_fs"] < 1e-6
with h5py.File("aged.h5") as f, h5py.File("fresh.h5") as fresh:
    d, level = f["population/sample_conductance"], f["tile/conductance"][...]
    assert [d.dims[k].label for k in range(3)] == ["tile", "word_line", "bit_line"] and d.attrs["units"] == b"S"
    assert "published" in f["population/sheet"][()].decode()
    G, written, states = d[...], level[f["samples/level"][...]], f["cell/state_conductance"][...]
    assert abs(((G - written) ** 2).mean() ** 0.5 / p["rms"] - 1) < 1e-9 and 0.02 < p["rms"] / level[-1] < 0.2
    assert p["g_min"] == G.min() < level[0] and p["g_max"] == G.max() > level[-1]
    assert abs(states[0] / G.min() - 1) < 1e-3 and states[-1] >= G.max() * (1 - 1e-3) and numpy.isin(level, states).all()
    # short wires: currents are nearly the sum of the cells' own; with the levels' conductances they are not
    code, I = f["samples/code"][...], f["samples/current"][...]
    off = [abs(0.2 * numpy.einsum("tvi,tij->tvj", code, g) - I).mean() / I.mean() for g in (G, written)]
    assert off[0] < 0.01 and off[1] > 3 * off[0], off
    assert abs(fresh["population/sample_conductance"][...] / G - 1).max() > 0.01
with h5py.File("again.h5", "r+") as f: f["population/sample_conductance"][0, 0, 0] = -1e-6
with h5py.File("fresh.h5", "r+") as f: f["population"].attrs["scaled"] = 7.0
P
refused 1 "again.h5: /population/sample_conductance has -1e-06 S" "$XBARTAB" info again.h5
refused 1 "fresh.h5: /population scaled = 7 is outside 0 to 1" "$XBARTAB" info fresh.h5
refused 2 "simulated chips need --population" "$XBARTAB" characterize tile.yaml -o no.h5 --time 1d
refused 2 "tables are of one --time" "$XBARTAB" characterize tile.yaml -o no.h5 --population none --time 0 --time 1s
refused 1 'no population is called "nobody"' "$XBARTAB" characterize tile.yaml -o no.h5 --population nobody

# DACs of all kinds of bits: 8-bit inputs in three slices, the last one narrower, and in a single one
digits="$XBARTAB_SOURCE/data/networks/digits.onnx --images $XBARTAB_SOURCE/data/digits/test-images.idx.gz
    --labels $XBARTAB_SOURCE/data/digits/test-labels.idx.gz --limit 10 --json"
sinh() { # sinh DAC_BITS WIRE V0
    cat <<Y
name: sinh
cell: {rram: {model: sinh, parameters: [{name: v0, value: $3}]}, selector: {model: none}}
levels: {count: 4, g_min: 1 uS, g_max: 20 uS}
array: {rows: 16, columns: 16}
wire: {word: $2, bit: $2}
driver: {resistance: 20 ohm}
dac: {bits: $1, read_voltage: 200 mV}
tia: {model: opamp}
adc: {bits: 12}
sampling: {tiles: 3, tiles_heldout: 2, vectors: 8}
Y
}
for bits in 3 8; do
    [ "$SANITIZED$bits" = 18 ] && continue
    sinh $bits "1 ohm" "0.3 V" >dac.yaml
    "$XBARTAB" characterize dac.yaml -o dac$bits.h5 --json >dac.json 2>/dev/null
    "$XBARTAB" infer $digits --tables dac$bits.h5 --check 30 >run.json 2>/dev/null
    $PYTHON - $bits <<'P'
import json, sys
table, run, bits = json.load(open("dac.json")), json.load(open("run.json")), int(sys.argv[1])
assert 0 < table["transfer"]["heldout_rmse_fs"] < 5e-5, table["transfer"]
assert run["accuracy"]["ideal"] >= 0.95 and run["accuracy"]["table"] >= run["accuracy"]["ideal"] - 0.05, run
assert 0 < run["check"]["rmse_fs"] < 3e-5 and run["check"]["max_fs"] < 3e-4, run["check"]
assert run["tile_error"]["worst_tile_adc_steps"] < 0.2, run["tile_error"]
P
done
sinh 9 "1 ohm" "0.3 V" >nine.yaml
refused 1 "dac.bits: 9 is outside 1 to 8" "$XBARTAB" characterize nine.yaml -o no.h5

[ "$SANITIZED" = 0 ] || exit 0
# cells bent so strongly behind wires so resistive that no table follows: it says so
sinh 1 "4 kohm" "50 mV" >wires.yaml
"$XBARTAB" characterize wires.yaml -o wires.h5 >/dev/null 2>&1
"$XBARTAB" infer ${digits% --json} --tables wires.h5 --limit 1 >wires.txt 2>/dev/null
grep -q "warning: the worst tile's error is [0-9.]* steps" wires.txt || fail "no warning of a bad tile: $(cat wires.txt)"
