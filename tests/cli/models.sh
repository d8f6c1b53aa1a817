#!/usr/bin/env bash
# Every device, selector and TIA works in a small array with the partners that make sense; what cannot work is refused
# with its numbers; and no line of C knows any of them by name.
source "$(dirname "$0")/common.sh"

# Some random cells of a device that conducts from G_MIN to G_MAX at V_READ: try RRAM SELECTOR G_MIN G_MAX V_READ [TIA].
spec() {
    tile 8 8 "s/model: sky130_gap/model: $1/;s/model: nmos_level1/model: $2/;s/model: opamp/model: ${6:-opamp}/
        s/g_min: 0.5 uS, g_max: 10 uS/g_min: $3, g_max: $4/;s/read_voltage: 200 mV/read_voltage: $5/" >tile.yaml
}

try() {
    spec "$@"
    "$XBARTAB" characterize tile.yaml -o tile.h5 --json >tile.json || fail "$1 + $2"
    echo "$1 $2 ${6:-opamp}" >>tried.txt
    $PYTHON - "$1 + $2, ${6:-opamp}" "$3 to $4 at $5" <<'Q'
import json, sys
t = json.load(open("tile.json"))["transfer"]
print("%-42s %-24s table within %.4f %% of full scale" % (sys.argv[1], sys.argv[2], 100 * t["heldout_rmse_fs"]))
assert t["failed"] == 0 and t["heldout_rmse_fs"] < 1e-3, t
Q
}

try sky130_gap none '0.5 uS' '10 uS' '200 mV'
try resistor nmos_level1 '0.5 uS' '10 uS' '200 mV'
try sinh nmos_level1 '0.5 uS' '10 uS' '200 mV'
try cubic nmos_level1 '1 uS' '20 uS' '200 mV'
try stanford_v1 nmos_level1 '5 uS' '100 uS' '200 mV'
try jart_vcm_v1b nmos_level1 '15 uS' '300 uS' '200 mV'
try jart_vcm_v1b none '15 uS' '300 uS' '400 mV'
try vteam none '1.5 mS' '10 mS' '100 mV'
try vteam_exponential none '1.5 mS' '10 mS' '100 mV'
try yakopcic_oblea nmos_level1 '10 uS' '200 uS' '200 mV'
try yakopcic_miao nmos_level1 '60 uS' '500 uS' '200 mV'
try yakopcic_jo none '1 nS' '200 nS' '200 mV'
try memdiode nmos_level1 '10 uS' '200 uS' '200 mV'
try milo_hfo2 nmos_level1 '60 uS' '200 uS' '200 mV'
try poole_frenkel nmos_level1 '1 uS' '20 uS' '200 mV'
try schottky nmos_level1 '10 nS' '1 uS' '200 mV'
try table nmos_level1 '62 uS' '105 uS' '200 mV'
try sky130_gap exponential '1 uS' '15 uS' '1 V'
try stanford_v1 exponential '2 uS' '20 uS' '1 V'
try resistor exponential '1 uS' '10 uS' '1.2 V'
try resistor tunnel '1 uS' '10 uS' '2 V'
try sky130_gap ots '1 uS' '10 uS' '1.5 V'
try resistor ots '1 uS' '20 uS' '1.5 V' cmos_two_stage
try sky130_gap nmos_level1 '0.5 uS' '10 uS' '200 mV' ideal
try sky130_gap nmos_level1 '0.5 uS' '10 uS' '200 mV' divider
try sky130_gap nmos_level1 '0.5 uS' '10 uS' '200 mV' cmos_two_stage
rm tile.h5 tile.json

for sheet in "$XBARTAB_SOURCE"/devicemodels/{rram,selector,tia}/*.yaml; do
    grep -qw "$(basename "$sheet" .yaml)" tried.txt || fail "$sheet is in no array here"
done

# a selector that a read never turns on
spec sky130_gap ots '1 uS' '10 uS' '200 mV'
refused 1 "dac.read_voltage: the lowest DAC step of 0.2 V never turns ots on, whose v_threshold is 1.2 V" \
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
refused 1 "needs voltage, and one of resistance, chord and current" "$XBARTAB" models list --models mine
changed rram cubic mine 's/voltage: 200 mV/voltage: 0 V/'
refused 1 "is relative, so neither the drive nor the figure may be 0" "$XBARTAB" models list --models mine
changed rram cubic mine 's/^pins/turn_on: c\n&/'
refused 1 "turn_on: is for selectors only" "$XBARTAB" models list --models mine
changed rram cubic mine 's/chord: 0.99,/chord: 0.9,/'
! "$XBARTAB" models test mine --models mine >test.txt || fail "a wrong figure passes"
grep -q "failed: g = 1e-05: chord factor 0.99 at 0.2 V, 0.9 expected" test.txt || fail "$(cat test.txt)"
rm -r mine
changed tia divider mine 's/output: 10 mV/voltage: 10 mV/'
refused 1 "needs current and output, for a tia" "$XBARTAB" models list --models mine

# C knows no model by name. A name of letters only is an English word as well: as a whole string literal it must not
# be there either, but for the engines that are called ideal and table.
for sheet in "$XBARTAB_SOURCE"/devicemodels/*/*.yaml; do
    name=$(basename "$sheet" .yaml)
    case $name in
    ideal | table) continue ;;
    *[_0-9]*) found=$(cd "$XBARTAB_SOURCE" && grep -rnwF --include='*.[ch]' -- "$name" src characterize netlists || true) ;;
    *) found=$(cd "$XBARTAB_SOURCE" && grep -rnF --include='*.[ch]' -- "\"$name\"" src characterize netlists || true) ;;
    esac
    [ -z "$found" ] || fail "a model's name in C: $found"
done
echo "all models in arrays"
