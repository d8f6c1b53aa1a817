#!/usr/bin/env bash
# Write tables: a hundred pulses by the tables against ngspice running the whole train, the same bytes for any number
# of workers, and ramps simulated from measured ones inside the measured band.
source "$(dirname "$0")/common.sh"

small() { tile 3 3 "s/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 2, tiles_heldout: 1, vectors: 4/;$1"; }

# Held-out trains start between the table's own starts
trains() { # trains NAME: every point of every train within 5 % of the range of conductances
    "$XBARTAB" characterize "$1.yaml" -o "$1.h5" -j 2 >/dev/null
    "$XBARTAB" info "$1.h5" --json >"$1.json"
    $PYTHON - "$1" <<'P'
import json, sys
w = json.load(open(sys.argv[1] + ".json"))["write"]
print("%s: %d held-out changes within %.4f %% (largest), %d points of trains within %.3f %% of %.3g S" % (
    sys.argv[1], w["samples"], 100 * w["heldout_max_fs"], w["train"]["samples"], 100 * w["train"]["heldout_max_fs"],
    w["g_max"] - w["g_min"]))
assert w["origin"] == "ngspice" and len(w["pulses"]) == 2, w
assert w["train"]["samples"] == 200 and w["train"]["failed"] == 0 and w["train"]["heldout_max_fs"] < 0.05, w
assert w["heldout_rmse_fs"] < 0.01, w
P
}

small 's/x/x/' >sky.yaml
cat >>sky.yaml <<'Y'
write:
  set: {amplitude: [2.1 V], width: [50 ns], gate: [0.6 V]}
  reset: {amplitude: [-1.4 V], width: [100 ns], gate: [3 V]}
  conductances: 13
Y
small 's/sky130_gap/jart_vcm_v1b/;s/g_min: 0.5 uS, g_max: 10 uS/g_min: 15 uS, g_max: 300 uS/' >jart.yaml
cat >>jart.yaml <<'Y'
write:
  set: {amplitude: [-1.2 V], width: [20 ns], gate: [1 V]}
  reset: {amplitude: [1.6 V], width: [20 ns], gate: [3 V]}
  conductances: 13
