"""The floor table: an include may only point down. Roles are blind to each other."""

import re

from tree import Breach

ANY = 99
# The longest matching prefix counts. (prefix, floor)
TABLE = [
    ("common/base", 0),
    ("proto", 1),
    ("banyan/v1", 1),  # generated from proto/
    ("common/tree", 2),
    ("common/view", 2.5),
    ("leaf", 3),
    ("relay", 3),
    ("root", 3),
    ("tests/sim", 3.5),
    ("common/io", 4),
    ("leaf/io", 5),
    ("root/io", 5),
    ("leaf/keeper", 6),
    ("root/cli", 6),
    ("leaf/main.cpp", 6),
    ("relay/main.cpp", 6),
    ("root/main.cpp", 6),
    ("tests", ANY),
]
ROLES = ("leaf", "relay", "root")
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')


def entry_of(path):
    """The (prefix, floor) on which a file stands, or None."""
    fits = [e for e in TABLE if path == e[0] or path.startswith(e[0] + "/")]
    return max(fits, key=lambda entry: len(entry[0]), default=None)


def role_of(path):
    first = path.split("/", 1)[0]
    return first if first in ROLES else None


def objection(path, included):
    """Why `path` may not include `included`, or None."""
    here, there = entry_of(path), entry_of(included)
    if there is None:
        return f'"{included}" stands on no floor (scripts/check.d/floors.py)'
    if role_of(path) and role_of(included) and role_of(path) != role_of(included):
        return f'"{included}": {role_of(path)} and {role_of(included)} are blind to each other'
    if here[0] != there[0] and there[1] >= here[1] and here[1] != ANY:
        return f'"{included}" points up: floor {here[1]:g} ({here[0]}) includes {there[1]:g}'
    return None


def check(sources, known):
    """Breaches of the floors. `known` is the set of all paths in the repository."""
    breaches = []
    for source in sources:
        if source.kind != "cpp":
            continue
        if entry_of(source.path) is None:
            breaches.append(Breach(source.path, 1, "file stands on no floor of the table"))
            continue
        for number, line in enumerate(source.lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            included = match.group(1)
            what = objection(source.path, included)
            if what is None and included not in known and not included.endswith(".pb.h"):
                what = f'"{included}" is not a path from the top of the repository'
            if what:
                breaches.append(Breach(source.path, number, what))
    return breaches
