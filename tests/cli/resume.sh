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
[ -z "$(find . -name '*.tmp')" ] || fail "left behind: $(find . -name '*.tmp')"

# a journal is not taken on trust: a record that is no result of its unit is named, and a length beyond the file is a torn tail
tile 9 7 >small.yaml
"$XBARTAB" characterize small.yaml -o small.h5 -j 1 >/dev/null 2>&1
"$XBARTAB" characterize small.yaml -o part.h5 -j 1 >/dev/null 2>&1 &
run=$!
until [ "$(stat -c %s part.h5.partial 2>/dev/null || echo 0)" -gt 200000 ] || [ -e part.h5 ]; do
    kill -0 $run 2>/dev/null || break
    sleep 0.01
done
kill -KILL $run 2>/dev/null || true
wait $run 2>/dev/null || true
if [ -e part.h5.partial ]; then
    cp part.h5.partial whole.partial
    $PYTHON - <<'P'
import struct, zlib
raw = open("whole.partial", "rb").read()
head = 16 + struct.unpack_from("<I", raw, 12)[0] + 4
def record(unit, payload, status=0, n=None):
    fixed = struct.pack("<qQi", unit, len(payload) if n is None else n, status)
    return fixed + struct.pack("<I", zlib.crc32(fixed + payload)) + payload
open("short.partial", "wb").write(raw + record(1, struct.pack("<2d", 1, 2)))
open("odd.partial", "wb").write(raw + record(1, b"12345"))
open("status.partial", "wb").write(raw + record(2, b"", 77))
open("tail.partial", "wb").write(raw + record(5, b"1234", n=1 << 31))
open("stranger.partial", "wb").write(raw + record(1 << 40, b"12345678"))
P
    for kind in "short unit 1 has 16 bytes with status 0" "odd unit 1 has 5 bytes" "status unit 2 has 0 bytes with status 77"; do
        cp "${kind%% *}.partial" part.h5.partial
        refused 1 "part.h5.partial: ${kind#* }" "$XBARTAB" characterize small.yaml -o part.h5 --resume
    done
    for kind in tail stranger; do
        rm -f part.h5
        cp $kind.partial part.h5.partial
        (ulimit -v "$([ "$SANITIZED" = 1 ] && echo unlimited || echo 1500000)" && "$XBARTAB" characterize small.yaml -o part.h5 -j 1 --resume >/dev/null 2>&1)
        cmp part.h5 small.h5 || fail "other bytes after a journal with a $kind"
    done
else
    fail "the run was over before it could be stopped"
fi
echo "identical tables after every interruption"
