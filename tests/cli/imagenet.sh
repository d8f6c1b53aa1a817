#!/usr/bin/env bash
# A quantized MobileNet for ImageNet: 8-bit weights with zeros, 27 layers. Exact integers agree with its predictions but for
# near ties (the two highest outputs equal), and its outputs with those in float64 within what roundings that fall the other
# way add up to in so deep a network.
source "$(dirname "$0")/common.sh"

folder=$DATA/imagenet name=mobilenet_v1_0.5_160_quant
if [ ! -e "$folder/$name.onnx" ] || [ ! -e "$folder/images_160.npy" ]; then
    echo "no $name in $folder: skipped"
    exit 77
fi
limit=40 # of 200; XBARTAB_IMAGENET=200 runs all of them
[ "$SANITIZED" = 0 ] || limit=2
limit=${XBARTAB_IMAGENET:-$limit}
"$XBARTAB" infer "$folder/$name.onnx" --mode integer --images "$folder/images_160.npy" --labels "$folder/labels.txt" \
    --raw-pixels --calibrate 1 --limit "$limit" --predictions p.csv --json >r.json 2>err.txt || fail "$(cat err.txt)"
! grep warning err.txt || fail "bytes that its quantizer takes are told"
$PYTHON - "$folder/$name" "$limit" <<'P'
import csv, json, numpy, sys
path, limit = sys.argv[1], int(sys.argv[2])
ours = list(csv.reader(open("p.csv")))[1:]
theirs = list(csv.reader(open(path + "_pred.csv")))[1:limit + 1]
y = numpy.array([[float(v) for v in row[3:]] for row in ours])
top = numpy.sort(y)[:, -2:]
tie = top[:, 0] == top[:, 1]
same = numpy.array([a[2] == b[2] for a, b in zip(ours, theirs)])
right = sum(row[1] == row[2] for row in ours)
accuracy = json.load(open("r.json"))["accuracy"]["integer"]
logits = numpy.load(path + "_logits20.npy")[:limit]
step = 0.1465
off = (y[:len(logits)] - logits) / step
print("%d images: %.1f %% right, %d predictions as in float64, %d near ties; outputs %.2f steps off (RMS), at most %.2f" % (
    limit, 100 * accuracy, same.sum(), tie.sum(), numpy.sqrt((off ** 2).mean()), abs(off).max()))
assert len(ours) == limit and y.shape[1] == 1001 and abs(accuracy - right / limit) < 1e-12
assert (same | tie).all(), numpy.nonzero(~(same | tie))
assert abs(off).max() < 2.5, abs(off).max()
if limit == 200:
    assert abs(accuracy - 0.72) < 0.005 and tie.sum() == 8, (accuracy, tie.sum())
P
