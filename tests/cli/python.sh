#!/usr/bin/env bash
# The Python package: structures as C has them, figures as the program prints them, crossbars as nodal analysis has them, and
# what a user's mistake, function or Ctrl-C does.
source "$(dirname "$0")/common.sh"

[ "$SANITIZED" = 0 ] || exit 77 # Python itself is not sanitized
[ -d "$XBARTAB_BUILD/python/xbartab" ] || { echo "no Python package was built"; exit 77; }
export PYTHONPATH=$XBARTAB_BUILD/python PYTHONDONTWRITEBYTECODE=1
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-FMA4 # as the program sets it for itself: then the bits are the same

# ---- every structure has the size and the places that C gives it ----
$PYTHON - >layout.c <<'P2'
from xbartab._interface import ffi
print("#include <stdio.h>\n#include <stddef.h>\n#include <xbartab/xbartab.h>\nint main(void) {")
for name in ffi.list_types()[0]:
    t = ffi.typeof(name)
    if t.kind == "struct" and t.fields is not None and name != "FILE":
        print('printf("%s %%zu\\n", sizeof(%s));' % (name, name))
        for field, _ in t.fields:
            print('printf("%s.%s %%zu\\n", offsetof(%s, %s));' % (name, field, name, field))
print("return 0; }")
P2
cc -I "$XBARTAB_SOURCE/src/include" -I "$XBARTAB_BUILD/include" layout.c -o layout
./layout >layout.txt
[ "$(wc -l <layout.txt)" -gt 700 ] || fail "only $(wc -l <layout.txt) members compared"
$PYTHON - <<'P2'
from xbartab._interface import ffi
for line in open("layout.txt"):
    what, number = line.split()
    name, _, field = what.partition(".")
    ours = ffi.offsetof(name, field) if field else ffi.sizeof(name)
    assert ours == int(number), (what, ours, number)
P2

