#!/usr/bin/env bash
# The survey's Fig. 2 and Tables I and II: published efficiencies as the papers have them, each system's in its row.
source "$(dirname "$0")/common.sh"
export XBARTAB
"$XBARTAB_SOURCE/scripts/figure2" -o figure
"$XBARTAB_SOURCE/scripts/table1" --no-networks -o tables.md
$PYTHON - <<'P'
import csv, math
rows = {r["preset"]: r for r in csv.DictReader(open("figure/figure2.csv"))}
# TOPS/W, GOPS/mm2 and TOPS/W x bits x bits as published, and as follow from it
published = {"xnor_rram": (141.18, None, 141.2), "multi_precision": (3.44, None, None), "s2c_22nm": (28.9, None, 462.4),
             "isaac": (0.3807, 479, 97.5), "pipelayer": (0.1429, 1485, 36.6), "puma": (0.837, 577, 214.3),
             "yao_2020": (11.014, 1164, 352.4), "sinwp_55nm": (21.9, None, 131.4), "xnor_90nm": (24, None, 24), "liu_2020": (78.4, None, 156.8)}
for name, values in published.items():
    for key, x in zip(("published_TOPS_W", "published_GOPS_mm2", "published_TOPS_W_bits"), values):
        assert x is None or math.isclose(float(rows[name][key]), x, rel_tol=2e-3), (name, key, rows[name][key])
assert math.isclose(float(rows["isaac"]["TOPS_W"]), 0.6274, rel_tol=1e-3) and math.isclose(float(rows["isaac"]["GOPS_mm2"]), 483.3, rel_tol=1e-3)
all_of = [float(r["published_TOPS_W"]) for r in rows.values() if r["published_TOPS_W"]]
assert 987 < max(all_of) / min(all_of) < 989
text = open("tables.md").read()
assert all("| [%d] |" % k in text for k in list(range(3, 22)) + [24, 25]) and text.count("| integration |") == 1
P
