"""[allow] at a leaf: what it does not name is rejected, and told."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, wait_for  # noqa: E402
from keyed_world import run  # noqa: E402


class Allow(TreeTest):
    def result(self, verb, **args):
        return self.world.rest.command(verb, "web-1/api", args=args)["results"][0]

    def test_what_is_not_allowed_is_rejected_and_told(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {"api": SLEEPER},
                               allow={"verbs": ["signal", "start"], "signals": ["CONT"]})
        pid = self.world.wait_target("web-1/api", "running")["pid"]
        stop = self.result("stop")
        self.assertEqual((stop["outcome"], stop["reason"]),
                         ("rejected", "[allow] of this leaf does not name the verb stop"))
        term = self.result("signal", signal="TERM")
        self.assertEqual(term["outcome"], "rejected")
        self.assertIn("signal TERM", term["reason"])
        self.assertEqual(self.result("signal", signal="CONT")["outcome"], "done")
        self.assertEqual(self.world.target("web-1/api")["pid"], pid)
        texts = wait_for("both events", lambda: self.told(2))
        self.assertIn("stop api: [allow]", texts[0])
        own = run("banyan", "--url", "unix://" + os.path.join(leaf.state_dir, "http.sock"),
                  "restart", "api", "--yes")
        self.assertEqual(own.returncode, 0, own.stderr)
        leaf.settings["allow"] = {"verbs": ["stop"]}
        leaf.write_config()
        leaf.signal(signal.SIGHUP)
        leaf.waits_for("event=reloaded")
        self.assertEqual(self.result("stop")["outcome"], "done")
        self.assertEqual(self.result("start")["outcome"], "rejected")

    def told(self, count):
        events = self.world.events("web-1", "command_refused")
        return [event["text"] for event in events] if len(events) >= count else None


if __name__ == "__main__":
    unittest.main()
