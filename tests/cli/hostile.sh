#!/usr/bin/env bash
# Files from strangers: whatever stands in a model, card, specification, population, calibration or architecture, no command
# runs, no other file is read or written, and nothing of another file is said. One broken model is in nobody's way.
source "$(dirname "$0")/common.sh"

# ---- generated files: card x prefix x case x control byte x place ----
mkdir files
cat >hostile.py <<'P'
import ctypes, glob, os, struct, subprocess, sys

program, source = sys.argv[1:3]
sanitized = sys.argv[3] == "1" # slow: every third file
here = os.getcwd()
token = "hunter2-5f3a9c"
pwned, include, secret, private = (os.path.join(here, n) for n in ("pwned", "payload.inc", "secret.txt", "private.txt"))
open(include, "w").write(f".control\nshell touch {pwned}\n.endc\n* {token}\n")
open(secret, "w").write(f"root:{token}:1:0\n")
open(private, "w").write(f"user:{token}:2:0\nmore {token}\n")

# who opens the files that nothing may open
libc = ctypes.CDLL(None, use_errno=True)
watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
assert watch >= 0 and all(libc.inotify_add_watch(watch, f.encode(), 0x20 | 0x1 | 0x2) > 0 for f in (include, secret))

def opened():
    try:
        return bool(os.read(watch, 4096))
    except BlockingIOError:
        return False

def write(path, data):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    open(path, "wb").write(data if isinstance(data, bytes) else data.encode("latin-1"))

def sheet(name, kind="rram", **change):
    keys = dict(name=name, kind=kind, summary="a device", source="none", licence="none",
                pins="[top, bottom]", state="{parameter: g, scale: log}", parameter="g", unit="S", rest="")
    keys.update(change)
    k = keys
    return (f"name: {k['name']}\nkind: {k['kind']}\nsummary: {k['summary']}\nsource: {k['source']}\nlicence: {k['licence']}\n"
            f"pins: {k['pins']}\nstate: {k['state']}\nparameters:\n"
            f"  - {{name: {k['parameter']}, unit: \"{k['unit']}\", default: 10 uS, min: 1 uS, max: 100 uS, description: none, "
            f"source: none, trust: assumed}}\n{k['rest']}")

def sub(name, inside="", outside=""):
    return f"* {name}\n{outside}.subckt {name} top bottom g=10u\nR1 top bottom {{1/g}}\n{inside}.ends {name}\n"

def tile(**change):
    keys = dict(name="t", model="sinh", selector="none", card="")
    keys.update(change)
    k = keys
    return (f"name: {k['name']}\ncell: {{rram: {{model: {k['model']}}}, selector: {{model: {k['selector']}{k['card']}}}}}\n"
            "levels: {count: 2, g_min: 2 uS, g_max: 50 uS}\narray: {rows: 2, columns: 2}\nwire: {word: 1 ohm, bit: 1 ohm}\n"
            "dac: {read_voltage: 200 mV}\ntia: {model: ideal}\nadc: {bits: 8}\n"
            "sampling: {tiles: 1, tiles_heldout: 1, vectors: 4}\n")

def calibration(**change):
    k = dict(name="fit", model="sinh", column="I")
    k.update(change)
    return (f"name: {k['name']}\nkind: iv\nmodel: {k['model']}\ndata:\n  columns:\n    voltage: {{name: V, unit: V}}\n"
            f"    current: {{name: {k['column']}, unit: A}}\nweighting: linear\nparameters:\n  - {{name: g, fit: shared}}\nseed: 1\n")

def architecture(**change):
    text = "".join("  " + line + "\n" for line in tile(**{k: v for k, v in change.items() if k != "own"}).splitlines())
    return (f"name: {change.get('own', 'a')}\nsummary: none\nsurvey_ref: \"-\"\ntile:\n{text}"
            f"networks:\n  - {{network: {source}/data/networks/digits.onnx, images: {source}/data/digits/test-images.idx.gz, "
            f"labels: {source}/data/digits/test-labels.idx.gz, limit: 1}}\n")

def population(name="p", summary="none"):
    return f"name: {name}\nsummary: {summary}\nsource: none\nconductance: {{min: 1 uS, max: 5 uS}}\n"

write("data.csv", "V,I\n" + "".join(f"{0.01 * k:g},{1e-7 * k:g}\n" for k in range(1, 30)))
n_runs = n_files = 0

