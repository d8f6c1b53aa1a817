#!/usr/bin/env bash
# A table file is believed only as far as it can be checked: edits, damage, figures that are not so, links and values in
# other files, and files that declare more than they hold are refused by name, with little memory and at once.
source "$(dirname "$0")/common.sh"

tile 9 7 >tile.yaml
"$XBARTAB" characterize tile.yaml -o t.h5 >/dev/null 2>&1
limit() { # what is hostile gets 600 MB and 30 s
    [ "$SANITIZED" = 1 ] || ulimit -v 600000
    timeout 30 "$@"
}

# a declared edit is taken, and told from then on
cp t.h5 edited.h5
$PYTHON -c 'import h5py
with h5py.File("edited.h5", "r+") as f: f["tile"].attrs["adc_bits"] = 9.0'
refused 1 "edited.h5: has changed since it was written: its SHA-256 is another" "$XBARTAB" info edited.h5
"$XBARTAB" info --rehash edited.h5 >rehash.txt
grep -q "^contents   as sealed by info --rehash, after an edit" rehash.txt || fail "$(cat rehash.txt)"
"$XBARTAB" info edited.h5 --json >edited.json
$PYTHON - <<'P'
import h5py, json
info = json.load(open("edited.json"))
assert info["edited"] and info["sealed"] and info["tile"]["adc_bits"] == 9
with h5py.File("edited.h5") as f: # the seal is text that anybody can verify
    import hashlib
    raw = open("edited.h5", "rb").read()
    assert raw[:512].split(b"\n")[3] == b"sha256 " + hashlib.sha256(raw[512:]).hexdigest().encode()
P
cp edited.h5 again.h5
"$XBARTAB" info --rehash again.h5 >/dev/null
cmp edited.h5 again.h5 || fail "a seal that fits is changed"

# the same content without its seal, in every way that one may lose it
$PYTHON - <<'P'
import h5py
def copy(name, schema, **how):
    with h5py.File("t.h5") as new, h5py.File(name, "w", libver=("v108", "latest"), **how) as f:
        for group in new: new.copy(group, f)
        f.attrs["xbartab_schema"] = float(schema)
copy("bare.h5", 5)
copy("zeros.h5", 5, userblock_size=512)
copy("further.h5", 5, userblock_size=2048)
copy("old.h5", 4)
open("cut.h5", "wb").write(open("t.h5", "rb").read()[512:])
P
refused 1 "bare.h5: has lost its seal, the 512 bytes before the HDF5 file" "$XBARTAB" info bare.h5
refused 1 "zeros.h5: has changed since it was written" "$XBARTAB" info zeros.h5
refused 1 "further.h5: not an HDF5 file, or a truncated one" "$XBARTAB" info further.h5
refused 1 "cut.h5: " "$XBARTAB" info cut.h5
refused 1 "bare.h5: has no room for a seal" "$XBARTAB" info --rehash bare.h5
"$XBARTAB" info --rehash zeros.h5 >/dev/null || fail "room for a seal, and none is put there"
"$XBARTAB" info old.h5 >old.txt
grep -q "^contents   made before tables had a seal: they cannot be verified" old.txt || fail "$(cat old.txt)"
printf '0.2\n%.0s' 1 2 3 4 5 6 7 8 9 >V.csv
for row in 1 2 3 4 5 6 7 8 9; do echo 0,1,2,3,0,1,2; done >L.csv
"$XBARTAB" solve --levels L.csv --voltages V.csv --tables old.h5 >/dev/null 2>old.err
grep -q "old.h5: of schema 4, before tables had a seal: its contents cannot be verified" old.err || fail "$(cat old.err)"

# one thing wrong at a time, in files that need no seal: name, words
cat >wrong.py <<'P'
import h5py, numpy, os, shutil, sys

def replace(f, name, value, **how):
    del f[name]
    f.create_dataset(name, data=value, **how)

def at(name, index, value):
    def edit(f): f[name][index] = value
    return edit

def attribute(group, name, value):
    def edit(f): f[group].attrs[name] = value
    return edit

def external(f):
    del f["cell"]
    f["cell"] = h5py.ExternalLink("elsewhere.h5", "/cell")

def soft(f):
    del f["tia/output_voltage"]
    f["tia/output_voltage"] = h5py.SoftLink("/tia/input_voltage")

def deep_external(f):
    f.create_group("mine/notes")["more"] = h5py.ExternalLink("elsewhere.h5", "/")

