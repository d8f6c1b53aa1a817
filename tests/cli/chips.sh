#!/usr/bin/env bash
# Simulated chips on the command line: accuracy falls with spread, the same bits for any threads, ages and faults in the
# JSON, nonsense refused; and what explain says of them.
source "$(dirname "$0")/common.sh"

tile 64 64 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0/' |
    sed 's/{model: nmos_level1}/{model: none}/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
digits=$XBARTAB_SOURCE/data/digits
common=("$XBARTAB_SOURCE/data/networks/digits.onnx" --tables t.h5 --images "$digits/test-images.idx.gz"
    --labels "$digits/test-labels.idx.gz")
sheet() {
    printf 'name: t\nsummary: s\nsource: s\nconductance: {min: 0.5 uS, max: 10 uS}\ntemperature: 300 K\n'
    printf 'programming: {family: normal, sigma: {value: %s uS}, source: s, trust: assumed}\n' "$1"
    printf 'relaxation: {law: power, t0: 1 s, nu_mean: {value: 0.02}, nu_sigma: {value: 0.01}, source: s, trust: assumed}\n'
    printf 'stuck: {stuck_lrs: 0.5 %%, stuck_hrs: 0.5 %%, source: s, trust: assumed}\n'
}
limit=100 few=5
[ "$SANITIZED" = 0 ] || limit=20 few=1 # and what explain says of chips is test_explain's alone
run() { "$XBARTAB" infer "${common[@]}" --limit $limit --seed 3 --json "$@" 2>/dev/null; }
for spread in 0 0.3 1 3; do
    sheet $spread >s$spread.yaml
    run --population ./s$spread.yaml --threads 1 >$spread.json
done
run --population ./s1.yaml --chips 2 --time 0 --time 1d --threads 3 >many.json
[ "$SANITIZED" = 1 ] ||
    "$XBARTAB" explain "${common[@]}" --limit 20 --population ./s1.yaml --without-layers --json --plot e.svg 2>/dev/null >e.json
$PYTHON - <<'P'
import json, os
a = [json.load(open(f"{s}.json")) for s in ("0", "0.3", "1", "3")]
table = [x["accuracy"]["table"] for x in a]
print(table)
assert table[0] > 0.9 and table[0] >= table[1] - 0.02 and table[1] >= table[2] - 0.02 and table[3] < table[2] - 0.2, table
for x, s in zip(a, (0, 0.3, 1, 3)):
    (t,) = x["chips"]["times"]
    (c,) = t["chips"]
    assert c["accuracy"] == t["mean"] == x["accuracy"]["table"] and t["sigma"] == 0
    assert abs(c["rms_written"] / (s * 1e-6) - 1) < 0.35 if s else c["rms_written"] == 0 # floored at 0
    assert abs(c["stuck"] / c["cells"] - 0.01) < 4 * (0.01 / c["cells"]) ** 0.5
whole = json.load(open("many.json"))
m = whole["chips"]
assert m["programming_seconds"] > 0 and abs(whole["images_per_second"] * m["running_seconds"] / (4 * whole["images"]) - 1) < 1e-9
assert m["n"] == 2 and [t["time"] for t in m["times"]] == [0, 86400]
assert m["times"][0]["chips"][0] == a[2]["chips"]["times"][0]["chips"][0] # alone and together, 1 and 3 threads
assert m["times"][1]["chips"][0]["rms_read"] > m["times"][0]["chips"][0]["rms_read"]
if not os.path.exists("e.json"): raise SystemExit
picture = open("e.svg").read()
assert all(word in picture for word in ("ir_drop", "points of accuracy", "outputs off")), picture[:200]
e = json.load(open("e.json"))
assert set(e["effects"]) == {"quantization", "adc", "ir_drop", "nonlinearity", "tia", "programming", "faults"}
assert [x["name"] for x in e["layers"]] == ["conv1", "conv2", "digit"] and e["worst_tile"]["rmse_codes"] > 0
for x in e["effects"].values():
    assert x["alone"]["error"] >= 0 and x["alone"]["output_change"] >= 0
assert e["effects"]["programming"]["alone"]["output_change"] > 0.01 and e["accuracy"]["output_change"] > 0.01
P
# another scheme, explained too: the accuracy with all effects is infer's own
scheme=(--weights offset_column --rows-active 32)
"$XBARTAB" explain "${common[@]}" --limit $few --refine 0 "${scheme[@]}" --without-layers --json \
    2>/dev/null >scheme.json
