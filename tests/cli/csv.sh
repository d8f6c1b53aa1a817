#!/usr/bin/env bash
# Measured files as spreadsheets and analysers write them: every verb that reads them finds the same numbers, or refuses in
# one line what it does not know.
source "$(dirname "$0")/common.sh"

# The same points in many dresses: name BOM end delimiter mark, and how a header gives units.
cat >dress.py <<'P'
import math
STYLES = { # BOM, line end, delimiter, decimal mark, header
    "plain": (b"", "\n", ",", ".", "%s [%s]"),
    "bom": (b"\xef\xbb\xbf", "\r\n", ",", ".", "%s [%s]"),
    "europe": (b"\xef\xbb\xbf", "\r\n", ";", ",", "%s (%s)"),
    "under": (b"", "\n", "\t", ".", "%s_%s"),
    "comma_tab": (b"", "\r", "\t", ",", "%s / %s"),
    "row": (b"", "\r\n", ";", ",", None)}
def write(name, style, heads, rows):
    """heads: (name, unit, how many of the unit a value has) or (name,) for text."""
    bom, end, delimiter, mark, form = STYLES[style]
    micro = {"plain": "u", "bom": "\u00b5", "europe": "\u03bc", "under": "\u00b5", "comma_tab": "\u03bc", "row": "\u00b5"}[style]
    units = [h[1].replace("u", micro).replace("ohm", "\u2126" if style == "europe" else "\u03a9" if style == "bom" else "ohm") if len(h) > 1 else "" for h in heads]
    lines = [delimiter.join(form % (h[0], u) if u and form else h[0] for h, u in zip(heads, units))]
    if not form: lines.append(delimiter.join(units))
    for row in rows:
        lines.append(delimiter.join(x if len(h) == 1 else ("%.12g" % (x * h[2])).replace(".", mark) for h, x in zip(heads, row)))
    with open("%s_%s.csv" % (name, style), "wb") as f: f.write(bom + (end.join(lines) + end).encode())
