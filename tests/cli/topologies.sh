#!/usr/bin/env bash
# Every topology, polarity, drive and sense: solve against ngspice for linear devices, to 1e-6 of the largest figure.
source "$(dirname "$0")/common.sh"

cat >compare.py <<'P'
import itertools, json, numpy, os, subprocess, sys

def run(*arguments):
    return json.loads(subprocess.run([os.environ["XBARTAB"], "solve", *arguments, "--json"], check=True,
                                     capture_output=True, text=True).stdout)

def compare(*arguments):
    ours, spice = run(*arguments), run(*arguments, "--engine", "spice")
    worst = 0
    for key in ("i_out", "i_device", "v_word", "v_bit"):
        a, b = numpy.array(ours[key]), numpy.array(spice[key])
        assert a.shape == b.shape, key
        worst = max(worst, abs(a - b).max() / abs(numpy.array(spice["v_word" if key[0] == "v" else key])).max())
    assert worst <= 1e-6, (arguments, worst)
    assert abs(numpy.array(ours["i_device"]).sum(axis=1) - ours["i_out"]).max() <= 1e-9 * abs(numpy.array(ours["i_out"])).max()
    return worst, ours

# (topology, polarity, drive, sense)
circuits = [c for t in (("word_line_input", ("left", "right", "both")), ("gate_input", ("top", "bottom", "both")))
            for c in itertools.product((t[0],), ("uniform", "alternating"), t[1], ("bottom", "top"))]

def words(circuit):
    return [w for pair in zip(("--topology", "--polarity", "--drive", "--sense"), circuit) for w in pair]
P

cat >linear.py <<'P'
from compare import *

r = numpy.random.default_rng(3)
wires = (["--r-bit", "10", "--r-source", "20", "--r-sink", "7"], ["--r-bit", "2"], [])
shapes, worst, n = ((7, 5), (13, 17), (16, 16)), 0, 0
for k, circuit in enumerate(circuits):
    has_gates, alternates = circuit[0] == "gate_input", circuit[1] == "alternating"
    for size in (k % 3,) if int(sys.argv[1]) else range(3):
        rows, columns = shapes[size]
        if has_gates and alternates: rows += rows % 2
        R = 10 ** r.uniform(3, 6, (rows, columns))
        R[r.uniform(size=R.shape) < 0.1] = numpy.inf
        V = 0.2 * (r.uniform(size=(rows, 3)) < 0.6)
        if alternates and not has_gates: V[1::2] *= -1
        numpy.savetxt("R.csv", R, delimiter=",", fmt="%.17g")
        numpy.savetxt("V.csv", V, delimiter=",", fmt="%.17g")
        more = ["--read-voltage", "0.2", "--r-source-line", "3"] if has_gates else ["--r-word", "2.5"]
        some = wires[(k + size) % 3] + (more if (k + size) % 3 == 0 else more[:2] if has_gates else [])
        found, _ = compare("--resistances", "R.csv", "--voltages", "V.csv", *words(circuit), *some)
        worst, n = max(worst, found), n + 1
print("%d linear crossbars: %.1e" % (n, worst))

# two lines of one column, all devices equal: between them u = V_bit - V_source obeys u'' = (r_bit + r_source) G u, and
# r_source V_bit + r_bit V_source runs straight; driven at the top and sensed at the bottom, or both at the top
n, G, rb, rs, V0 = 13, 1e-4, 30.0, 12.0, 0.2
numpy.savetxt("R.csv", numpy.full((n, 1), 1 / G), fmt="%.17g")
numpy.savetxt("V.csv", numpy.ones((n, 1)), fmt="%.17g")
theta = numpy.arccosh(1 + (rb + rs) * G / 2)
k = numpy.arange(-1, n + 1)
basis = (numpy.cosh(theta * k), numpy.sinh(theta * k), numpy.ones(n + 2), k.astype(float)) # of u, u, line, line

def lines(c):
    u, straight = c[0] * basis[0] + c[1] * basis[1], c[2] * basis[2] + c[3] * basis[3]
    return (straight + rb * u) / (rb + rs), (straight - rs * u) / (rb + rs) # V_bit, V_source from -1 to n

for sense in ("bottom", "top"):
    first, last = 0, n + 1
    rows = []
    for m in range(4):
        c = numpy.eye(4)[m]
        bit, source = lines(c)
        free = first if sense == "bottom" else last
        inner = 1 if sense == "bottom" else n
        rows.append((bit[first], bit[last] - bit[n], source[last if sense == "bottom" else first],
                     source[free] - source[inner]))
    c = numpy.linalg.solve(numpy.array(rows).T, (V0, 0, 0, 0))
    bit, source = lines(c)
    ours = run("--resistances", "R.csv", "--voltages", "V.csv", "--topology", "gate_input", "--read-voltage", "0.2",
               "--r-bit", "30", "--r-source-line", "12", "--sense", sense)
    off = max(abs(numpy.array(ours["v_word"])[0, :, 0] - bit[1:-1]).max(), abs(numpy.array(ours["v_bit"])[0, :, 0] - source[1:-1]).max())
    assert off <= 1e-9 * V0, off
    print("two-line ladder sensed at the %s: %.1e of the read voltage" % (sense, off / V0))
P
$PYTHON linear.py "$SANITIZED"

# words and combinations that are refused
printf '1e3,1e4\n1e5,1e3\n1e4,1e4\n' >R.csv
printf '0.1\n0.2\n0\n' >V.csv
linear="solve --resistances R.csv --voltages V.csv"
refused 2 "--drive top is not one of: left, right, both" "$XBARTAB" $linear --drive top
refused 2 "--drive left is not one of: top, bottom, both" "$XBARTAB" $linear --topology gate_input --drive left
refused 2 "--topology gate_input needs --read-voltage" "$XBARTAB" $linear --topology gate_input
refused 1 "stand in pairs" "$XBARTAB" $linear --topology gate_input --read-voltage 0.2 --polarity alternating
