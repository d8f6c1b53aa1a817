#!/usr/bin/env bash
# Every number that an option or a specification takes: what is no number, and what is outside its range, is refused in one
# line that names it and says what is allowed. The options are taken from each verb's --help, which states each range.
source "$(dirname "$0")/common.sh"

# popt's own numbers know no range, and take 0x10 and 010: none may come back
! grep -nE "POPT_ARG_(INT|SHORT|LONG|LONGLONG|FLOAT|DOUBLE)\b" "$XBARTAB_SOURCE"/src/cli/*.[ch] || fail "numbers past cli/numbers.h"

$PYTHON - "$XBARTAB" "$SANITIZED" <<'P'
import concurrent.futures, re, subprocess, sys
program, sanitized = sys.argv[1], sys.argv[2] == "1"

def run(*words):
    p = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return p.returncode, p.stdout.decode(), p.stderr.decode()

def options(verb):
    """Of --help: (name, what it takes, words)."""
    lines, found = run(verb, "--help")[1].splitlines(), []
    for line in lines[lines.index("Options:") + 1:]:
        start = re.match(r"  (?:-\w, |    )--([\w-]+)(?:=(\S+))?\s*(.*)", line)
        if start:
            found.append(list(start.groups()))
        elif line.startswith(" ") and found:
            found[-1][2] += " " + line.strip()
        else:
            break
    return found

always = ["nan", "inf", "", "1x", "1e999"]
often = ["-inf", " 1", "1 ", "0x1", "1_0", "1,5", "1:30", "+", "1e300"] # of a verb's first
if sanitized:
    always, often = ["nan", ""], ["1x"]
verbs = re.findall(r"^  ([a-z]+) +[a-z]", run("--help")[1], re.M)
verbs.remove("xbartab") if "xbartab" in verbs else None
assert len(verbs) >= 14, verbs

def check(verb, name, least, most, whole, texts):
    for text in texts:
        code, out, err = run(verb, "--%s=%s" % (name, text))
        assert code == 2 and out == "" and err.count("\n") == 1, (verb, name, text, code, out, err)
        assert err.startswith("xbartab %s: --%s " % (verb, name)) and "%s to %s" % (least, most) in err, err
    for text in (least, most): # its ends are allowed: the next option is what is refused
        code, out, err = run(verb, "--%s=%s" % (name, text), "--no-such-option")
        assert code == 2 and "--no-such-option: unknown option" in err, (verb, name, text, err)

n_options, jobs = 0, []
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    for verb in verbs:
        rest = often
        for name, what, words in options(verb):
            limits = re.search(r"\[(\S+) to (\S+)\]$", words)
            numeric = what in ("N", "S", "X", "K", "P", "B", "V", "OHM", "VOLT", "SIEMENS", "SECONDS", "KELVIN")
            assert bool(limits) == numeric, (verb, name, what, words)
            if not limits:
                continue
            n_options += 1
            least, most = limits.groups()
            whole = what in ("N", "S") and name != "cycles"
            texts = always + rest + (["99999999999999999999"] if whole else [])
            texts += ["1e1", "010", "1.0"] if whole and rest else []
            texts += [str(int(most) + 1)] if whole else ["%.17g" % (float(most) * 1.0001), "1e-320"]
            texts += [str(int(least) - 1)] if whole else []
            jobs.append(pool.submit(check, verb, name, least, most, whole, texts))
            rest = []
    for job in jobs:
        job.result()
print("%d options of %d verbs" % (n_options, len(verbs)))
assert n_options >= 60

# those within texts
network, time = ["network", "x.onnx", "--layer-bits"], ["infer", "x.onnx", "--tables", "t", "--images", "i", "--population", "none", "--time"]
for words, bad in ((network, ["a=0", "a=17", "a=4/0x4", "a= 4", "a=4.0", "a=nan", "a=99999999999999999999", "a=1e0", "a=04"]),
                   (time, ["nan", "inf", "-1", "1e999", "1e300y", "0x10", " 1", "", "1 2", "1dd", "1e16s", "1e-320"])):
    for text in bad:
        code, out, err = run(*words, text)
        assert code == 2 and out == "" and err.count("\n") == 1 and words[-1] in err, (words, text, code, err)
P

# of one option given twice each is read
refused 2 '--rows "nan" is not a whole number' "$XBARTAB" network x.onnx --rows nan --rows 4

# specifications: nothing that is no number, and nothing too large to be meant
tile 5 4 >good.yaml
spec() { # spec WORDS SED
    tile 5 4 "$2" >s.yaml
    ! cmp -s s.yaml good.yaml || fail "no change: $2"
    refused 1 "$1" "$XBARTAB" netlist s.yaml -o x.cir
}
for seed in -1 nan 1e3 0x10 010 1_000 1:30 18446744073709551616 ' "7 "' 1.5; do
    spec "s.yaml:17: seed: " "s/^seed: 1/seed: $seed/"
done
for rows in nan 5e0 05 0x5 5x 5.0 99999999999999999999 -5; do spec "array.rows: " "s/rows: 5/rows: $rows/"; done
for ohm in nan .nan .inf 1e999 '1e999 ohm' '0x1 ohm' '1_0 ohm' '1:30 ohm' '-1 ohm' '1e300 ohm' '1e-320 ohm' '1e-300 ohm' '1e-9 ohm' 1; do
    spec "wire.word: " "s/word: 1 ohm/word: $ohm/"
done

# a seed of 64 bits is kept to its last bit, and no longer one is
"$XBARTAB" characterize good.yaml -o seed.h5 --seed 18446744073709551615 >/dev/null 2>&1
"$XBARTAB" info seed.h5 | grep -q "seed 18446744073709551615," || fail "the largest seed"
"$XBARTAB" info seed.h5 --json | grep -q '"seed": "18446744073709551615"' || fail "the largest seed in JSON"
sed -i 's/^seed: 1/seed: 18446744073709551615/' good.yaml
"$XBARTAB" characterize good.yaml -o spec.h5 >/dev/null 2>&1
"$XBARTAB" info spec.h5 | grep -q "seed 18446744073709551615," || fail "the largest seed of a specification"
echo "all numbers are numbers"
