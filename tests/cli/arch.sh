#!/usr/bin/env bash
# Presets: listed and shown with provenance; run on tables that are made once and kept; no line of C names one.
source "$(dirname "$0")/common.sh"
export XBARTAB_DATA=$DATA

"$XBARTAB" arch list --json >list.json
"$XBARTAB" arch show xnor_rram --json >all.json
"$XBARTAB" arch show xnor_rram --json --published >published.json
"$XBARTAB" arch show xnor_rram --published >published.txt
$PYTHON - <<'P'
import json
a = json.load(open("list.json"))["architectures"]
assert len(a) >= 23 and all(x["name"] and x["survey_ref"] and x["summary"] for x in a)
assert {"[%d]" % k for k in range(3, 22)} <= {x["survey_ref"] for x in a}
x = json.load(open("all.json"))
assert x["adc_bits"] == 3 and x["adc_bits_needed"] == 7 and len(x["unusual"]) >= 1 and "7 ADC bits" in x["unusual"][0]
assert {n["trust"] for n in x["numbers"]} >= {"published", "assumed"} and x["networks"][0]["measure"] == "accuracy"
p = json.load(open("published.json"))
assert 0 < len(p["numbers"]) < len(x["numbers"]) and {n["trust"] for n in p["numbers"] + p["published"]} == {"published"}
P
! grep -q "assumed" published.txt || fail "--published shows an assumed number"
"$XBARTAB" arch list | awk '{print $1}' >names
while read -r name; do
    ! grep -rnw --include='*.[ch]' -e "$name" "$XBARTAB_SOURCE/src" "$XBARTAB_SOURCE/characterize" "$XBARTAB_SOURCE/netlists" ||
        fail "a line of C names the architecture $name"
done <names

# a preset of the user's own, in one file
images=100
[ "$SANITIZED" = 0 ] || images=20
cat >mine.yaml <<Y
name: mine
summary: small tiles with a narrow ADC
survey_ref: "-"
tile:
  name: small
  cell: {rram: {model: sinh}}
  levels: {count: 4, g_min: 1 uS, g_max: 10 uS}
  array: {rows: 64, columns: 64}
  wire: {word: 1 ohm, bit: 1 ohm}
  dac: {read_voltage: 200 mV}
  tia: {model: ideal}
  adc: {bits: 8}
  sampling: {tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0}
networks:
  - {network: networks/digits.onnx, images: digits/test-images.idx.gz, labels: digits/test-labels.idx.gz, limit: $images}
Y
"$XBARTAB" arch show mine.yaml | grep -q "no provenance" || fail "a number without provenance is not told"
run() { "$XBARTAB" infer --arch "$1" --cache cache --json "${@:2}" 2>err.txt; }
run mine.yaml >1.json
grep -q "characterizing" err.txt || fail "tables were not made"
kept=$(ls cache/*.h5)
sum=$(stat -c %Y%i "$kept")
run mine.yaml >2.json
! grep -q "characterizing" err.txt || fail "tables were made again"
[ "$sum" = "$(stat -c %Y%i "$kept")" ] || fail "tables were written again"
$PYTHON - $images <<'P'
import json, sys
a, b = json.load(open("1.json")), json.load(open("2.json"))
assert a["images"] == int(sys.argv[1]) and a["accuracy"] == b["accuracy"] and a["accuracy"]["table"] > 0.9
P
truncate -s 1000 "$kept" # what a full disk leaves
run mine.yaml >3.json
grep -q "characterizing" err.txt || fail "a broken file was taken"
sed 's/name: small/name: other/' mine.yaml | sed 's/bit: 1 ohm/bit: 2 ohm/' >wires.yaml
run wires.yaml >/dev/null
[ "$(ls cache/*.h5 | wc -l)" = 2 ] || fail "another tile took the first one's tables"
run mine.yaml --mode ideal --adc-bits 3 >narrow.json
$PYTHON -c 'import json
a = json.load(open("narrow.json"))
assert a["adc_bits"] == 3 and a["accuracy"]["ideal"] < a["accuracy"]["integer"]'
sed 's/bits: 8}/bits: 5}/' mine.yaml >five.yaml
run five.yaml --mode ideal >/dev/null
grep -q "need 8 ADC bits by the survey's formula, and the sar has 5" err.txt || fail "an ADC out of reach is not told: $(cat err.txt)"
sed '/^networks/,$d' mine.yaml >no_network.yaml
# what is lost is told apart by leaving effects out: wires that take the voltage, and nothing where all are gone
sed 's/bit: 1 ohm/bit: 300 ohm/' mine.yaml >long.yaml
run long.yaml >long.json
run long.yaml --without ir_drop >short.json
run long.yaml --trim column >trimmed.json
run long.yaml --without ir_drop,nonlinearity,tia >all.json
$PYTHON - <<'P'
import json
of = lambda n: json.load(open(n + ".json"))["accuracy"]
assert of("long")["table"] < of("short")["table"] - 0.05, (of("long"), of("short"))
assert of("trimmed")["table"] > of("long")["table"] + 0.05, (of("long"), of("trimmed"))
assert of("all")["table"] == of("all")["ideal"], of("all")
P
# ranges of activations are the preset's, or the command line's
sed 's/^networks:/quantization: {activation_bits: 2, activation_range: mse}\nnetworks:/' mine.yaml >clipped.yaml
run clipped.yaml --mode integer --predictions preset.csv >/dev/null
run mine.yaml --mode integer --activation-bits 2 --activation-range mse --predictions options.csv >/dev/null
run clipped.yaml --mode integer --activation-range minmax --predictions other.csv >/dev/null
cmp preset.csv options.csv || fail "a preset's range of activations is not taken"
! cmp -s preset.csv other.csv || fail "the command line's range of activations is not taken"

rm -f err.txt
refused 2 "--trim rows is none of: none, layer, column" "$XBARTAB" infer --arch mine.yaml --trim rows
refused 2 "--without wires is none of: ir_drop, nonlinearity, tia" "$XBARTAB" infer --arch mine.yaml --without wires

touch out.txt err.txt; rm out.txt err.txt
refused 1 'no architecture is called "nothing"' "$XBARTAB" arch show nothing
refused 1 "mine2.yaml: cannot" "$XBARTAB" arch show mine2.yaml
refused 2 "needs list, or show and a name" "$XBARTAB" arch show
refused 2 "NETWORK.onnx is missing" "$XBARTAB" infer --tables x.h5
refused 1 "names no network" "$XBARTAB" infer --arch no_network.yaml
sed 's/{bits: 8}/{bit: 8}/' mine.yaml >bad.yaml
refused 1 "bad.yaml:12: Unexpected key: bit; allowed here: bits, range" "$XBARTAB" arch show bad.yaml

# a preset whose network is elsewhere says so before anything is characterized
export XBARTAB_DATA=$scratch/nowhere
refused 1 "is not at hand; set XBARTAB_DATA" "$XBARTAB" infer --arch isaac --cache nothing
code=0
"$XBARTAB" sweep isaac --set scheme.adc_bits=4,6 --cache nothing -o none.csv >none.txt 2>none.err || code=$?
[ $code = 1 ] || fail "a sweep without any run exits with $code"
grep -q "no point of the grid could run" none.err || fail "$(cat none.err)"
[ ! -e nothing ] || fail "tables are made for a network that is not there"
