#!/usr/bin/env bash
# Every device, selector and TIA works in a small array with the partners that make sense; what cannot work is refused
# with its numbers; and no line of C knows any of them by name.
source "$(dirname "$0")/common.sh"

# One command characterizes every pair; under sanitizers a few of them.
"$XBARTAB" compare --list >pairs.txt
some=sky130_gap:none,sky130_gap:nmos_level1,resistor:tunnel,resistor:ots,stanford_v1:exponential
[ "$SANITIZED" = 0 ] || only=(--pairs "$some")
"$XBARTAB" compare --size 8 -o pairs --csv pairs.csv --json "${only[@]+"${only[@]}"}" >pairs.json 2>progress.txt ||
    fail "$(cat progress.txt)"
for tia in ideal divider cmos_two_stage; do
    "$XBARTAB" compare --size 8 --pairs sky130_gap:nmos_level1,resistor:ots --tia $tia --json >$tia.json 2>/dev/null || fail $tia
done
[ "$(ls)" = "$(printf '%s\n' cmos_two_stage.json divider.json ideal.json pairs pairs.csv pairs.json pairs.txt progress.txt)" ] ||
    fail "files: $(ls)"

$PYTHON - "$XBARTAB_SOURCE" "$SANITIZED" <<'Q'
import csv, glob, json, os, sys
pairs = json.load(open("pairs.json"))["pairs"]
for name in ("pairs", "ideal", "divider", "cmos_two_stage"):
    for p in json.load(open(name + ".json"))["pairs"]:
        assert "error" not in p and p["failed"] == 0 and 0 < p["heldout_rmse_fs"] < 1e-3, (name, p)
        assert p["on_off"] >= 0.99 * p["g_max"] / p["g_min"] and 0 < p["ir_drop"] < 1 and p["read_energy"] > 0, (name, p)
        assert p["settling"] > 0, (name, p)
by_name = {p["rram"] + ":" + p["selector"]: p for p in pairs}
gap = by_name["sky130_gap:none"]
assert abs(gap["on_off"] / 336 - 1) < 0.01 and abs(gap["chord"] / 1.036 - 1) < 0.002, gap # 9.98 kohm to 3.36 Mohm; sinh(V/V0)
tunnel = by_name["resistor:tunnel"] # two in series: the selector's voltage for I and I/2.. by hand below
from math import asinh
i_s, v_t, V, G = 5.778e-12, 0.12, tunnel["read_voltage"], tunnel["g_max"]
R = V / (G * V) - v_t * asinh(G * V / 2 / i_s) / (G * V)
def at(v):
    low, high = 0.0, v / R
    for _ in range(200):
        i = (low + high) / 2
        low, high = (i, high) if i * R + v_t * asinh(i / 2 / i_s) < v else (low, i)
    return low
assert abs(tunnel["half_select"] / (at(V) / at(V / 2)) - 1) < 0.01, (tunnel["half_select"], at(V) / at(V / 2))
rows = list(csv.DictReader(open("pairs.csv")))
assert [(r["rram"], r["selector"]) for r in rows] == [(p["rram"], p["selector"]) for p in pairs]
assert all(abs(float(r["ir_drop"]) / p["ir_drop"] - 1) < 1e-6 for r, p in zip(rows, pairs))
if sys.argv[2] == "0":
    models = lambda kind: {os.path.basename(f)[:-5] for f in glob.glob(sys.argv[1] + "/devicemodels/" + kind + "/*.yaml")}
    listed = {tuple(l.split()[0].split(":")) for l in open("pairs.txt")}
    assert listed == {(p["rram"], p["selector"]) for p in pairs}
    assert {r for r, s in listed} == models("rram"), models("rram") - {r for r, s in listed}
    assert {s for r, s in listed} == models("selector"), models("selector") - {s for r, s in listed}
    assert models("tia") == {"opamp", "ideal", "divider", "cmos_two_stage"}
Q

