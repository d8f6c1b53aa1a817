#!/usr/bin/env bash
# bench: every part reports, and its ratios are those of the times beside them; how fast anything is, no test says.
source "$(dirname "$0")/common.sh"

cat >tile.yaml <<'Y'
name: resistors
cell: {rram: {model: resistor}, selector: {model: none}}
levels: {count: 4, g_min: 1 uS, g_max: 10 uS}
array: {rows: 16, columns: 16}
wire: {word: 1 ohm, bit: 1 ohm}
dac: {read_voltage: 200 mV}
tia: {model: ideal}
adc: {bits: 8}
Y
parts=(kernel program threads scale)
[ "$SANITIZED" = 1 ] || parts+=(solve)
"$XBARTAB" bench "${parts[@]}" --tile tile.yaml --largest 128 --json >bench.json
"$XBARTAB" bench scale --tile tile.yaml --largest 64 >text.txt
grep -q "64" text.txt || fail "$(cat text.txt)"
$PYTHON - <<'P'
import json, math
b = json.load(open("bench.json"))
near = lambda a, b, rel=1e-9: abs(a - b) <= rel * abs(b) or exit("%r, %r wanted" % (a, b))
k = b["kernel"]
near(k["sgemm_ratio"], k["sgemm_ns"] / k["ns"])
assert k["isa"] in ("c", "avx2", "avx512", "neon") and k["sgemm_core"] and k["pack_ns"] > 0
for bits in range(1, 9): # sums of 16 bits for each pattern of 4 bits of codes of a group's lines, or for each code of one line
    sums = 2 * 16 / (4 // bits) if bits <= 4 else 2 * 2 ** bits
    assert 0 <= k["dac%d" % bits]["bytes_per_cell"] - sums < 3 and k["dac%d" % bits]["ns"] > 0, (bits, k["dac%d" % bits])
assert b["program"]["128"]["seconds"] > 0 and b["threads"]["efficiency"] > 0 and b["threads"]["threads"] == 2
s = b["scale"]
assert set(s) == {"64", "128", "exponent"} and s["128"]["bytes"] > 3 * s["64"]["bytes"] > 64 * 64 * 3 * 8
near(s["exponent"], math.log(s["128"]["seconds"] / s["64"]["seconds"]) / math.log(2), 1e-6)
for n, x in b.get("solve", {}).items():
    assert 0 <= x["max_rel_diff"] < 1e-6 and x["seconds"] > 0, (n, x)
    near(x["ngspice_ratio"], x["ngspice_seconds"] / x["seconds"])
    near(x["ngspice_fresh_ratio"], x["ngspice_fresh_seconds"] / x["seconds"])
assert "solve" not in b or {"16", "32", "64"} <= set(b["solve"])
P
refused 2 "nothing: no such part" "$XBARTAB" bench nothing
refused 2 "--largest 5 is outside 64 to 4096" "$XBARTAB" bench scale --largest 5
refused 2 "--cpu abacus" "$XBARTAB" bench kernel --cpu abacus
