#!/usr/bin/env bash
# Long runs tell how far they are and how long they will take, and the first Ctrl-C or SIGTERM ends them at once: one line,
# exit 1, nothing half-written.
source "$(dirname "$0")/common.sh"

network=$XBARTAB_SOURCE/data/networks/digits.onnx
digits=(--images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz")
tile 20 17 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1

# stopped NAME SIGNAL WORDS COMMAND...: the command runs in a folder NAME until it has said the words (a pattern), or five
# seconds where there are none, gets the signal, and ends within ten seconds. What it said is in NAME.err.
stopped() {
    local name=$1 signal=$2 words=$3 run got=0 began
    shift 3
    mkdir "$name" && cd "$name"
    "$@" >../"$name.out" 2>../"$name.err" &
    run=$!
    trap "kill -KILL $run 2>/dev/null || true" EXIT
    began=$(date +%s)
    until [ -z "$words" ] && [ $(($(date +%s) - began)) -ge 5 ] || [ "$words" ] && grep -qE "$words" "../$name.err"; do
        kill -0 $run 2>/dev/null || fail "ended by itself: $* ($(cat "../$name.err"))"
        [ $(($(date +%s) - began)) -lt 120 ] || fail "mute: $* ($(cat "../$name.err"))"
        sleep 0.2
    done
    began=$(date +%s)
    kill "-$signal" $run
    wait $run || got=$?
    cd ..
    [ $(($(date +%s) - began)) -lt 10 ] || fail "took $(($(date +%s) - began)) s to end: $*"
    [ $got = 1 ] || fail "exit $got instead of 1: $* ($(cat "$name.err"))"
    [ "$(grep -c '^xbartab: ' "$name.err")" = 1 ] || fail "not one line: $*: $(cat "$name.err")"
    grep -q '^xbartab: canceled with [0-9]* of [0-9]* ' "$name.err" || fail "$name: $(cat "$name.err")"
    [ ! -s "$name.out" ] || fail "something on stdout: $*"
    [ -z "$(ls -A "$name")" ] || fail "files left behind by $*: $(ls -A "$name")"
}

# the time left is told while it runs
infer=("$XBARTAB" infer "$network" --tables ../t.h5 "${digits[@]}" --threads 1 --predictions p.csv)
runs=()
(stopped solve INT '^solve: [0-9]+ of 20, [0-9]+ (s|min) left' "${infer[@]}" --mode solve --limit 20) & runs+=($!)
(stopped spice TERM '^spice: [01] of 2, [0-9]+ (s|min) left' "${infer[@]}" --mode spice --limit 2) & runs+=($!)
(stopped check TERM '^drawing products: [0-9]+ of 1000000, [0-9]+ (s|min) left' "${infer[@]}" --limit 20 --check 1000000) & runs+=($!)
for run in "${runs[@]}"; do wait "$run" || exit 1; done
runs=()
(stopped explain INT '' "$XBARTAB" explain "$network" --tables ../t.h5 "${digits[@]}" --limit 1000) & runs+=($!)
(stopped bits INT '' "$XBARTAB" network "$network" --average-bits 4 "${digits[@]}" --threads 1 --limit 1000 --save-bits b.yaml) &
runs+=($!)
(stopped sweep TERM '' "$XBARTAB" sweep ../tile.yaml --set tile.adc.bits=8,9,10 --cache ../cache -o s.csv --network "$network" \
    "${digits[@]}" -j 2) & runs+=($!)
for run in "${runs[@]}"; do wait "$run" || exit 1; done
pgrep -f "$scratch" >/dev/null && fail "a process is left"
echo "stopped where they were"
