#!/usr/bin/env bash
# Bad input: one clear line, exit 1, nothing left behind.
source "$(dirname "$0")/common.sh"

# The line of a specification on which a word stands first.
line() {
    grep -n -m1 -- "$1" "$2" | cut -d: -f1
}

tile 5 4 >good.yaml
"$XBARTAB" characterize good.yaml -o good.h5 >/dev/null

# specifications
tile 5 4 's/^seed: 1/sead: 1/' >s.yaml
refused 1 "s.yaml:$(line sead s.yaml): Unexpected key: sead; allowed here: name, seed," "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/read_voltage: 200 mV/read_voltage: 200 mA/' >s.yaml
refused 1 "s.yaml:$(line mA s.yaml): dac.read_voltage: \"200 mA\" has the wrong unit" "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/word: 1 ohm/word: 1/' >s.yaml
refused 1 'has no unit' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/count: 4/count: 400/' >s.yaml
refused 1 "400 is outside 2 to 256" "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/columns: 4}/columns: 4, topology: gate}/' >s.yaml
refused 1 'array.topology: "gate" is not one of: word_line_input, gate_input' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/columns: 4}/columns: 4, drive: top}/' >s.yaml
refused 1 'array.drive: "top" is not one of: left, right, both' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/columns: 4}/columns: 4, topology: gate_input, drive: left}/' >s.yaml
refused 1 'array.drive: "left" is not one of: top, bottom, both' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/columns: 4}/columns: 4, topology: gate_input}/; s/model: nmos_level1/model: none/' >s.yaml
refused 1 'gate_input needs a selector with a gate pin; "none" has none' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/columns: 4}/columns: 4, topology: gate_input, polarity: alternating}/' >s.yaml
refused 1 'array.rows: 5: the cells of a source line stand in pairs' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/model: sky130_gap/model: sky131_gap/' >s.yaml
refused 1 'no rram model is called "sky131_gap"; there are: cubic, ' "$XBARTAB" characterize s.yaml -o t.h5
tile 5 4 's/g_max: 10 uS/g_max: 10 mS/' >s.yaml
refused 1 "the cell cannot have a conductance of" "$XBARTAB" characterize s.yaml -o t.h5
printf 'name: [x\n' >s.yaml
refused 1 "s.yaml:2: not YAML" "$XBARTAB" characterize s.yaml -o t.h5
refused 1 "missing.yaml: cannot open" "$XBARTAB" characterize missing.yaml -o t.h5
refused 1 "cannot write" "$XBARTAB" characterize good.yaml -o no/such/folder/t.h5

# models: a broken subcircuit, and one that makes the circuit singular
mkdir -p broken/rram
sed -e 's/^name: sinh/name: broken/' "$XBARTAB_SOURCE/devicemodels/rram/sinh.yaml" >broken/rram/broken.yaml
sed -e 's/sinh top/broken top/;s/ends sinh/ends broken/;s/sinh({1/nosuchfunction({1/' \
    "$XBARTAB_SOURCE/devicemodels/rram/sinh.sub" >broken/rram/broken.sub
tile 5 4 's/model: sky130_gap/model: broken/' >s.yaml
refused 1 "ngspice refuses the circuit" "$XBARTAB" characterize s.yaml -o t.h5 --models broken
printf '.subckt broken top bottom g=10u v0=0.43\nVone top bottom 1\nVtwo top bottom 2\n.ends broken\n' >broken/rram/broken.sub
refused 1 "ngspice" "$XBARTAB" characterize s.yaml -o t.h5 --models broken
printf '.subckt broken top\nR1 top 0 1k\n.ends broken\n' >broken/rram/broken.sub
refused 1 "broken.sub:1: .subckt has" "$XBARTAB" characterize s.yaml -o t.h5 --models broken
printf '.subckt broken top bottom g=10u v0=0.43\nR1 top bottom {1/g}\n.ends broken\n.control\nshell touch x\n.endc\n' \
    >broken/rram/broken.sub
refused 1 "broken.sub:4: .control is not allowed" "$XBARTAB" characterize s.yaml -o t.h5 --models broken
rm broken/rram/broken.sub
refused 1 "broken.sub: cannot open" "$XBARTAB" characterize s.yaml -o t.h5 --models broken

