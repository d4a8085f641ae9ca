"""The classic traps of an unruly system, with a daemon under a library that makes it so
(programs/unruly_system.cpp). The numbers are those of the table in docs/testing.md."""

import os
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, alive, keepers, marked, plain_environment, wait_for  # noqa: E402
from traps import TrapTest  # noqa: E402

LIBRARY = os.path.join(BIN, "unruly_system.so")
DAY = 86400
LINES = 200_000
EXITS = 20


def numbers(count):
    return b"".join(b"%d\n" % number for number in range(count))


class SystemTest(TrapTest):
    def setUp(self):
        super().setUp()
        self.unruly = {"LD_PRELOAD": LIBRARY}
        able = subprocess.run([os.path.join(BIN, "banyan-leaf"), "--version"], check=False,
                              env={**plain_environment(), **self.unruly}, capture_output=True)
        if able.returncode != 0 or able.stderr or not os.path.exists(LIBRARY):
            self.skipTest("this build takes no library of ours")

    def begin_unruly(self, targets, **environment):
        self.root = self.world.root()
        self.leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                            "parent_port": self.root.port}, targets)
        self.leaf.environment = {**self.unruly, **environment}
        self.leaf.start()


class Clocks(SystemTest):
    def set_clock(self, seconds):
        with open(self.clock, "r+b") as file:
            file.write(struct.pack("=q", seconds))

    def test_trap_18_no_jump_of_the_wall_clock_moves_a_deadline(self):
        self.clock = self.world.path("clock")
        with open(self.clock, "wb") as file:
            file.write(struct.pack("=q", 0))
        deaf = ["sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"]
        self.begin_unruly({"crash": {"command": ["false"], "backoff": "100ms..100ms"},
                           "deaf": {"command": deaf, "stop_timeout": 0.5},
                           "ill": {"command": SLEEPER, "health": {"exec": ["true"],
                                                                  "every": "100ms"}},
                           "calm": SLEEPER}, UNRULY_CLOCK=self.clock)
        calm = self.running("calm")
        for jump in (DAY, -DAY, 0):
            self.set_clock(jump)
            before = self.target("crash")["restarts"]
            wait_for("five more restarts", lambda before=before:
                     self.target("crash")["restarts"] >= before + 5, 10)
            self.lines("deaf", 1)
            self.running("deaf")
            stop = self.world.rest.command("stop", "web-1/deaf", wait="10s")
            self.assertEqual(stop["results"][0]["outcome"], "done")
            start = self.world.rest.command("start", "web-1/deaf")
            self.assertEqual(start["results"][0]["outcome"], "done")
        self.assertEqual(self.target("ill")["health"], "healthy")
        self.assertEqual(self.running("calm")["pid"], calm["pid"])
        told = self.world.rest.items("/api/v1/events")
        jumps = {event["time"][:10] for event in told if event["path"] == "web-1/crash"}
        self.assertEqual(len(jumps), 3, "the clock did not jump: nothing is shown")
        bad = [event for event in told if event["kind"] in ("lost", "suspect")]
        self.assertEqual((bad, self.world.node("web-1")["state"]), ([], "up"))


class Calls(SystemTest):
    def test_trap_19_interrupted_partial_and_empty_calls_lose_nothing(self):
        write = (f"import sys, time\nfor i in range(0, {LINES}, 100):\n"
                 "    sys.stdout.write(''.join('%d\\n' % n for n in range(i, i + 100)))\n"
                 "    sys.stdout.flush()\n    time.sleep(0.0005)\ntime.sleep(100000)")
        count = self.world.path("count")
        go = self.world.path("go")
        crash = (f"until [ -e {go} ]; do sleep 0.01; done; "
                 f"n=$(cat {count} 2> /dev/null || echo 0); echo $((n + 1)) > {count}; "
                 f"[ $n -lt {EXITS} ] || exec sleep 100000; exit $((n + 1))")
        self.begin_unruly({
            "writer": {"command": [sys.executable, "-c", write], "log": {"max_size": "64KiB",
                                                                         "max_files": 100}},
            "crash": {"command": ["sh", "-c", crash], "backoff": 0},
            "checked": {"command": SLEEPER, "ready": {"exec": ["true"]},
                        "health": {"exec": ["echo", "well"], "every": "50ms", "failures": 1}},
            "family": ["sh", "-c", "setsid sleep 100000 & sleep 100000 & wait"]}, UNRULY_CALLS="12")
        writer = self.running("writer")
        for name in ("checked", "crash"):
            self.running(name)
        self.leaf.kill()
        self.assertTrue(alive(writer["pid"]))
        self.leaf.start()
        for name in ("writer", "crash"):
            wait_for("its adoption",
                     lambda name=name: self.world.events("web-1/" + name, "adopted"))
        open(go, "w", encoding="utf-8").close()
        wait_for("the exits", lambda: len(self.exits()) >= EXITS, 60)
        codes = [event["data"]["code"] for event in self.exits()]
        self.assertEqual(codes, list(range(1, EXITS + 1)))
        wait_for("all lines", lambda: len(self.logged("writer")) >= len(numbers(LINES)), 60)
        self.assertTrue(self.logged("writer") == numbers(LINES), "not the lines as written")
        self.assertEqual(self.target("checked")["health"], "healthy")
        for name in ("family", "checked"):
            stop = self.world.rest.command("stop", "web-1/" + name)
            self.assertEqual(stop["results"][0]["outcome"], "done")
        self.assertEqual(len(marked(self.leaf.instance)), 2)
        self.assertEqual(len(keepers(self.leaf.state_dir)), 1)
        self.assertEqual(self.running("writer")["pid"], writer["pid"])

    def exits(self):
        return self.world.events("web-1/crash", "exited")


if __name__ == "__main__":
    unittest.main(verbosity=2)
