"""Commands in batches, over real targets: never more at a time than asked for, and a stop."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest  # noqa: E402

LEAF = "dc1/rack1/web-1"
NAMES = ("a", "b", "c", "d")
BROKEN = ["/bin/sh", "-c", 'test -e "$0" && exit 1; touch "$0"; exec sleep 1000']


class Rolling(TreeTest):
    def begin(self, targets):
        self.world.chain(targets)
        for name in targets:
            self.world.wait_target(f"{LEAF}/{name}", "running")

    def times(self, kind):
        """When it happened to each target, by the leaf's clock."""
        found = {}
        for name in NAMES:
            for event in self.world.events(f"{LEAF}/{name}", kind):
                found.setdefault(name, []).append(event["time"])
        return {name: sorted(times) for name, times in found.items()}

    def test_the_next_begins_when_the_last_runs_again(self):
        self.begin({name: SLEEPER for name in NAMES})
        done = self.world.cli("restart", f"{LEAF}/**", "--max-parallel", "1", "-y", "-o", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["counts"]["done"], len(NAMES))
        ended = self.times("exited")
        started = self.times("started")
        for earlier, later in zip(NAMES, NAMES[1:]):
            self.assertLess(started[earlier][-1], ended[later][-1], (earlier, later))

    def test_a_failure_stops_it_and_nobody_else_is_touched(self):
        mark = self.world.path("once")
        targets = {name: SLEEPER for name in NAMES}
        targets["b"] = BROKEN[:2] + [BROKEN[2], mark]
        self.begin(targets)
        before = {name: self.world.target(f"{LEAF}/{name}")["pid"] for name in NAMES}
        command = self.world.rest.command("restart", f"{LEAF}/**", max_parallel=1,
                                          stop_after_failures=1, ttl_ms=2000)
        outcomes = {result["path"][-1]: result for result in command["results"]}
        self.assertEqual(outcomes["a"]["outcome"], "done", command)
        for name in ("c", "d"):
            self.assertEqual(outcomes[name]["outcome"], "rejected", command)
            self.assertIn("not tried", outcomes[name]["reason"])
            self.assertEqual(self.world.target(f"{LEAF}/{name}")["pid"], before[name])


if __name__ == "__main__":
    unittest.main()