def raw(f):
    I = f["cell/current"][...]
    I.tofile("raw.bin")
    del f["cell/current"]
    f.create_dataset("cell/current", I.shape, "f8", external=[("raw.bin", 0, I.nbytes)])

def virtual(f):
    I = f["cell/current"][...]
    del f["cell/current"]
    layout = h5py.VirtualLayout(I.shape, "f8")
    layout[...] = h5py.VirtualSource("elsewhere.h5", "cell/current", I.shape)
    f.create_virtual_dataset("cell/current", layout)

def compressed(f):
    del f["cell/current"]
    f.create_dataset("cell/current", (19, 5, 1 << 20), "f8", chunks=(1, 1, 1 << 20), compression="gzip")

def never_written(f):
    del f["cell/current"]
    f.create_dataset("cell/current", (19, 5, 1 << 20), "f8")

def endless(f):
    del f["provenance/models"]
    f.create_dataset("provenance/models", (), "S60000000")

def texts(f): # an attribute of many texts in place of one
    f["tile"].attrs["name"] = numpy.array([b"x" * 1000] * 50)

def long_texts(f):
    replace(f, "provenance/models", numpy.array([b"y" * 10000] * 30))

def tower(f):
    for k in range(2000): f = f.create_group("g")

def cycle(f):
    g = f.create_group("mine")
    g["itself"] = g

def crowd(f):
    g = f.create_group("mine")
    for k in range(5000): g.create_group(str(k))

def shared(f): # hard links: one block of values, many times over
    del f["samples/tia_output"]
    f["samples/tia_output"] = f["samples/current"]
    f["samples/current"][0, 0, 0] = numpy.inf

def integers(f):
    replace(f, "transfer/power", f["transfer/power"][...].astype("f8"))

cases = [
    (external, '"cell" is a link to another place or file'),
    (soft, '"output_voltage" is a link to another place or file'),
    (deep_external, '"more" is a link to another place or file'),
    (raw, '"current" has its values in another file'),
    (virtual, '"current" has its values in another file'),
    (compressed, '"current" is stored in chunks or compressed'),
    (never_written, '"current" is larger than the values that the file holds for it'),
    (endless, '"models" is larger than the values that the file holds for it'),
    (texts, '"name" is not a text'),
    (long_texts, '"models" is not a text of plausible length'),
    (tower, '"g" is deeper than a table file goes'),
    (cycle, '"itself" is deeper than a table file goes'),
    (crowd, 'is one object too many for a table file'),
    (shared, '/samples/current[0][0][0] = inf is not finite'),
    (integers, '"power" has the wrong type of numbers'),
    (at("cell/current", (18, 0, 100), -1e-7), "/cell/current[18][0][100] = -1e-07 has another sign than its voltage"),
    (at("cell/current", (18, 0, 100), 1e-9), "/cell/current[18][0][100] = 1e-09 is below the current at the voltage before"),
    (at("cell/current", (3, 2, 7), numpy.nan), "/cell/current[3][2][7] = nan is not finite"),
    (at("tile/conductance", 0, -1e-9), "/tile/conductance[0] = -1e-09 is below 0"),
    (at("cell/state_conductance", 0, 0.0), "/cell/state_conductance[0] = 0 is not above 0"),
    (at("tia/output_voltage", 100, 1.0), "/tia/output_voltage[100] = 1 turns back inside the ADC's range"),
    (at("samples/status", (0, 0), 1), "/transfer heldout_failed = 0, but /samples give 1"),
    (at("samples/level", (0, 0, 0), 9), "/samples/level[0][0][0] = 9 is above 3"),
    (at("samples/code", (5, 5, 8), 2), "/samples/code[5][5][8] = 2 is above 1"),
    (attribute("transfer", "heldout_rmse_fs", numpy.nan), "/transfer heldout_rmse_fs[0] = nan is not finite"),
    (attribute("transfer", "heldout_rmse_fs", -1e-6), "/transfer heldout_rmse_fs[0] = -1e-06 is below 0"),
    (attribute("transfer", "heldout_rmse_fs", 1e-7), "/transfer heldout_rmse_fs = 1e-07, but /samples give"),
    (attribute("transfer", "heldout_effective_max_fs", 0.5), "/transfer heldout_effective_max_fs = 0.5, but /samples give"),
    (attribute("transfer", "heldout_ideal_rmse_fs", 1e-5), "/transfer heldout_ideal_rmse_fs = 1e-05, but /samples give"),
    (attribute("transfer", "heldout_samples", 1e6), "/transfer heldout_samples = 1000000, but /samples give 84"),
    (attribute("energy", "heldout_rmse_fs", 1e-9), "/energy heldout_rmse_fs = 1e-09, but /samples give"),
    (attribute("cell", "heldout_max_fs", numpy.nan), "/cell heldout_max_fs[0] = nan is not finite"),
    (attribute("tia", "heldout_samples", -4.0), "/tia heldout_samples"),
    (attribute("tia", "heldout_samples", 2.5), "/tia heldout_samples"),
    (attribute("energy", "heldout_failed", numpy.nan), "/energy heldout_failed"),
    (attribute("tile", "rows", 9.5), "/tile rows = 9.5 is not a whole number"),
    (attribute("tile", "rows", numpy.nan), "/tile rows = nan is outside 1 to 65536"),
    (attribute("provenance", "seed", numpy.bytes_("12abc")), "/provenance seed is not a number"),
    (attribute("tia", "noise_rms_V", -1.0), "/tia noise_rms_V[0] = -1 is below 0"),
    (at("solver/max", 0, numpy.nan), "/solver/max[0] = nan is not finite"),
]
shutil.copy("old.h5", "elsewhere.h5")
with open("cases.txt", "w") as list:
    for k, (edit, words) in enumerate(cases):
        shutil.copy("old.h5", "w%d.h5" % k)
        with h5py.File("w%d.h5" % k, "r+", libver=("v108", "latest")) as f: edit(f)
        print("w%d.h5" % k, words, sep="\t", file=list)
