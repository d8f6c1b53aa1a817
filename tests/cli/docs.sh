#!/usr/bin/env bash
# The documents: every relative link leads somewhere, and the README stays short.
source "$(dirname "$0")/common.sh"
$PYTHON - "$XBARTAB_SOURCE" <<'P'
import os, re, subprocess, sys
source = sys.argv[1]
files = subprocess.run(["git", "-C", source, "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
                       capture_output=True, text=True)
names = files.stdout.split() if files.returncode == 0 else []
names = names or [os.path.relpath(os.path.join(folder, f), source) for folder, _, fs in os.walk(source)
                  for f in fs if f.endswith(".md") and "/build" not in folder]
assert "README.md" in names and "docs/method.md" in names, names
links = 0


def anchors(path):
    """As a web page of the file names its headings."""
    headings = re.findall(r"^#+ +(.*)$", open(path).read(), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


for name in names:
    text = re.sub(r"^```.*?^```", "", open(os.path.join(source, name)).read(), flags=re.S | re.M)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        links += 1
        path, _, anchor = target.partition("#")
        whole = os.path.normpath(os.path.join(source, os.path.dirname(name), path)) if path else os.path.join(source, name)
        assert os.path.exists(whole), "%s: nothing at %s" % (name, target)
        assert whole.startswith(source), "%s: %s leads out of the project" % (name, target)
        assert not anchor or anchor in anchors(whole), "%s: no heading for %s" % (name, target)
size = os.path.getsize(source + "/README.md")
print("%d documents, %d links, README of %d bytes" % (len(names), links, size))
assert links > 20 and size <= 7000
P