tile 8 6 >tile.yaml
"$XBARTAB" characterize tile.yaml -o cli.h5 >/dev/null 2>&1
tile 64 64 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0/' >tile64.yaml
"$XBARTAB" characterize tile64.yaml -o t64.h5 >/dev/null 2>&1
digits=$XBARTAB_SOURCE/data/networks/digits.onnx
images=(--images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" --limit 40)
"$XBARTAB" infer "$digits" "${images[@]}" --tables t64.h5 --check 5 --predictions predictions.csv --json >infer.json 2>/dev/null
"$XBARTAB" cost "$digits" --arch isaac --json >cost.json
"$XBARTAB" explain "$digits" "${images[@]}" --tables t64.h5 --without-layers --json >explain.json 2>/dev/null
$PYTHON - "$XBARTAB_SOURCE" "$XBARTAB" <<'P2'
import json, os, signal, subprocess, sys, threading, time
import h5py
import numpy as np
import xbartab
from xbartab import Error

source = sys.argv[1]
digits = source + "/data/networks/digits.onnx"
images = dict(images=source + "/data/digits/test-images.idx.gz", labels=source + "/data/digits/test-labels.idx.gz", limit=40)

def refused(words, f, *a, **k):
    try:
        f(*a, **k)
    except (Error, TypeError) as e:
        assert words in str(e) and "\n" not in str(e), e
        return
    raise AssertionError("not refused: " + words)

# ---- a crossbar against nodal analysis in dense matrices, written here ----
def nodal(R, V, r_word, r_bit):
    m, n = R.shape
    G = np.zeros((2 * m * n, 2 * m * n))
    b = np.zeros((2 * m * n, V.shape[1]))
    def join(i, j, g):
        for p, q in ((i, j), (j, i)):
            G[p, p] += g
            G[p, q] -= g
    for i in range(m):
        for j in range(n):
            w, s = i * n + j, m * n + i * n + j
            join(w, s, 1 / R[i, j])
            if j == 0:
                G[w, w] += 1 / r_word
                b[w] += V[i] / r_word
            else:
                join(w - 1, w, 1 / r_word)
            if i == m - 1:
                G[s, s] += 1 / r_bit
            else:
                join(s, s + n, 1 / r_bit)
    x = np.linalg.solve(G, b)
    return x[:m * n].reshape(m, n, -1), x[m * n:].reshape(m, n, -1)

rng = np.random.default_rng(1)
R, V = rng.uniform(100, 900, (7, 5)), rng.uniform(-4, 4, (7, 3))
word, bit = nodal(R, V, 0.5, 2.0)
s = xbartab.compute(V, R, r_i_word_line=0.5, r_i_bit_line=2.0)
close = lambda a, b: np.allclose(a, b, rtol=1e-9, atol=1e-12 * np.abs(b).max())
assert close(s.voltages.word_line, word) and close(s.voltages.bit_line, bit)
assert close(s.currents.device, (word - bit) / R[:, :, None]) and close(s.currents.output, bit[-1].T / 2.0)
left = np.concatenate([V[:, None], word[:, :-1]], 1)
assert np.abs(s.currents.word_line - (left - word) / 0.5).max() < 1e-9 * np.abs(s.currents.word_line).max()
below = np.concatenate([bit[1:], 0 * bit[:1]])
assert np.abs(s.currents.bit_line - (bit - below) / 2.0).max() < 1e-9 * np.abs(s.currents.bit_line).max()
one = xbartab.compute(V[:, :1], R, 0.5)
assert one.currents.device.shape == (7, 5) and one.currents.output.shape == (1, 5)
assert xbartab.compute(V, R, 0, node_voltages=False).voltages is None
spice = xbartab.solve(V, R, r_word=0.5, r_bit=2.0, engine="spice")
assert np.allclose(spice.i_out, s.currents.output, rtol=1e-6)
for wrong in (dict(resistances=R[:3]), dict(resistances=-R), dict(resistances=R, conductances=R), {}, dict(resistances=R, engine="x")):
    refused("", xbartab.solve, V, **wrong)

# ---- models, presets, specifications ----
m = xbartab.models()
assert set(m) == {"rram", "selector", "tia", "wire"} and m.rram.sinh.parameters[0]["unit"]
assert "isaac" in xbartab.presets() and xbartab.preset("isaac").scheme.weights == "bias_flip"
assert xbartab.preset("isaac").tile.rows == 128 and xbartab.preset("isaac").published[0].trust
spec = xbartab.Specification({"name": "mine", "cell": {"rram": {"model": "sinh"}},
    "levels": {"count": 2, "g_min": "1 uS", "g_max": "10 uS"}, "array": {"rows": 4, "columns": 3}, "wire": {"word": "1 ohm", "bit": "1 ohm"},
    "driver": {"resistance": "20 ohm"}, "sink": {"resistance": "10 ohm"}, "dac": {"bits": 1, "read_voltage": "0.2 V"},
    "tia": {"model": "ideal"}, "adc": {"bits": 8, "range": "full"}})
assert spec.values.rows == 4 and np.allclose(spec.values.G_level, [1e-6, 1e-5]) and spec.values.rram.value.size > 0
refused("the specification:1: ", xbartab.Specification, {"name": "x", "cell": {"rram": {"model": "sinh"}}})
refused("no_such", xbartab.Specification, open("tile.yaml").read().replace("sky130_gap", "no_such"))
refused("No such file", xbartab.Specification, "none.yaml")

# ---- tables: the same bytes as the program's, every dataset as h5py reads it ----
seen = []
t = xbartab.characterize("tile.yaml", "mine.h5", progress=lambda *p: seen.append(p) and None)
assert open("mine.h5", "rb").read() == open("cli.h5", "rb").read() and len(seen) > 3 and seen[-1][1] == seen[-1][2]
with h5py.File("mine.h5") as f:
    for there, ours in (("cell/current", t.cell.I_cell[0]), ("cell/state_conductance", t.cell.G_state), ("tia/output_voltage", t.tia.V_out),
                        ("energy/cell_read_energy", t.energy.E_cell), ("transfer/power", t.transfer.power), ("tile/conductance", t.G_level),
                        ("transfer/coefficient", t.transfer.coefficient), ("samples/level", t.samples.level), ("samples/code", t.samples.code),
                        ("samples/current", t.samples.I_out), ("samples/power", t.samples.P), ("tia/output_noise", t.readout.density)):
        assert f[there].shape == ours.shape and np.array_equal(f[there], ours), there
assert t.error.transfer.samples > 0 and 0 < t.error.transfer.rmse < 1e-3

# ---- a tile: ideal sums by hand, table close to them, power by the header's formula ----
level = rng.integers(0, 4, (8, 6))
code = rng.integers(0, 2, (5, 8))
ideal = xbartab.Tile(t, level, engine="ideal")
table = xbartab.Tile("mine.h5", level)
assert np.array_equal(ideal.product(code)[2], ideal.product(code[2])) and ideal.product(code).shape == (5, 6)
sums = t.v_read * code @ t.G_level[level] / t.I_full_scale * 2**t.adc_bits # exact currents in ADC steps
assert np.array_equal(ideal.product(code), np.floor(sums + 0.5 + 1e-9))
two = rng.integers(0, 4, 8)
assert np.array_equal(ideal.product(two, bits=2), ideal.product(two & 1) + 2 * ideal.product(two >> 1))
v = table.outputs(code)
assert v.shape == (5, 1, 6) and np.array_equal(table.product(code), np.floor(v[:, 0] * 256 + 0.5).clip(0, 255))
assert np.abs(table.power(code) - [table.power(c) for c in code]).max() == 0 and table.power(np.zeros(8, int)) == 0
sample = t.samples
power = [xbartab.Tile(t, sample.level[k]).power(sample.code[k]) for k in range(len(sample.level))]
on = sample.P > 0
assert np.abs(np.array(power)[on] / sample.P[on] - 1).max() < 0.02
told = table.report()
assert 0 < told.power_squares**0.5 <= told.power_most < 0.01 * sample.P.max() and told.samples > 0
refused("engine", ideal.report)
same = xbartab.Tile(t, conductances=t.G_level[level]).product(code)
assert np.array_equal(same, table.product(code))
refused("levels", xbartab.Tile, t, level + 4)
refused("more than the tables", xbartab.Tile, t, np.zeros((9, 6), int))
refused("codes", table.product, [0, 1])
refused("codes", table.product, [0.5] * 8)
refused("bits", table.product, [4] * 8, 2)
refused("engine", xbartab.Tile, t, level, engine="no")

# ---- networks: what the program prints ----
shown = json.load(open("infer.json"))
r = xbartab.infer(digits, tables="t64.h5", check=5, **images)
assert [r.accuracy.network, r.accuracy.integer, r.accuracy.ideal, r.accuracy.mode] == [shown["accuracy"][k] for k in ("float", "integer", "ideal", "table")]
assert r.mapped.tiles == shown["tiles"] and r.check.rmse == shown["check"]["rmse_fs"] and r.outputs.shape == (40, 10)
assert list(r.predictions) == [int(line.split(",")[2]) for line in open("predictions.csv").read().split("\n")[1:] if line]
no_labels = xbartab.infer(digits, tables=t, mode="integer", images=images["images"], limit=5)
assert np.isnan(no_labels.accuracy.integer) and len(no_labels.predictions) == 5
scheme = xbartab.infer(digits, tables="t64.h5", scheme={"weights": "offset_column", "adc_bits": 5}, **images)
assert scheme.mapped.adc_bits == 5, scheme.mapped
refused("none of differential_columns", xbartab.infer, digits, tables="t64.h5", scheme={"weights": "x"}, **images)
refused("there is no option 'limits'", xbartab.infer, digits, tables="t64.h5", limits=3)
shown = json.load(open("cost.json"))["cost"]
c = xbartab.cost(digits, arch="isaac")
assert c.energy == shown["energy"] and c.latency == shown["latency"] and [x.energy for x in c.layer] == [x["energy"] for x in shown["layers"]]
shown = json.load(open("explain.json"))
e = xbartab.explain(digits, tables="t64.h5", without_layers=True, **images)
for name, x in shown["effects"].items():
    for way in ("alone", "left_out"):
        ours = e.effects[name][way]
        assert (ours.accuracy, ours.points, ours.error, ours.change) == tuple(x[way][k] for k in ("accuracy", "points", "error", "output_change")), name
assert [k for k, x in e.effects.items() if x.is_present] == list(shown["effects"])
n = xbartab.Network(digits)
assert n.outputs == 10 and sum(1 for x in n.nodes if x.inputs) == 3

# ---- fits ----
k = np.arange(1, 17)
with open("sweeps.csv", "w") as f:
    for device in range(8):
        for V_ in 0.35 * (k - 1) / 15:
            f.write("c%d\t%.9g\t%.9g\n" % (device, 5e-6 * (1 + device) * np.sinh(V_ / 0.5), V_))
os.makedirs("rram")
fit = xbartab.calibrate(source + "/data/calibration/sinh.yaml", "sweeps.csv", "rram/cell.yaml")
shown = json.loads(subprocess.run([sys.argv[2], "calibrate", source + "/data/calibration/sinh.yaml", "--data", "sweeps.csv",
                                   "-o", "rram/again.yaml", "--json"], capture_output=True, text=True).stdout)
for p in shown["parameters"]:
    ours = fit.parameters[p["name"]]
    assert (ours.value, ours.unit) == (p["value"], p["unit"]) and (p["low_95"] is None or ours.low == p["low_95"]), (p, ours)
assert len(fit.label) == 8 and fit.own.shape == (8, fit.n_device) and "cell" in xbartab.models(".").rram
p = xbartab.Population("hfox_verified" if os.path.exists(source + "/data/populations/hfox_verified.yaml") else "hfox_unverified")
G = p.conductances(np.full(500, 5e-5), time=1.0)
assert G.std() > 0 and np.array_equal(G, p.conductances(np.full(500, 5e-5), time=1.0))

# ---- what stops a long call: the user's function, an exception in it, Ctrl-C; finished work is kept ----
try:
    xbartab.characterize("tile64.yaml", "stopped.h5", progress=lambda what, done, total, left: done > 3)
    raise AssertionError("went on")
except KeyboardInterrupt:
    assert os.path.exists("stopped.h5.partial") and not os.path.exists("stopped.h5")
class Mine(Exception):
    pass
def fails(*_):
    raise Mine("mine")
try:
    xbartab.characterize("tile64.yaml", "stopped.h5", resume=True, progress=fails)
    raise AssertionError("went on")
except Mine:
    pass
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    xbartab.characterize("tile64.yaml", "interrupted.h5", progress=False)
    raise AssertionError("went on")
except KeyboardInterrupt:
    assert not os.path.exists("interrupted.h5")
P2

# ---- pip ----
if $PYTHON -m venv --system-site-packages venv 2>/dev/null; then
    cp -r "$XBARTAB_SOURCE/python" "$XBARTAB_SOURCE/CMakeLists.txt" . && mkdir -p src && cp -r "$XBARTAB_SOURCE/src/include" src/
    env -u PYTHONPATH venv/bin/pip install --quiet --no-index --disable-pip-version-check ./python 2>pip.txt || fail "pip: $(cat pip.txt)"
    env -u PYTHONPATH XBARTAB_LIBRARY="$XBARTAB_BUILD/libxbartab.so" venv/bin/python -c \
        'import xbartab; assert "venv" in xbartab.__file__ and "resistor" in xbartab.models().rram; print("pip: xbartab", xbartab.__version__)'
fi
