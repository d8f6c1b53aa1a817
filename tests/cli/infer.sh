#!/usr/bin/env bash
# The embedded network on the embedded images: the JSON contract, predictions, and the same bits for any threads and
# instruction set. Then MNIST, where it is at hand.
source "$(dirname "$0")/common.sh"

images=300 checked=20 mnist_images=1000
[ "$SANITIZED" = 0 ] || images=60 checked=6 mnist_images=100
tile 32 32 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 6/' |
    sed 's/{model: nmos_level1}/{model: none}/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
"$XBARTAB" info t.h5 --json >info.json
$PYTHON -c 'import json; (s,) = json.load(open("info.json"))["solver"]; assert s["rows"] >= 32 and s["max_fs"] <= 1e-6, s'
digits=$XBARTAB_SOURCE/data/digits
run() {
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables t.h5 --images "$digits/test-images.idx.gz" \
        --labels "$digits/test-labels.idx.gz" --limit $images "$@" 2>/dev/null
}
run --json --check $checked --predictions p.csv --threads 1 >1.json
run --json --check $checked --predictions p2.csv --threads 3 >3.json
cmp p.csv p2.csv || fail "predictions depend on the threads"
run --json --check 2 --check-engine spice >s.json

# how tiles are used: every way to hold weights that suits the network is exact on ideal tiles
few=100
[ "$SANITIZED" = 0 ] || few=10
for weights in differential_columns differential_rows offset_column bias_flip twos_complement scrambled_twos_complement ternary_pair; do
    run --json --mode ideal --limit $few --weights $weights --rows-active 20 >w.json
    $PYTHON - $weights <<'P'
import json, sys
r = json.load(open("w.json"))
assert r["accuracy"]["ideal"] == r["accuracy"]["integer"] and r["rows_active"] == 20 and r["cells"] > r["weights"] > 0, (sys.argv, r)
P
done
run --json --mode ideal --limit $few --adc-bits 4 >full.json
run --json --mode ideal --limit $few --adc-bits 4 --adc-range mse >mse.json
$PYTHON -c 'import json; f, m = (json.load(open(n))["accuracy"] for n in ("full.json", "mse.json")); assert m["ideal"] > f["ideal"] and m["ideal"] > m["integer"] - 0.1, (f, m)'
run --weights xnor_pair --limit 1 && fail "XNOR pairs hold weights of 8 bits"
code=0
run --weights sideways || code=$?
[ $code = 2 ] || fail "--weights sideways is no usage error"
run --json --limit 60 --predictions own.csv >/dev/null
for isa in c avx2 avx512 neon; do
    if run --json --cpu $isa --limit 60 --predictions q.csv >/dev/null; then
        cmp own.csv q.csv || fail "predictions depend on the kernel"
    fi
done
$PYTHON - <<'P'
import csv, json
r = json.load(open("1.json"))
n = r["images"]
assert n in (300, 60) and r["tiles"] == 89, (n, r["tiles"])
a = r["accuracy"]
assert a["float"] > 0.97 and a["integer"] > 0.97 and a["ideal"] == a["integer"]
assert abs(a["table"] - a["integer"]) <= 0.02
c = r["check"]
assert c["samples"] in (6, 20) and c["engine"] == "solve" and 0 < c["rmse_fs"] < 0.003 and c["rmse_fs"] <= c["max_fs"]
assert c == json.load(open("3.json"))["check"]
s = json.load(open("s.json"))["check"]
assert s["engine"] == "spice" and s["samples"] == 2 and s["rmse_fs"] < 0.003
assert c["stored_rmse_fs"] / 2.5 <= c["rmse_fs"] <= 2.5 * c["stored_rmse_fs"] # from two sample tiles only
e = r["tile_error"]
assert 0 < e["rmse_fs"] <= e["worst_tile_rmse_fs"] <= e["max_fs"] < 0.004
assert 0 < e["worst_tile_adc_steps"] < 1
assert r["codes"] > 3e3 * n and 0 <= r["codes_outside"] < 0.01 * r["codes"]
rows = list(csv.reader(open("p.csv")))
assert rows[0][:3] == ["index", "label", "prediction"] and len(rows) == n + 1 and len(rows[1]) == 3 + 10
right = 0
for k, row in enumerate(rows[1:]):
    assert int(row[0]) == k
    y = [float(v) for v in row[3:]]
    assert y.index(max(y)) == int(row[2])
    right += row[1] == row[2]
assert right / n == a["table"]
P

if [ ! -e "$DATA/mnist/t10k-images-idx3-ubyte.gz" ]; then
    echo "no MNIST in $DATA: its part is skipped"
    exit 0
fi
"$XBARTAB" infer "$DATA/networks/opt-mnist.onnx" --tables t.h5 --images "$DATA/mnist/t10k-images-idx3-ubyte.gz" \
    --labels "$DATA/mnist/t10k-labels-idx1-ubyte.gz" --limit $mnist_images --json 2>/dev/null >mnist.json
$PYTHON - <<'P'
import json
r = json.load(open("mnist.json"))
a = r["accuracy"]
assert a["ideal"] == a["integer"] and a["table"] >= 0.98, a
assert a["float"] == {100: 0.9800, 1000: 0.9840}[r["images"]], a
assert a["integer"] >= 0.97, a
P
