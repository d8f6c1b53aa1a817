#!/usr/bin/env bash
# models show --plot draws every device, the figures of its sheet included and named by their source, and says so where it cannot.
source "$(dirname "$0")/common.sh"

refused 2 "--plot is for show NAME" "$XBARTAB" models list --plot x.svg
if ! command -v gnuplot >/dev/null; then
    echo "skipped: no gnuplot"
    exit 77
fi
n=0
for sheet in "$XBARTAB_SOURCE"/devicemodels/rram/*.yaml; do
    name=$(basename "$sheet" .yaml)
    [ "$SANITIZED" = 0 ] || [ "$n" -lt 2 ] || break
    "$XBARTAB" models show "$name" --plot "$name.svg" >/dev/null || fail "$name"
    grep -q "</svg>" "$name.svg" || fail "$name.svg is not whole"
    if grep -qE "^ *- \{state: .*(resistance|current):" "$sheet"; then
        grep -E "^ *- \{state: .*(resistance|current):" "$sheet" | sed 's/.*source: *//;s/}.*//;s/"//g' | sort -u >sources.txt
        while IFS= read -r words; do # (grep -q would end before sed)
            sed "s/&#39;/'/g;s/&apos;/'/g" "$name.svg" | grep -F -- "$words" >/dev/null || fail "$name: no points of \"$words\""
        done <sources.txt
    fi
    if grep -q "^dynamic:" "$sheet"; then
        grep -q "second cycle" "$name.svg" || fail "$name: no loop"
    fi
    n=$((n + 1))
done
"$XBARTAB" models show sinh --plot s.png >/dev/null
[ "$(head -c 4 s.png | tail -c 3)" = PNG ] || fail "no PNG"
! "$XBARTAB" models show sinh --plot s.txt >/dev/null 2>err.txt || fail "a picture that is no picture"
grep -q "a picture is a .svg or a .png" err.txt || fail "$(cat err.txt)"
! "$XBARTAB" models show opamp --plot o.svg >/dev/null 2>err.txt || fail "an amplifier drawn as a device"
grep -q "is no rram" err.txt || fail "$(cat err.txt)"
[ -z "$(ls ./*.part 2>/dev/null)" ] || fail "half a picture left behind"
echo "$n devices drawn"

# a run that is killed while gnuplot draws leaves nothing, and the next one removes what a killed writer left
mkdir slow
printf '#!/bin/sh\necho $$ >>"%s/pids"\nexec sleep 60\n' "$scratch" >slow/gnuplot
chmod +x slow/gnuplot
PATH=$scratch/slow:$PATH "$XBARTAB" models show sinh --plot killed.svg >/dev/null 2>&1 & run=$!
for turn in $(seq 200); do [ -s pids ] && break || sleep 0.1; done
kill -KILL "$run"
wait "$run" 2>/dev/null || true
kill "$(cat pids)" 2>/dev/null || true
[ -z "$(find . -name 'killed.svg*')" ] || fail "left behind: $(find . -name 'killed.svg*')"
echo half >killed.svg.99999999.tmp
"$XBARTAB" models show sinh --plot killed.svg >/dev/null 2>&1 || fail "no picture after a killed run"
[ "$(find . -name 'killed.svg*')" = ./killed.svg ] || fail "left behind: $(find . -name 'killed.svg*')"
