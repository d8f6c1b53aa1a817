#!/usr/bin/env bash
# Quantization after training on real networks: bits, ranges, corrections, sensitivity, and bits within a budget.
source "$(dirname "$0")/common.sh"

mnist_net=$DATA/networks/opt-mnist.onnx resnet=$DATA/networks/onnx/resnet8_cifar10_fp32.onnx
if [ ! -e "$mnist_net" ] || [ ! -e "$resnet" ]; then
    echo "no networks in $DATA: skipped"
    exit 77
fi
n=500 m=100 few=20 seen=30
[ "$SANITIZED" = 0 ] || m=4 few=4 seen=3
mnist="--images $DATA/mnist/t10k-images-idx3-ubyte.gz --labels $DATA/mnist/t10k-labels-idx1-ubyte.gz"
cifar="--images $DATA/cifar10/cifar10_test1000.bin.gz --raw-pixels"

integer() { # integer FILE ARGUMENTS...: the accuracy in exact integers
    "$XBARTAB" infer "$1" --mode integer --json "${@:2}" 2>/dev/null |
        $PYTHON -c 'import json, sys; print(json.load(sys.stdin)["accuracy"]["integer"])'
}
on_mnist() { integer "$mnist_net" $mnist --limit $n "$@"; }
on_cifar() { integer "$resnet" $cifar --limit $m "$@"; }
holds() { # holds "CONDITION"
    $PYTHON -c "import sys; sys.exit(not ($1))" || fail "$1"
}

if [ "$SANITIZED" = 1 ]; then
    # few images prove nothing of accuracies: what is compared below only has to end well
    for options in "--weight-bits 16 --activation-bits 16" "--weight-bits 1" "--weight-bits 4 --weight-range mse --bias-correction" \
        "--weight-bits 4 --per-tensor" "--activation-bits 4 --activation-range mse" \
        "--activation-bits 4 --activation-range percentile --percentile 0.999" \
        "--weight-bits 4 --layer-bits conv2d=8/8,dense=float"; do
        accuracy=$(on_cifar $options) || fail "$options"
        holds "0 <= $accuracy <= 1"
    done
else
    # 16 bits are as good as float; 1-bit weights with their scales still tell most digits apart
    reference=$("$XBARTAB" infer "$resnet" --mode float --json $cifar --limit $m 2>/dev/null |
        $PYTHON -c 'import json, sys; print(json.load(sys.stdin)["accuracy"]["float"])')
    holds "abs($(on_cifar --weight-bits 16 --activation-bits 16) - $reference) <= 0.005"
    holds "$(on_mnist --weight-bits 16 --activation-bits 16) > 0.98"
    holds "$(on_mnist --weight-bits 1) > 0.6"

    # ResNet-8 at 4 bits: what ranges of the least error, corrected biases and single layers of more bits give back
    plain=$(on_cifar --weight-bits 4) mse=$(on_cifar --weight-bits 4 --weight-range mse)
    corrected=$(on_cifar --weight-bits 4 --weight-range mse --bias-correction)
    holds "$plain + 0.1 < $mse and $mse + 0.03 < $corrected"
    holds "$(on_cifar --weight-bits 4 --per-tensor) + 0.1 < $plain"
    four=$(on_cifar --activation-bits 4)
    holds "$four + 0.1 < $(on_cifar --activation-bits 4 --activation-range mse)"
    holds "$four + 0.1 < $(on_cifar --activation-bits 4 --activation-range percentile --percentile 0.999)"
    holds "$plain + 0.05 < $(on_cifar --weight-bits 4 --layer-bits conv2d=8/8,dense=float)"
fi

# the same bits for any number of threads, whatever is calibrated
for threads in 1 3; do
    "$XBARTAB" infer "$resnet" --mode integer $cifar --limit $few --weight-bits 5 --activation-range mse --bias-correction \
        --calibrate $few --layer-bits conv2d=8 --threads $threads --predictions $threads.csv >log.txt 2>&1 || fail "$(cat log.txt)"
done
cmp 1.csv 3.csv || fail "threads change bits"

# one layer at a time: the first one of ResNet-8 is the most sensitive, the shortcut of the last block the least
"$XBARTAB" network "$resnet" --sensitivity $cifar --limit $seen --weight-bits 3 --json 2>/dev/null >s.json
$PYTHON - $seen <<'P'
import json, sys
s = json.load(open("s.json"))
noise = {l["name"]: l["noise"] for l in s["layers"]}
assert len(noise) == 10 and s["images"] == int(sys.argv[1]), s
assert max(noise, key=noise.get) == "conv2d" and min(noise, key=noise.get) == "conv2d_8", noise
worst = min(s["layers"], key=lambda l: l["accuracy"])
assert worst["name"] == "conv2d" and worst["accuracy"] < s["accuracy_float"] - 0.3, worst
P

# bits within a budget, saved, and better than the same bits everywhere
"$XBARTAB" network "$resnet" --average-bits 4 $cifar --limit $few --weight-range mse --save-bits bits.yaml --json 2>/dev/null >b.json
$PYTHON - <<'P'
import json
b = json.load(open("b.json"))
assert 3 < b["average_bits"] <= 4 and len({l["weight_bits"] for l in b["layers"]}) > 1, b
P
mixed=$(on_cifar --weight-range mse --layer-bits bits.yaml)
if [ "$SANITIZED" = 1 ]; then
    holds "0 <= $mixed <= 1"
else
    holds "$mse + 0.01 < $mixed"
fi

infer="$XBARTAB infer $mnist_net --mode integer $mnist --limit 5"
refused 2 "outside 1 to 16" $infer --weight-bits 17
refused 2 "is not minmax, percentile or mse" $infer --weight-range largest
refused 2 "NAME=W, NAME=W/A or NAME=float" $infer --layer-bits Convolution28=4/x
refused 1 "no layer is called \"nix\"; there are: Convolution28, Convolution110, Plus214_Output_0" $infer --layer-bits nix=4
refused 1 "bits.txt" $infer --layer-bits bits.txt
refused 2 "--images is missing" "$XBARTAB" network "$mnist_net" --sensitivity
refused 2 "outside 2 to 8" "$XBARTAB" network "$mnist_net" --average-bits 1 $mnist
refused 1 "is quantized already" "$XBARTAB" network "$DATA/networks/mnist_quantized.onnx" --sensitivity $mnist

# recurrent layers have their matrices on tiles too
"$XBARTAB" network "$XBARTAB_SOURCE/tests/fuzz/corpus/onnx/04.onnx" --json >r.json
$PYTHON - <<'P'
import json
r = json.load(open("r.json"))
layers = {n["name"]: n for n in r["nodes"] if "tiles" in n}
assert set(layers) == {"y/W", "y/R"} and r["tiles"] == 3, r  # the six small matrices of R share one
w, r = layers["y/W"], layers["y/R"]
assert (w["groups"], w["inputs"], w["outputs"], w["products"]) == (1, 2, 12, 3), w
assert (r["groups"], r["inputs"], r["outputs"], r["products"]) == (6, 2, 2, 3), r
P