def run(*arguments, refused=True, may_say=()):
    global n_runs
    n_runs += 1
    kept = set(os.listdir("."))
    p = subprocess.run([program, *arguments], capture_output=True, stdin=subprocess.DEVNULL, timeout=200)
    what = f"{arguments}: exit {p.returncode}: {p.stderr!r} {p.stdout[-300:]!r}"
    assert not os.path.exists(pwned) and not opened(), "something ran or was read: " + what
    assert token.encode() not in p.stdout + p.stderr, "a foreign word: " + what
    if refused:
        assert p.returncode == 1 and p.stderr.count(b"\n") == 1 and p.stderr.endswith(b"\n"), what
        assert not any(c < 32 and c != 10 or c == 127 for c in p.stderr), what
        assert set(os.listdir(".")) == kept, f"left behind: {set(os.listdir('.')) - kept} {what}"
    else:
        assert p.returncode == 0, what
    return p.stderr.decode(errors="replace")

# each in its turn, so that every kind of file meets every command
def of_model(name, k):
    return [("models", "test", name, "--models", "files/m"), ("models", "show", name, "--models", "files/m"),
            ("netlist", "files/tile.yaml", "-o", "out.cir", "--models", "files/m"),
            ("characterize", "files/tile.yaml", "-o", "out.h5", "-j1", "--models", "files/m"),
            ("calibrate", "files/fit.yaml", "--data", "data.csv", "-o", "mine.yaml", "--models", "files/m"),
            ("arch", "show", "files/arch.yaml", "--models", "files/m"),
            ("infer", "--arch", "files/arch.yaml", "--cache", "cache", "--models", "files/m"),
            ("compare", "--pairs", f"{name}:none", "--size", "2", "--models", "files/m")][k % 8]

def model(k, inside="", outside="", text=None, sheet_text=None):
    global n_files
    n_files += 1
    if sanitized and n_files % 3:
        return
    for f in glob.glob("files/m/rram/*"):
        os.unlink(f)
    write("files/m/rram/dev.yaml", sheet_text or sheet("dev"))
    write("files/m/rram/dev.sub", text if text is not None else sub("dev", inside, outside))
    write("files/tile.yaml", tile(model="dev"))
    write("files/fit.yaml", calibration(model="dev"))
    write("files/arch.yaml", architecture(model="dev"))
    message = run(*of_model("dev", k))
    assert "files/m/rram/dev." in message and message.split("dev.", 1)[1].split(":")[1].strip().isdigit(), message

shell = f"shell touch {pwned}"
cards = [f".include {include}", f".incl {include}", f".inc {include}", f".includes {include}", f".include_x '{include}'",
         f".lib {include}", f".libs {include} tt", f".control\n{shell}\n.endc", f".controls\n{shell}\n.endc",
         f"*# {shell}", f"*ng_script\n{shell}", f".model m filesource(file={secret})", f".model m d_source(input_file={secret})",
         f"A1 [top] m\n.model m filesource(file={secret})", f"N1 top bottom m", f".pre_osdi {secret}", f".csparam x=1", ".options savecurrents",
         f".title x", ".end", ".save all", ".op", f".exec {shell}", shell, "!" + shell, f".if (1)\n.inc {include}\n.endif",
         f"V1 top bottom pwl file={secret}", f"D1 top bottom m ic.file={secret}", f"R1 top bottom {{table_param('{secret}',1)}}",
         ".global x", ".temp 50", ".func e(x) {x}", ".param time=3", "@", ".measure tran x find v(1)"]
cases = [str.lower, str.upper, lambda s: "".join(c.upper() if k % 2 else c for k, c in enumerate(s))]
bytes_before = ["", "\x01", "\x0b", "\x0c", "\r", "\x1b", "\x7f", "\0", "\xc2\x9b", "\t", "  "]
for k, card in enumerate(cards):
    for case in range(3):
        word = card.split(" ")[0].split("\n")[0]
        byte = bytes_before[(k + 4 * case) % len(bytes_before)]
        text = byte + cases[case](word) + card[len(word):] + "\n"
        where = (k + case) % 3
        if where == 0:
            model(k + case, inside=text)
        elif where == 1:
            model(k + case, outside=text)
        else:
            model(k + case, text=sub("dev") + text)
for k, byte in enumerate(bytes_before[1:-2]): # and in the middle of a card, whose letters it would hide
    model(k, outside=f".in{byte}clude {include}\n")
    model(k + 3, inside=f"R2 top bottom 1k {byte}\n.inc {include}\n")
