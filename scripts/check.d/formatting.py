"""Formatting of C++ by clang-format, as a dry run."""

import re
import subprocess

from tree import Breach

MESSAGE = re.compile(r"^(?P<path>.+?):(?P<line>\d+):\d+: (?:error|warning): ")


def check(sources, top):
    paths = [source.path for source in sources if source.kind == "cpp"]
    if not paths:
        return []
    run = subprocess.run(
        ["clang-format", "--dry-run", "-Werror", "--ferror-limit=1", *paths],
        cwd=top,
        capture_output=True,
        text=True,
        check=False,
    )
    breaches = {}
    for line in run.stderr.splitlines():
        match = MESSAGE.match(line)
        if match and match["path"] not in breaches:
            what = f"not formatted: clang-format -i {match['path']}"
            breaches[match["path"]] = Breach(match["path"], int(match["line"]), what)
    if run.returncode != 0 and not breaches:
        return [Breach(".clang-format", 1, f"clang-format failed: {run.stderr.strip()}")]
    return list(breaches.values())
