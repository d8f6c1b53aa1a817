#!/bin/bash
# Networks with open axes: --input-shape, or the images' sizes; floats of other widths than 32 bits as images.
. "$(dirname "$0")/common.sh"

# A convolution and means over an image of any size, as bytes of protobuf: y = means of two filters.
"$PYTHON" - <<'PY'
import struct
import numpy as np

def varint(v):
    out = b""
    while True:
        out += bytes([v & 127 | (128 if v > 127 else 0)])
        v >>= 7
        if not v:
            return out

def number(field, v): return varint(field << 3) + varint(v)
def data(field, b): return varint(field << 3 | 2) + varint(len(b)) + (b.encode() if isinstance(b, str) else b)
def node(kind, inputs, output, *attributes):
    return data(1, b"".join(data(1, i) for i in inputs) + data(2, output) + data(4, kind) + b"".join(data(5, a) for a in attributes))
def value(field, name, axes):
    shape = b"".join(data(1, data(2, a) if isinstance(a, str) else number(1, a)) for a in axes)
    return data(field, data(1, name) + data(2, data(1, number(1, 1) + data(2, shape))))

weights = np.array([[1, 2, 1, 0, 0, 0, -1, -2, -1], [1, 0, -1, 2, 0, -2, 1, 0, -1]], "<f4")
tensor = b"".join(number(1, d) for d in (2, 1, 3, 3)) + number(2, 1) + data(8, "W") + data(9, weights.tobytes())
graph = (node("Conv", ["x", "W"], "a") + node("Relu", ["a"], "b") + node("GlobalAveragePool", ["b"], "c")
         + node("Flatten", ["c"], "y") + data(5, tensor)
         + value(11, "x", ["N", 1, "height", "width"]) + value(11, "unused", ["N", "M"]) + value(12, "y", ["N", 2]))
open("open.onnx", "wb").write(number(1, 10) + data(7, graph) + data(8, number(2, 22)))
rng = np.random.default_rng(3)
images = rng.uniform(0, 1, (6, 1, 8, 9))
np.save("f4.npy", images.astype("<f4"))
np.save("f8.npy", images.astype("<f4").astype("<f8"))
np.save("big.npy", images.astype("<f4").astype(">f8"))
y = np.zeros((6, 2))
for f in range(2):
    w = weights[f].reshape(3, 3).astype(float)
    x = images.astype("<f4").astype(float)[:, 0]
    sums = sum(w[i, j] * x[:, i:6 + i, j:7 + j] for i in range(3) for j in range(3))
    y[:, f] = np.maximum(sums, 0).mean((1, 2))
np.savetxt("labels.txt", y.argmax(1), "%d")
np.savetxt("expected.txt", y, "%.9g")
PY

# check_outputs FILE: the predictions of a run against NumPy's.
check_outputs() {
    "$PYTHON" - "$1" <<'PY'
import sys
import numpy as np
got = np.genfromtxt(sys.argv[1], delimiter=",", skip_header=1)[:, -2:]
wanted = np.loadtxt("expected.txt")
assert np.abs(got - wanted).max() < 1e-6, (got, wanted)
PY
}

for images in f4 f8 big; do
    "$XBARTAB" infer open.onnx --images $images.npy --labels labels.txt --mode float --predictions p.csv --json >r.json 2>/dev/null
    check_outputs p.csv || fail "other outputs on $images.npy"
    grep -q '"float": 1.0' r.json || fail "an accuracy below 1 on $images.npy: $(cat r.json)"
done
"$XBARTAB" infer open.onnx --images f4.npy --labels labels.txt --mode float --predictions q.csv \
    --input-shape x=1,1,8,9 --input-shape unused=1,5 >/dev/null 2>&1
cmp p.csv q.csv || fail "other outputs with the shape said"

"$XBARTAB" network open.onnx --input-shape x=1,1,12,20 --json >n.json
grep -q '"products": 180' n.json || fail "not 10 x 18 vectors: $(cat n.json)"
"$XBARTAB" network open.onnx --images f8.npy --json >n.json
grep -q '"products": 42' n.json || fail "not 6 x 7 vectors: $(cat n.json)"

refused 1 'axis 2 (height) of input "x" has no fixed size' "$XBARTAB" network open.onnx
refused 1 'input "x" takes 240 numbers; the images have 1 x 8 x 9' "$XBARTAB" infer open.onnx --images f4.npy --labels labels.txt \
    --mode float --input-shape x=1,1,12,20

# every verb says what does not fit in one line, as a mistake of its use
tile 8 8 >tile.yaml
run=(--images f4.npy --labels labels.txt)
for verb in "network open.onnx" "infer open.onnx ${run[*]} --mode float" "explain open.onnx ${run[*]} --tables none.h5" \
    "sweep tile.yaml --network open.onnx ${run[*]} --set scheme.adc_bits=4,6 -o s.csv"; do
    refused 2 'a shape for "z", which is no input; there is: "x", "unused"' "$XBARTAB" $verb --input-shape z=1,1,8,9
    refused 2 'a shape of 3 axes for input "x" of 4' "$XBARTAB" $verb --input-shape x=1,8,9
    refused 2 'axis 1 of input "x" has 1 in the file, not 3' "$XBARTAB" $verb --input-shape x=1,3,8,9
    refused 2 'counts images, which run one at a time: 1, not 6' "$XBARTAB" $verb --input-shape x=6,1,8,9
    for text in x x= =1,2 x=1,,2 x=1,0 x=1,-2 x=1,2, x=1,2,3,4,5,6,7 x=1,9999999999999999999999; do
        refused 2 "--input-shape $text is not NAME=D,D,... with 2 to 6 sizes from 1 up" "$XBARTAB" $verb --input-shape "$text"
    done
done
