"""Who is known: over restarts of relay and root, until forgotten; why, and how far away."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, wait_for  # noqa: E402


class Members(TreeTest):
    def setUp(self):
        super().setUp()
        self.root = self.world.root(timeout=1.5, grace=0.3)
        self.relay = self.world.relay("dc1", self.root, timeout=1.5, grace=0.3)
        self.alive = self.world.leaf("web-1", self.relay, {"api": SLEEPER})
        self.dead = self.world.leaf("web-2", self.relay, {"api": SLEEPER})
        self.world.wait_up("dc1", "dc1/web-1", "dc1/web-2")
        self.world.wait_target("dc1/web-2/api", "running")

    def lose(self):
        self.dead.kill()
        self.world.wait_node("dc1/web-2", "lost")

    def events_of(self, path, kind):
        return self.world.events(path, kind)

    def test_a_dead_leaf_is_still_listed_after_its_relay_was_killed_and_came_back(self):
        self.lose()
        self.relay.kill()
        self.world.wait_node("dc1", "lost", "suspect")
        self.relay.start()
        self.world.wait_up("dc1", "dc1/web-1")
        node = self.world.wait_node("dc1/web-2", "lost")
        self.assertEqual(self.world.target("dc1/web-2/api")["presumed"], True)
        self.assertIn("grace", " ".join(node["evidence"]))
        self.assertEqual(len(self.events_of("dc1/web-2", "lost")), 1)

    def test_a_root_that_comes_back_knows_the_tree_before_anybody_has_called(self):
        self.lose()
        self.relay.signal(signal.SIGSTOP)
        self.root.kill()
        self.root.start()
        self.assertEqual(self.world.node("dc1/web-1")["state"], "unreachable")
        self.assertEqual(self.world.target("dc1/web-1/api")["presumed"], True)
        self.relay.signal(signal.SIGCONT)
        self.world.wait_up("dc1", "dc1/web-1")
        self.world.wait_node("dc1/web-2", "lost")
        wait_for("a confirmed target", lambda: not self.world.target("dc1/web-1/api")["presumed"])

    def test_a_damaged_picture_is_put_aside_and_the_tree_is_whole_all_the_same(self):
        self.root.kill()
        picture = os.path.join(self.root.state_dir, "picture-000000.log")
        self.assertTrue(os.path.exists(picture), picture)
        with open(picture, "r+b") as file:
            file.seek(40)
            file.write(b"\x00\xff\x00\xff")
        self.root.start()
        self.world.wait_up("dc1", "dc1/web-1", "dc1/web-2")
        self.assertTrue(os.path.exists(picture + ".bad"))
        self.assertIn("damaged", self.root.log())

    def test_forget_drops_what_is_lost_and_nothing_else(self):
        self.assertEqual(self.world.cli("forget", "dc1/web-1").returncode, 4)
        self.lose()
        done = self.world.cli("forget", "dc1/web-2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("dc1/web-2 forgotten", done.stdout)
        wait_for("that it is gone", lambda: "dc1/web-2" not in
                 [node["path"] for node in self.world.rest.get("/api/v1/nodes")["items"]])
        self.world.wait_up("dc1/web-1")
        self.assertEqual(len(wait_for("the event",
                                      lambda: self.events_of("dc1/web-2", "forgotten"))), 1)

    def test_why_tells_the_evidence_and_ping_every_hop(self):
        ping = self.world.cli("ping", "dc1/web-1")
        self.assertEqual(ping.returncode, 0, ping.stderr)
        self.assertRegex(ping.stdout, r"dc1  [\d.]+ ms\ndc1/web-1  [\d.]+ ms\ndc1/web-1 answers")
        self.dead.signal(signal.SIGSTOP)
        self.addCleanup(self.dead.signal, signal.SIGCONT)
        self.world.wait_node("dc1/web-2", "lost")
        why = self.world.cli("why", "dc1/web-2").stdout
        self.assertRegex(why, r"dc1/web-2  lost")
        self.assertIn("the host is alive, the process stands still", why)
        self.assertRegex(why, r"\d\d:\d\d:\d\d")
        ping = self.world.cli("ping", "dc1/web-2")
        self.assertEqual(ping.returncode, 3)
        self.assertIn("silent", ping.stdout)


if __name__ == "__main__":
    unittest.main()
