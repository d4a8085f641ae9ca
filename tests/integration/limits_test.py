"""restart_on: real targets that use too much are run anew, and the tree hears why."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import TreeTest, alive, wait_for  # noqa: E402

LEAF = "dc1/rack1/web-1"
MIB = 1 << 20
# Once the gate is there it is taken away, and a child grows or burns: the subtree counts.
WAIT = ("import os, time\n"
        "if os.fork(): os.wait()\n"
        "while not os.path.exists({gate!r}): time.sleep(0.01)\n"
        "os.remove({gate!r})\n")
GROW = "held = b'x' * (96 << 20)\ntime.sleep(100000)"
BURN = "while True: pass"


class Limits(TreeTest):
    def begin(self, script, **target):
        self.gate = self.world.path("gate")
        command = [sys.executable, "-c", WAIT.format(gate=self.gate) + script]
        self.world.chain({"api": {"command": command, **target}})
        return self.world.wait_target(f"{LEAF}/api", "running")

    def cross(self):
        open(self.gate, "w", encoding="utf-8").close()
        return wait_for("the event", lambda: self.world.events(f"{LEAF}/api", "over_limit"))[0]

    def test_too_much_memory_for_too_long(self):
        first = self.begin(GROW, restart_on={"memory": "64MiB", "for": "300ms"})
        event = self.cross()
        self.assertRegex(event["text"], r"^memory \d+.* MiB above 64 MiB for 300ms$")
        data = event["data"]
        self.assertEqual((data["limit"], data["limit_bytes"], data["for_ms"]),
                         ("memory", 64 * MIB, 300))
        self.assertGreater(data["rss_bytes"], 64 * MIB)
        again = wait_for("a new run", lambda: self.again(first))
        self.assertEqual(again["restarts"], 1)
        self.assertFalse(alive(first["pid"]))

    def again(self, first):
        target = self.world.target(f"{LEAF}/api")
        newer = target.get("state") == "running" and target["generation"] > first["generation"]
        return target if newer else None

    def test_too_much_cpu_for_too_long(self):
        first = self.begin(BURN, restart_on={"cpu": 0.02, "for": "600ms"})
        event = self.cross()
        self.assertRegex(event["text"], r"^cpu \d+\.\d\d above 0\.02 for 600ms$")
        self.assertEqual(event["data"]["limit"], "cpu")
        wait_for("a new run", lambda: self.again(first))

    def test_counts_against_max_restarts(self):
        self.world.chain({"api": {
            "command": [sys.executable, "-c", "import time\n" + GROW],
            "restart_on": {"memory": "64MiB", "for": "100ms"}, "max_restarts": "1/10m",
            "backoff": "0ms..0ms"}})
        failed = self.world.wait_target(f"{LEAF}/api", "failed")
        self.assertIn("restarted 1 times within 10m; last memory", failed["error"])

    def test_below_the_limit_it_runs_on(self):
        first = self.begin(GROW, restart_on={"memory": "1GiB", "for": "100ms"})
        open(self.gate, "w", encoding="utf-8").close()
        wait_for("its growth", lambda: (self.world.rest.get(
            f"/api/v1/targets/{LEAF}/api", gauges=1)["rss_bytes"] or 0) > 96 * MIB)
        self.assertEqual(self.world.target(f"{LEAF}/api")["pid"], first["pid"])


if __name__ == "__main__":
    unittest.main()
