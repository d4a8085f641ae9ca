"""What a daemon does with HUP and TERM."""

import os
import signal
import unittest

from daemons import SLEEPER, TreeTest


class SignalsTest(TreeTest):
    def test_a_reload_touches_nothing_and_is_answered_in_the_log(self):
        root, dc1, _, leaf = self.world.chain({"one": SLEEPER})
        before = self.world.wait_target("dc1/rack1/web-1/one", "running")
        for daemon in (leaf, dc1, root):
            daemon.signal(signal.SIGHUP)
            daemon.waits_for("event=reloaded" if daemon is leaf else "signal=HUP: ")
        self.assertTrue(all(daemon.running() for daemon in self.world.daemons))
        self.assertEqual(self.world.target("dc1/rack1/web-1/one")["pid"], before["pid"])
        os.kill(before["pid"], 0)

    def test_who_leaves_says_so(self):
        root = self.world.root()
        self.assertEqual(root.leave(), 0)
        self.assertIn("leaving", root.log())


if __name__ == "__main__":
    unittest.main()
