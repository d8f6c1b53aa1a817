"""Presets of the survey with their peak figures, for scripts/figure2 and scripts/table1."""
import json
import os
import subprocess

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
program = os.environ.get("XBARTAB", root + "/build/xbartab")
data = os.environ.get("XBARTAB_DATA", os.path.join(root, "..", "shared", "data"))


def xbartab(*arguments, seconds=None):
    """Its JSON; RuntimeError with its last line where it fails, or where it takes longer."""
    try:
        run = subprocess.run([program, *arguments, "--json"], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RuntimeError("not done in %d s" % seconds)
    if run.returncode:
        raise RuntimeError((run.stderr.strip().splitlines() or ["exit %d" % run.returncode])[-1].removeprefix("xbartab: "))
    return json.loads(run.stdout)


def systems():
    """[(preset, its peak figures)] in the order of the survey's references; those of our own are last."""
    names = [a["name"] for a in xbartab("arch", "list")["architectures"]]
    found = [(xbartab("arch", "show", n), xbartab("arch", "show", n, "--cost")) for n in names]
    return sorted(found, key=lambda s: (int(s[0]["survey_ref"].strip("[]")) if s[0]["survey_ref"] != "-" else 99, s[0]["name"]))


def published(costs, of):
    """The published figure of a kind, beside ours; None where there is none."""
    return next((p for p in costs["published"] if p["of"] == of), None)


def assumed(costs):
    """Share of the peak's power that no paper has."""
    return costs["peak"]["power_shares"]["assumed"] + costs["peak"]["power_shares"]["recalled"]
