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
