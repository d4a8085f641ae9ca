"""The files of the repository and the breaches found in them."""

import os
from dataclasses import dataclass

PRUNED = {".git", ".cache", "build", "__pycache__", "node_modules"}
CPP = (".cpp", ".h")


@dataclass(frozen=True, order=True)
class Breach:
    path: str
    line: int
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Source:
    path: str  # relative to the top, with /
    kind: str  # "cpp", "py", "js", "sh", "proto", "cmake"
    text: str

    @property
    def lines(self):
        return self.text.splitlines()


def kind_of(name, text):
    """What a file is, by its name or its first line; None for what is not checked."""
    suffix = os.path.splitext(name)[1]
    if suffix in CPP:
        return "cpp"
    if suffix in (".py", ".js", ".proto", ".cmake"):
        return suffix[1:]
    if name == "CMakeLists.txt":
        return "cmake"
    first = text.split("\n", 1)[0]
    if first.startswith("#!"):
        return "py" if "python" in first else "sh"
    return None


def sources(top):
    """Every checked file below `top`, sorted by path."""
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in PRUNED]
        for name in names:
            full = os.path.join(folder, name)
            try:
                with open(full, encoding="utf-8") as file:
                    text = file.read()
            except (UnicodeDecodeError, OSError):
                continue  # pictures and sockets are not source text
            kind = kind_of(name, text)
            if kind:
                found.append(Source(os.path.relpath(full, top).replace(os.sep, "/"), kind, text))
    return sorted(found, key=lambda source: source.path)
