#!/usr/bin/env bash
# population: sheets are listed and shown, estimated from data, and levels confuse as measured.
source "$(dirname "$0")/common.sh"

"$XBARTAB" population list --json >list.json
"$XBARTAB" population show wan_2022 --json >wan.json
"$XBARTAB" population show wan_2022 --levels 3 --step 2e-5 --time 86400 --json >places.json
"$XBARTAB" population show hfox_unverified >show.txt
grep -q "stuck: 9.04 % low-resistance, 1.75 % high-resistance" show.txt || fail "stuck-at shares"
grep -q "retention: median 3.154e+08 s at 358.15 K" show.txt || fail "retention"
eval "$("$XBARTAB" population --help | grep "^  xbartab population" | sed "s|xbartab|$XBARTAB|")" >confusion.csv || fail "the example"
$PYTHON - <<'P'
import json
names = {p["name"] for p in json.load(open("list.json"))["populations"]}
assert {"wan_2022", "milo_igvva100", "cmo_hfox", "pcm", "hfox_unverified", "techc", "ni_rram", "none"} <= names, names
wan = json.load(open("wan.json"))
row = [r for r in wan["figures"] if r["effect"] == "relaxation" and r["t"] == 86400 and abs(r["G"] - 40e-6) < 1e-12][0]
assert abs(row["sigma"] - 2.651e-6) < 1e-9 and row["trust"] == "published", row
there = [r for r in json.load(open("places.json"))["figures"] if r["effect"] == "relaxation"]
assert [(r["G"], r["t"]) for r in there] == [(0, 86400), (2e-5, 86400), (4e-5, 86400)] and there[2]["sigma"] == row["sigma"], there
rows = [list(map(float, l.split(","))) for l in open("confusion.csv")]
assert len(rows) == 16 and all(abs(sum(r) - 1) < 1e-3 for r in rows)
P
"$XBARTAB" population confusion none --levels 5 --time 1e9 | tr ',' '\n' | sort -u | tr '\n' ' ' | grep -q "^0.00000 1.00000 $" || fail "ideal devices"

refused 1 'no population is called "nobody"' "$XBARTAB" population show nobody
refused 2 "is not list, show, fit or confusion" "$XBARTAB" population draw x
refused 2 "usage: list, show NAME" "$XBARTAB" population fit x.yaml
refused 2 "--time -1 is outside 0 to 1e+15" "$XBARTAB" population show none --time -1
refused 1 "2 to 4096 levels" "$XBARTAB" population confusion none --levels 1
printf 'name: t\nsummary: s\nsource: s\nconductance: {min: 1 uS, max: 5 uS}\ndrift: 3\n' >bad.yaml
refused 1 "bad.yaml:5: Unexpected key: drift" "$XBARTAB" population show bad.yaml

# measured data
[ -d "$DATA/rram/relaxation" ] || { echo "no measured data in $DATA/rram" >&2; exit 0; }
[ "$SANITIZED" = 1 ] && exit 0
for name in ni_rram techc; do
    (cd "$XBARTAB_SOURCE" && "$XBARTAB" population fit "data/calibration/population_$name.yaml" --data "$DATA/rram" \
        -o "$scratch/$name.yaml") >/dev/null 2>notes.txt || fail "$name: $(cat notes.txt)"
    cmp "$name.yaml" "$XBARTAB_SOURCE/data/populations/$name.yaml" || fail "the shipped sheet of $name is not its fit"
done
"$XBARTAB_SOURCE/scripts/level-confusion" "$DATA" >confusions.txt 2>/dev/null || fail "levels confuse otherwise: $(cat confusions.txt)"
