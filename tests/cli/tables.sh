#!/usr/bin/env bash
# A table file shows labelled axes in h5py and in xarray, and info's JSON has the keys of the contract.
source "$(dirname "$0")/common.sh"

tile 9 7 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 --json >c.json
"$XBARTAB" info t.h5 --json >i.json
$PYTHON - <<'P'
import h5py, json, math, xarray

info = json.load(open("i.json"))
assert info["schema"] == 3
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
    assert f.attrs["xbartab_schema"] == 3
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
