"""docs/testing.md names at least one test for each of the 25 traps, and all of them exist."""

import glob
import os
import re
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", re.M)
TRAP = re.compile(r"^(?:test_trap_|T)(\d\d)")


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def documented():
    """Of each trap, the names of its tests."""
    found = {}
    for number, _, tests in ROW.findall(text_of(os.path.join(TOP, "docs", "testing.md"))):
        found.setdefault(int(number), []).extend(re.findall(r"`([^`]+)`", tests))
    return found


def existing():
    """Names as in the table: Suite.Name of C++, file.Class.test of Python."""
    names = set()
    for path in glob.glob(os.path.join(TOP, "tests", "**", "*_test.*"), recursive=True):
        text = text_of(path)
        names |= {f"{suite}.{name}"
                  for suite, name in re.findall(r"^TEST(?:_F)?\((\w+), (\w+)\)", text, re.M)}
        module, kind = os.path.splitext(os.path.basename(path))
        suite = ""
        for line in text.splitlines() if kind == ".py" else []:
            match = re.match(r"(class|    def) (\w+)\(", line)
            if match and match[1] == "class":
                suite = match[2]
            elif match and match[2].startswith("test_"):
                names.add(f"{module}.{suite}.{match[2]}")
    return names


class TrapsDocTest(unittest.TestCase):
    def test_each_trap_has_a_test(self):
        table = documented()
        self.assertEqual(sorted(table), list(range(1, 26)))
        self.assertEqual([number for number, tests in table.items() if not tests], [])

    def test_each_named_test_exists(self):
        known = existing()
        self.assertEqual([name for tests in documented().values() for name in tests
                          if name not in known], [])

    def test_each_test_that_is_named_after_a_trap_stands_in_its_row(self):
        table = documented()
        for name in sorted(existing()):
            number = TRAP.match(name.rsplit(".", 1)[1])
            if number:
                self.assertIn(name, table.get(int(number[1]), []))


if __name__ == "__main__":
    unittest.main()
