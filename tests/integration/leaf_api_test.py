"""A leaf serves its own API on a unix socket: a leaf that is cut off can still be operated."""

import os
import socket
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, TreeTest, plain_environment, wait_for  # noqa: E402
from rest import UnixRest  # noqa: E402

TALKER = ["sh", "-c", "echo one; echo two; exec sleep 1000"]


class LeafApi(TreeTest):
    def begin(self, **settings):
        """root <- web-1; both are there, the target runs."""
        self.root = self.world.root()
        self.leaf = self.world.leaf("web-1", self.root, {"api": SLEEPER, "talk": TALKER},
                                    **settings)
        self.path = os.path.join(self.leaf.state_dir, "http.sock")
        self.rest = UnixRest(self.path)
        self.world.wait_target("web-1/api", "running")

    def banyan(self, *words, state_home=None, url=True):
        environment = plain_environment()
        if state_home:
            environment["XDG_STATE_HOME"] = state_home
        address = ["--url", self.rest.url] if url else []
        return subprocess.run([os.path.join(BIN, "banyan"), *address, *words], env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60, check=False)

    def local(self, name):
        return self.rest.find(f"/api/v1/targets/{name}")

    def operate(self):
        """Everything that is asked of a leaf alone."""
        tree = self.rest.get("/api/v1/tree")
        self.assertEqual((tree["name"], tree["role"]), ("web-1", "leaf"))
        self.assertEqual(self.rest.status()["targets"]["running"], 2)
        before = self.local("api")
        self.assertEqual(self.banyan("restart", "api").returncode, 0)
        after = self.local("api")
        self.assertNotEqual(before["pid"], after["pid"])
        self.assertEqual(after["generation"], before["generation"] + 1)
        self.assertEqual(self.banyan("signal", "KILL", "api").returncode, 0)
        wait_for("the next run", lambda: self.local("api")["restarts"] == after["restarts"] + 1)
        wait_for("its process", lambda: self.local("api")["state"] == "running")
        self.assertEqual(self.banyan("stop", "api").returncode, 0)
        self.assertEqual(self.local("api")["state"], "stopped")
        self.assertEqual(self.banyan("start", "api").returncode, 0)
        self.assertEqual(self.local("api")["state"], "running")
        self.assertEqual(self.banyan("logs", "talk").stdout, "one\ntwo\n")
        kinds = [event["kind"] for event in self.rest.items("/api/v1/events", select="api")]
        self.assertIn("exited", kinds)

    def test_it_can_be_operated_while_its_root_is_there(self):
        self.begin()
        self.operate()

    def test_it_can_be_operated_while_its_root_is_gone(self):
        self.begin()
        self.root.kill()
        self.operate()
        self.root.start()
        self.world.wait_target("web-1/api", "running")
        target = self.local("api")
        self.assertEqual(self.world.target("web-1/api")["pid"], target["pid"])
        exits = self.world.events("web-1/api", "exited")
        self.assertEqual(len(exits), 3)

    def test_its_socket_is_for_owner_and_group(self):
        self.begin()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)

    def test_what_the_root_asks_is_not_taken_for_its_own(self):
        self.begin()
        done = self.world.rest.command("restart", "web-1/api")
        self.assertEqual(done["counts"]["done"], 1)
        self.assertEqual(self.rest.get("/api/v1/commands")["items"], [])

    def test_one_command_by_both_ways_is_performed_once(self):
        self.begin()
        number = "fedcba9876543210" * 2
        above = self.world.rest.command("restart", "web-1/api", id=number)["results"][0]
        here = self.rest.command("restart", "api", id=number)["results"][0]
        self.assertEqual((above["outcome"], above["generation"]),
                         (here["outcome"], here["generation"]))
        self.assertEqual(self.local("api")["generation"], above["generation"])

    def test_a_log_that_is_followed_here_goes_on_when_the_root_dies(self):
        self.begin()
        process = subprocess.Popen(
            [os.path.join(BIN, "banyan"), "--url", self.rest.url, "logs", "-f", "talk"],
            env=plain_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual([process.stdout.readline() for _ in range(2)], ["one\n", "two\n"])
        self.root.kill()
        self.leaf.waits_for("link=parent state=(down|unreachable)")
        self.rest.command("restart", "talk")
        self.assertEqual([process.stdout.readline() for _ in range(2)], ["one\n", "two\n"])

    def test_banyan_without_a_url_finds_it(self):
        if os.geteuid() == 0 and os.path.isdir("/var/lib/banyan"):
            self.skipTest("the super-user's own state directories would be asked")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 7480)) == 0:
                self.skipTest("a root answers on this host")
        home = self.world.path("home")
        state = os.path.join(home, "banyan", "web-1")
        self.begin(state_dir=state)
        self.root.kill()
        answer = self.banyan("get", "targets", "-o", "name", state_home=home, url=False)
        self.assertEqual(answer.stdout, "api\ntalk\n", answer.stderr)
        self.assertIn("no root answers", answer.stderr)


if __name__ == "__main__":
    unittest.main()
