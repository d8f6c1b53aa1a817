#!/usr/bin/env bash
# Selectors by node, by a user's own model card, and sized for their cells.
source "$(dirname "$0")/common.sh"

# level 1 by hand: 1/R = kp w/l (v_gate - vto - V/2)(1 + lambda V), here at 10 mV, R a share of 1/G_max
width() { # width PRESET SHARE: of the spec, as the tables keep it
    tile 4 4 "s/model: nmos_level1/model: nmos_level1, preset: $1, size_for: $2/" >sized.yaml
    "$XBARTAB" characterize sized.yaml -o sized.h5 >/dev/null
    $PYTHON - "$1" "$2" <<'P'
import h5py, re, sys
nodes = {"130nm": (130e-9, .40, 270e-6, 1.2), "90nm": (90e-9, .35, 350e-6, 1.2), "65nm": (65e-9, .35, 350e-6, 1.1),
         "45nm": (45e-9, .35, 420e-6, 1.0), "32nm": (32e-9, .35, 420e-6, 0.9), "22nm": (22e-9, .35, 500e-6, 0.8)}
l, vto, kp, v_gate = nodes[sys.argv[1]]
share, G_max, V = float(sys.argv[2].rstrip("%")) / (100 if "%" in sys.argv[2] else 1), 10e-6, 10e-3
wanted = l * G_max / share / (kp * (v_gate - vto - V / 2) * (1 + 0.1 * V))
with h5py.File("sized.h5") as f:
    text = f["provenance/models"][()].decode()
found = float(re.search(r"^\*   w = (\S+) m ", text, re.M)[1])
wanted = max(wanted, 50e-9) # the sheet's smallest
assert abs(found / wanted - 1) < 1e-6, (sys.argv, found, wanted)
print("%s, R_on = %s of 1/G_max: w = %.4g m" % (sys.argv[1], sys.argv[2], found))
P
}
width 130nm '10 %'
width 65nm 0.25 # NeuroSim's share; the smallest transistor is better than that
width 65nm 0.02
[ "$SANITIZED" = 1 ] || for node in 90nm 45nm; do width $node '2 %'; done
"$XBARTAB" netlist sized.yaml -o sized.cir
grep -q "Xselector mid bl gate nmos_level1 w=" sized.cir || fail "no selector in the netlist"
! grep -q " w=7e-06\| w=7.0*e-06" sized.cir || fail "the netlist's selector is not sized"

# a card of the user's own: a level-1 one that is nmos_level1 by another name gives the same currents, a BSIM4 one works
mkdir cards
printf '%s\n' '* two models' '.model small nmos level=1' '+ vto=0.4 kp=270u' '+ lambda=0.1' \
    '.model other NMOS (level=1 vto=0.7 kp=60u)' >cards/level1.lib
printf '%s\n' '.model bsim nmos level=54 version=4.8.0 toxe=2n vth0=0.38 u0=0.035' >cards/bsim4.lib
with_card() { # with_card KEYS
    tile 4 4 "s#model: nmos_level1#model: nmos_card, $1, parameters: [{name: w, value: 7 um}, {name: l, value: 0.15 um}, {name: v_gate, value: 1.8 V}]#
        s#sampling: {#sampling: {voltages: 33, states: 5, #"
}
with_card 'card: cards/level1.lib, card_model: small' >small.yaml
with_card 'card: cards/bsim4.lib' >bsim.yaml
tile 4 4 's/sampling: {/sampling: {voltages: 33, states: 5, /' >plain.yaml
for name in plain small bsim; do "$XBARTAB" characterize $name.yaml -o $name.h5 >/dev/null || fail $name; done
$PYTHON - <<'P'
import h5py, hashlib
with h5py.File("plain.h5") as a, h5py.File("small.h5") as b, h5py.File("bsim.h5") as c:
    assert abs(a["cell/current"][...] / b["cell/current"][...] - 1)[..., [0, -1]].max() < 1e-7
    assert abs(a["cell/state_parameter"][...] / c["cell/state_parameter"][...] - 1).max() > 1e-5
    for file, name in ((b, "level1"), (c, "bsim4")):
        models = file["provenance/models"][()].decode()
        assert hashlib.sha256(open("cards/%s.lib" % name, "rb").read()).hexdigest() in models
        assert "vth0" not in models and "vto=0.7" not in models # the card itself stays out
P
printf '1\n0\n1\n1\n' >V.csv
printf '3,0,1,2\n%.0s' 1 2 3 4 >L.csv
"$XBARTAB" solve --levels L.csv --tables bsim.h5 --voltages V.csv --engine spice >/dev/null 2>said.txt || fail "tables with a card: $(cat said.txt)"
sed -i 's/0.38/0.39/' cards/bsim4.lib
! "$XBARTAB" solve --levels L.csv --tables bsim.h5 --voltages V.csv --engine spice >/dev/null 2>said.txt || fail "another card passes"
grep -q "the models have changed since the tables were made" said.txt || fail "$(cat said.txt)"
"$XBARTAB" netlist bsim.yaml -o bsim.cir
grep -q "^.model access_card nmos level=54" bsim.cir || fail "the card is not in the netlist"
! grep -q "access_card nmos level=1" bsim.cir || fail "the stand-in's card is in the netlist too"
[ "$(grep -c '^.model access_card' bsim.cir)" = 1 ] || fail "two cards"

wrong() { # wrong WORDS KEYS
    with_card "$2" >wrong.yaml
    refused 1 "$1" "$XBARTAB" characterize wrong.yaml -o t.h5
}
wrong "cards/level1.lib: name one of its models by card_model; there is: small, other" 'card: cards/level1.lib'
wrong "there is: small, other" 'card: cards/level1.lib, card_model: third'
wrong "cards/none.lib" 'card: cards/none.lib'
wrong "card_model: needs card: FILE" 'card_model: small'
printf '%s\n' '* a card' '.model x nmos level=1' '.include /etc/passwd' >cards/bad.lib
wrong "cards/bad.lib:3: only .model lines, their continuations and comments" 'card: cards/bad.lib'
printf '%s\n' '.model x nmos level=1' 'R1 a b 1k' >cards/bad.lib
wrong "cards/bad.lib:2: only .model lines" 'card: cards/bad.lib'
: >cards/bad.lib
wrong "no .model line in it" 'card: cards/bad.lib'
tile 4 4 's/model: nmos_level1/model: nmos_level1, card: cards\/level1.lib/' >wrong.yaml
refused 1 "cell.selector.card: nmos_level1 has no model card" "$XBARTAB" characterize wrong.yaml -o t.h5
tile 4 4 's/model: nmos_level1/model: none, size_for: 0.1/' >wrong.yaml
refused 1 "cell.selector.size_for: none has no size" "$XBARTAB" characterize wrong.yaml -o t.h5
tile 4 4 's/model: nmos_level1/model: nmos_level1, size_for: 0.0001, parameters: [{name: l, value: 100 um}]/' >wrong.yaml
refused 1 "the selector is to have at most 10 ohm, 0.0001 of the cell's 100000 ohm; with w = 0.001 m" \
    "$XBARTAB" characterize wrong.yaml -o t.h5