# what is there already is not run again, what is told stays the same; a table of another size is
touch -d '2001-01-01' pairs/*.h5
"$XBARTAB" compare --size 8 -o pairs --pairs $some --csv again.csv >/dev/null 2>&1
grep -f <(tail -n +2 again.csv) -Fxc pairs.csv | grep -qx 5 || fail "the same pairs tell something else"
[ -z "$(find pairs -name '*.h5' -newermt 2002-01-01)" ] || fail "tables made again"
"$XBARTAB" compare --size 6 -o pairs --pairs resistor:tunnel >/dev/null 2>&1
[ "$(find pairs -name '*.h5' -newermt 2002-01-01)" = pairs/resistor-tunnel.h5 ] || fail "a table of another size is not made"
"$XBARTAB" characterize pairs/resistor-tunnel.yaml -o t.h5 2>/dev/null >/dev/null || fail "a pair's specification does not stand alone"
rm -r pairs again.csv t.h5
refused 1 "0 of these pairs have an operating point" "$XBARTAB" compare --pairs sky130_gap:nothing
refused 2 "--size 1 is outside 2 to 1024" "$XBARTAB" compare --size 1
mkdir -p mine/rram
sed 's/cubic/mine/' "$XBARTAB_SOURCE/devicemodels/rram/cubic.sub" >mine/rram/mine.sub
sed 's/^name: cubic/name: mine/;s/g_max: 20 uS/g_max: 20 mS/' "$XBARTAB_SOURCE/devicemodels/rram/cubic.yaml" >mine/rram/mine.yaml
! "$XBARTAB" compare --models mine --size 4 --pairs mine:nmos_level1 >out.txt 2>/dev/null || fail "a cell out of reach passes"
grep -q "^mine .* failed: the cell cannot have a conductance of 0.0" out.txt || fail "$(cat out.txt)"
rm -r mine out.txt

spec() { # spec RRAM SELECTOR G_MIN G_MAX V_READ
    tile 8 8 "s/model: sky130_gap/model: $1/;s/model: nmos_level1/model: $2/
        s/g_min: 0.5 uS, g_max: 10 uS/g_min: $3, g_max: $4/;s/read_voltage: 200 mV/read_voltage: $5/" >tile.yaml
}

# a selector that a read never turns on
spec sky130_gap ots '1 uS' '10 uS' '200 mV'
refused 1 "dac.read_voltage: the lowest DAC step of 0.2 V never turns ots on, whose v_threshold is 1.2 V" \
    "$XBARTAB" characterize tile.yaml -o t.h5
spec sky130_gap ots '1 uS' '10 uS' '1.5 V'
refused 1 "levels.g_min: the least level carries 1.5e-06 A at the lowest DAC step of 1.5 V, and ots goes off again below i_hold = 1e-05 A" \
    "$XBARTAB" characterize tile.yaml -o t.h5
spec sky130_gap exponential '1 uS' '10 uS' '200 mV'
refused 1 "the cell cannot have a conductance of 1e-06 S" "$XBARTAB" characterize tile.yaml -o t.h5

# figures in sheets that cannot be checked
changed() { # changed KIND NAME NEW_NAME sed-script
    mkdir -p "mine/$1"
    sed "s/\b$2\b/$3/g" "$XBARTAB_SOURCE/devicemodels/$1/$2.sub" >"mine/$1/$3.sub"
    sed "s/\b$2\b/$3/g;$4" "$XBARTAB_SOURCE/devicemodels/$1/$2.yaml" >"mine/$1/$3.yaml"
}
changed rram cubic mine 's/chord: 0.99,/chord: 0.99, current: 1 uA,/'
refused 1 "needs voltage, and one of resistance, chord and current" "$XBARTAB" models show mine --models mine
changed rram cubic mine 's/, voltage: 200 mV/, voltage: 0 V/'
refused 1 "is relative, so neither the drive nor the figure may be 0" "$XBARTAB" models show mine --models mine
changed rram cubic mine 's/^pins/turn_on: c\n&/'
refused 1 "turn_on: is for selectors only" "$XBARTAB" models show mine --models mine
changed rram cubic mine 's/chord: 0.99,/chord: 0.9,/'
! "$XBARTAB" models test mine --models mine >test.txt || fail "a wrong figure passes"
grep -q "failed: g = 1e-05: chord factor 0.99 at 0.2 V, 0.9 expected" test.txt || fail "$(cat test.txt)"
rm -r mine
changed tia divider mine 's/output: 10 mV/voltage: 10 mV/'
refused 1 "needs current and output, for a tia" "$XBARTAB" models show mine --models mine

# C knows no model by name, nor a node or another preset of one. A name of letters only is an English word as well: as a whole
# string literal it must not be there either, but for the engines that are called ideal and table, for "none" as
# a choice of other things, and for the function sinh. src/net, which sees no tile, is left out: ONNX has words of its own.
names=$(cd "$XBARTAB_SOURCE/devicemodels" && basename -s .yaml ./*/*.yaml &&
    sed -nE '/^presets:/,/^[a-oq-z]/s/^ *- (\{)?name: *([a-z0-9_]+).*/\2/p' ./*/*.yaml | sort -u)
for name in node_65nm 65nm 130nm crosspoint ots; do grep -qx $name <<<"$names" || fail "the test misses $name"; done
for name in $names; do
    case $name in
    ideal | none | sinh | table) continue ;;
    *[_0-9]*) found=$(cd "$XBARTAB_SOURCE" && grep -rniwF --include='*.[ch]' -- "$name" src characterize netlists || true) ;;
    *) found=$(cd "$XBARTAB_SOURCE" && grep -rniF --include='*.[ch]' --exclude-dir=net -- "\"$name\"" src characterize netlists || true) ;;
    esac
    [ -z "$found" ] || fail "the name of a model or preset in C: $found"
done
echo "all models in arrays"
