#!/usr/bin/env bash
# Help is there for every verb and ends in an example; the version is the project's.
source "$(dirname "$0")/common.sh"

"$XBARTAB" --help | grep -q "Example:" || fail "no example in --help"
"$XBARTAB" --version | grep -qE '^xbartab [0-9]+\.[0-9]+\.[0-9]+$' || fail "--version"
verbs=$("$XBARTAB" --help | awk '/^  [a-z]+ +[a-z]/ && $1 != "xbartab" {print $1}')
[ "$(wc -w <<<"$verbs")" -ge 6 ] || fail "verbs: $verbs"
for verb in $verbs; do
    "$XBARTAB" "$verb" --help | grep -A1 "Example:" | grep -q "  xbartab $verb" || fail "$verb --help has no example"
done
"$XBARTAB" models list --json | $PYTHON -c '
import json, sys
m = json.load(sys.stdin)["models"]
assert {x["kind"] for x in m} == {"rram", "selector", "tia", "wire"} and all(x["summary"] for x in m)'
"$XBARTAB" models show sky130_gap | grep -q "published" || fail "models show has no trust tags"
"$XBARTAB" models test --all | tail -1 | grep -q ", 0 checks failed$" || fail "models test --all"

# the README's recipe for a device, word for word
$PYTHON - "$XBARTAB_SOURCE/devicemodels/README.md" <<'P'
import re, sys, os, textwrap
blocks = re.findall(r"```(\w+)\n(.*?)```", open(sys.argv[1]).read(), re.S)
os.makedirs("mine/rram")
for kind, text in reversed(blocks): # the recipe's are the first
    if kind not in ("spice", "yaml"):
        continue
    open("mine/rram/mine." + {"spice": "sub", "yaml": "yaml"}[kind], "w").write(textwrap.dedent(text))
P
"$XBARTAB" models test mine --models mine | tail -1 | grep -q "1 models tested, 0 checks failed" || fail "the recipe's model"
tile 6 5 's/model: sky130_gap/model: mine/' >tile.yaml
"$XBARTAB" characterize tile.yaml -o tile.h5 --models mine >/dev/null || fail "the recipe's tile"
