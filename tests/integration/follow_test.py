"""`events -f` and `logs -f` go on when the root is killed and started again."""

import os
import re
import signal
import subprocess
import unittest

from daemons import BIN, TreeTest, plain_environment, wait_for

TICKER = ["sh", "-c", "n=0; while :; do n=$((n+1)); echo tick $n; sleep 0.05; done"]


class Follower:
    """A command line whose output goes to a file."""

    def __init__(self, world, *words):
        self.file = world.path("-".join(words).replace("/", "_") + ".out")
        with open(self.file, "wb") as out:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "banyan"), "--url", world.rest.url, *words],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=plain_environment())

    def lines(self):
        with open(self.file, encoding="utf-8") as file:
            return file.read().splitlines()

    def close(self):
        self.process.kill()
        self.process.wait()


class FollowTest(TreeTest):
    def follow(self, *words):
        follower = Follower(self.world, *words)
        self.addCleanup(follower.close)
        return follower

    def restart(self, root, alone=lambda: True):
        """`alone`: what has to happen while the new root knows nobody yet."""
        dc1 = self.world.daemons[1]
        dc1.signal(signal.SIGSTOP)
        root.kill()
        root.start()
        wait_for("what happens before the children are back", alone)
        dc1.signal(signal.SIGCONT)
        self.world.wait_up("dc1", "dc1/web-1")

    def requests(self):
        text = self.world.rest.ask("GET", "/metrics").body.decode()
        return int(re.search(r"^banyan_http_requests_total (\d+)", text, re.M).group(1))

    def tree(self):
        root = self.world.root()
        dc1 = self.world.relay("dc1", root)
        self.world.leaf("web-1", dc1, {"ticker": TICKER, "brief": {"command": ["true"],
                                                                   "restart": "never"}})
        self.world.wait_up("dc1", "dc1/web-1")
        self.world.wait_target("dc1/web-1/ticker", "running")
        return root

    def test_events_of_the_new_root_are_shown(self):
        root = self.tree()
        for _ in range(10):  # the old root has counted further than the new one will
            self.world.rest.command("start", "dc1/web-1/brief")
        follower = self.follow("events", "-f", "-n", "1")
        wait_for("the list", lambda: len(follower.lines()) >= 2)
        self.restart(root)
        self.world.rest.command("restart", "dc1/web-1/ticker")
        wait_for("an event of the new root", lambda: any(
            "restart dc1/web-1/ticker: 1 done" in line for line in follower.lines()))
        self.assertIsNone(follower.process.poll())

    def test_lines_go_on_without_a_hole_and_without_doubles(self):
        root = self.tree()
        follower = self.follow("logs", "-f", "ticker")
        wait_for("lines", lambda: len(follower.lines()) >= 5)
        asked = [0]

        def refused():
            asked[0] += 1  # each look is a request, too
            return self.requests() > asked[0]

        self.restart(root, refused)
        before = len(follower.lines())
        wait_for("more lines", lambda: len(follower.lines()) >= before + 40)
        ticks = [int(line.split()[1]) for line in follower.lines() if line.startswith("tick ")]
        self.assertEqual(ticks, list(range(1, len(ticks) + 1)))


if __name__ == "__main__":
    unittest.main()
