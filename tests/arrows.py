#!/usr/bin/env python3
"""Which room calls which, read from the objects, held against the list that the build has of it.

    arrows.py BUILD [--rooms FILE]     BUILD: a build folder, with arrows.txt and the rooms' objects in it

One line a room in arrows.txt: "folder: the folders that it may use"; every room may use src/base. A call that the list does
not allow, a circle of rooms, and a circle of more than two files inside a room are errors; so is a room of the list that
nobody calls or whose headers nobody includes, so that the list stays as short as the truth.
"""
import argparse
import collections
import pathlib
import re
import subprocess
import sys

GROUND = "src/base"
LARGEST_CIRCLE = 2


def read_rooms(path):
    rooms = {}
    for line in path.read_text().splitlines():
        room, needs = line.split(":")
        rooms[room] = set(needs.split())
    return rooms


def read_objects(build, rooms, source):
    """{(room, file): (defined, used)} of the objects whose source still stands."""
    places = {}
    for room in rooms:
        folder = build / "CMakeFiles" / ("room_" + room.replace("/", "_") + ".dir") / room
        for path in sorted(folder.glob("*.c.o")):
            stem = path.name[: -len(".c.o")]
            if (source / room / (stem + ".c")).exists():
                places[str(path)] = (room, stem)
    objects = {place: (set(), set()) for place in places.values()}
    out = subprocess.run(["nm", "-gA", *places], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        path, _, symbol = line.partition(":")
        *_, kind, name = symbol.split()
        objects[places[path]][kind == "U"].add(name)
    return objects


def calls(objects):
    """[(from, to, symbol)], each end a (room, file)."""
    home = {symbol: place for place, (defined, _) in objects.items() for symbol in defined}
    return [(place, home[symbol], symbol) for place, (_, used) in objects.items()
            for symbol in sorted(used) if symbol in home and home[symbol] != place]


def included_rooms(room, rooms, source):
    """Rooms whose private headers a room's sources include, directly or through other headers."""
    headers = {path.name: (r, path) for r in rooms for path in (source / r).glob("*.h")}
    found, seen = set(), set()
    todo = list((source / room).glob("*.[ch]"))
    while todo:
        for name in re.findall(r'#include "([^"]+)"', todo.pop().read_text()):
            if name in headers and name not in seen:
                seen.add(name)
                found.add(headers[name][0])
                todo.append(headers[name][1])
    return found - {room}


def circles(graph):
    """Strongly connected sets of more than one node (Tarjan), of {node: successors}."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        on_stack.add(v)
        for w in sorted(graph.get(v, ())):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in on_stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            circle = []
            while not circle or circle[-1] != v:
                circle.append(stack.pop())
                on_stack.discard(circle[-1])
            if len(circle) > 1:
                found.append(sorted(circle))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def judge(rooms, objects, source):
    faults = []
    rooms_used, files = collections.defaultdict(set), collections.defaultdict(set)
    for (room, stem), (other, other_stem), symbol in calls(objects):
        if room == other:
            files[room, stem].add((other, other_stem))
        elif other != GROUND:
            rooms_used[room].add(other)
            if other not in rooms[room]:
                faults.append(f"{room}/{stem}.c calls {symbol} of {other}/{other_stem}.c; {room} may use: "
                              + ", ".join(sorted(rooms[room]) or [GROUND]))
    for room, needs in rooms.items():
        for idle in sorted(needs - rooms_used[room] - included_rooms(room, rooms, source)):
            faults.append(f"{room} does not use {idle}: it need not be among its NEEDS in CMakeLists.txt")
    for circle in circles(rooms):
        faults.append("a circle of rooms: " + ", ".join(circle))
    for circle in circles(files):
        if len(circle) > LARGEST_CIRCLE:
            faults.append(f"{circle[0][0]}: a circle of {len(circle)} files: " + ", ".join(stem for _, stem in circle))
    return faults


def read_table(path):
    """The same list, of the table in src/README.md."""
    rows = [[field.strip() for field in line.strip().strip("|").split("|")] for line in path.read_text().splitlines()
            if line.startswith("| `")]
    return {row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[2])) for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--rooms", type=pathlib.Path, help="instead of BUILD/arrows.txt")
    options = parser.parse_args()
    source = pathlib.Path(__file__).resolve().parent.parent
    rooms = read_rooms(options.rooms or options.build / "arrows.txt")
    objects = read_objects(options.build, rooms, source)
    if len(objects) < len(rooms):
        sys.exit(f"{options.build}: only {len(objects)} objects of {len(rooms)} rooms: build first")
    faults = judge(rooms, objects, source)
    table = read_table(source / "src/README.md")
    for room in sorted(set(rooms) | set(table)):
        if rooms.get(room) != table.get(room):
            faults.append(f"src/README.md has {room}: {table.get(room)}; CMakeLists.txt has {rooms.get(room)}")
    for fault in faults:
        print(fault)
    print(f"{len(rooms)} rooms, {len(objects)} files, {len(calls(objects))} calls between files, {len(faults)} faults")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
