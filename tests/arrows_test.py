#!/usr/bin/env python3
"""That arrows.py finds what it must: a call that no row allows, a circle of rooms, a circle of files, a row that nobody needs.

    arrows_test.py BUILD
"""
import copy
import pathlib
import sys

sys.dont_write_bytecode = True
import arrows

build = pathlib.Path(sys.argv[1])
source = pathlib.Path(__file__).resolve().parent.parent
rooms = arrows.read_rooms(build / "arrows.txt")
objects = arrows.read_objects(build, rooms, source)
assert arrows.judge(rooms, objects, source) == [], "not clean to begin with"


def defined_in(room):
    return next((place, sorted(defined)[0]) for place, (defined, _) in objects.items() if place[0] == room and defined)


def with_call(caller, room):
    """The same objects, and one call more from a room to another."""
    changed = copy.deepcopy(objects)
    place, _ = defined_in(caller)
    changed[place][1].add(defined_in(room)[1])
    return changed


faults = arrows.judge(rooms, with_call("src/kernel", "src/tile"), source)
assert len(faults) == 1 and faults[0].startswith("src/kernel/") and " of src/tile/" in faults[0], faults

looser = copy.deepcopy(rooms)
looser["src/tile"].add("src/engine")  # which uses src/tile
faults = arrows.judge(looser, with_call("src/tile", "src/engine"), source)
assert faults == ["a circle of rooms: src/engine, src/tile"], faults

idle = copy.deepcopy(rooms)
idle["src/kernel"].add("src/yaml")
assert arrows.judge(idle, objects, source) == ["src/kernel does not use src/yaml: it need not be among its NEEDS in CMakeLists.txt"]

files = sorted(place for place in objects if place[0] == "src/base" and objects[place][0])[:3]
changed = copy.deepcopy(objects)
for k, place in enumerate(files):  # each calls the next, whatever they call besides
    changed[place][1].add(sorted(objects[files[(k + 1) % 3]][0])[0])
faults = arrows.judge(rooms, changed, source)
assert len(faults) == 1 and faults[0].startswith("src/base: a circle of "), faults
print("4 kinds of forbidden arrows are found")