for k, text in enumerate([f"R2 top bottom 1k\n+\n.inc {include}\n", f"R2 top bottom 1k \\\\\n.inc {include}\n",
                          f"R2 top bottom \"{include}\"\n", f"R2 top bottom `{shell}`\n", "R2 top bottom 1k$(id)\n"]):
    model(k, inside=text)

# sheets
for k, change in enumerate([dict(name='"dev\\n.control"'), dict(parameter='"g\\n.inc x"'), dict(parameter="g 1"), dict(unit="S' ; x '"),
                            dict(kind='"rram\\r"'), dict(summary='"a\\e[2J"'), dict(source='"a\\0b"'), dict(pins='["top\\n.control", bottom]'),
                            dict(rest='current: "g*V\\n"\n'), dict(parameter="e"), dict(parameter="Pi"), dict(parameter="temper"),
                            dict(parameter="hertz"), dict(parameter="time"), dict(parameter="sqrt"),
                            dict(rest="presets:\n  - {name: \"a\\nb\", source: none, trust: assumed, parameters: [{name: g, value: 2 uS}]}\n")]):
    model(k, sheet_text=sheet(**{"name": "dev", **change}))

# specifications, population sheets, calibrations, architectures
controls = ["\\n", "\\r", "\\x01", "\\x0b", "\\e", "\\x7f", "\\0", "\\N", "\\t"]
for k, byte in enumerate(controls):
    text = f'"a{byte}.control\\n{shell}\\n.endc"'
    n_files += 5
    write("files/tile.yaml", tile(name=text))
    write("files/model.yaml", tile(model=text))
    write("files/fit.yaml", calibration(name=text))
    write("files/arch.yaml", architecture(own=text))
    write("files/arch2.yaml", architecture(name=text))
    write("files/p.yaml", population(name=text))
    for arguments in [("netlist", "files/tile.yaml", "-o", "out.cir"), ("characterize", "files/tile.yaml", "-o", "out.h5", "-j1"),
                      ("netlist", "files/model.yaml", "-o", "out.cir"),
                      ("calibrate", "files/fit.yaml", "--data", "data.csv", "-o", "mine.yaml"), ("arch", "show", "files/arch.yaml"),
                      ("infer", "--arch", "files/arch2.yaml", "--cache", "cache"), ("population", "show", "files/p.yaml"),
                      ("population", "confusion", "files/p.yaml")]:
        message = run(*arguments)
        assert ".yaml:" in message and "control character" in message, message
write("files/tile.yaml", tile(name="|\n  a\n  .control\n  " + shell))
assert "control character" in run("netlist", "files/tile.yaml", "-o", "out.cir")

# cards, and files that are none
write("files/tile.yaml", tile(selector="nmos_card", card=", card: card.lib"))
good = ".model mine nmos level=1 vto=0.4\n"
for k, text in enumerate(cards):
    n_files += 1
    write("files/card.lib", bytes_before[k % len(bytes_before)] + text + "\n" + good if k % 2 else good + text + "\n")
    message = run("netlist", "files/tile.yaml", "-o", "out.cir") if k % 2 else run("characterize", "files/tile.yaml", "-o", "out.h5", "-j1")
    assert "card.lib:" in message, message
for name in (private, "/etc/passwd", "/dev/null", here):
    write("files/other.yaml", tile(selector="nmos_card", card=f", card: {name}"))
    message = run("netlist", "files/other.yaml", "-o", "out.cir")
    assert "root" not in message and "user" not in message.replace(here, ""), message
os.makedirs("files/m/rram", exist_ok=True)
write("files/m/rram/dev.yaml", sheet("dev"))
os.path.exists("files/m/rram/dev.sub") and os.unlink("files/m/rram/dev.sub")
os.symlink(private, "files/m/rram/dev.sub")
run("models", "test", "dev", "--models", "files/m")
os.unlink("files/m/rram/dev.sub")
write("files/m/rram/dev.sub", sub("dev"))
os.unlink("files/m/rram/dev.yaml")
os.symlink(private, "files/m/rram/dev.yaml")
run("models", "show", "dev", "--models", "files/m")
os.unlink("files/m/rram/dev.yaml")

