"""scripts/check refuses one breach of every kind, and nothing in a clean tree."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MAIN = os.path.join(TOP, "scripts", "check.d", "main.py")
CLEAN = {
    "common/base/one.h": "#pragma once\nint one();\n",
    "common/base/one.cpp": '#include "common/base/one.h"\n\nint one() { return 1; }\n',
    "common/io/clock.cpp": "#include <unistd.h>\n\nvoid nap() { usleep(1); }\n",
    "leaf/leaf.h": '#pragma once\n#include "common/base/one.h"\n',
    "relay/relay.h": "#pragma once\n",
    "tests/sim/world.cpp": '#include "leaf/leaf.h"\n#include "relay/relay.h"\n',
    "scripts/tool.py": "def tool(a, b, c, d):\n    return a + b + c + d\n",
    "root/web/app.js": "function draw(a, b) {\n  return `${a} {` + b;\n}\n",
}
LONG_CPP = "int long_one() {\n" + "  one();\n" * 60 + "}\n"
LONG_TEST = "TEST(Long, One) {\n" + "  one();\n" * 60 + "}\n"
LONG_PY = "def long_one():\n" + "    one()\n" * 60
LONG_JS = "const long = (a) => {\n" + "  one();\n" * 60 + "};\n"
# (file, its text, line of the breach, words of the message)
BREACHES = [
    ("common/base/a.cpp", "int  two() { return 2; }\n", 1, "not formatted"),
    ("common/base/a.h", '#pragma once\n#include "common/io/clock.h"\n', 2, "points up"),
    ("common/tree/a.h", '#pragma once\n#include "leaf/leaf.h"\n', 2, "points up"),
    ("leaf/a.h", '#pragma once\n#include "relay/relay.h"\n', 2, "blind"),
    ("leaf/io/a.h", '#pragma once\n#include "root/io/b.h"\n', 2, "blind"),
    ("tests/sim/a.cpp", '#include "common/io/clock.h"\n', 1, "points up"),
    ("leaf/a.cpp", '#include "leaf.h"\n', 1, "no floor"),
    ("leaf/a.cpp", '#include "leaf/nowhere.h"\n', 1, "not a path"),
    ("elsewhere/a.cpp", "int a();\n", 1, "no floor"),
    ("leaf/a.cpp", "#include <boost/asio/io_context.hpp>\n", 1, "I/O header"),
    ("leaf/a.cpp", "#include <unistd.h>\n", 1, "I/O header"),
    ("tests/unit/a.cpp", "#include <fstream>\n", 1, "I/O header"),
    ("leaf/a.cpp", "auto a() { return std::chrono::steady_clock::now(); }\n", 1, "clock"),
    ("tests/unit/a.cpp", "void a() { usleep(1); }\n", 1, "clock"),
    ("tests/sim/a.cpp", "void a() { std::this_thread::sleep_for(b); }\n", 1, "clock"),
    ("leaf/a.cpp", "long a() { return time(nullptr); }\n", 1, "clock"),
    ("leaf/a.cpp", "std::random_device device;\n", 1, "clock"),
    ("leaf/io/a.cpp", "boost::asio::system_timer timer(loop);\n", 1, "wall clock"),
    ("leaf/main.cpp", "int a = timerfd_create(CLOCK_REALTIME, 0);\n", 1, "wall clock"),
    ("leaf/a.cpp", "// " + "x" * 98 + "\n", 1, "101 columns"),
    ("scripts/a.py", "A = 1\n" * 401, 401, "401 lines"),
    ("leaf/a.cpp", LONG_CPP, 1, "long_one has 62 lines"),
    ("tests/unit/a.cpp", LONG_TEST, 1, "TEST has 62 lines"),
    ("leaf/a.cpp", "namespace n {\n" + LONG_CPP + "}  // namespace n\n", 2, "long_one has 62"),
    ("scripts/a.py", LONG_PY, 1, "long_one has 61 lines"),
    ("root/web/a.js", LONG_JS, 1, "has 62 lines"),
    ("leaf/a.cpp", "int a(int b, int c, int d, int e, int f) { return b; }\n", 1, "5 parameters"),
    ("scripts/a.py", "def a(b, c, d, e, f):\n    pass\n", 1, "5 parameters"),
]


TIDY = ("int one(int* a) {\n  delete a;\n  return *a;\n}\n", 3, "Use of memory after it is freed")


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.top = tempfile.mkdtemp(prefix="banyan-check-")
        self.addCleanup(shutil.rmtree, self.top)
        shutil.copy(os.path.join(TOP, ".clang-format"), self.top)
        for path, text in CLEAN.items():
            self.write(path, text)

    def write(self, path, text):
        full = os.path.join(self.top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as file:
            file.write(text)

    def check(self):
        command = [sys.executable, "-B", MAIN, "--root", self.top]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def test_accepts_a_clean_tree(self):
        run = self.check()
        self.assertEqual((run.returncode, run.stdout), (0, ""))

    def test_refuses_each_breach_where_it_stands(self):
        for path, text, line, words in BREACHES:
            with self.subTest(path=path, words=words):
                self.write(path, text)
                run = self.check()
                os.remove(os.path.join(self.top, path))
                self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
                place = rf"(?m)^{re.escape(path)}:{line}: .*{re.escape(words)}"
                self.assertRegex(run.stdout, place)

    def git(self, *words):
        subprocess.run(["git", "-C", self.top, "-c", "user.name=a", "-c", "user.email=a@b", *words],
                       capture_output=True, check=True)

    def changes(self, text):
        """A repository with one change, and the commands of a build."""
        self.git("init", "-q")
        self.git("add", ".")
        self.git("commit", "-qm", "a")
        path = "common/base/two.cpp"
        self.write(path, text)
        full = os.path.join(self.top, path)
        command = f"/usr/bin/c++ -std=c++20 -fpch-preprocess -o two.o -c {full}"
        self.write("build/dev/compile_commands.json",
                   json.dumps([{"directory": self.top, "file": full, "command": command}]))
        shutil.copy(os.path.join(TOP, ".clang-tidy"), self.top)
        return path

    @unittest.skipUnless(shutil.which("clang-tidy"), "clang-tidy is not installed")
    def test_changed_files_are_looked_at_by_clang_tidy(self):
        text, line, words = TIDY
        path = self.changes(text)
        run = self.check()
        self.assertEqual(run.returncode, 1, run.stdout + run.stderr)
        self.assertRegex(run.stdout, rf"(?m)^{path}:{line}: {words}")

    def test_without_a_build_it_says_that_clang_tidy_was_left_out(self):
        self.assertIn("no clang-tidy: ", self.check().stderr)


if __name__ == "__main__":
    unittest.main()