Y
# Every other model that switches without noise, bare, with pulses of which it takes some dozens
bare() { # bare MODEL G_MIN G_MAX V_READ SET WIDTH RESET WIDTH
    small "s/model: sky130_gap/model: $1/;s/model: nmos_level1/model: none/;s/200 mV/$4/
        s/g_min: 0.5 uS, g_max: 10 uS/g_min: $2, g_max: $3/" >"$1.yaml"
    printf 'write: {conductances: 13, set: {amplitude: [%s], width: [%s]}, reset: {amplitude: [%s], width: [%s]}}\n' "${@:5}" >>"$1.yaml"
    trains "$1"
}
trains sky
if [ "$SANITIZED" = 0 ]; then
    trains jart
    bare memdiode '10 uS' '200 uS' '200 mV' '1.2 V' '20 ms' '-1.7 V' '5 ms'
    for model in vteam vteam_exponential; do bare $model '1.5 mS' '10 mS' '100 mV' '-0.22 V' '20 ns' '0.5 V' '20 ns'; done
    bare yakopcic_jo '1 nS' '200 nS' '200 mV' '4 V' '100 ms' '-2 V' '50 ms'
    bare yakopcic_miao '60 uS' '500 uS' '200 mV' '1 V' '3 ms' '-1.5 V' '5 ms'
    bare yakopcic_oblea '10 uS' '200 uS' '200 mV' '0.5 V' '30 us' '-0.5 V' '30 us'
    for sheet in $(grep -l "^dynamic:" "$XBARTAB_SOURCE"/devicemodels/rram/*.yaml); do
        grep -q "^  noise_interval:" "$sheet" || grep -q "model: $(basename "$sheet" .yaml)[,}]" ./*.yaml ||
            fail "no train of $(basename "$sheet" .yaml)"
    done
    "$XBARTAB" characterize sky.yaml -o one.h5 -j 1 >/dev/null
    cmp sky.h5 one.h5 || fail "other bytes with one worker"
fi

# a device with noise has a spread, seeded
small 's/sky130_gap/stanford_v1/;s/nmos_level1/none/;s/g_min: 0.5 uS, g_max: 10 uS/g_min: 5 uS, g_max: 100 uS/' >noisy.yaml
cat >>noisy.yaml <<'Y'
write:
  reset: {amplitude: [-1.3 V], width: [5 ns]}
  conductances: 5
  repeats: 6
  train: 3
Y
"$XBARTAB" characterize noisy.yaml -o noisy.h5 >/dev/null
"$XBARTAB" characterize noisy.yaml -o other.h5 --seed 2 >/dev/null
$PYTHON - <<'P'
import h5py
with h5py.File("noisy.h5") as a, h5py.File("other.h5") as b:
    change, sigma = a["write/change"][0], a["write/change_sigma"][0]
    axes = [a["write/change"].dims[k].label for k in range(2)]
    assert axes == ["pulse", "conductance"] and a["write/change"].attrs["units"] == b"S", axes
    assert sigma.max() > 0 and change.min() < 0
    assert (b["write/change_sigma"][0] != sigma).any()
    assert (a["write/energy"][0] > 0).all()
P

# measured data
if [ -e "$DATA/rram/crosssim/v2.0_set.csv" ]; then
    small 's/x/x/' >ramps.yaml
    cat >>ramps.yaml <<Y
write:
  conductances: 65
  data:
    - {file: "$DATA/rram/crosssim/v2.0_set.csv", kind: set, quantity: current, voltage: 100 mV}
    - {file: "$DATA/rram/crosssim/v2.0_reset.csv", kind: reset, quantity: current, voltage: 100 mV}
Y
    "$XBARTAB" characterize ramps.yaml -o ramps.h5 >/dev/null
    $PYTHON - "$DATA" <<'P'
import csv, h5py, numpy, sys
with h5py.File("ramps.h5") as f:
    w = f["write"]
    assert w.attrs["origin"] == b"measured" and abs(w.attrs["read_voltage_V"] - 0.1) < 1e-12
    G, change, sigma = w["conductance"][...], w["change"][...], w["change_sigma"][...]
random = numpy.random.default_rng(1)
for kind, name in enumerate(("set", "reset")):
    rows = list(csv.reader(open("%s/rram/crosssim/v2.0_%s.csv" % (sys.argv[1], name))))[1:]
    measured = numpy.array([[float(x) / 0.1 if x else numpy.nan for x in row] for row in rows])
    n = min(len(column[~numpy.isnan(column)]) for column in measured.T)
    low, high = numpy.nanpercentile(measured[:n], [5, 95], axis=1)
    mean, many = numpy.nanmedian(measured[0]), numpy.full(200, numpy.nanmedian(measured[0]))
    inside = []
    for k in range(1, n):
        mean += numpy.interp(mean, G, change[kind])
        many = many + numpy.interp(many, G, change[kind]) + random.normal(size=200) * numpy.interp(many, G, sigma[kind])
        assert low[k] <= mean <= high[k], (name, k, low[k], mean, high[k])
        inside.append(numpy.mean((low[k] <= many) & (many <= high[k])))
    print("%s: the mean ramp inside the measured 5 to 95 %% band at all of %d pulses, random ones at %.1f %%" % (
        name, n - 1, 100 * numpy.mean(inside)))
    assert numpy.mean(inside) > 0.93
P
else
    echo "skipped: no measured ramps in $DATA"
fi

# one device's ramps of 1,000 pulses, whose readings scatter by 80 times a pulse's mean change: a ramp of the tables goes
# all the way, inside the 5 to 95 % band of the 51 readings about each pulse
if [ -e "$DATA/rram/aihwkit/gong_et_al.csv" ]; then
    small 's/x/x/' >gong.yaml
    cat >>gong.yaml <<Y
write:
  conductances: 65
  data:
    - {file: "$DATA/rram/aihwkit/gong_et_al.csv", kind: set, quantity: normalized, low: -1.4, high: 1.5, g_low: 5 uS, g_high: 50 uS, column: 1}
    - {file: "$DATA/rram/aihwkit/gong_et_al.csv", kind: reset, quantity: normalized, low: -1.4, high: 1.5, g_low: 5 uS, g_high: 50 uS, column: 2}
Y
    "$XBARTAB" characterize gong.yaml -o gong.h5 >/dev/null
    $PYTHON - "$DATA" <<'P'
import h5py, numpy, sys
with h5py.File("gong.h5") as f:
    G, change = f["write/conductance"][...], f["write/change"][...]
measured = 5e-6 + (numpy.loadtxt(sys.argv[1] + "/rram/aihwkit/gong_et_al.csv", delimiter=",") + 1.4) / 2.9 * 45e-6
for kind, name, least in (0, "set", 0.95), (1, "reset", 0.80):
    x = measured[:, kind]
    mean, inside = numpy.median(x[:11]), []
    for k in range(1, len(x)):
        mean += numpy.interp(mean, G, change[kind])
        low, high = numpy.percentile(x[max(0, k - 25) : k + 26], [5, 95])
        inside.append(low <= mean <= high)
    scatter = numpy.diff(x).std() / abs(numpy.diff(x).mean())
    print("gong %s: the mean ramp inside the band of the readings about it at %.1f %% of %d pulses (scatter %.0f changes)" % (
        name, 100 * numpy.mean(inside), len(inside), scatter))
    assert numpy.mean(inside) >= least
P
fi

# a list with a line a pulse, in other units; soft bounds whose closed form is known
$PYTHON - <<'P'
with open("list.csv", "w") as f:
    print("device,pulse,kind,amplitude [mV],resistance [kohm]", file=f)
    for device in range(8):
        g = 5.0 + device
        for pulse in range(60):
            kind = "set" if pulse < 30 else "reset"
            if pulse:
                g += 0.05 * ((40.0 if kind == "set" else 4.0) - g)
            print("d%d,%d,%s,%d,%.9g" % (device, pulse, kind, 1200 if kind == "set" else -1000, 1000 / g), file=f)
P
small 's/x/x/' >list.yaml
printf 'write: {data: [{file: list.csv}]}\n' >>list.yaml
"$XBARTAB" characterize list.yaml -o list.h5 >/dev/null
$PYTHON - <<'P'
import h5py, numpy
with h5py.File("list.h5") as f:
    w = f["write"]
    assert list(w["kind"][...]) == [0, 1] and list(w["amplitude"][...]) == [1.2, -1.0]
    G = w["conductance"][...] * 1e6
    inside = (G > 13) & (G < 30) # both kinds of pulses went through
    for kind, bound in enumerate((40, 4)):
        assert abs(w["change"][kind][inside] * 1e6 - 0.05 * (bound - G[inside])).max() < 0.01
    assert w.attrs["heldout_train_max_fs"] < 0.01
P

# what cannot be is said
small 's/model: sky130_gap/model: resistor/' >bad.yaml
echo 'write: {train: 5}' >>bad.yaml
refused 1 "resistor is a read curve that does not switch" "$XBARTAB" characterize bad.yaml -o bad.h5
small 's/x/x/' >bad.yaml
echo 'write: {set: {amplitude: [-1 V], width: [10 ns]}}' >>bad.yaml
refused 1 "sky130_gap is set by positive pulses" "$XBARTAB" characterize bad.yaml -o bad.h5
small 's/x/x/' >bad.yaml
echo 'write: {data: [{file: none.csv, kind: set}]}' >>bad.yaml
refused 1 "none.csv" "$XBARTAB" characterize bad.yaml -o bad.h5
printf '1e-6\n2e-6\nx\n' >bad.csv
small 's/x/x/' >bad.yaml
echo 'write: {data: [{file: bad.csv, kind: set}]}' >>bad.yaml
refused 1 'bad.csv:3: the conductance is not a number' "$XBARTAB" characterize bad.yaml -o bad.h5
