#!/usr/bin/env bash
# The committed images are those that the generator draws today, and its trainer learns.
source "$(dirname "$0")/common.sh"

program=$XBARTAB_BUILD/xbartab-digits
"$program" generate --seed 2 --count 60 --images i.gz --labels l.gz
same() { # the first N bytes behind a header of H: FILE.gz FILE.gz H N
    $PYTHON -c 'import gzip, sys
a, b = (gzip.open(f).read()[int(sys.argv[3]):][:int(sys.argv[4])] for f in sys.argv[1:3])
sys.exit(a != b or len(a) != int(sys.argv[4]))' "$@"
}
same i.gz "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" 16 $((60 * 784)) || fail "the generator draws other images than the committed ones"
same l.gz "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" 8 60 || fail "the generator gives other labels than the committed ones"

"$program" train --seed 5 --count 640 --epochs 2 -o small.onnx >right.txt 2>/dev/null
right=$(cut -d' ' -f1 right.txt)
[ "$right" -gt 500 ] || fail "the trainer reaches $right of 1000"
"$program" train --seed 5 --count 640 --epochs 2 -o again.onnx >/dev/null 2>&1
cmp small.onnx again.onnx || fail "training is not repeatable"
refused 2 "needs generate with --images, or train with -o" "$program" paint

# the trainer of the other networks: repeatable, and what it writes runs as it says
train() { "$XBARTAB_BUILD/xbartab-train" "conv4k3p1 relu [ conv4k3p1 | ] max2e1 clip fc10" --images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" \
    --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" --limit 500 --test-images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" \
    --test-labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" --epochs 3 --weight-bits 3 "$@"; }
train -o a.onnx >right.txt 2>/dev/null
mkdir again
train -o again/a.onnx >/dev/null 2>&1 # the graph has the file's name
cmp a.onnx again/a.onnx || fail "xbartab-train is not repeatable"
"$XBARTAB" infer a.onnx --images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" \
    --mode integer --weight-bits 3 --json >ran.json 2>/dev/null
$PYTHON -c 'import json
a, right = json.load(open("ran.json"))["accuracy"], int(open("right.txt").read().split()[0]) / 1000
assert right > 0.6 and abs(a["float"] - right) <= 0.001 and abs(a["integer"] - right) < 0.03, (a, right)'
refused 1 "is no layer" "$XBARTAB_BUILD/xbartab-train" "pool" --images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" \
    --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" -o c.onnx
