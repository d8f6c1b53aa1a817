#!/usr/bin/env bash
# What cannot be written is told: every verb with standard output on a full device and closed, as text and as JSON, and
# every file that a verb writes where no byte fits, where a folder stands, and where no folder is. Exit 1, one line, no file.
# Every verb of the program must have its commands here. A reader that goes away ends a verb quietly. Text results are the
# same twice.
source "$(dirname "$0")/common.sh"

tile 5 4 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
printf '1e4,2e4\n3e4,inf\n' >R.csv
printf '0.2\n0.1\n' >V.csv
printf 'V,I\n-0.1,-1e-6\n0.1,1e-6\n0.2,3e-6\n' >curve.csv
mkdir -p mine/rram folder

$PYTHON - "$XBARTAB" "$XBARTAB_SOURCE" "$SANITIZED" <<'P'
import json, os, re, resource, shutil, subprocess, sys
program, source, sanitized = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
plots = bool(shutil.which("gnuplot"))
with open("sweeps.csv", "w") as f: # eight devices' sinh curves without noise
    import math
    for device in range(8):
        for k in range(16):
            v = 0.35 * k / 15
            f.write("c%d\t%.9g\t%.9g\n" % (device, 5e-6 * (1 + device) * math.sinh(v / 0.5), v))
images = ["--images", source + "/data/digits/test-images.idx.gz", "--labels", source + "/data/digits/test-labels.idx.gz", "--limit", "5"]
digits = source + "/data/networks/digits.onnx"
table = open("tile.yaml").read()
open("tile64.yaml", "w").write(table.replace("rows: 5, columns: 4", "rows: 64, columns: 64")
    .replace("tiles: 4, tiles_heldout: 2, vectors: 6", "tiles: 1, tiles_heldout: 1, vectors: 4, engine: solve, check_tiles: 1, check_full: 0"))
calibrate = ["calibrate", source + "/data/calibration/sinh.yaml", "--data", "sweeps.csv", "-o"]
sweep = ["sweep", "tile64.yaml", "--network", digits, *images, "--cache", "cache", "--mode", "ideal", "--set", "scheme.adc_bits=8", "-j", "1", "-o"]
tiles = ["--arch", "tile.arch.yaml"]
prints = { # a verb: what it prints, and whether it has --json
    "models": (["models", "list"], True),
    "netlist": (["netlist", "tile.yaml", "-o", "-"], False),
    "calibrate": ([*calibrate, "mine/rram/cell.yaml"], True),
    "characterize": (["characterize", "tile.yaml", "-o", "again.h5"], True),
    "compare": (["compare", "--list"], False),
    "population": (["population", "list"], True),
    "info": (["info", "t.h5"], True),
    "network": (["network", digits], True),
    "infer": (["infer", digits, *images, "--mode", "integer"], True),
    "explain": (["explain", digits, *images[:-1], "1", "--tables", "t64.h5", "--without-layers", "--refine", "0"], True),
    "arch": (["arch", "list"], True),
    "cost": (["cost", digits, "--arch", "isaac"], True),
    "sweep": ([*sweep, "sweep.csv"], True),
    "solve": (["solve", "--resistances", "R.csv", "--voltages", "V.csv", "--r-word", "2.5"], True),
    "init": (["init", "tile", "-"], False),
    "doctor": (["doctor"], True),
    "bench": (["bench", "kernel"], True),
}

def run(*words, closed=False, limit=None, **how):
    def before():
        if closed:
            os.close(1)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=before, timeout=300, **how)

def one_line(p, words, what):
    said = [l for l in p.stderr.decode().splitlines() if l.startswith("xbartab")]
    assert p.returncode == 1 and len(said) == 1 and words in said[0], (what, p.returncode, p.stderr.decode())

verbs = [v for v in re.findall(r"^  ([a-z]+) +[a-z]", subprocess.run([program, "--help"], capture_output=True, text=True).stdout, re.M) if v != "xbartab"]
assert set(verbs) == set(prints), "give every verb a command here: %s" % (set(verbs) ^ set(prints))
made = run("characterize", "tile64.yaml", "-o", "t64.h5", stdout=subprocess.DEVNULL)
assert made.returncode == 0, made.stderr

