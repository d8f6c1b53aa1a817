#!/usr/bin/env bash
# Images and labels: what is no number or no label, files that unpack to far more than they are, predictions without
# labels, and pixels that a network does not expect.
source "$(dirname "$0")/common.sh"

network=$XBARTAB_SOURCE/data/networks/digits.onnx
images=$XBARTAB_SOURCE/data/digits/test-images.idx.gz
labels=$XBARTAB_SOURCE/data/digits/test-labels.idx.gz
infer() { "$XBARTAB" infer "$network" --mode integer "$@"; }

# predictions need no labels, and are the same with them
infer --images "$images" --limit 20 --predictions p.csv --json >r.json 2>/dev/null
infer --images "$images" --labels "$labels" --limit 20 --predictions q.csv --json >s.json 2>/dev/null
infer --images "$images" --limit 20 --predictions t.csv >r.txt 2>/dev/null
$PYTHON - <<'P'
import csv, json
r, s = json.load(open("r.json")), json.load(open("s.json"))
assert "accuracy" not in r and r["images"] == 20 and r["mode"] == "integer", r
p, q = (list(csv.DictReader(open(f))) for f in ("p.csv", "q.csv"))
assert all(x["label"] == "" for x in p) and all(x["label"] for x in q)
assert [{**x, "label": ""} for x in q] == p and len(p) == 20
right = sum(x["label"] == x["prediction"] for x in q) / 20
assert abs(s["accuracy"]["integer"] - right) < 1e-12, (s, right)
assert "predictions for 20 images without labels, by mode integer: t.csv" in open("r.txt").read()
assert "accuracy" not in open("r.txt").read()
P
rm -f [pqt].csv [rs].json r.txt
refused 1 "has no labels of its own; give" infer --images "$images"

# not a number, no label
$PYTHON - <<'P'
import gzip, numpy
from os import environ
raw = gzip.open(environ["XBARTAB_SOURCE"] + "/data/digits/test-images.idx.gz").read()[16:]
x = numpy.frombuffer(raw, "u1").reshape(-1, 28, 28)[:5].astype("f4") / 255
numpy.save("good.npy", x)
for name, bad in (("nan", numpy.nan), ("inf", numpy.inf)):
    y = x.copy()
    y[3, 2, 5] = bad
    numpy.save(name + ".npy", y)
numpy.save("minus.npy", numpy.array([1, 2, -1, 4, 5], "i1"))
numpy.save("ten.npy", numpy.array([1, 2, 3, 4, 10], "i8"))
P
refused 1 "nan.npy: image 3: number 61 of 784 is nan; pixels must be finite" infer --images nan.npy --predictions p.csv
refused 1 "inf.npy: image 3: number 61 of 784 is inf" infer --images inf.npy --predictions p.csv
refused 1 "nan.npy: image 3" infer --images nan.npy --limit 3 --predictions p.csv # it sets ranges, whatever the limit
infer --images nan.npy --limit 3 --predictions p.csv --calibration-images good.npy >/dev/null 2>&1 ||
    fail "the image that is no number was not asked for"
rm p.csv
refused 1 "minus.npy: label 2 is negative or too large" infer --images good.npy --labels minus.npy
refused 1 "label 10 of image 4 is none of the network's 10 outputs" infer --images good.npy --labels ten.npy
refused 1 "label 10 of image 4 is none" "$XBARTAB" network "$network" --sensitivity --images good.npy --labels ten.npy

# 277 MB of zeros in 1.2 MB: all images are refused before any memory is taken, some are read in little of it
{ printf '\0\0\010\003\0\005\145\350\0\0\0\034\0\0\0\034'; head -c 277354112 /dev/zero; } | gzip -1 >zeros.idx.gz
refused 1 "zeros.idx.gz: 277354112 bytes of images in a gzip file of" infer --images zeros.idx.gz --predictions p.csv
refused 1 "zeros.idx.gz: 277354112 bytes of images in a gzip file of" \
    bash -c 'ulimit -t 5; exec "$@"' - "$XBARTAB" infer "$network" --mode float --images zeros.idx.gz --predictions p.csv
peak() { $PYTHON -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"; }
few=$(peak "$XBARTAB" infer "$network" --mode float --threads 1 --images zeros.idx.gz --limit 5 --predictions p.csv)
own=$(peak "$XBARTAB" infer "$network" --mode float --threads 1 --images "$images" --limit 5 --predictions p.csv)
echo "5 images of a file of 277 MB: $few KB, of one of 0.8 MB: $own KB"
[ "$few" -lt $((own + 4000)) ] || fail "5 images take $few KB, not $own KB"
rm -f zeros.idx.gz p.csv

# bytes as 0..1 where a quantizer takes 0..255
resnet=$DATA/networks/onnx/resnet8_cifar10_int8.onnx cifar=$DATA/cifar10/cifar10_test1000.bin.gz
if [ -e "$resnet" ] && [ -e "$cifar" ]; then
    warned() { "$XBARTAB" infer "$resnet" --mode float --images "$cifar" --limit 2 "$@" 2>&1 >/dev/null | grep -c "warning: images of bytes" || true; }
    [ "$(warned)" = 1 ] || fail "pixels of 0..1 are not told"
    [ "$(warned --raw-pixels)" = 0 ] || fail "pixels of 0..255 are told"
    "$XBARTAB" infer "$resnet" --mode float --images "$cifar" --limit 2 2>&1 >/dev/null |
        grep -q -- 'fed as 0..1, take codes -128 to -127, where -128 to 127 are, of the first quantizer .*; --raw-pixels feeds them' ||
        fail "--raw-pixels is not named"
fi
