#!/usr/bin/env bash
# Networks as people have them, on whole test sets: accuracies in exact integers against published ones, predictions
# image by image where the reference has them, and the logits of a binary network to the last bit.
source "$(dirname "$0")/common.sh"

if [ ! -e "$DATA/mnist/t10k-images-idx3-ubyte.gz" ] || [ ! -e "$DATA/networks/onnx/lfc_w1a1.onnx" ]; then
    echo "no MNIST or networks in $DATA: skipped"
    exit 77
fi
mnist="--images $DATA/mnist/t10k-images-idx3-ubyte.gz --labels $DATA/mnist/t10k-labels-idx1-ubyte.gz"
cifar="--images $DATA/cifar10/cifar10_test1000.bin.gz --raw-pixels"

[ "$SANITIZED" = 0 ] || limit="--limit 30"
run() { # run FILE MODE ACCURACY ARGUMENTS...
    local file=$DATA/networks/$1 mode=$2 wanted=$3
    shift 3
    "$XBARTAB" infer "$file" --mode "$mode" --predictions p.csv --json "$@" ${limit:-} 2>/dev/null >r.json
    $PYTHON - "$file" "$mode" "$wanted" "$XBARTAB_SOURCE" <<'P'
import csv, json, numpy, os, sys
path, mode, wanted, source = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
sys.dont_write_bytecode = True
sys.path.insert(0, source + "/scripts")
import results
r = json.load(open("r.json"))
a = r["accuracy"]
name = os.path.basename(path)
print("%s: %s %.2f %% (%.2f %% published)" % (name, mode, 100 * a[mode], wanted))
assert abs(100 * a[mode] - wanted) <= 0.2 or r["images"] < 1000, a
assert name != "opt-mnist.onnx" or r["images"] < 1000 or (r["images"] == 10000 and a["float"] == 0.9890), r
# data/networks/RESULTS.md says the same of whole test sets
stated = [s for s in results.rows(source + "/data/networks/RESULTS.md", "scripts/accuracies") if s["network"].startswith(name + ",")]
assert len(stated) == 1, stated
if str(r["images"]) == stated[0]["images"]:
    for column in a:
        assert stated[0][column] == "%.2f %%" % (100 * a[column]), (column, a, stated)
ours = list(csv.reader(open("p.csv")))[1:]
reference = path.replace(".onnx", "_pred.csv")
if os.path.exists(reference):
    theirs = list(csv.reader(open(reference)))[1:]
    assert len(ours) == r["images"] <= len(theirs)
    same = sum(x[2] == y[2] for x, y in zip(ours, theirs)) / len(ours)
    print("  %.2f %% of the reference's predictions" % (100 * same))
    assert same >= 0.99
if "lfc_w1a1" in name:
    logits = numpy.load(path.replace(".onnx", "_logits100.npy"))
    mine = numpy.array([[float(v) for v in x[3:]] for x in ours[:100]])
    logits = logits.reshape(100, -1)[:len(mine)]
    assert (mine == logits).all(), abs(mine - logits).max()
    print("  %d images' logits exactly equal" % len(mine))
P
}

run opt-mnist.onnx integer 98.90 $mnist
run mnist_quantized.onnx integer 98.93 $mnist
run qonnx_tfc/TFC_1W1A.onnx integer 92.96 $mnist
run qonnx_tfc/TFC_1W2A.onnx integer 94.74 $mnist
run qonnx_tfc/TFC_2W2A.onnx integer 96.60 $mnist
run onnx/lfc_w1a1.onnx integer 98.34 $mnist --raw-pixels
run onnx/resnet8_cifar10_int8.onnx integer 87.7 $cifar
run onnx/resnet8_cifar10_fp32.onnx float 88.1 $cifar

# on ideal tiles with a wide ADC every output is the exact integers' own
tile 64 64 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0/' |
    sed 's/{model: nmos_level1}/{model: none}/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
same() { # same FILE ARGUMENTS...
    local file=$DATA/networks/$1
    shift
    [ "$SANITIZED" = 0 ] || set -- "$@" --limit 2
    "$XBARTAB" infer "$file" --mode integer --predictions integer.csv "$@" >/dev/null 2>&1
    "$XBARTAB" infer "$file" --mode ideal --adc-bits 16 --tables t.h5 --predictions ideal.csv "$@" >/dev/null 2>&1
    cmp integer.csv ideal.csv || fail "$file: ideal tiles differ from the integers"
}
same qonnx_tfc/TFC_2W2A.onnx $mnist --limit 500
same mnist_quantized.onnx $mnist --limit 20
same onnx/resnet8_cifar10_int8.onnx $cifar --limit 3
same onnx/resnet8_cifar10_fp32.onnx $cifar --limit 3
same opt-mnist.onnx $mnist --limit 5 --layer-bits Convolution28=1/4,Convolution110=12/11,Plus214_Output_0=3/8
same opt-mnist.onnx $mnist --limit 5 --weight-bits 16 --activation-bits 16

# a float network loses little in 8 bits, and its predictions stay mostly the same
"$XBARTAB" infer "$DATA/networks/onnx/resnet8_cifar10_fp32.onnx" --mode integer --json $cifar ${limit:+$limit --calibrate 30} 2>/dev/null >r.json
$PYTHON -c 'import json; r = json.load(open("r.json")); a = r["accuracy"]; assert abs(a["integer"] - a["float"]) <= (0.005 if r["images"] >= 1000 else 0.03), a'