"$XBARTAB" infer "${common[@]}" --limit $few --refine 0 "${scheme[@]}" --json 2>/dev/null >own.json
$PYTHON - <<'P'
import json
e, i = json.load(open("scheme.json")), json.load(open("own.json"))
assert abs(e["accuracy"]["all"] - i["accuracy"]["table"]) < 1e-12, (e["accuracy"], i["accuracy"])
assert abs(e["accuracy"]["integer"] - i["accuracy"]["integer"]) < 1e-12
P

"$XBARTAB" infer "${common[@]}" --limit 5 --population wan_2022 >text.txt 2>warned.txt
grep -q "are not the window of population wan_2022" warned.txt || fail "no word on a window that does not fit"
grep -q "^1 simulated chip of population wan_2022:$" text.txt || fail "no chip in the text"
grep -qE "^each chip took [0-9.e-]+ s to program and [0-9.e-]+ s to run$" warned.txt || fail "no time: $(cat warned.txt)"
refused 1 'no population is called "nobody"' "$XBARTAB" infer "${common[@]}" --population nobody
refused 2 "simulated chips need --population" "$XBARTAB" infer "${common[@]}" --chips 3
refused 2 "--time never is no time" "$XBARTAB" infer "${common[@]}" --population none --time never
refused 2 "simulated chips need --mode table or solve" "$XBARTAB" infer "${common[@]}" --population none --mode ideal
refused 2 "one --time at a time" "$XBARTAB" explain "${common[@]}" --population none --time 0 --time 1s
refused 2 "--weights sideways is none of" "$XBARTAB" explain "${common[@]}" --weights sideways
refused 1 'no architecture is called "nobody"' "$XBARTAB" explain "${common[0]}" "${common[@]:3}" --arch nobody
refused 2 "knows no simulated chips" "$XBARTAB" infer "${common[@]}" --population none --check 3 --check-engine spice

# chips written pulse by pulse with the tables' own pulses, which set at once and reset step by step: every cell ends in its
# tolerance, with more pulses for a smaller one, and with too few of them does not; tables and exact circuits agree
[ "$SANITIZED" = 0 ] || exit 0
sed -e 's/tiles: 8, tiles_heldout: 4, vectors: 16/tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0/' \
    "$XBARTAB_SOURCE/data/tiles/default.yaml" >pulses.yaml
cat >>pulses.yaml <<'Y'
write:
  set: {amplitude: [2.1 V], width: [10 ns], gate: [0.6 V]}
  reset: {amplitude: [-1.4 V, -1.6 V, -1.8 V], width: [2 ns, 10 ns], gate: [3 V]}
  conductances: 7
  train: 2
Y
"$XBARTAB" characterize pulses.yaml -o pulses.h5 -j 2 >/dev/null 2>&1
sheet 0 | grep -v "stuck\|programming" >own.yaml
written=("${common[0]}" --tables pulses.h5 "${common[@]:3}" --population ./own.yaml --program verify --json)
"$XBARTAB" infer "${written[@]}" --limit 20 --tolerance 0.05 2>/dev/null >wide.json
"$XBARTAB" infer "${written[@]}" --limit 20 --tolerance 0.01 2>/dev/null >narrow.json
"$XBARTAB" infer "${written[@]}" --limit 20 --tolerance 0.01 --pulses 2 2>/dev/null >few.json
"$XBARTAB" infer "${written[@]}" --limit 1 --tolerance 0.01 --mode solve 2>/dev/null >solve.json
$PYTHON - <<'P'
import json
r = {k: json.load(open(k + ".json")) for k in ("wide", "narrow", "few", "solve")}
c = {k: x["chips"]["times"][0]["chips"][0] for k, x in r.items()}
print({k: (x["accuracy"], x["pulses"], x["unverified"], x["rms_written"]) for k, x in c.items()})
assert c["wide"]["unverified"] == c["narrow"]["unverified"] == 0 and c["few"]["unverified"] > 0.1 * c["few"]["cells"]
assert c["wide"]["rms_written"] < 0.05 * 10e-6 and c["narrow"]["rms_written"] < 0.01 * 10e-6 < c["few"]["rms_written"]
assert c["narrow"]["pulses"] > c["wide"]["pulses"] > c["few"]["pulses"] > 0 and c["narrow"]["energy"] > c["wide"]["energy"] > 0
assert r["narrow"]["accuracy"]["table"] > 0.95 and c["solve"]["accuracy"] == 1
assert c["solve"]["rms_written"] == c["narrow"]["rms_written"] # the same cells, whatever solves them
P
