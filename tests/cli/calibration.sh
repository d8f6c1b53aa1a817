#!/usr/bin/env bash
# What is done to an image does not depend on which others are run: its outputs are the same for every limit, number of
# threads and order. A preset's training images set ranges where they are at hand; test images are told.
source "$(dirname "$0")/common.sh"

tile 16 16 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 6/' |
    sed 's/{model: nmos_level1}/{model: none}/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
digits=$XBARTAB_SOURCE/data/digits
$PYTHON - "$digits" <<'P'
import gzip, struct, sys
images = gzip.open(sys.argv[1] + "/test-images.idx.gz").read()[16:]
labels = gzip.open(sys.argv[1] + "/test-labels.idx.gz").read()[8:]
order = [(7 * k + 3) % 30 for k in range(30)]
open("shuffled.idx", "wb").write(struct.pack(">4i", 2051, 30, 28, 28) + b"".join(images[784 * k:784 * k + 784] for k in order))
open("shuffled-labels.idx", "wb").write(struct.pack(">2i", 2049, 30) + bytes(labels[k] for k in order))
P
run() { # run NAME IMAGES LABELS ARGUMENTS...
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables t.h5 --images "$2" --labels "$3" --adc-range mse \
        --adc-bits 6 --trim column --weight-bits 4 --activation-bits 4 --refine 0 --predictions "$1.csv" "${@:4}" 2>/dev/null
}
own=("$digits/test-images.idx.gz" "$digits/test-labels.idx.gz")
run 2 "${own[@]}" --limit 2 >2.txt
run 30 "${own[@]}" --limit 30 --threads 3 --json >30.json
run 1 "${own[@]}" --limit 30 --threads 1 --json >/dev/null
given=(--calibration-images "$digits/calibration-images.idx.gz" --calibrate 20)
run given2 "${own[@]}" --limit 2 "${given[@]}" >given.txt
run given30 "${own[@]}" --limit 30 "${given[@]}" --json >given.json
run shuffled shuffled.idx shuffled-labels.idx "${given[@]}" --json >/dev/null
cmp 30.csv 1.csv || fail "outputs depend on the threads"
head -3 30.csv | cmp - 2.csv || fail "outputs depend on the limit"
head -3 given30.csv | cmp - given2.csv || fail "outputs depend on the limit, with images of their own for ranges"
cmp -s 30.csv given30.csv && fail "images for ranges change nothing"
grep -q "from the first 100 images of .*test-images.idx.gz, which are test images" 2.txt || fail "test images are not told: $(cat 2.txt)"
grep -q "from the first 20 images of .*calibration-images.idx.gz$" given.txt || fail "images for ranges are not told: $(cat given.txt)"
$PYTHON - <<'P'
import csv, json
ordered, shuffled = (list(csv.reader(open(n + ".csv")))[1:] for n in ("given30", "shuffled"))
for k, row in enumerate(shuffled):
    assert row[1:] == ordered[(7 * k + 3) % 30][1:], (k, row, ordered[(7 * k + 3) % 30])
c, g = (json.load(open(n))["calibration"] for n in ("30.json", "given.json"))
assert (c["images"], c["source"]) == (100, "test_images") and (g["images"], g["source"]) == (20, "given"), (c, g)
P

# a preset's own: the training images that it names, or the test images where those are missing
mkdir -p own/networks own/mnist
cp "$XBARTAB_SOURCE/data/networks/digits.onnx" own/networks/lenet5.onnx
cp "${own[0]}" own/mnist/t10k-images-idx3-ubyte.gz
cp "${own[1]}" own/mnist/t10k-labels-idx1-ubyte.gz
preset() {
    XBARTAB_DATA=$PWD/own "$XBARTAB" infer --arch own.yaml --mode integer --limit 5 --json 2>/dev/null |
        $PYTHON -c 'import json, sys; c = json.load(sys.stdin)["calibration"]; print(c["source"], c["images"], c["file"].split("/")[-1])'
}
sed 's/^name: .*/name: own/;s/networks.lenet5/networks\/own/' "$XBARTAB_SOURCE/data/architectures/dynamic_quantization.yaml" >own.yaml
mv own/networks/lenet5.onnx own/networks/own.onnx
[ "$(preset)" = "test_images 100 t10k-images-idx3-ubyte.gz" ] || fail "a preset without its training images: $(preset)"
cp "$digits/calibration-images.idx.gz" own/mnist/train-images-idx3-ubyte.gz
[ "$(preset)" = "preset 100 train-images-idx3-ubyte.gz" ] || fail "a preset with training images: $(preset)"
