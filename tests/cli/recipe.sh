#!/usr/bin/env bash
# The recipes for a device of one's own, word for word: the files and commands that stand in the two READMEs.
source "$(dirname "$0")/common.sh"
PATH=$(dirname "$XBARTAB"):$PATH

# devicemodels/README.md: the blocks behind "Write `FILE`", and the commands in backquotes of the numbered lines
$PYTHON - "$XBARTAB_SOURCE/devicemodels/README.md" <<'P'
import re, sys, textwrap
recipe = open(sys.argv[1]).read().split("## Recipe: your own RRAM device")[1]
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
# step 5 names the device in a specification
tile 4 3 's/rram: {model: sky130_gap}/rram: {model: mine}/;s/g_min: 0.5 uS, g_max: 10 uS/g_min: 1 uS, g_max: 20 uS/' >tile.yaml
bash steps.sh >steps.txt || fail "$(tail -5 steps.txt)"
grep -q "0 checks failed" steps.txt || fail "$(cat steps.txt)"
[ -s tile.h5 ] || fail "the recipe made no tables"

# README.md: its commands, with the name of the device just made
sed -n '/^## Add your device/,/^## /p' "$XBARTAB_SOURCE/README.md" | sed -n 's/^    build\/xbartab/xbartab/p' | sed 's/NAME/mine/' >readme.sh
[ "$(wc -l <readme.sh)" -ge 3 ] || fail "README.md has no commands to add a device"
rm tile.h5
bash -e readme.sh >readme.txt || fail "$(tail -5 readme.txt)"
grep -q "^rram *mine" readme.txt || fail "models list does not show the device"
[ -s tile.h5 ] || fail "README's recipe made no tables"