# what only looks like it passes, as comments, and runs nothing, in the ngspice program either
harmless = f"* {shell}\n* .control\n; .include {include}\n$ .lib {include}\n// *# {shell}\n*####\n* caf\xc3\xa9 {token[:3]}\n"
write("files/m/rram/dev.yaml", sheet("dev"))
write("files/m/rram/dev.sub", sub("dev", inside=f"R2 top bottom 1meg ; .include {include}\n", outside=harmless).replace("\n", "\r\n"))
write("files/tile.yaml", tile(model="dev"))
run("models", "test", "dev", "--models", "files/m", refused=False)
run("netlist", "files/tile.yaml", "-o", "files/out.cir", "--models", "files/m", refused=False)
p = subprocess.run(["ngspice", "-n", "-b", "out.cir"], cwd="files", capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
assert b"No. of Data Rows" in p.stdout and not os.path.exists(pwned) and not opened(), p.stdout + p.stderr
assert sorted(os.listdir(".")) == ["data.csv", "files", "hostile.py", "payload.inc", "private.txt", "secret.txt"], os.listdir(".")
open(secret).read()
assert opened(), "the watch does not see a file being opened"
assert n_files >= 200 and (n_runs > n_files or sanitized), (n_files, n_runs)
print(f"{n_files} hostile files, {n_runs} runs")
P
$PYTHON hostile.py "$XBARTAB" "$XBARTAB_SOURCE" "$SANITIZED" || fail "hostile files"
rm -r files ./*.txt payload.inc data.csv hostile.py

# ---- one broken file ----
mkdir -p mine/rram
device() { # device NAME BODY: of a conductance g, at the top of the file what stands before the subcircuit
    printf '%s' "${3:-}" >"mine/rram/$1.sub"
    printf '%s\n' ".subckt $1 top bottom g=10u" "$2" ".ends $1" >>"mine/rram/$1.sub"
    cat >"mine/rram/$1.yaml" <<Y
name: $1
kind: rram
summary: a model of somebody's own
source: none
licence: none
pins: [top, bottom]
state: {parameter: g, scale: log}
parameters:
  - {name: g, unit: S, default: 10 uS, min: 1 uS, max: 100 uS, description: conductance, source: none, trust: assumed}
operating:
  - {selector: none, g_min: 2 uS, g_max: 50 uS, read_voltage: 200 mV, source: none, trust: assumed}
Y
}
device good 'Rread top bottom {1/g}'
device bad_sub '.include /etc/passwd'
device bad_pipe ''
rm mine/rram/bad_pipe.sub
mkfifo mine/rram/bad_pipe.sub
device bad_sheet 'Rread top bottom {1/g}'
sed -i 's/unit: S,/unit: S, colour: red,/' mine/rram/bad_sheet.yaml
"$XBARTAB" models list --models mine >list.txt 2>told.txt || fail "models list: exit $?: $(cat told.txt)"
"$XBARTAB" models list >shipped.txt
[ "$(wc -l <list.txt)" = $(($(wc -l <shipped.txt) + 1)) ] || fail "not all models but the broken are listed: $(cat list.txt)"
grep -q '^rram *good ' list.txt || fail "the good model is not listed"
[ "$(wc -l <told.txt)" = 3 ] && grep -q '^xbartab: broken: mine/rram/bad_pipe.sub: not a regular file' told.txt &&
    grep -q '^xbartab: broken: mine/rram/bad_sheet.yaml:9: Unexpected key: colour' told.txt &&
    grep -q '^xbartab: broken: mine/rram/bad_sub.sub:2: .include is not allowed' told.txt || fail "the broken are not told: $(cat told.txt)"
"$XBARTAB" models list --models mine --json 2>/dev/null | $PYTHON -c '
import json, sys
broken = json.load(sys.stdin)["broken"]
assert [(b["name"], b["kind"]) for b in broken] == [("bad_pipe", "rram"), ("bad_sheet", "rram"), ("bad_sub", "rram")] and all("mine/rram/" in b["error"] for b in broken)
' || fail "models list --json"
"$XBARTAB" models show good --models mine >shown.txt 2>told.txt || fail "good: $(cat told.txt)"
[ ! -s told.txt ] || fail "a broken model is told of where nobody asks: $(cat told.txt)"
refused 1 "bad_sub.sub:2: .include is not allowed" "$XBARTAB" models test bad_sub --models mine
refused 1 "bad_sheet.yaml:9: Unexpected key: colour" "$XBARTAB" models show bad_sheet --models mine
tile 2 2 's/model: sky130_gap/model: good/;s/, selector: {model: nmos_level1}//' | sed 's/selector: {model: .*}/selector: {model: none}/' >tile.yaml
"$XBARTAB" netlist tile.yaml -o out.cir --models mine || fail "a good model beside broken ones"
sed 's/model: good/model: bad_sub/' tile.yaml >bad.yaml
refused 1 "bad_sub.sub:2: .include is not allowed" "$XBARTAB" netlist bad.yaml -o t.cir --models mine
refused 1 "bad_sub.sub:2: .include is not allowed" "$XBARTAB" compare --pairs bad_sub:none --models mine
mkdir -p twin/rram
sed 's/\bgood\b/sinh/' mine/rram/good.sub >twin/rram/sinh.sub
sed 's/\bgood\b/sinh/' mine/rram/good.yaml >twin/rram/sinh.yaml
"$XBARTAB" models list --models twin 2>told.txt | grep -q '^rram *cubic ' || fail "a name that is taken blocks the rest"
grep -q 'there is already a model of that name' told.txt || fail "$(cat told.txt)"
refused 1 "there is already a model of that name" "$XBARTAB" models show sinh --models twin

# names: ngspice's own, and two that differ in case only
for name in e E pi temper time hertz Hertz sqrt; do
    device good 'Rread top bottom {1/g}'
    sed -i "s/^operating:/  - {name: $name, unit: \"1\", default: \"2\", min: \"1\", max: \"3\", description: none, source: none, trust: assumed}\n&/" mine/rram/good.yaml
    sed -i "1s/\$/ $name=2/" mine/rram/good.sub
    refused 1 "mine/rram/good.yaml:10: parameters[1].name: \"$name\": ngspice owns that name" "$XBARTAB" models test good --models mine
done
device good 'Rread top bottom {1/g}'
sed -i 's/^operating:/  - {name: G, unit: "1", default: "2", min: "1", max: "3", description: none, source: none, trust: assumed}\n&/' mine/rram/good.yaml
refused 1 'good.yaml:10: parameters[1].name: "G" is there already' "$XBARTAB" models test good --models mine

# two models that each define a function of one name: to ngspice the last one is both's
mkdir -p shared/rram shared/selector
device good 'Rread top bottom {1/f(g)}' '.func f(x) {x}
'
mv mine/rram/good.* shared/rram/
printf '%s\n' '.func F(x) {2*x}' '.subckt on a b r=100' 'Ron a b {F(r)}' '.ends on' >shared/selector/on.sub
cat >shared/selector/on.yaml <<'Y'
name: on
kind: selector
summary: a resistor
source: none
licence: none
pins: [a, b]
parameters:
  - {name: r, unit: ohm, default: 100 ohm, min: 1 ohm, max: 1 kohm, description: resistance, source: none, trust: assumed}
Y
"$XBARTAB" netlist tile.yaml -o shown.cir --models shared || fail "a function of a model's own"
sed 's/selector: {model: none}/selector: {model: on}/' tile.yaml >bad.yaml
refused 1 'this name is defined twice' "$XBARTAB" netlist bad.yaml -o t.cir --models shared
sed -i 's/\bF(/twice(/' shared/selector/on.sub
"$XBARTAB" netlist bad.yaml -o shown.cir --models shared || fail "functions of two names"

# ngspice's own reading: Windows' line ends, comments of every kind and blank lines inside a header that goes on; the current at 0.5 V
# is g v0 sinh(0.5/v0) with v0 = 0.3 V
device good 'B1 top bottom I={g*v0}*sinh(V(top,bottom)/{v0}) $ a current'
sed -i 's/^operating:/  - {name: v0, unit: V, default: 300 mV, min: 0.1 V, max: 1 V, description: none, source: none, trust: assumed}\n&/' mine/rram/good.yaml
sed -i '1s/.*/* good\n.SUBCKT good top ; first\n* between\n\n+ bottom $ second\n+ PARAMS: g = 10u\n  + v0={0.1 + 0.2} \/\/ third/;s/$/\r/' mine/rram/good.sub
"$XBARTAB" models test good --models mine >test.txt || fail "$(cat test.txt)"
current=$(sed -n 's/.*g = 1e-05: 0 A at 0 V, \([0-9.e+-]*\) A at 0.5 V.*/\1/p' test.txt)
$PYTHON -c "from math import sinh; assert abs($current / (10e-6 * 0.3 * sinh(0.5 / 0.3)) - 1) < 1e-5" || fail "$current A: $(cat test.txt)"
sed -i 's/^; first//;s/^\* between/; between/' mine/rram/good.sub
refused 1 "good.sub:5: ngspice drops a continuation behind a line that begins with ;" "$XBARTAB" models test good --models mine

# a model whose ngspice crashes, one that hangs (twenty-two functions that call each the next one twice), one that never converges
device good 'Rread top bottom {1/g}'
device crash 'Rread top bottom {f(1)/g}' '.func f(x) {f(x)+1}
'
device never 'Rone top m {0.5/g}
Btwo m bottom I=V(m,bottom) > 0.05 ? 1m : {2*g}*V(m,bottom)'
device hang 'Rread top bottom {f0(1)/g}' "$(for k in $(seq 0 21); do echo ".func f$k(x) {f$((k + 1))(x)+f$((k + 1))(x)}"; done)
.func f22(x) {x}
"
"$XBARTAB" compare --models mine --size 4 --pairs crash:none,good:none,never:none >shown.txt 2>/dev/null && fail "broken devices pass"
grep -q '^crash .* failed: .*ngspice crashed' shown.txt && grep -q '^never .* failed: .*without convergence' shown.txt &&
    grep -q '^good *none *0.2 V *2 - *50 *100 ' shown.txt || fail "$(cat shown.txt)"
mkdir alone
mv mine/rram alone/
if [ "$SANITIZED" = 0 ]; then
    "$XBARTAB" models test --all --models alone >test.txt 2>told.txt && fail "broken models pass"
    tail -1 test.txt | grep -qx "$(($(wc -l <shipped.txt) + 4)) models tested, 3 checks failed, 3 models broken" || fail "$(tail -1 test.txt)"
    [ "$(wc -l <told.txt)" = 3 ] || fail "$(cat told.txt)"
    for words in 'failed: ngspice crashed' 'did not end within 10 s' 'Too many iterations without convergence'; do
        grep -q -- "$words" test.txt || fail "not counted: $words"
    done
fi

# pictures: gnuplot runs what it finds outside of its strings
{
    echo 'device,V,I'
    for k in $(seq 1 20); do echo "a'; system('touch drawn') #\`touch drawn\`,0.0$((10 + k)),$((10 + k))e-7"; done
} >drawn.csv
cat >drawn.yaml <<'Y'
name: "x' ; system('touch drawn') ; set title '`touch drawn`"
kind: iv
model: sinh
data:
  columns:
    device: {name: device}
    voltage: {name: V, unit: V}
    current: {name: I, unit: A}
weighting: linear
parameters:
  - {name: g, fit: shared}
seed: 1
Y
"$XBARTAB" calibrate drawn.yaml --data drawn.csv -o fitted.yaml --plot drawn.svg >/dev/null || fail "a fit with a picture"
[ -s drawn.svg ] && [ ! -e drawn ] || fail "gnuplot ran a command of the data"

# Ctrl-C reaches the program alone: its workers lead groups of their own, and are gone when it is
tile 16 16 >tile.yaml
$PYTHON - "$XBARTAB" <<'P' || fail "an interrupt"
import glob, os, signal, subprocess, sys, time
p = subprocess.Popen([sys.argv[1], "characterize", "tile.yaml", "-o", "t.h5", "-j2"], start_new_session=True, stderr=subprocess.PIPE)
def workers():
    found = []
    for f in glob.glob("/proc/[0-9]*/stat"):
        try:
            pid, rest = open(f).read().split(" (", 1)
        except OSError:
            continue
        state, parent, group = rest.rsplit(") ", 1)[1].split()[:3]
        if int(parent) == p.pid:
            found.append((int(pid), int(group)))
    return found
for wait in range(1000):
    seen = workers()
    if len(seen) == 2:
        break
    assert p.poll() is None, "it ended before it had two workers"
    time.sleep(0.005)
time.sleep(0.2)
seen = workers() or seen
os.killpg(p.pid, signal.SIGINT)
errors = p.communicate(timeout=60)[1]
assert p.returncode == 1 and b"canceled" in errors, (p.returncode, errors)
assert seen and all(pid == group != p.pid for pid, group in seen), (seen, p.pid)
assert not any(os.path.exists(f"/proc/{pid}") for pid, group in seen), "a worker outlives its program"
P
