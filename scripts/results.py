"""The tables of results in the RESULTS.md files: they stand between "<!-- begin: COMMAND -->" and "<!-- end -->", where COMMAND is
what made them."""
import re


def replace(path, command, table):
    """Put a table, whole lines of Markdown, in the place of the one that a command starting so made before."""
    with open(path) as f:
        text = f.read()
    place = re.compile(r"(<!-- begin: %s\b[^\n]*-->\n).*?(<!-- end -->)" % re.escape(command), re.S)
    if len(place.findall(text)) != 1:
        raise SystemExit("%s: no one place for the table of %s" % (path, command))
    with open(path, "w") as f:
        f.write(place.sub(lambda m: m.group(1) + table.rstrip("\n") + "\n" + m.group(2), text))


def rows(path, command):
    """The rows of a table as dictionaries by its first line."""
    with open(path) as f:
        found = re.search(r"<!-- begin: %s\b[^\n]*-->\n(.*?)<!-- end -->" % re.escape(command), f.read(), re.S)
    if not found:
        raise SystemExit("%s: no table of %s" % (path, command))
    lines = [[field.strip() for field in line.strip().strip("|").split(" | ")] for line in found.group(1).strip().splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[2:]]
