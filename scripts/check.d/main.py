"""Runs every check over the repository. Exit 0: nothing found; 1: breaches, each printed."""

import argparse
import os
import sys

import floors
import formatting
import purity
import sizes
import tidy
from tree import sources

DEAREST = 10


def dearest(top):
    """The object files that took longest in the last dev build: (seconds, path), dearest first."""
    log = os.path.join(top, "build", "dev", ".ninja_log")
    if not os.path.exists(log):
        return []
    seconds = {}
    with open(log, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 5 and fields[3].endswith((".o", ".gch")):
                seconds[fields[3]] = (int(fields[1]) - int(fields[0])) / 1000
    return sorted(((s, path) for path, s in seconds.items()), reverse=True)[:DEAREST]


def main():
    parser = argparse.ArgumentParser(prog="scripts/check", description=__doc__)
    parser.add_argument("--root", required=True, help="top of the tree to check")
    top = parser.parse_args().root
    files = sources(top)
    known = {source.path for source in files}
    breaches = formatting.check(files, top) + floors.check(files, known)
    breaches += purity.check(files) + sizes.check(files) + tidy.check(top)
    for breach in sorted(breaches):
        print(breach)
    costs = dearest(top)
    if costs:
        print("dearest files of the last dev build (wall seconds):", file=sys.stderr)
        for seconds, path in costs:
            print(f"  {seconds:6.1f}  {path}", file=sys.stderr)
    verdict = f"{len(breaches)} breaches" if breaches else "nothing to object to"
    print(f"check: {len(files)} files, {verdict}", file=sys.stderr)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