P
$PYTHON wrong.py
while IFS=$'\t' read -r file words; do
    (refused 1 "$words" limit "$XBARTAB" info "$file") || exit 1
done <cases.txt
# ... nor does --rehash seal one of them: with room for a seal
$PYTHON - <<'P'
import h5py
with h5py.File("old.h5") as old, h5py.File("nan.h5", "w", libver=("v108", "latest"), userblock_size=512) as f:
    for group in old: old.copy(group, f)
    f.attrs["xbartab_schema"] = 5.0
    f["transfer"].attrs["heldout_max_fs"] = float("nan")
P
cp nan.h5 before.h5
refused 1 "/transfer heldout_max_fs[0] = nan is not finite" "$XBARTAB" info --rehash nan.h5
cmp nan.h5 before.h5 || fail "a file is sealed that is refused"

# nothing of another file is read: it may be a pipe that never gives anything
mkfifo elsewhere.fifo
$PYTHON - <<'P'
import h5py
with h5py.File("old.h5") as old, h5py.File("pipe.h5", "w", libver=("v108", "latest")) as f:
    for group in old:
        if group != "cell": old.copy(group, f)
    f["cell"] = h5py.ExternalLink("elsewhere.fifo", "/cell")
    f.attrs["xbartab_schema"] = 4.0
P
refused 1 '"cell" is a link to another place or file' limit "$XBARTAB" info pipe.h5
refused 1 "elsewhere.fifo: not a regular file" limit "$XBARTAB" info elsewhere.fifo

# flipped bits of the real file: refused, and of the old one refused or without effect on what info says
"$XBARTAB" info old.h5 --json >old.json
cat >flip.py <<'P'
import os, random, subprocess, sys
random.seed(7)
name, turns, may_pass = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "old"
raw, passed = bytearray(open(name, "rb").read()), 0
wanted = open("old.json").read() if may_pass else None
for k in range(turns):
    at = random.randrange(1100 if k % 3 == 0 else len(raw))
    raw[at] ^= 1 << k % 8
    open("flip.h5", "wb").write(raw)
    run = subprocess.run([os.environ["XBARTAB"], "info", "flip.h5", "--json"], capture_output=True, text=True, timeout=60)
    if run.returncode == 0:
        passed += 1
        assert may_pass, at
    else:
        assert run.returncode == 1 and run.stdout == "" and run.stderr.count("\n") == 1, (at, run)
    raw[at] ^= 1 << k % 8
print(name, passed, "of", turns, "read")
P
export XBARTAB
$PYTHON flip.py t.h5 "$([ "$SANITIZED" = 1 ] && echo 30 || echo 100)" sealed
$PYTHON flip.py old.h5 "$([ "$SANITIZED" = 1 ] && echo 30 || echo 100)" old
