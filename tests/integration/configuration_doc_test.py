"""docs/configuration.md names exactly the keys that the programs know, and its examples hold.

A key is known when the program complains neither that it is unknown, nor that it belongs elsewhere
or to a later version. What to try comes from the documentation and from every word in quotes in
the readers' sources, so a new key that is not written down is found as well.
"""

import glob
import os
import re
import subprocess
import tempfile
import unittest

from daemons import BIN, TOP, plain_environment

ROLES = ("root", "relay", "leaf")
REFUSED = re.compile(
    r'(?:unknown key "([^"]+)"|key "([^"]+)" (?:is not supported by this version|belongs to))')
LATER = re.compile(r'key "([^"]+)" is not supported by this version')
TARGET = '[[targets]]\nname = "one"\ncommand = ["true"]\n'


def read(*names):
    with open(os.path.join(TOP, *names), encoding="utf-8") as file:
        return file.read()


def documentation():
    """(rows: [(scope, key, example)], later: {scope: keys}); scope = a role or "targets"."""
    rows, later = [], {}
    title = ""
    for line in read("docs", "configuration.md").splitlines():
        if line.startswith("## "):
            title = line[3:]
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        cells[0] = cells[0].removeprefix("| ").strip()
        if line.startswith("| `"):
            key, example = cells[0].strip("`"), cells[-1].removesuffix("|").strip().strip("`")
            scopes = ["targets"] if title == "Targets" else cells[1].split()
            rows += [(scope, key, example) for scope in scopes]
    text = read("docs", "configuration.md").split("## Not in this version")[1]
    top, targets = text.split("\nTop:")[1].split("\nTargets:")
    later["top"] = set(re.findall(r"`([^`]+)`", top))
    later["targets"] = set(re.findall(r"`([^`]+)`", targets))
    return rows, later


def words_of_the_readers():
    found = set()
    for pattern in ("common/io/config*.cpp", "leaf/io/target*.cpp", "leaf/io/*_fields.cpp"):
        for name in glob.glob(os.path.join(TOP, pattern)):
            with open(name, encoding="utf-8") as file:
                found |= set(re.findall(r'"([a-z][a-z0-9_]*)"', file.read()))
    return found


class ConfigurationDocTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="banyan-test-")
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "one.toml")
        self.rows, self.later = documentation()

    def check(self, role, text):
        """Exit code and what the program said about this configuration."""
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)
        command = [os.path.join(BIN, f"banyan-{role}"), "--config", self.file, "--check"]
        run = subprocess.run(command, env=plain_environment(), capture_output=True, text=True,
                             timeout=30, check=False)
        return run.returncode, run.stdout + run.stderr

    def documented(self, scope):
        return {key for where, key, _ in self.rows if where == scope}

    def candidates(self):
        written = {part for _, key, _ in self.rows for part in key.split(".")}
        return written | words_of_the_readers()

    def known_at_the_top(self, role):
        tried = self.candidates()
        code, said = self.check(role, "".join(f"{word} = 1\n" for word in sorted(tried)))
        self.assertEqual(code, 78, said)
        known = tried - {one or other for one, other in REFUSED.findall(said)}
        return known | self.known_below(role, "security") | self.known_below(role, "allow")

    def known_below(self, role, table):
        """Keys of a table at the top; none where that is not read."""
        tried = self.candidates() | {"surely_unknown"}
        lines = "".join(f"{word} = 1\n" for word in sorted(tried))
        _, said = self.check(role, f"[{table}]\n" + lines)
        refused = {one or other for one, other in REFUSED.findall(said)}
        if f"{table}.surely_unknown" not in refused:
            return set()
        return {f"{table}.{word}" for word in tried} - refused

    def known_in_a_target(self):
        tried = self.candidates()
        lines = "".join(f"{word} = 1\n" for word in sorted(tried))
        _, said = self.check("leaf", "[[targets]]\n" + lines)
        known = tried - {one or other for one, other in REFUSED.findall(said)}
        return known | {below for key in known for below in self.known_in_a_table(key)}

    def known_in_a_table(self, key):
        """Keys of a table of a target; none when it takes any, or is no table."""
        tried = self.candidates() | {"surely_unknown"}
        table = ", ".join(f"{word} = 1" for word in sorted(tried))
        head = "".join(line for line in TARGET.splitlines(True) if not line.startswith(key))
        _, said = self.check("leaf", f"{head}{key} = {{ {table} }}\n")
        refused = {one or other for one, other in REFUSED.findall(said)}
        if f"{key}.surely_unknown" not in refused:
            return set()
        return {f"{key}.{word}" for word in tried} - refused

    def test_every_role_knows_exactly_the_keys_written_down(self):
        for role in ROLES:
            with self.subTest(role=role):
                self.assertEqual(self.known_at_the_top(role), self.documented(role))

    def test_a_target_knows_exactly_the_keys_written_down(self):
        self.assertEqual(self.known_in_a_target(), self.documented("targets"))

    def test_every_example_is_accepted(self):
        for scope, key, example in self.rows:
            if not example:
                continue
            with self.subTest(scope=scope, key=key):
                text = example.replace("` · `", "\n") + "\n"
                if scope == "targets":
                    head = TARGET.splitlines(True)
                    text = "".join(x for x in head if not x.startswith(key + " ")) + text
                code, said = self.check("leaf" if scope == "targets" else scope, text)
                self.assertEqual(code, 0, said)

    def test_keys_of_later_versions_are_refused_as_such(self):
        lines = "".join(f"{key} = 1\n" for key in sorted(self.later["top"]))
        for role in ROLES:
            with self.subTest(role=role):
                _, said = self.check(role, lines)
                self.assertEqual(set(LATER.findall(said)), self.later["top"])
        flat = sorted(key for key in self.later["targets"] if "." not in key)
        nested = ", ".join(f"{key.removeprefix('log.')} = 1"
                           for key in sorted(self.later["targets"]) if key.startswith("log."))
        lines = "".join(f"{key} = 1\n" for key in flat) + f"log = {{ {nested} }}\n"
        _, said = self.check("leaf", TARGET + lines)
        self.assertEqual(set(LATER.findall(said)), self.later["targets"])


if __name__ == "__main__":
    unittest.main()
