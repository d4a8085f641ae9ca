"""The classic traps of keeping what processes write, each driven from outside with real processes.
The numbers are those of the table in docs/testing.md."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, alive, keepers, wait_for  # noqa: E402
from rest import Stream  # noqa: E402
from traps import TrapTest, read  # noqa: E402

LINES = 1_000_000
FLOOD = 300 << 20
ORDINARY = "'a line of an ordinary length, as most of them are'"
AWKWARD = bytes(range(256)) + b"\n" + b"\0" * 1000 + b"\n" + "täglich €".encode() + b"\n"
# The writes end anywhere, lines and multi-byte characters or not.
IN_PIECES = """
import os, sys, time
text, size = eval(sys.argv[1]), int(sys.argv[2])
for at in range(0, len(text), size):
    os.write(1, text[at:at + size])
time.sleep(100000)
"""


def pieces(expression, size):
    return {"command": [sys.executable, "-c", IN_PIECES, expression, str(size)],
            "log": {"max_size": "64MiB"}}


def resident(pid):
    """KiB of memory."""
    words = [line.split() for line in read(f"/proc/{pid}/status").splitlines()]
    return sum(int(line[1]) for line in words if line[0] == "VmRSS:")


def bytes_of(line):
    return base64.b64decode(line["line_b64"]) if "line_b64" in line else line["line"].encode()


class OutputTest(TrapTest):
    def ndjson(self, name, **query):
        words = "".join(f"&{key}={value}" for key, value in query.items())
        answer = self.world.rest.ask(
            "GET", f"/api/v1/logs?select=web-1/{name}&format=ndjson{words}")
        return [json.loads(line) for line in answer.body.splitlines()]

    def wait_bytes(self, name, count):
        wait_for(f"{count} bytes of {name}", lambda: len(self.logged(name)) >= count, 60)


class Bytes(OutputTest):
    def test_trap_12_a_last_line_without_newline_is_there_and_marked(self):
        self.begin({"api": {"command": ["printf", r"one\nlast words"], "restart": "never"}})
        self.world.wait_target("web-1/api", "exited")
        wait_for("both lines", lambda: len(self.ndjson("api")) == 2)
        lines = [(line["line"], line.get("partial", False)) for line in self.ndjson("api")]
        self.assertEqual(lines, [("one", False), ("last words", True)])
        self.assertEqual(self.logged("api"), b"one\nlast words")

    def test_trap_13_a_very_long_line_is_one_or_is_marked_where_it_is_cut(self):
        self.begin({"api": pieces("b'x' * 1_000_000 + b'\\n' + b'y' * 3_000_000 + b'\\nend\\n'",
                                  1 << 20)})
        self.wait_bytes("api", 4_000_006)
        whole, *cut, last, end = self.ndjson("api")
        self.assertEqual((whole["line"] == "x" * 1_000_000, "partial" in whole), (True, False))
        self.assertEqual({line.get("partial") for line in cut}, {True})
        self.assertNotIn("partial", last)
        self.assertTrue("".join(line["line"] for line in [*cut, last]) == "y" * 3_000_000)
        self.assertEqual(end["line"], "end")
        self.assertTrue(self.logged("api") == b"x" * 1_000_000 + b"\n" + b"y" * 3_000_000 +
                        b"\nend\n")

    def test_trap_14_bytes_are_opaque(self):
        self.begin({"api": pieces(repr(AWKWARD), 7)})
        self.wait_bytes("api", len(AWKWARD))
        self.assertEqual(self.logged("api"), AWKWARD)
        lines = self.ndjson("api")
        self.assertEqual(b"".join(bytes_of(line) + b"\n" for line in lines), AWKWARD)
        self.assertEqual([line.get("line") for line in lines[2:]], ["\0" * 1000, "täglich €"])

    def test_trap_15_of_a_million_lines_in_odd_pieces_none_is_broken(self):
        text = b"".join(b"%d\n" % number for number in range(LINES))
        self.begin({"api": pieces(f"b''.join(b'%d\\n' % n for n in range({LINES}))", 997)})
        self.running("api")
        stream = Stream(self.world.rest, "/api/v1/logs?select=web-1/api&follow=1&format=text")
        self.addCleanup(stream.close)
        followed = bytearray()
        wait_for("all lines", lambda: self.follow(stream, followed) >= len(text), 60)
        self.assertTrue(bytes(followed) == text, "followed: not the lines as written")
        self.assertTrue(self.logged("api") == text, "read: not the lines as written")

    def follow(self, stream, into):
        into += stream.read(time.monotonic() + 20)
        return len(into)

    def test_trap_23_neither_a_flood_nor_a_stalled_reader_fills_the_memory(self):
        done = self.world.path("done")
        script = f"yes {ORDINARY} | head -c {FLOOD}; echo > {done}; exec sleep 100000"
        self.begin({"idle": SLEEPER, "api": {
            "command": ["sh", "-c", script], "autostart": False,
            "log": {"max_size": "1MiB", "max_files": 2}}})
        self.running("idle")
        stream = Stream(self.world.rest, "/api/v1/logs?select=web-1/api&follow=1&format=ndjson")
        self.addCleanup(stream.close)  # and never read
        pids = [self.leaf.pid, self.root.pid, *keepers(self.leaf.state_dir)]
        before = [resident(pid) for pid in pids]
        self.world.rest.command("start", "web-1/api")
        wait_for("the end of the flood", lambda: os.path.exists(done), 90)
        grown = [resident(pid) - kib for pid, kib in zip(pids, before)]
        self.tell(f"KiB more after {FLOOD >> 20} MiB, of leaf, root and keeper: {grown}")
        self.assertLess(max(grown), 16 << 10)
        wait_for("the last line", lambda: self.end_of("api") == FLOOD)
        gap = self.ndjson("api", offset=0, stream="stdout")[0]
        self.assertGreater(gap["gap_bytes"], FLOOD - (3 << 20))


    def end_of(self, name):
        last = self.ndjson(name, tail=1)[0]
        return last["offset"] + len(last["line"]) + 1 - last.get("partial", False)


class Disk(OutputTest):
    def begin_on_small_disk(self, targets):
        """The log folder is a disk of its own of 1 MiB, seen by this leaf alone."""
        logs = self.world.path("web-1", "logs")
        mount = ["unshare", "--mount", "sh", "-c",
                 f'mkdir -p -m 700 {logs} && mount -t tmpfs -o size=1m none {logs} && exec "$@"',
                 "sh"]
        if os.geteuid() != 0 or not shutil.which("unshare"):
            self.skipTest("takes root, for a disk of its own")
        if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.root = self.world.root()
        self.leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                            "parent_port": self.root.port}, targets)
        self.leaf.prefix = mount
        self.leaf.start()
        return f"/proc/{self.leaf.pid}/root{logs}"

    def test_trap_16_a_full_disk_neither_stalls_the_target_nor_hides_the_loss(self):
        go, done = self.world.path("go"), self.world.path("done")
        wait = "until [ -e {} ]; do sleep 0.01; done; "
        script = (wait.format(go + "1") + f"seq 1000000; echo > {done}1; " + wait.format(go + "2") +
                  "while :; do echo after; sleep 0.05; done")
        disk = self.begin_on_small_disk({"api": ["sh", "-c", script]})
        first = self.running("api")
        filler = os.path.join(disk, "filler")
        with open(filler, "wb") as file:
            file.write(b"x" * (800 << 10))
        open(go + "1", "w", encoding="utf-8").close()
        wait_for("the end of its writing", lambda: os.path.exists(done + "1"))
        self.leaf.waits_for("takes no more: No space left on device")
        written = len(b"".join(b"%d\n" % n for n in range(1, 1_000_001)))
        os.remove(filler)
        open(go + "2", "w", encoding="utf-8").close()
        wait_for("lines again", lambda: self.logged("api").endswith(b"after\n"))
        lines = self.ndjson("api")
        gap = sum(line.get("gap_bytes", 0) for line in lines)
        self.assertGreater(gap, 0)
        after = [line for line in lines if line.get("line") == "after"]
        at = next(line["offset"] + line["gap_bytes"] for line in lines if "gap_bytes" in line)
        self.tell(f"{gap} of {written} bytes are a gap, told as such")
        kept = sum(len(line["line"]) + 1 - line.get("partial", False)
                   for line in lines if line.get("line", "after") != "after")
        self.assertGreaterEqual(kept + gap, written)
        self.assertEqual((kept + gap - written) % len("after\n"), 0)
        self.assertGreaterEqual(after[0]["offset"], at)
        self.assertEqual(self.running("api")["pid"], first["pid"])

    def test_trap_17_a_log_folder_that_is_deleted_is_made_again_and_it_is_said(self):
        self.begin({"api": ["sh", "-c", "n=0; while :; do n=$((n+1)); echo $n; sleep 0.01; done"]})
        target = self.running("api")
        self.lines("api", 20)
        shutil.rmtree(os.path.join(self.leaf.state_dir, "logs"))
        before = int(self.leaf_counts())
        wait_for("later lines", lambda: int(self.leaf_counts()) > before + 20)
        self.leaf.waits_for("was deleted: made again")
        numbers = [int(line) for line in self.logged("api").split()]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))
        self.assertTrue(alive(target["pid"]))

    def leaf_counts(self):
        return (self.logged("api").split() or [b"0"])[-1]


if __name__ == "__main__":
    unittest.main(verbosity=2)