# tables
head -c 5000 good.h5 >cut.h5
refused 1 "cut.h5: not an HDF5 file, or a truncated one" "$XBARTAB" info cut.h5
$PYTHON - <<'P'
import h5py, shutil
with h5py.File("foreign.h5", "w") as f:
    f["x"] = [1.0, 2.0]
shutil.copy("good.h5", "newer.h5")
with h5py.File("newer.h5", "r+") as f:
    f.attrs["xbartab_schema"] = 99.0
shutil.copy("good.h5", "less.h5")
with h5py.File("less.h5", "r+") as f:
    del f["cell/current"]
P
refused 1 "foreign.h5: an HDF5 file, but not a table file of xbartab" "$XBARTAB" info foreign.h5
refused 1 "newer.h5: has schema 99" "$XBARTAB" info newer.h5
refused 1 'less.h5: "current" is missing' "$XBARTAB" info less.h5
refused 1 "missing.h5: cannot open" "$XBARTAB" info missing.h5

# networks, images, labels
digits=$XBARTAB_SOURCE/data/digits
network=$XBARTAB_SOURCE/data/networks/digits.onnx
infer() { "$XBARTAB" infer "$1" --tables good.h5 --images "$2" --labels "$3"; }
head -c 20000 "$network" >cut.onnx
refused 1 "cut.onnx: not an ONNX file, or a truncated one" infer cut.onnx "$digits/test-images.idx.gz" "$digits/test-labels.idx.gz"
zcat "$digits/test-images.idx.gz" >images.idx
zcat "$digits/test-labels.idx.gz" >labels.idx
head -c 100000 images.idx >short.idx
refused 1 "short.idx: its header says 784000 bytes of data, but 99984 follow" infer "$network" short.idx labels.idx
{ printf '\0\0\010\007'; tail -c +5 images.idx; } >magic.idx
refused 1 "magic.idx: magic 0x00000807" infer "$network" magic.idx labels.idx
{ printf '\0\0\010\001\0\0\003\347'; tail -c 999 labels.idx; } >fewer.idx
refused 1 "fewer.idx: 999 labels for 1000 images" infer "$network" images.idx fewer.idx
{ head -c 1007 labels.idx; printf '\014'; } >large.idx
refused 1 "label 12 of image 999 is none of the network's 10 outputs" infer "$network" images.idx large.idx
head -c 50000 "$digits/test-images.idx.gz" >cut.gz
refused 1 "cut.gz" infer "$network" cut.gz labels.idx

# an output that is an input, by whatever name and way of saying, keeps what it holds
ln good.yaml linked.yaml
ln -s good.yaml symbolic.yaml
cp labels.idx before.idx
for name in good.yaml linked.yaml symbolic.yaml ./good.yaml "$PWD/good.yaml"; do
    cp good.yaml before.yaml
    refused 1 "names this file twice" "$XBARTAB" netlist good.yaml -o "$name"
    refused 1 "names this file twice" "$XBARTAB" netlist good.yaml "-o$name"
    refused 1 "names this file twice" "$XBARTAB" characterize good.yaml --output="$name"
    cmp good.yaml before.yaml || fail "good.yaml is overwritten by -o $name"
done
refused 1 "names this file twice" "$XBARTAB" infer "$network" --tables good.h5 --images images.idx --labels=labels.idx --predictions labels.idx
cmp labels.idx before.idx || fail "the labels are overwritten"
cp good.yaml netlist # a verb is no file, and an output may be there already
"$XBARTAB" netlist good.yaml -o netlist >/dev/null || fail "an output with the name of its verb"
"$XBARTAB" netlist good.yaml -o netlist >/dev/null || fail "an output that is there already"
rm -f before.idx before.yaml linked.yaml symbolic.yaml netlist

# usage
refused 2 "no verb is called" "$XBARTAB" nothing
refused 2 "unknown option" "$XBARTAB" info --nothing
refused 2 "-o TABLES.h5 is missing" "$XBARTAB" characterize good.yaml
refused 2 "is not float, integer, ideal, table, solve or spice" "$XBARTAB" infer x.onnx --tables t.h5 --images i --mode guess
echo "all refused as they should be"
