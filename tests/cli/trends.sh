#!/usr/bin/env bash
# What the published systems show, in reduced form: nonuniform references against uniform ones, a ramp ADC of 2 to 8 bits, 6 bits
# against the rows of a tall tile, and cells so conductive that the wires take their voltage.
source "$(dirname "$0")/common.sh"
export XBARTAB_DATA=$DATA
for file in mnist/t10k-images-idx3-ubyte.gz networks/qonnx_tfc/TFC_1W1A.onnx networks/opt-mnist.onnx; do
    [ -e "$DATA/$file" ] || { echo "no $file in $DATA"; exit 77; }
done
[ "$SANITIZED" = 0 ] || { echo "left to the other build"; exit 77; }

mnist="--images $DATA/mnist/t10k-images-idx3-ubyte.gz --labels $DATA/mnist/t10k-labels-idx1-ubyte.gz"
run() { "$XBARTAB" infer --cache cache --json "${@:2}" 2>/dev/null >"$1.json"; }
run nonuniform "$DATA/networks/qonnx_tfc/TFC_1W1A.onnx" --arch xnor_rram $mnist --limit 100
run uniform "$DATA/networks/qonnx_tfc/TFC_1W1A.onnx" --arch xnor_rram_uniform $mnist --limit 100 --mode ideal
run low --arch isaac_low_resistance --limit 100
run mohm --arch isaac --limit 100
sweep() { "$XBARTAB" sweep "$1" --set scheme.adc_bits="$2" --mode ideal --limit "$3" --cache cache -o "$1.csv" --json 2>/dev/null >"$1.json"; }
sweep liu_2020 2,3,4,8 300
sweep multi_precision 1,2,6,10 100
$PYTHON - <<'P'
import json
load = lambda n: json.load(open(n + ".json"))
a, b = load("nonuniform")["accuracy"], load("uniform")["accuracy"]
print("3 bits: nonuniform %(ideal).3f, in tables %(table).3f," % a, "uniform %(ideal).3f, integers %(integer).3f" % b)
assert a["integer"] - a["ideal"] < 0.06 and a["integer"] - a["table"] < 0.06  # published: 0.34 points on a larger MLP
assert b["integer"] - b["ideal"] > 0.4
low, mohm = load("low")["accuracy"], load("mohm")["accuracy"]
print("128 rows in tables: 1.333 kohm %.3f, megohms %.3f" % (low["table"], mohm["table"]))
assert low["ideal"] > 0.9 and low["table"] < 0.4                                # the voltage is lost along the wires
assert mohm["integer"] - mohm["table"] < 0.04
for name, exact in (("liu_2020", 0.03), ("multi_precision", 0.02)):
    rows = load(name)["rows"]
    ideal, integer = [r["ideal"] for r in rows], rows[0]["integer"]
    print(name, [(r["values"]["scheme.adc_bits"], r["ideal"]) for r in rows], "integers", integer)
    assert all(x <= y + 0.02 for x, y in zip(ideal, ideal[1:])), ideal         # more bits do not lose
    assert integer - ideal[-1] < exact and ideal[-1] - ideal[0] > 0.02
P
