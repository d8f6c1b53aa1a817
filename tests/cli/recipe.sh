#!/usr/bin/env bash
# The recipes for a device of one's own, word for word: the files and commands that stand in the two READMEs.
source "$(dirname "$0")/common.sh"
PATH=$(dirname "$XBARTAB"):$PATH

# devicemodels/README.md: the blocks behind "Write `FILE`", and the commands in backquotes of the numbered lines
cat >steps.py <<'P'
import re, sys, textwrap
recipe = open(sys.argv[1]).read().split("## Recipe: " + sys.argv[2])[1]
recipe = recipe.split("\n## ")[0]
commands = []
for step in re.split(r"^(?=\d+\. )", recipe, flags=re.M)[1:]:
    block = re.search(r"```\w*\n(.*?)```", step, re.S)
    file = re.search(r"Write `([^`]+)`", step)
    if file:
        text = textwrap.dedent(block.group(1)).replace("'", "'\\''")
        commands.append("printf '%%s' '%s' >%s" % (text, file.group(1)))
    else:
        commands += [c for c in re.findall(r"`([^`]+)`", step) if re.match(r"mkdir|xbartab", c)]
assert len(commands) >= 5, commands
open("steps.sh", "w").write("set -e\n" + "\n".join(commands) + "\n")
P
$PYTHON steps.py "$XBARTAB_SOURCE/devicemodels/README.md" "your own RRAM device"
# step 5 names the device in a specification
tile 4 3 's/rram: {model: sky130_gap}/rram: {model: mine}/;s/g_min: 0.5 uS, g_max: 10 uS/g_min: 1 uS, g_max: 20 uS/' >tile.yaml
bash steps.sh >steps.txt || fail "$(tail -5 steps.txt)"
grep -q "0 checks failed" steps.txt || fail "$(cat steps.txt)"
[ -s tile.h5 ] || fail "the recipe made no tables"

# one that switches: a hundred pulses of its table are those of ngspice
$PYTHON steps.py "$XBARTAB_SOURCE/devicemodels/README.md" "your own device that switches"
bash steps.sh >steps.txt || fail "$(tail -5 steps.txt)"
grep -q "0 checks failed" steps.txt && grep -q "dynamic: 0 V for" steps.txt || fail "$(cat steps.txt)"
"$XBARTAB" info drift.h5 --json >drift.json
$PYTHON -c '
import json
w = json.load(open("drift.json"))["write"]
print("a device of one'"'"'s own that switches: trains within %.3f %%" % (100 * w["train"]["heldout_max_fs"]))
assert w["train"]["samples"] == 200 and w["train"]["failed"] == 0 and w["train"]["heldout_max_fs"] < 0.05, w'

# all else of a tile: solved as ngspice does, settled and noisy by the models' own figures, and a network runs on it
if [ "$SANITIZED" = 0 ]; then
    $PYTHON steps.py "$XBARTAB_SOURCE/devicemodels/README.md" "your own selector, amplifier and wire"
    bash steps.sh >steps.txt || fail "$(tail -5 steps.txt)"
    [ "$(grep -c "0 checks failed" steps.txt)" = 3 ] || fail "$(grep failed steps.txt)"
    "$XBARTAB" info own.h5 --json >own.json
    seq 0 191 | awk '{ printf "%d%s", $1 * 7 % 4, $1 % 12 == 11 ? "\n" : "," }' >levels.csv
    seq 0 15 | awk '{ print $1 % 3 ? 0.2 : 0 }' >voltages.csv
    for engine in solve spice; do
        "$XBARTAB" solve --levels levels.csv --tables own.h5 --voltages voltages.csv --engine $engine --models mine --json >$engine.json
    done
    digits=$XBARTAB_SOURCE/data/digits
    "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --tables own.h5 --images "$digits/test-images.idx.gz" \
        --labels "$digits/test-labels.idx.gz" --limit 20 --json >infer.json 2>/dev/null
    $PYTHON - <<'P'
import json
load = lambda name: json.load(open(name + ".json"))
own, a, b = load("own"), load("solve")["i_out"][0], load("spice")["i_out"][0]
assert max(abs(x - y) for x, y in zip(a, b)) < 1e-6 * max(b), (a, b)
tile, tia = own["tile"], own["tia"]
assert (tile["r_word"], tile["r_bit"]) == (2, 3), tile
assert own["energy"]["word_capacitance"] == 2e-16 and own["energy"]["settling"] > 0, own["energy"]
assert tia["settling"] > 0 and tia["noise_rms"] > 0 and own["transfer"]["heldout_rmse_fs"] < 1e-4
accuracy = load("infer")["accuracy"]
assert abs(accuracy["table"] - accuracy["integer"]) <= 0.051, accuracy
print("a selector, an amplifier and a wire of one's own: within %.4f %% of ngspice, accuracy %.2f" % (
    100 * own["transfer"]["heldout_rmse_fs"], accuracy["table"]))
P
fi

# README.md: its commands, with the name of the device just made
sed -n '/^## Add your device/,/^## /p' "$XBARTAB_SOURCE/README.md" | sed -n 's/^    build\/xbartab/xbartab/p' | sed 's/NAME/mine/' >readme.sh
[ "$(wc -l <readme.sh)" -ge 3 ] || fail "README.md has no commands to add a device"
rm tile.h5
bash -e readme.sh >readme.txt || fail "$(tail -5 readme.txt)"
grep -q "^rram *mine" readme.txt || fail "models list does not show the device"
[ -s tile.h5 ] || fail "README's recipe made no tables"
