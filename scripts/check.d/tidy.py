"""clang-tidy over the C++ files that were changed: uncommitted, or since the upstream branch (where
there is none: in the last commit). At most MOST of them, the newest first; the others are told."""

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from tree import Breach

MOST = 4
MESSAGE = re.compile(r"^(?P<path>/[^:]+):(?P<line>\d+):\d+: (?:error|warning): (?P<what>.+)$")
# Of GCC alone, and in nobody's way without it.
FOREIGN = re.compile(r"^(-fpch-preprocess|-Winvalid-pch|-fno-canonical-system-headers)$")


def skip(why):
    print(f"check: no clang-tidy: {why}", file=sys.stderr)
    return []


def git(top, *words):
    run = subprocess.run(["git", "-C", top, *words], capture_output=True, text=True, check=False)
    return run.stdout.split("\n") if run.returncode == 0 else []


def changed(top):
    """Paths of the changed .cpp files that are still there, newest first."""
    base = git(top, "merge-base", "@{upstream}", "HEAD") or git(top, "rev-parse", "HEAD~1")
    names = git(top, "diff", "--name-only", "--relative", base[0] if base else "HEAD")
    names += git(top, "ls-files", "--others", "--exclude-standard")
    paths = {os.path.join(top, name) for name in names if name.endswith(".cpp")}
    return sorted(filter(os.path.exists, paths), key=os.path.getmtime, reverse=True)


def without_gcc(entry, folder):
    """The compile command for clang: no launcher, and the precompiled header's text instead."""
    words = shlex.split(entry["command"])
    options = next(i for i, word in enumerate(words) if word.startswith("-"))
    kept = ["clang++"]
    for word in words[options:]:
        if FOREIGN.match(word):
            continue
        if word.endswith("cmake_pch.hxx"):
            copy = os.path.join(folder, word.replace("/", "_"))
            shutil.copy(word, copy)
            word = copy
        kept.append(word)
    return {"directory": entry["directory"], "file": entry["file"], "arguments": kept}


def tidy(path, top, folder):
    run = subprocess.run(["clang-tidy", "--quiet", "-p", folder, path], cwd=top,
                         capture_output=True, text=True, check=False)
    found = []
    for line in run.stdout.splitlines():
        match = MESSAGE.match(line)
        if match:
            where = os.path.relpath(match["path"], top)
            found.append(Breach(where, int(match["line"]), match["what"]))
    if any("[clang-diagnostic-error" in each.what for each in found):
        return skip(f"{os.path.relpath(path, top)} does not compile with what build/dev has made: "
                    "build it anew (scripts/build dev)")
    if run.returncode != 0 and not found:
        where = os.path.relpath(path, top)
        found.append(Breach(where, 1, f"clang-tidy failed: {run.stderr[-300:]}"))
    return found


def check(top):
    top = os.path.abspath(top)
    database = os.path.join(top, "build", "dev", "compile_commands.json")
    if not shutil.which("clang-tidy"):
        return skip("it is not installed (scripts/install-deps)")
    if not os.path.exists(database):
        return skip("build/dev has not been configured yet (scripts/build dev)")
    with open(database, encoding="utf-8") as file:
        commands = {entry["file"]: entry for entry in json.load(file)}
    paths = [path for path in changed(top) if path in commands]
    for path in paths[MOST:]:
        print(f"check: not looked at by clang-tidy, too many: {path}", file=sys.stderr)
    found = set()
    with tempfile.TemporaryDirectory(prefix="banyan-tidy-") as folder:
        chosen = paths[:MOST]
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([without_gcc(commands[path], folder) for path in chosen], file)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for breaches in pool.map(lambda path: tidy(path, top, folder), chosen):
                found.update(breaches)
    return list(found)