P
$PYTHON - <<'P'
from dress import *
V = [-0.3 + 0.025 * k for k in range(25)]
I = lambda v, g=20e-6: g * 0.35 * math.sinh(v / 0.35)
ramp = lambda k, last: 5e-6 + 45e-6 * (1 - math.exp(-k / 10)) / (1 - math.exp(-3)) if last else 55e-6 - (5e-6 + 45e-6 * (1 - math.exp(-k / 10)) / (1 - math.exp(-3)))
for style in STYLES:
    write("iv", style, [("Voltage", "mV", 1e3), ("Current", "uA", 1e6)], [(v, I(v)) for v in V])
    write("wide", style, [("V", "mV", 1e3), ("low", "nA", 1e9), ("high", "uA", 1e6)], [(v, I(v, 1e-5), I(v, 6e-5)) for v in V])
    for kind in "set", "reset":
        write(kind, style, [("pulse", "", 1), ("Conductance", "uS", 1e6)], [(k, ramp(k, kind == "set")) for k in range(31)])
    write("ohms", style, [("R", "kohm", 1e-3)], [(1 / ramp(k, True),) for k in range(31)])
    write("reads", style, [("cell",), ("G", "uS", 1e6)], [("c%d" % (k // 20), 20e-6 * (1 + k // 20) + 1e-7 * (k * 7 % 5 - 2)) for k in range(400)])
P

# calibrate: by number and by name, without a unit in the specification
spec() { printf 'name: cell\nkind: iv\nmodel: sinh\ndata:\n  columns:\n    voltage: %s\n    current: %s\ninstrument: {offset: %s}\nparameters:\n  - {name: g, fit: shared, start: 10 uS}\n  - {name: v0, fit: shared, start: 0.5 V}\n' "$1" "$2" "${3:-none}"; }
spec '{number: 1}' '{number: 2}' >numbers.yaml
spec '{name: Voltage}' '{name: Current}' >names.yaml
fits() { # fits SPEC DATA POINTS: g = 20 uS, v0 = 0.35 V
    "$XBARTAB" calibrate "$1" --data "$2" -o fitted.yaml --json >fit.json 2>note.txt || fail "$1 $2: $(cat note.txt)"
    $PYTHON - "$3" <<'P' || fail "$1 $2"
import json, sys
f = json.load(open("fit.json"))
p = {p["name"]: p["value"] for p in f["parameters"]}
assert f["points"] == int(sys.argv[1]) and abs(p["g"] / 20e-6 - 1) < 1e-6 and abs(p["v0"] / 0.35 - 1) < 1e-6, (f["points"], p)
P
}
for style in plain bom europe under comma_tab row; do
    fits numbers.yaml iv_$style.csv 25
    fits names.yaml iv_$style.csv 25
    [ ! -s note.txt ] || fail "$style: $(cat note.txt)"
done
gzip -k iv_europe.csv && fits names.yaml iv_europe.csv.gz 25
# a mark before the first number is no header
spec '{number: 1, unit: V}' '{number: 2, unit: A}' >bare.yaml
awk -F, 'NR > 1 {printf "%s%.9g,%.9g\r\n", NR == 2 ? "\xef\xbb\xbf" : "", $1 / 1e3, $2 / 1e6}' iv_plain.csv >bare.csv
fits bare.yaml bare.csv 25
bad() { refused 1 "$1" "$XBARTAB" calibrate "$2" --data "$3" -o bad.yaml; }
bad 'iv_plain.csv:1: the voltage is in mV by the header (Voltage [mV]), in V by bare.yaml' bare.yaml iv_plain.csv
sed 's/uA/uV/' iv_plain.csv >wrong.csv
bad 'wrong.csv:1: the unit [uV] of column 2 (current)' names.yaml wrong.csv
# neither a column's number, nor its name as a whole, nor a unit in the specification makes SI of another unit
for name in 'I/I0' IuA 'I (A/cm2)' 'I_A/cm2' 'I (UA)' I_UA 'log10(I)' 'log10(I) [A]'; do
    sed "1s|.*|Voltage [mV],$name|" iv_plain.csv >other.csv
    spec '{number: 1}' '{number: 2, unit: A}' >given.yaml
    spec '{name: Voltage}' "{name: \"$name\"}" >whole.yaml
    for how in numbers given whole; do bad 'other.csv:1: ' $how.yaml other.csv; done
done
spec '{number: 1}' '{number: 2, unit: uA}' | sed 's/^data:/&\n  accept_units: yes/' >meant.yaml
fits meant.yaml other.csv 25
for first in nan 0x1p-2 1e999 -0.3V 1.2.3; do
    printf '%s,1e-6\n0.1,2e-6\n0.2,4e-6\n0.3,6e-6\n' $first >first.csv
    bad 'first.csv:1: the voltage' bare.yaml first.csv
done

# reversed, and without a sign: fitted as meant and said; an offset that hides what was meant is refused, as from-csv does
awk -F, '{printf "%.9g,%.9g\n", $1, -$2}' bare.csv | sed 1d >reversed.csv
awk -F, '{printf "%.9g,%.9g\n", $1, $2 < 0 ? -$2 : $2}' bare.csv | sed 1d >unsigned.csv
awk -F, '{printf "%.9g,%.9g\n", $1, $2 + 1e-5}' bare.csv | sed 1d >offset.csv
for offset in none device first; do
    spec '{number: 1, unit: V}' '{number: 2, unit: A}' $offset >signs.yaml
    fits signs.yaml reversed.csv 24
    grep -q "reversed.csv: currents against their voltages" note.txt || fail "reversed, $offset: $(cat note.txt)"
    fits signs.yaml unsigned.csv 24
    grep -q "unsigned.csv: currents without a sign" note.txt || fail "unsigned, $offset: $(cat note.txt)"
    [ $offset = none ] || { fits signs.yaml offset.csv 24 && [ ! -s note.txt ] || fail "offset: $(cat note.txt)"; }
done
bad 'is an offset or a sign left in the data?' bare.yaml offset.csv
{ sed 's/^/a,/' bare.csv; sed 's/^/b,/' reversed.csv; } | sed 's/,\xef\xbb\xbf/,/' >mixed.csv
spec '{number: 2, unit: V}' '{number: 3, unit: A}' | sed 's/columns:/&\n    device: {number: 1}/' >devices.yaml
bad 'device "b" has' devices.yaml mixed.csv
{ sed 's/^/a,/' reversed.csv; sed 's/^/b,/' bare.csv; } | sed 's/,\xef\xbb\xbf/,/' >mixed.csv
bad "the current of device \"b\" has the voltage's sign, that of a device before it has not" devices.yaml mixed.csv
# readings of pulses against their read voltage: G = 5 uS + 45 uS (1 - exp(-n/20)) at 0.2 V
$PYTHON - <<'P'
import math
G = lambda n: 5e-6 + 45e-6 * (1 - math.exp(-n / 20))
for name, factor in ("current", -0.2e6), ("negative", -1e6):
    with open(name + ".csv", "w") as f:
        print("device;pulse;%s_\u00b5%s" % (("I", "A") if name == "current" else ("G", "S")), file=f)
        for n in range(0, 80, 2): print(("d0;%d;%.9g" % (n, factor * G(n))).replace(".", ","), file=f)
P
law() { sed "s/conductance: .*/$1/;s/^held_out:.*//;s/fit: shared/fit: device/" "$XBARTAB_SOURCE/data/calibration/pulses.yaml"; }
law 'current: {name: I}\n  read_voltage: 200 mV' >law.yaml
"$XBARTAB" calibrate law.yaml --data current.csv -o fitted.yaml --json >fit.json 2>note.txt || fail "$(cat note.txt)"
grep -q "current.csv: currents against the read voltage: fitted with the other sign" note.txt || fail "$(cat note.txt)"
"$XBARTAB" calibrate law.yaml --data current.csv -o fitted.yaml --devices own.csv >/dev/null 2>&1
$PYTHON - <<'P'
head, row = [l.split(",") for l in open("own.csv").read().splitlines()]
own = dict(zip(head, row))
for name, truth in ("g_first", 5e-6), ("g_last", 50e-6), ("curvature", 20): assert abs(float(own[name]) / truth - 1) < 1e-5, own
P
law 'conductance: {name: G}' >law.yaml
bad 'negative.csv:2: a conductance of -5e-06 S, and most are below 0' law.yaml negative.csv

# models from-csv
mkdir -p mine/rram
for style in plain bom europe under comma_tab row; do
    for shape in iv wide; do
        "$XBARTAB" models from-csv ${shape}_$style.csv -o mine/rram/$shape.yaml --json >$shape.json || fail "$shape $style"
        $PYTHON - $shape <<'P' || fail "$shape $style"
import json, math, sys
s, form = json.load(open(sys.argv[1] + ".json")), 0.35 * math.sinh(0.2 / 0.35) / 0.2
low, high = (20e-6, 20e-6) if sys.argv[1] == "iv" else (1e-5, 6e-5)
assert s["points"] == (25 if low == high else 50) and abs(s["g_min"] / low / form - 1) < 1e-6 and abs(s["g_max"] / high / form - 1) < 1e-6, s
P
    done
done
try() { refused 1 "$1" "$XBARTAB" models from-csv "$2" -o mine/rram/bad.yaml; }
printf 'V,I,V\n-0.1,-1e-6,0\n0.1,1e-6,0\n' >twice.csv
try 'twice.csv:1: columns 1 and 3 are both the voltage' twice.csv
printf 'V,time,a\n-0.1,0,-1e-6\n0.1,1,1e-6\n' >time.csv
try "time.csv:1: column 2 (time) is no curve's current" time.csv
printf 'V,g\n-0.1,-1e-6\n0.1,1e-6\n' >siemens.csv
try "siemens.csv:1: column 2 (g) is no curve's current" siemens.csv
printf 'V,f,g\n-0.1,-1e-6,-2e-6\n0.1,1e-6,2e-6\n' >letters.csv
"$XBARTAB" models from-csv letters.csv -o mine/rram/letters.yaml | grep -q "2 curves of 4 points" || fail "curves f and g"

# write: pulses
write_spec() { # write_spec SET RESET [MORE]
    tile 3 3 's/tiles: 4, tiles_heldout: 2, vectors: 6/tiles: 2, tiles_heldout: 1, vectors: 4/'
    printf 'write: {conductances: 9, data: [{file: %s, kind: set%s}, {file: %s, kind: reset%s}]}\n' "$1" "${3:-}" "$2" "${3:-}"
}
for style in plain bom europe under comma_tab row; do
    [ "$SANITIZED" = 0 ] || [ $style = europe ] || continue
    write_spec set_$style.csv reset_$style.csv >pulses.yaml
    "$XBARTAB" characterize pulses.yaml -o pulses.h5 >/dev/null 2>&1 || fail "pulses $style"
    "$XBARTAB" info pulses.h5 | grep -q "2 pulses at 9 conductances 5e-06 to 5e-05 S" || fail "pulses $style: $("$XBARTAB" info pulses.h5 | grep pulses)"
done
write_spec ohms_europe.csv reset_bom.csv >pulses.yaml
"$XBARTAB" characterize pulses.yaml -o pulses.h5 >/dev/null 2>&1 || fail "resistances"
"$XBARTAB" info pulses.h5 | grep -q "2 pulses at 9 conductances 5e-06 to 5e-05 S" || fail "resistances"
for head in 'r1,r2' 'G1 [nS],G2 [nS]' 'Resistance_1 / Mohm,Resistance_2 / Mohm'; do # runs by numbers, in the unit that the names have
    $PYTHON - "$head" >runs.csv <<'P'
import sys
head = sys.argv[1]
print(head)
for k in range(31):
    G = [5e-6 + 1.5e-6 * k, 20e-6 + 1e-6 * k]
    print(",".join("%.12g" % (1e-6 / g if "ohm" in head else 1e9 * g if "nS" in head else g) for g in G))
P
    write_spec runs.csv reset_plain.csv >pulses.yaml
    "$XBARTAB" characterize pulses.yaml -o pulses.h5 >/dev/null 2>err.txt || fail "$head: $(cat err.txt)"
    "$XBARTAB" info pulses.h5 | grep -q "2 pulses at 9 conductances 5e-06 to 5e-05 S" || fail "$head"
done
rm -f err.txt
no_pulses() { # no_pulses WORDS HEAD [MORE]
    { echo "$2"; seq 5 35 | sed 's/.*/&,&/'; } >unknown.csv
    write_spec unknown.csv reset_plain.csv "${3:-}" >pulses.yaml
    refused 1 "$1" "$XBARTAB" characterize pulses.yaml -o bad.h5
}
no_pulses 'unknown.csv:1: no column is called conductance, resistance or current (or G, R, I)' 'Cond,count'
no_pulses 'there are: Cond, count;' 'Cond,count'
no_pulses 'nor are all numbered runs (run1, run2)' 'pulse1,pulse2'
no_pulses 'unknown.csv:1: columns 1 and 2 are both the conductance' 'G_uS,G_nS'
no_pulses 'unknown.csv:1: the unit [uA] of column 1 (conductance)' 'G [uA],n'
no_pulses 'unknown.csv:2: a conductance of 5 S, beyond 1 S: is it in another unit?' 'run1,run2'
no_pulses 'unknown.csv:2: a conductance of 5 S, beyond 1 S: is it in another unit?' 'any,word' ', column: 1'
write_spec unknown.csv unknown.csv ', column: 2, accept_units: yes' >pulses.yaml # the user's word
"$XBARTAB" characterize pulses.yaml -o pulses.h5 >/dev/null 2>&1 || fail "accept_units"
"$XBARTAB" info pulses.h5 | grep -q "conductances 5 to 35 S" || fail "accept_units: $("$XBARTAB" info pulses.h5)"

# population
for style in plain bom europe under comma_tab row; do
    cat >population.yaml <<Y
name: cells
summary: s
source: drawn
conductance: {min: 0 uS, max: 500 uS}
measurements:
  - {effect: device_to_device, file: reads_$style.csv, columns: {device: {name: cell}, conductance: {name: G}}}
Y
    "$XBARTAB" population fit population.yaml --data . -o fitted_$style.yaml >/dev/null 2>&1 || fail "population $style"
    sed "s/reads_$style/reads/" fitted_$style.yaml >fitted.yaml
    [ $style = plain ] || cmp -s fitted.yaml first.yaml || fail "the population of $style"
    cp fitted.yaml first.yaml
done
grep -q "20 devices about" fitted_plain.yaml || fail "$(cat fitted_plain.yaml)"
refused 1 "100000000 in all at most, so 6250000 devices a level" "$XBARTAB" population confusion none --devices 10000000
refused 2 "--devices 2000000000 is outside 1 to 100000000" "$XBARTAB" population confusion none --devices 2000000000
"$XBARTAB" population confusion --help | tr -s ' \n' ' ' | grep -qF 'of all levels 10^8 at most' || fail "the bound is not in --help"

# solve, netlist: resistances, conductances, levels, voltages
tile 2 2 >two.yaml
printf '1000,2000\ninf,500\n' >R.csv
printf '0.2\n0.1\n' >V.csv
"$XBARTAB" solve --resistances R.csv --voltages V.csv | sed 1d >right.txt
[ "$(cat right.txt)" = "0.0002,0.0003" ] || fail "$(cat right.txt)" # 0.2 V/1 kohm; 0.2 V/2 kohm + 0.1 V/0.5 kohm
printf '\xef\xbb\xbf1000;2e3\r\ninf;500,0\r\n' >R2.csv
printf '\xef\xbb\xbf# V\r\n0.2\r\n0.1\r\n' >V2.csv # with one column a comma would separate
"$XBARTAB" solve --resistances R2.csv --voltages V2.csv | sed 1d | cmp - right.txt || fail "resistances of a spreadsheet"
printf '\xef\xbb\xbf0,001\t5E-4\r0\t0,002\r' >G2.csv
"$XBARTAB" solve --conductances G2.csv --voltages V2.csv | sed 1d | cmp - right.txt || fail "conductances of a spreadsheet"
printf '\xef\xbb\xbf3;0\r\n1;2\r\n' >L2.csv
"$XBARTAB" netlist two.yaml --levels L2.csv -o two.cir
printf '3,0\n1,2\n' >L.csv
"$XBARTAB" netlist two.yaml --levels L.csv -o plain.cir
cmp two.cir plain.cir || fail "levels of a spreadsheet"
printf '2000,1\n1,1\n' >G.csv
"$XBARTAB" solve --conductances G.csv --voltages V.csv 2>note.txt >/dev/null || fail "large conductances"
grep -q "G.csv:1: a conductance of 2000 S (column 1), beyond 1 S: is the file in siemens?" note.txt || fail "$(cat note.txt)"
no() { # no WORDS CONTENT [OPTION]
    printf "$2" >bad.csv
    refused 1 "$1" "$XBARTAB" solve "${3:---resistances}" bad.csv --voltages V.csv
}
no 'bad.csv:2: the value in column 2 "0x10" is not a number' '1,2\n3,0x10\n'
no 'bad.csv:2: the value in column 1 "1e999" is not a number: it is too large' '1,2\n1e999,3\n'
no 'bad.csv:2: the value in column 1 is nan' '1,2\nnan,3\n'
no 'bad.csv:2: the value in column 1 is missing' '1,2\n,3\n'
no 'bad.csv:2: the value in column 2 "4 ohm" is not a number' '1,2\n3,4 ohm\n'
no 'bad.csv:1: the value in column 1 is inf' 'inf,1\n1,1\n' --conductances
no 'bad.csv:1: the value in column 2 "1.234,5" is not a number: write numbers without marks between thousands' '1;1.234,5\n1;1\n'
no 'is UTF-16 text' '\xff\xfe1\0,\0'
no 'bad.csv:1: the value in column 1 is not a number; the file must have numbers only, without a header' 'left,right\n1,2\n'

# what is no table: a line, no word of it, and no waiting
printf 'topsecret word\nother words here\n' >words.txt
printf 'topsecret,word\nother,words\n' >words2.txt
mkfifo fifo
for file in words.txt words2.txt fifo . /dev/zero /dev/null; do
    for verb in "calibrate names.yaml -o bad.yaml --data" "models from-csv -o mine/rram/bad.yaml" "solve --voltages V.csv --resistances" \
        "netlist two.yaml -o bad.cir --levels"; do
        refused 1 "$file" timeout 20 "$XBARTAB" $verb "$file"
        ! "$XBARTAB" $verb "$file" 2>&1 | grep -q "topsecret\|words \|words$" || fail "foreign words: $verb $file"
    done
done
head -c 300000000 /dev/zero | tr '\0' 1 | gzip -1 >bomb.csv.gz
refused 1 "larger than 268435456 bytes when unpacked" "$XBARTAB" models from-csv bomb.csv.gz -o mine/rram/bad.yaml
