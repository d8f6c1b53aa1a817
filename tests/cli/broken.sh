#!/usr/bin/env bash
# A user's own models: forms that must work, and mistakes that `models test` names, each with what to do about it.
source "$(dirname "$0")/common.sh"

mkdir -p mine/rram
model() { # model NAME PINS BODY: a device of a gap, with the parameters of the recipe
    printf '%s\n' "* $1" ".subckt $1 $2 gap=0.5n i0=50u g0=0.3n v0=0.4" "$3" ".ends $1" >"mine/rram/$1.sub"
    cat >"mine/rram/$1.yaml" <<Y
name: $1
kind: rram
summary: a model of somebody's own
source: none
licence: none
pins: [top, bottom]
state: {parameter: gap, scale: linear}
parameters:
  - {name: gap, unit: m, default: 0.5 nm, min: 0.1 nm, max: 2 nm, description: state, source: none, trust: assumed}
  - {name: i0, unit: A, default: 0.05 mA, min: 1 uA, max: 1 mA, description: prefactor, source: none, trust: assumed}
  - {name: g0, unit: m, default: 300 pm, min: 0.1 nm, max: 1 nm, description: decay, source: none, trust: assumed}
  - {name: v0, unit: V, default: 400 mV, min: 0.1 V, max: 2 V, description: scale, source: none, trust: assumed}
Y
}
G='{i0*exp(-gap/g0)}*sinh({1/v0}*V(top,bottom))'
good() { # good BODY: however it is written, it works
    model mine "${2:-top bottom}" "$1"
    "$XBARTAB" models test mine --models mine >test.txt || fail "$(cat test.txt)"
}
bad() { # bad WORDS TO-DO BODY
    model mine "top bottom" "$3"
    ! "$XBARTAB" models test mine --models mine >test.txt || fail "passes: $3"
    grep -F -- "$1" test.txt | grep -qF -- "to do: $2" || fail "not \"$1 ... to do: $2\": $(grep failed test.txt)"
}
good "Bread top bottom I=V(top,bottom)>=0 ? $G : 0.7*$G"
good "Rs top m 100
Bread m bottom I={i0*exp(-gap/g0)}*sinh({1/v0}*V(m,bottom))
Cp m bottom 1f"
good "Bread te be I={i0*exp(-gap/g0)}*sinh({1/v0}*V(te,be))" "te be"
bad "1e-06 A at 0 V" "the current must be 0 at 0 V" "Bread top bottom I=$G+1u"
bad "a positive voltage drives a negative current" "current flows from the first pin to the second" "Bread bottom top I=$G"
bad "jumps at 0.17" "two branches meet with a step" "Bread top bottom I=V(top,bottom)>0.17 ? 100*$G : $G"
bad "neither rises nor falls with gap" "narrow min and max of the state" "Bread top bottom I={i0}*sinh({1/v0}*V(top,bottom))"
bad "Undefined parameter [g00]" "correct the name in the braces" "Bread top bottom I={i0*exp(-gap/g00)}*V(top,bottom)"
[ "$(grep -c failed: test.txt)" = 1 ] || fail "one mistake, many failures: $(cat test.txt)"
if [ "$SANITIZED" = 0 ]; then
    bad "all states are all but a short" "look at the units" "Bread top bottom I={1e5*exp(-gap/g0)}*V(top,bottom)"
    bad "with the sheet's defaults, at 0.1 V" "a division comes near 0" "Rread top bottom {gap}"
    [ "$(grep -c failed: test.txt)" = 1 ] || fail "one mistake, many failures: $(cat test.txt)"
    bad "turns back between" "two branches meet with a step, or the formula bends back" "Bread top bottom I=$G*exp(-30*V(top,bottom)^2)"
    bad "-0.5 out of range for sqrt" "Newton's way and the other sign" "Bread top bottom I={i0}*sqrt(V(top,bottom))"
    bad "no such function 'sinnh'" "write it with what B sources have" "Bread top bottom I={i0}*sinnh(V(top,bottom))"
    bad "check node xmodel.bot" "give that node a way for direct current" "Bread top bottom I={i0}*V(top,bot)"
    bad "a corner of the parameter box at gap = 1e-10" "a division comes near 0" "Bread top bottom I=$G*{1/(g0-0.1n)}*1n"
fi
model mine "bottom top" "Bread top bottom I=$G"
refused 1 "mine/rram/mine.sub:2: pin 1 is bottom, in the sheet mine/rram/mine.yaml it is top: the order counts" \
    "$XBARTAB" models test mine --models mine

# devices that switch, each with one thing wrong
switching() { # switching WORDS TO-DO BODY: of its dynamic subcircuit, beside the right current
    model mine "top bottom" "Bread top bottom I=$G"
    cat >>mine/rram/mine.sub <<S
.subckt mine_dynamic top bottom state gap = 0.5n i0=50u g0= 0.3n v0 =0.4
.ic v(state)={gap*1e9}
Bread top bottom I={i0}*exp({-1e-9/g0}*V(state))*sinh({1/v0}*V(top,bottom))
$3
.ends mine_dynamic
S
    cat >>mine/rram/mine.yaml <<'Y'
dynamic:
  subcircuit: mine_dynamic
  scale: "1e9"
  set: {amplitude: 1 V, width: 100 ns}
  reset: {amplitude: -1 V, width: 100 ns}
Y
    ! "$XBARTAB" models test mine --models mine >test.txt || fail "passes: $3"
    grep -F -- "$1" test.txt | grep -qF -- "to do: $2" || fail "not \"$1 ... to do: $2\": $(grep failed test.txt)"
}
store='Cstate state 0 1p'
bounded='*min(max((2-V(state))/0.1,0),1)*min(max((V(state)-0.1)/0.1,0),1)'
switching "triangles of 1.2 V and -1.2 V keep the node of gap in" "let the state's rate fall to 0" \
    "Bstate 0 state I=-1u*V(top,bottom)
$store"
if [ "$SANITIZED" = 0 ]; then
    switching "take 1.60741e-07 S to 1.60741e-07 S" "nothing moves the state from its bound" "$store"
    switching "take 9.05023e-05 S to 9.05023e-05 S" "nothing moves the state from its bound: give its node a current source" \
        "Bstate 0 state I=-8u*V(top,bottom)$bounded
$store"
    switching "0 V for 1e-07 s moves gap from 1.05e-09" "the rate must be 0 at 0 V" "Bstate 0 state I=-8u*V(top,bottom)$bounded
Rleak state 0 1meg
$store"
    switching "after 101000 time points it is at" "something oscillates by itself" "Bstate 0 state I=-1u*V(top,bottom)
$store
Lring ring 0 1e-15
Cring ring 0 1e-15
.ic v(ring)=1"
    [ "$(grep -c failed: test.txt)" = 1 ] || fail "one mistake, many failures: $(cat test.txt)"
fi
