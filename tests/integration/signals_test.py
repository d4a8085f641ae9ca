"""What a daemon does with HUP and USR2: it answers in its log and goes on."""

import os
import signal
import unittest

from daemons import SLEEPER, TreeTest


class SignalsTest(TreeTest):
    def test_reload_and_upgrade_touch_nothing_and_are_answered_in_the_log(self):
        root, dc1, _, leaf = self.world.chain({"one": SLEEPER})
        before = self.world.wait_target("dc1/rack1/web-1/one", "running")
        for daemon in (leaf, dc1, root):
            for name in ("HUP", "USR2"):
                daemon.signal(getattr(signal, "SIG" + name))
                reloads = daemon is leaf and name == "HUP"
                daemon.waits_for("event=reloaded" if reloads else f"signal={name}: ")
        self.assertTrue(all(daemon.running() for daemon in self.world.daemons))
        self.assertEqual(self.world.target("dc1/rack1/web-1/one")["pid"], before["pid"])
        os.kill(before["pid"], 0)

    def test_who_leaves_says_so(self):
        root = self.world.root()
        self.assertEqual(root.leave(), 0)
        self.assertIn("leaving", root.log())


if __name__ == "__main__":
    unittest.main()
