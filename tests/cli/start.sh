#!/usr/bin/env bash
# What a newcomer meets first: doctor, and starts of files that work as they are.
source "$(dirname "$0")/common.sh"

# ---- doctor ----
"$XBARTAB" doctor >doctor.txt || fail "doctor: $(cat doctor.txt)"
grep -q '^ok  *libngspice  *gives ' doctor.txt || fail "$(cat doctor.txt)"
"$XBARTAB" doctor --json >doctor.json
$PYTHON - "$XBARTAB" "$XBARTAB_SOURCE" <<'P2'
import json, math, re, subprocess, sys
d = json.load(open("doctor.json"))
named = {c["name"]: c for c in d["checks"]}
assert d["ok"] and all(c["ok"] for c in d["checks"] if c["required"]), d
there, name, V = re.match(r"gives (\S+) A for (\w+) at (\S+) V", named["libngspice"]["found"]).groups()
m = json.loads(subprocess.run([sys.argv[1], "models", "show", name, "--json"], capture_output=True, text=True).stdout)
m = m.get("model", m)
known = dict({p["name"]: p["default"] for p in m["parameters"]}, V=float(V), sinh=math.sinh, exp=math.exp)
formula = re.search(r'^current: "(.*)"', open("%s/devicemodels/rram/%s.yaml" % (sys.argv[2], name)).read(), re.M).group(1)
by_hand = eval(formula.replace("^", "**"), {"__builtins__": {}}, known)
assert abs(float(there) - by_hand) < 1e-5 * by_hand, (there, by_hand)
P2
mkdir -p shut && chmod 500 shut
if [ "$(id -u)" != 0 ]; then # root writes everywhere
    ! XDG_CACHE_HOME=$PWD/shut "$XBARTAB" doctor >doctor.txt 2>&1 || fail "a cache that cannot be written is well"
fi
mkdir empty && mkdir -p "$PWD/bin" && ln -s "$(command -v env)" bin/env
PATH=$PWD/bin "$XBARTAB" doctor >doctor.txt || fail "optional programs are required: $(cat doctor.txt)"
grep -q '^missing  *gnuplot  *apt-get install gnuplot-nox (for --plot)' doctor.txt || fail "$(cat doctor.txt)"
refused 2 "doctor" "$XBARTAB" doctor x

# ---- init: each start runs unchanged ----
mkdir -p mine/rram
"$XBARTAB" init tile my_tile.yaml
"$XBARTAB" init tile - >printed.yaml
"$XBARTAB" netlist printed.yaml -o printed.cir
"$XBARTAB" init device mine/rram/my_device.yaml 2>made.txt
grep -qF 'mine/rram/my_device.yaml and mine/rram/my_device.sub' made.txt || fail "$(cat made.txt)"
"$XBARTAB" init architecture my_system.yaml
"$XBARTAB" init calibration my_fit.yaml
! grep -r NAME my_tile.yaml mine my_system.yaml my_fit.yaml || fail "a place for the name is left"
"$XBARTAB" netlist my_tile.yaml -o my_tile.cir
[ "$SANITIZED" = 1 ] || ngspice -b my_tile.cir >ngspice.txt 2>&1 || fail "ngspice: $(tail -3 ngspice.txt)"
[ "$SANITIZED" = 1 ] || "$XBARTAB" models test my_device --models mine >/dev/null
sed 's/{model: sinh}/{model: my_device}/; s/rows: 32, columns: 32/rows: 8, columns: 4/' my_tile.yaml >small.yaml
"$XBARTAB" characterize small.yaml --models mine -o small.h5 >/dev/null 2>&1
"$XBARTAB" arch show ./my_system.yaml >/dev/null
"$XBARTAB" cost "$XBARTAB_SOURCE/data/networks/digits.onnx" --arch ./my_system.yaml >/dev/null
$PYTHON -c '
import math
print("device,V,I")
for d in range(6):
    for k in range(1, 13):
        print("d%d,%g,%.9g" % (d, 0.025 * k, (1 + d) * 1e-5 * 0.37 * math.sinh(0.025 * k / 0.37)))' >sweeps.csv
"$XBARTAB" calibrate my_fit.yaml --data sweeps.csv -o mine/rram/fitted.yaml --json >fit.json 2>/dev/null
$PYTHON -c '
import json
v0 = [p for p in json.load(open("fit.json"))["parameters"] if p["name"] == "v0"][0]["value"]
assert abs(v0 - 0.37) < 1e-3, v0'

cp my_tile.yaml before.yaml
refused 1 "my_tile.yaml: there is such a file already" "$XBARTAB" init tile my_tile.yaml
cmp my_tile.yaml before.yaml
rm mine/rram/my_device.yaml
refused 1 "my_device.sub: there is such a file already" "$XBARTAB" init device mine/rram/my_device.yaml
refused 2 "none of tile, device, architecture, calibration" "$XBARTAB" init network x.yaml
refused 1 "a file called NAME.yaml is written" "$XBARTAB" init tile x.yml
refused 1 "a name has up to 64 small letters" "$XBARTAB" init tile "x y.yaml"
refused 1 "nowhere/x.yaml" "$XBARTAB" init tile nowhere/x.yaml
refused 1 "nowhere/x.sub" "$XBARTAB" init device nowhere/x.yaml
