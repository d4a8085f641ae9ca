"""A world whose links have keys."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, TreeTest, plain_environment  # noqa: E402


def run(*words):
    return subprocess.run([os.path.join(BIN, words[0]), *words[1:]], env=plain_environment(),
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60,
                          check=False)


class KeyedTest(TreeTest):
    def setUp(self):
        super().setUp()
        self.keys, self.command_keys = {}, {}

    def keygen(self, *names):
        """NAME.key in the world's folder."""
        for name in names:
            made = run("banyan", "keygen", self.world.path(f"{name}.key"))
            self.assertEqual(made.returncode, 0, made.stderr)
            self.keys[name] = made.stdout.strip()
            words = [line.split() for line in made.stderr.splitlines()]
            self.command_keys[name] = next(line[2] for line in words if line[:1] == ["command"])

    def admit(self, parent, *names):
        with open(self.world.path(f"{parent}.keys"), "w", encoding="utf-8") as file:
            file.write("# who may join\n")
            file.writelines(f"{self.keys[name]} {name}\n" for name in names)

    def listed(self, parent):
        with open(self.world.path(f"{parent}.keys"), encoding="utf-8") as file:
            return [line.split() for line in file if not line.startswith("#")]

    def listens(self, name):
        return {"key_file": self.world.path(f"{name}.key"),
                "authorized_keys": self.world.path(f"{name}.keys")}

    def dials(self, name, parent, path, **more):
        return {"key_file": self.world.path(f"{name}.key"), "parent_key": self.keys[parent],
                "enrolled": path, "command_keys": [self.command_keys["root"]], **more}

    def keyed_root(self, *children):
        self.keygen("root")
        self.admit("root", *children)
        return self.world.root(security=self.listens("root"))

    def told(self, kind, path):
        """The texts of events of this kind, oldest first."""
        return [event["text"] for event in self.world.events(path, kind)]
