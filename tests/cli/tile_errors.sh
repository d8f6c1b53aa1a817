#!/usr/bin/env bash
# What a tile announces of itself against its whole netlist in the ngspice program, on structured patterns and inputs; and what
# `solve --engine table` refuses.
source "$(dirname "$0")/common.sh"

XBARTAB=$XBARTAB $PYTHON "$XBARTAB_SOURCE/scripts/tile-errors" --quick --json tiles.json >told.txt || fail "$(cat told.txt)"
$PYTHON - <<'P'
import json
tiles = [t for kind in json.load(open("tiles.json")).values() for t in kind]
assert len(tiles) == 8 and all(t["by"] == "ngspice" for t in tiles), tiles
for t in tiles:
    assert 0 < t["measured_max"] <= 1.5 * t["announced_max"] and t["measured_rmse"] <= 1.5 * t["announced_rmse"], t
    assert t["announced_rmse"] <= t["announced_max"], t
    for k in ("rmse", "max"):
        assert 0 < t["measured_energy_" + k] <= 1.5 * t["announced_energy_" + k] + 1e-7, t
    assert t["announced_energy_max"] < 5e-3, t
P

tile 3 2 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null
printf '1,2\n3,1\n0,0\n' >L.csv
printf '0.2\n0\n0.2\n' >V.csv
solve() { refused "$@" --tables t.h5 --levels L.csv --engine table; }
"$XBARTAB" solve --tables t.h5 --levels L.csv --voltages V.csv --engine table | grep -q "at most of full scale" || fail "no error is told"
solve 2 "--engine table takes --tables as they are" "$XBARTAB" solve --voltages V.csv --r-word 3
printf '0.2\n0.1\n0.2\n' >V.csv
solve 1 "word line 1: 0.1 V is none of the tables' 2 input voltages" "$XBARTAB" solve --voltages V.csv
