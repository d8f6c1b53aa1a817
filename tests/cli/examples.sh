#!/usr/bin/env bash
# The examples in C, one after the other, against what the program says of the same files.
source "$(dirname "$0")/common.sh"
steps=$XBARTAB_BUILD/examples
tile 16 16 >tile.yaml
digits=$XBARTAB_SOURCE/data/digits/test
"$steps/step1_cell" tile.yaml >cell.txt || fail "step 1"
grep -q '16 x 16 cells, each [0-9.e-]* to [0-9.e+]* uS' cell.txt || fail "step 1: $(cat cell.txt)"
"$steps/step2_tables" tile.yaml t.h5 >tables.txt || fail "step 2"
"$steps/step3_tile" t.h5 >product.txt || fail "step 3"
"$steps/step4_crossbar" >crossbar.txt || fail "step 4"
"$steps/step5_network" "$XBARTAB_SOURCE/data/networks/digits.onnx" t.h5 $digits-images.idx.gz $digits-labels.idx.gz >network.txt ||
    fail "step 5"
"$XBARTAB" info t.h5 --json >info.json
"$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables t.h5 --images $digits-images.idx.gz \
    --labels $digits-labels.idx.gz --limit 200 --check 20 --json >infer.json 2>/dev/null
cat cell.txt tables.txt product.txt crossbar.txt network.txt
$PYTHON - <<'P'
import json, re
import numpy
transfer = json.load(open("info.json"))["transfer"]
assert "RMSE %.4f %% of full scale, largest %.4f %%" % (100 * transfer["heldout_rmse_fs"], 100 * transfer["heldout_max_fs"]) in open("tables.txt").read()
codes = [tuple(map(int, m)) for m in re.findall(r"code (-?\d+), ideally (-?\d+)", open("product.txt").read())]
assert len(codes) == 4 and all(abs(code - ideal) <= 0.05 * ideal + 1 for code, ideal in codes), codes
assert all(a < b for (a, _), (b, _) in zip(codes, codes[1:])), codes
r = json.load(open("infer.json"))
a, c = r["accuracy"], r["check"]
text = open("network.txt").read()
assert "float %.1f %%, integers %.1f %%, ideal tiles %.1f %%, tables %.1f %% of 200 images" % tuple(
    100 * a[k] for k in ("float", "integer", "ideal", "table")) in text, (text, a)
assert "%d products solved again: within %.4f %% of full scale" % (c["samples"], 100 * c["rmse_fs"]) in text, (text, c)

# the crossbar by nodal analysis: word nodes w[i][j], bit nodes b[i][j]
G = numpy.array([[1e-4, 2e-4], [1e-4, 5e-5], [0, 1e-4]])
V, g = [0.2, 0.2, 0.1], 1 / 2.5
rows, columns = G.shape
n = rows * columns
A, rhs = numpy.zeros((2 * n, 2 * n)), numpy.zeros(2 * n)


def join(a, b, conductance):
    A[a, a] += conductance
    if b is not None:
        A[b, b] += conductance
        A[a, b] -= conductance
        A[b, a] -= conductance


for i in range(rows):
    for j in range(columns):
        w, b = i * columns + j, n + i * columns + j
        join(w, w - 1 if j else None, g)
        if not j:
            rhs[w] += g * V[i]
        join(b, b + columns if i < rows - 1 else None, g)
        join(w, b, G[i, j])
v = numpy.linalg.solve(A, rhs)
I = [1e6 * g * v[n + (rows - 1) * columns + j] for j in range(columns)]
mine = [float(x) for x in re.findall(r": ([0-9.]+) uA", open("crossbar.txt").read())]
assert numpy.allclose(mine, I, atol=6e-5), (mine, I)
P
