#!/usr/bin/env bash
# Files that are no files: a pipe, a device, a folder, a file without a byte, one that is not there or may not be read, in
# each place where a verb reads one; YAML that is bent or would take its parser minutes, in each kind of YAML file. One line,
# exit 1, at once.
source "$(dirname "$0")/common.sh"

tile 5 4 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
printf '0,1,2,3\n3,2,1,0\n0,0,0,0\n1,1,1,1\n2,2,2,2\n' >L.csv
printf '0.2\n0.1\n0\n0.2\n0.1\n' >V.csv
digits=$XBARTAB_SOURCE/data/digits network=$XBARTAB_SOURCE/data/networks/digits.onnx
images=(--images "$digits/test-images.idx.gz" --labels "$digits/test-labels.idx.gz" --limit 3)
mkfifo pipe
mkdir folder
: >empty
printf 'x' >locked
chmod 000 locked

soon() { timeout 20 "$XBARTAB" "$@"; } # a pipe that is waited for is no pass

# bad COMMAND with @ for the file
bad() {
    local file words
    for file in pipe /dev/zero folder empty missing locked; do
        case $file in
        pipe | /dev/zero | folder) words="not a regular file" ;;
        missing) words="No such file or directory" ;;
        locked) words=denied ;;
        *) words=empty ;;
        esac
        [ $file != locked ] || [ "$(id -u)" != 0 ] || continue # root reads all
        # what stands in a folder has its own name
        refused 1 "$words" soon "${@/@/$([ "${file#/}" = "$file" ] && echo ./)$file}"
    done
}
bad netlist @ -o x.cir
bad netlist tile.yaml -o x.cir --levels @
bad netlist tile.yaml -o x.cir --voltages @
bad characterize @ -o x.h5
bad calibrate @ --data V.csv -o x.yaml
bad calibrate "$XBARTAB_SOURCE/data/calibration/sinh.yaml" --data @ -o x.yaml
bad models from-csv @ -o x.yaml
bad population show @
bad population fit @ --data . -o x.yaml
bad info @
bad network @
bad network "$network" --layer-bits @
bad infer @ --tables t.h5 "${images[@]}"
bad infer "$network" --tables @ "${images[@]}"
bad infer "$network" --mode float --images @ --labels "$digits/test-labels.idx.gz"
bad infer "$network" --mode float --images "$digits/test-images.idx.gz" --labels @
bad infer "$network" --mode integer "${images[@]}" --calibration-images @
bad infer "$network" --arch @ "${images[@]}"
bad infer "$network" --tables t.h5 "${images[@]}" --population @
bad arch show @
bad solve --levels @ --tables t.h5 --voltages V.csv
bad solve --levels L.csv --tables @ --voltages V.csv
bad solve --levels L.csv --tables t.h5 --voltages @

# every kind of YAML file, bent in each way
$PYTHON - "$XBARTAB_SOURCE" <<'P'
import sys
tile = open("tile.yaml").read()
n = 100000
bad = {"deep": "[" * n, "maps": "{" * n, "dashes": "- " * (n // 2), "lines": "[\n" * n, "questions": "? " * (n // 2),
       "tags": "%TAG !a! b\n" * 80000, "anchors": "a: [" + "".join("&a%d x, " % k for k in range(60000)) + "]\n",
       "bomb": "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "large": "# large\n" * 200000, "many": "a: [" + "1," * 300000 + "]\n",
       "keys": "".join("k%d: 1\n" % k for k in range(60000)), "wide": "a: '" + "x" * 900000}
for name, text in bad.items():
    open(name + ".yaml", "w").write(text)
P
for file in deep maps dashes lines questions tags anchors bomb large many keys wide; do
    for verb in "netlist @ -o x.cir" "arch show @" "population show @" "calibrate @ --data V.csv -o x.yaml" "population fit @ --data . -o x.yaml" \
        "network $network --layer-bits @" "sweep @ --set scheme.adc_bits=4 -o x.csv --network $network --images i"; do
        [ "$SANITIZED" = 0 ] || [ "${verb%% *}" = netlist ] || continue
        refused 1 "$file.yaml" soon ${verb/@/./$file.yaml}
    done
done
mkdir -p sheets/rram
cp "$XBARTAB_SOURCE/devicemodels/rram/sinh.sub" sheets/rram/deep.sub
mv deep.yaml sheets/rram/deep.yaml
refused 1 "sheets/rram/deep.yaml:1: nested more than 16 deep" soon models show deep --models sheets
value=$(printf '[%.0s' $(seq 5000))
soon sweep tile.yaml --network "$network" "${images[@]}" --set "wire=$value" -o deep.csv --cache cache >out.txt 2>&1 && fail "a value that is too deep"
grep -q "nested more than 16 deep" deep.csv || fail "$(cat out.txt deep.csv)"
rm -rf deep.csv out.txt cache

# read right: line ends, a byte order mark, a name that YAML 1.1 takes for false; refused with the line: the rest
"$XBARTAB" netlist tile.yaml -o right.cir
sed 's/$/\r/' tile.yaml >crlf.yaml
tr '\n' '\r' <tile.yaml >cr.yaml
{ printf '\xef\xbb\xbf' && cat tile.yaml; } >bom.yaml
for file in crlf cr bom; do
    "$XBARTAB" netlist $file.yaml -o $file.cir || fail $file
    cmp $file.cir right.cir || fail "$file.yaml makes another netlist"
done
sed 's/^name: .*/name: no/' tile.yaml >no.yaml
"$XBARTAB" characterize no.yaml -o no.h5 >/dev/null 2>&1
"$XBARTAB" info no.h5 --json | grep -q '"name": "no"' || fail "a tile called no"
rm -f ./*.cir
bent() { # bent WORDS SED: tile.yaml with a change
    sed "$2" tile.yaml >s.yaml
    ! cmp -s s.yaml tile.yaml || fail "no change: $2"
    refused 1 "$1" "$XBARTAB" netlist s.yaml -o x.cir
}
line() { grep -n -m1 -- "$1" s.yaml | cut -d: -f1; }
bent 's.yaml:18: key "name" is there already, in line 4' '$a name: again'
bent ': key "rows" is there already' 's/rows: 5,/rows: 5, rows: 5,/'
bent 's.yaml:6: not YAML: found character that cannot start any token; tabs cannot indent, blanks do' 's/^  rram/\trram/'
bent 's.yaml:18: byte 0xb5 is not UTF-8' '$a # \xb5'
bent 's.yaml:18: a second YAML document; one is read' '$a ---'
bent 's.yaml:18: not YAML: found unexpected end of stream while scanning a quoted scalar from line 4' 's/^name: .*/name: "x/'
bent 's.yaml:18: not a YAML file (it holds a zero byte)' '$a # \x00'
iconv -t UTF-16 tile.yaml >s.yaml
refused 1 "s.yaml:1: UTF-16; YAML files are read in UTF-8" "$XBARTAB" netlist s.yaml -o x.cir
# a preset's part behind characters of several bytes is cut where it ends
sed '1i # µ µ µ µ µ µ µ µ Ω Ω Ω Ω Ω Ω Ω Ω Ω Ω Ω Ω Ω Ω € € € € € €' "$XBARTAB_SOURCE/data/architectures/isaac.yaml" >isaac.yaml
"$XBARTAB" arch show isaac --json >one.json
"$XBARTAB" arch show ./isaac.yaml --json >two.json
cmp one.json two.json || fail "characters of several bytes change a preset"
echo "files that are none are refused"
