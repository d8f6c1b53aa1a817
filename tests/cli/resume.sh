#!/usr/bin/env bash
# A characterization killed with SIGKILL at 20 random moments and resumed ends in the same bytes as one that was left
# alone, for one worker and for three; so does one whose workers are killed, and one stopped with Ctrl-C.
source "$(dirname "$0")/common.sh"

tiles="tiles: 30, tiles_heldout: 10, vectors: 24"
[ "$SANITIZED" = 0 ] || tiles="tiles: 6, tiles_heldout: 2, vectors: 24"
tile 20 18 "s/tiles: 4, tiles_heldout: 2, vectors: 6/$tiles/" >tile.yaml
"$XBARTAB" characterize tile.yaml -o whole.h5 -j 2 >/dev/null 2>&1
[ ! -e whole.h5.partial ] || fail "a finished run leaves its journal"

RANDOM=2385
for jobs in 1 3; do
    rm -f cut.h5 cut.h5.partial
    kills=0
    while [ $kills -lt 20 ]; do
        "$XBARTAB" characterize tile.yaml -o cut.h5 -j $jobs --resume >/dev/null 2>&1 &
        run=$!
        sleep "0.$(printf '%03d' $((RANDOM % 180)))"
        kill -KILL $run 2>/dev/null || true
        wait $run 2>/dev/null || true
        kills=$((kills + 1))
        if [ -e cut.h5 ]; then # it was done before the shot: check, and start again
            cmp cut.h5 whole.h5 || fail "other bytes with -j $jobs after $kills kills"
            rm cut.h5
        fi
    done
    "$XBARTAB" characterize tile.yaml -o cut.h5 -j $jobs --resume >/dev/null 2>&1
    cmp cut.h5 whole.h5 || fail "other bytes with -j $jobs after $kills kills"
    [ ! -e cut.h5.partial ] || fail "a finished run leaves its journal"
done

# workers shot one after the other
"$XBARTAB" characterize tile.yaml -o shot.h5 -j 2 >/dev/null 2>&1 &
run=$!
for shot in 1 2 3 4 5 6; do
    sleep 0.11
    worker=$(pgrep -P $run | head -1 || true)
    [ -z "$worker" ] || kill -KILL "$worker" 2>/dev/null || true
done
wait $run || fail "a run does not survive its workers"
cmp shot.h5 whole.h5 || fail "other bytes after killed workers"

# Ctrl-C
"$XBARTAB" characterize tile.yaml -o stop.h5 -j 1 >/dev/null 2>err.txt &
run=$!
until [ "$(stat -c %s stop.h5.partial 2>/dev/null || echo 0)" -gt 50000 ] || [ -e stop.h5 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.05
done
kill -INT $run 2>/dev/null || true
got=0
wait $run || got=$?
if [ -e stop.h5.partial ]; then
    [ $got = 1 ] || fail "Ctrl-C exits with $got"
    grep -q "canceled" err.txt || fail "Ctrl-C says: $(cat err.txt)"
    rm -f err.txt
    refused 1 "--resume" "$XBARTAB" characterize tile.yaml -o stop.h5
    tile 20 17 >other.yaml
    refused 1 "stop.h5.partial" "$XBARTAB" characterize other.yaml -o stop.h5 --resume
    refused 1 "stop.h5.partial" "$XBARTAB" characterize tile.yaml -o stop.h5 --resume --population none --scale-population
    "$XBARTAB" characterize tile.yaml -o stop.h5 --resume >/dev/null 2>&1
fi
cmp stop.h5 whole.h5 || fail "other bytes after Ctrl-C"
pgrep -f "$scratch" >/dev/null && fail "a process is left"
echo "identical tables after every interruption"
