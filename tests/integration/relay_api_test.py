"""A relay serves its own subtree, also while it is cut off from the root."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, TreeTest, free_port, wait_for  # noqa: E402
from rest import Rest  # noqa: E402

TALKER = ["sh", "-c", "echo one; echo two; exec sleep 1000"]


class RelayApi(TreeTest):
    def below(self):
        """root <- dc1 (with REST) <- web-1; the daemons, and the relay's REST."""
        root = self.world.root()
        port = free_port()
        dc1 = self.world.relay("dc1", root, http_port=port)
        leaf = self.world.leaf("web-1", dc1, {"api": SLEEPER, "talk": TALKER})
        self.world.wait_target("dc1/web-1/api", "running")
        return root, dc1, leaf, Rest("127.0.0.1", port)

    def test_shows_its_own_subtree_with_itself_on_top(self):
        _, _, _, rest = self.below()
        tree = rest.get("/api/v1/tree")
        self.assertEqual((tree["name"], tree["role"]), ("dc1", "relay"))
        self.assertEqual([child["path"] for child in tree["children"]], ["web-1"])
        self.assertEqual(rest.status()["targets"]["running"], 2)

    def test_acts_and_reads_logs_while_the_root_is_gone(self):
        root, _, _, rest = self.below()
        root.kill()
        before = rest.find("/api/v1/targets/web-1/api")
        done = rest.command("restart", "web-1/api")
        self.assertEqual([result["outcome"] for result in done["results"]], ["done"])
        after = rest.find("/api/v1/targets/web-1/api")
        self.assertNotEqual(before["pid"], after["pid"])
        wait_for("the log", lambda: rest.ask(
            "GET", "/api/v1/logs?select=web-1/talk").body == b"one\ntwo\n")

    def test_a_log_that_is_followed_here_goes_on_when_the_root_dies(self):
        root, _, _, rest = self.below()
        stream = rest.stream(topics="events")
        self.addCleanup(stream.close)
        root.kill()
        rest.command("stop", "web-1/api")
        stream.wait("the exit", lambda topic, item: item.get("kind") == "exited")

    def test_what_the_root_asks_is_not_taken_for_its_own(self):
        _, _, _, rest = self.below()
        done = self.world.rest.command("restart", "dc1/web-1/api")
        self.assertEqual(done["counts"]["done"], 1)
        self.assertEqual(rest.get("/api/v1/commands")["items"], [])

    def test_answers_on_its_unix_socket(self):
        _, dc1, _, _ = self.below()
        socket = os.path.join(dc1.settings["state_dir"], "http.sock")
        words = [os.path.join(BIN, "banyan"), "--url", "unix://" + socket, "get", "targets"]
        answer = subprocess.run([*words, "-o", "name"], capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual(answer.stdout, "web-1/api\nweb-1/talk\n")


if __name__ == "__main__":
    unittest.main()