# ---- standard output ----
slow = {"bench", "explain", "sweep"} if sanitized else set()
for verb in verbs:
    command, has_json = prints[verb]
    for words in [command, [verb, "--help"]] + ([[*command, "--json"]] if has_json and verb not in ("bench", "explain") and not sanitized else []):
        if verb in slow and words == command:
            continue
        with open("/dev/full", "w") as full:
            one_line(run(*words, stdout=full), "standard output: cannot write", words)
        if words == command and verb not in ("bench", "explain"):
            one_line(run(*words, closed=True), "standard output: cannot write", words)
for words in (["--help"], ["--version"]):
    one_line(run(*words, closed=True), "standard output: cannot write", words)
# what prints nothing misses nothing
assert run("netlist", "tile.yaml", "-o", "closed.cir", closed=True).returncode == 0 and os.path.getsize("closed.cir") > 1000
# a closed stream is no file that is opened later: nothing is printed into a table
before = open("again.h5", "rb").read()
one_line(run("characterize", "tile.yaml", "-o", "again.h5", closed=True), "standard output", "again")
assert open("again.h5", "rb").read() == before and before[512:516] == b"\x89HDF"
print("%d verbs with nowhere to print" % len(verbs))

# a reader that goes away: the end by the signal, without a word
for words in (["netlist", "tile64.yaml", "-o", "-"], ["arch", "list"], ["solve", "--resistances", "R.csv", "--voltages", "V.csv", "--json"]):
    p = subprocess.Popen([program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.close()
    said = p.stderr.read()
    assert p.wait() == -13 and said == b"", (words, p.returncode, said)

# ---- files ----
files = {
    "init": ["init", "tile", "@.yaml"],
    "netlist": ["netlist", "tile.yaml", "-o", "@.cir"],
    "models from-csv": ["models", "from-csv", "curve.csv", "-o", "@rram/x.yaml"],
    "calibrate": [*calibrate, "@rram/y.yaml"],
    "calibrate --devices": [*calibrate, "mine/rram/cell.yaml", "--devices", "@.csv"],
    "characterize": ["characterize", "tile.yaml", "-o", "@.h5"],
    "infer": ["infer", digits, *images, "--mode", "float", "--predictions", "@.csv"],
    "network": ["network", digits, *images, "--average-bits", "8", "--save-bits", "@.yaml"],
    "sweep": [*sweep, "@.csv"],
}
pictures = {
    "models --plot": ["models", "show", "sinh", "--plot", "@.svg"],
    "models --plot (png)": ["models", "show", "sinh", "--plot", "@.png"],
    "calibrate --plot": [*calibrate, "mine/rram/cell.yaml", "--plot", "@.svg"],
    "sweep --plot": [*sweep, "sweep.csv", "--plot", "@.svg"],
    "explain --plot": [*prints["explain"][0], "--plot", "@.svg"],
}
if plots:
    files.update(pictures)
if sanitized:
    files = {k: v for k, v in files.items() if k.split()[0] in ("netlist", "models", "infer")}

def everything():
    return sorted(os.path.join(d, f) for d, _, names in os.walk(".") for f in names if not d.startswith("./cache"))

for name, command in files.items():
    if "sweep" in name: # its runs need a disk of their own: only their result has none
        run(*[w.replace("@", "./mine/") for w in command], stdout=subprocess.DEVNULL)
    for place, limit, words in (("./mine/full", 0, "cannot "), ("./nowhere/", None, "No such file or directory"), (None, None, "s a directory")):
        if limit == 0 and (name in ("sweep", "explain --plot") or "rram/" in command[-1] or "mine/rram/cell.yaml" in command or "sweep.csv" in command):
            continue # below, on a disk that is full
        target = [w for w in command if "@" in w][0]
        to = (place + os.path.basename(target).replace("@", "x")) if place else "folder." + target.rsplit(".", 1)[1]
        if not place:
            os.makedirs(to, exist_ok=True)
        there = everything()
        p = run(*[to if w == target else w for w in command], limit=limit, stdout=subprocess.PIPE)
        one_line(p, words, (name, to))
        assert everything() == there, (name, to, set(everything()) ^ set(there))
print("%d files that cannot be written" % len(files))

# a device is written to where it is, and stays one
one_line(run("netlist", "tile.yaml", "-o", "/dev/full", stdout=subprocess.PIPE), "/dev/full: cannot write: No space left on device", "device")
assert run("netlist", "tile.yaml", "-o", "/dev/null").returncode == 0
os.mkfifo("pipe")
for command in (["characterize", "tile.yaml", "-o"], [*sweep], [*calibrate]): # and what is read again is no device
    for to in ("/dev/full", "pipe"):
        one_line(run(*command, to, stdout=subprocess.PIPE), "it is not a regular file", (command, to))
import stat
assert stat.S_ISCHR(os.stat("/dev/null").st_mode) and stat.S_ISCHR(os.stat("/dev/full").st_mode)

# a gnuplot that fails, or stops in the middle, leaves no picture; its words are told
if plots:
    os.makedirs("bin", exist_ok=True)
    for script, words in (("echo 'line 7: no such thing' >&2; exit 3", "gnuplot did not draw it: line 7: no such thing"),
                          ("cat >/dev/null; echo '<svg>'; exit 0", "gnuplot did not draw it"), ("kill -9 $$", "gnuplot did not draw it")):
        with open("bin/gnuplot", "w") as f:
            f.write("#!/bin/sh\n%s\n" % script)
        os.chmod("bin/gnuplot", 0o755)
        there = everything()
        p = run("models", "show", "sinh", "--plot", "x.svg", stdout=subprocess.DEVNULL, env={**os.environ, "PATH": os.path.abspath("bin") + ":/usr/bin:/bin"})
        one_line(p, words, script)
        assert everything() == there
    assert run("models", "show", "sinh", "--plot", "it's \"a\" `name`.svg", stdout=subprocess.DEVNULL).returncode == 0
    assert "</svg>" in open("it's \"a\" `name`.svg").read()

# ---- the same text twice ----
for verb in verbs:
    if verb == "bench" or verb in slow or (sanitized and verb == "calibrate"):
        continue
    twice = [run(*prints[verb][0], stdout=subprocess.PIPE) for _ in range(2)]
    assert twice[0].returncode == 0 and twice[0].stdout == twice[1].stdout and twice[0].stdout, (verb, twice)
P

# a full disk, where one can be made
mkdir disk
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
    trap 'umount "$scratch/disk" 2>/dev/null || true; rm -rf "$scratch"' EXIT
    head -c 100000 /dev/zero >disk/filled 2>/dev/null || true
    full() { # full COMMAND...: exit 1, one line of it, and the disk as before
        local got=0
        "$@" >/dev/null 2>err.txt || got=$?
        [ "$got" = 1 ] && [ "$(grep -c "^xbartab" err.txt)" = 1 ] && grep -q "cannot write: No space left on device" err.txt ||
            fail "exit $got of $*: $(cat err.txt)"
        [ "$(ls -A disk)" = filled ] || fail "left by $*: $(ls -A disk)"
    }
    full "$XBARTAB" netlist tile.yaml -o disk/x.cir
    full "$XBARTAB" models from-csv curve.csv -o disk/x.yaml
    if command -v gnuplot >/dev/null; then full "$XBARTAB" models show sinh --plot disk/x.svg; fi
    full "$XBARTAB" infer "$XBARTAB_SOURCE/data/networks/digits.onnx" --images "$XBARTAB_SOURCE/data/digits/test-images.idx.gz" \
        --labels "$XBARTAB_SOURCE/data/digits/test-labels.idx.gz" --limit 5 --mode float --predictions disk/p.csv
    if [ "$SANITIZED" = 0 ]; then
        full "$XBARTAB" calibrate "$XBARTAB_SOURCE/data/calibration/sinh.yaml" --data sweeps.csv -o disk/x.yaml
        full "$XBARTAB" calibrate "$XBARTAB_SOURCE/data/calibration/sinh.yaml" --data sweeps.csv -o mine/rram/x.yaml --devices disk/d.csv
    fi
    umount disk
else
    echo "no full disk: that needs root and tmpfs"
fi
echo "what cannot be written is told"
