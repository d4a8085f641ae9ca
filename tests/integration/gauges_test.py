"""Gauges of real targets, asked for at the root over two relays."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, wait_for  # noqa: E402
from rest import Rest  # noqa: E402

LEAF = "dc1/rack1/web-1"
MIB = 1 << 20
BURNER = [sys.executable, "-c", "while True: pass"]
HOLDER = [sys.executable, "-c", f"import time; held = b'x' * (64 * {MIB}); time.sleep(100000)"]
FAMILY = ["sh", "-c", "sleep 100000 & sleep 100000 & wait"]
TARGETS = {"burner": BURNER, "holder": HOLDER, "family": FAMILY, "idle": SLEEPER,
           "off": {"command": SLEEPER, "autostart": False}}


def counter(pid, file, name):
    with open(f"/proc/{pid}/{file}", encoding="utf-8") as lines:
        return next(int(line.split(":")[1]) for line in lines if line.startswith(name + ":"))


class Gauges(TreeTest):
    def setUp(self):
        super().setUp()
        self.world.settings["timeout"] = 20.0  # a frozen node is not to be lost here

    def chain(self):
        daemons = self.world.chain(TARGETS)
        for name in ("burner", "holder", "family", "idle"):
            self.world.wait_target(f"{LEAF}/{name}", "running")
        return daemons

    def gauges(self, rest=None, **query):
        items = (rest or self.world.rest).items("/api/v1/targets", gauges=1, **query)
        return {item["name"]: item for item in items}

    def settled(self, rest=None):
        def there():
            found = self.gauges(rest)
            whole = found["family"]["processes"] == 3 and found["holder"]["rss_bytes"] > 64 * MIB
            return found if whole and found["burner"]["cpu"] > 0.05 else None

        return wait_for("gauges of all targets", there)

    def test_of_the_whole_subtree_of_each_target_are_seen_at_the_root(self):
        self.chain()
        found = self.settled()
        self.assertLess(found["idle"]["cpu"], 0.05)
        self.assertLess(found["idle"]["rss_bytes"], 16 * MIB)
        self.assertEqual(found["idle"]["processes"], 1)
        self.assertGreaterEqual(found["family"]["open_fds"], 9)
        for name in ("burner", "holder", "family", "idle"):
            self.assertGreater(found[name]["uptime_s"], 0)
            self.assertIsNone(found[name]["gauges_missing"])
        for member in ("cpu", "rss_bytes", "open_fds", "uptime_s", "gauges_missing"):
            self.assertIsNone(found["off"][member], "what does not run uses nothing")
        one = self.world.rest.get(f"/api/v1/targets/{LEAF}/holder", gauges=1)
        self.assertGreater(one["rss_bytes"], 64 * MIB)
        self.assertNotIn("cpu", self.world.target(f"{LEAF}/holder"))

    def test_of_nodes_are_their_load_and_the_round_trip_of_their_beats(self):
        self.chain()

        def there():
            items = self.world.rest.items("/api/v1/nodes", gauges=1)
            return items if all(item["rtt_ms"] for item in items) else None

        items = wait_for("round trips of all nodes", there)
        self.assertEqual([item["path"] for item in items], ["dc1", "dc1/rack1", LEAF])
        for item in items:
            self.assertLess(item["rtt_ms"], 5000)
            self.assertEqual(item["load"]["cpus"], os.cpu_count())
            self.assertGreaterEqual(item["load"]["load1"], 0)
        top = self.world.rest.get("/api/v1/nodes/%2F", gauges=1)
        self.assertEqual(top["load"]["cpus"], os.cpu_count())
        self.assertIsNone(top["rtt_ms"], "the root beats to nobody")

    def test_who_does_not_answer_is_named_and_holds_up_nobody_for_long(self):
        _, _, rack1, leaf = self.chain()
        self.world.leaf("web-2", rack1, {"other": SLEEPER})
        self.world.wait_target("dc1/rack1/web-2/other", "running")
        leaf.signal(signal.SIGSTOP)
        begun = time.monotonic()
        found = self.gauges()
        took = time.monotonic() - begun
        self.assertLess(took, 6)
        self.assertIsNone(found["idle"]["cpu"])
        self.assertIn("no answer from web-1 in time", found["idle"]["gauges_missing"])
        self.assertIsNotNone(found["other"]["rss_bytes"])
        self.tell(f"answered after {took:.2f} s without the frozen leaf")
        leaf.signal(signal.SIGCONT)
        self.settled()

    def test_nothing_is_sampled_while_nobody_asks(self):
        leaf = self.chain()[3]
        self.settled()
        before = counter(leaf.pid, "io", "rchar")
        woken = counter(leaf.pid, "status", "voluntary_ctxt_switches")
        wait_for("20 wake-ups for beats", lambda: counter(
            leaf.pid, "status", "voluntary_ctxt_switches") >= woken + 20)
        idle = counter(leaf.pid, "io", "rchar") - before
        self.gauges()
        asked = counter(leaf.pid, "io", "rchar") - before - idle
        self.assertLess(idle, 4000, "bytes read, of /proc too")
        self.assertGreater(asked, idle)
        self.tell(f"bytes read: {idle} in 20 idle wake-ups, {asked} for one question")

    def test_many_who_ask_at_once_share_the_samples(self):
        leaf = self.chain()[3]
        self.settled()

        def cost():
            before = counter(leaf.pid, "io", "rchar")
            self.gauges()
            return counter(leaf.pid, "io", "rchar") - before

        one = wait_for("a sample, the last one being too old", lambda: max(cost() - 5000, 0))
        begun, many, questions = time.monotonic(), 0, 0
        while time.monotonic() < begun + 1.0:
            many, questions = many + cost(), questions + 1
        self.tell(f"bytes read: {one} by one sample, {many} for {questions} questions in a second")
        self.assertLess(many, 3 * one + 50000)

    def test_they_are_no_part_of_the_revision(self):
        self.chain()
        self.settled()
        revision = self.world.rest.status()["revision"]
        first = self.world.rest.ask("GET", "/api/v1/targets?gauges=1")
        again = self.world.rest.ask("GET", "/api/v1/targets")
        self.assertEqual(first.headers["etag"], again.headers["etag"])
        self.assertEqual(self.world.rest.status()["revision"], revision)

    def test_a_relay_answers_for_its_own_subtree(self):
        root = self.world.root()
        dc1 = self.world.add("relay", {"name": "dc1", "port": 0, "http_port": 0,
                                       "parent_host": "127.0.0.1", "parent_port": root.port})
        dc1.start()
        self.world.leaf("web-1", dc1, TARGETS)
        self.world.wait_up("dc1", "dc1/web-1")
        port = dc1.waits_for(r"rest=http://\S+?:(\d+)").group(1)
        found = self.settled(Rest("127.0.0.1", int(port)))
        self.assertEqual(found["holder"]["path"], "web-1/holder")

    def test_the_command_line_shows_them(self):
        self.chain()
        self.settled()
        top = self.world.cli("top")
        self.assertEqual(top.returncode, 0, top.stderr)
        lines = top.stdout.splitlines()
        self.assertIn("5 targets, 4 measured", lines[0])
        self.assertTrue(lines[1].startswith("PATH"))
        self.assertTrue(lines[2].startswith(f"{LEAF}/burner"), top.stdout)
        by_memory = self.world.cli("top", "--sort", "memory", "-n", "1").stdout.splitlines()
        self.assertTrue(by_memory[2].startswith(f"{LEAF}/holder"), by_memory)
        items = json.loads(self.world.cli("top", "-o", "json").stdout)["items"]
        self.assertEqual(items[0]["name"], "burner")
        wide = self.world.cli("get", "targets", "-o", "wide").stdout
        self.assertRegex(wide, r"holder +running.* MiB ")
        self.assertRegex(self.world.cli("get", "nodes", "-o", "wide").stdout, r"web-1 .* ms")
        described = self.world.cli("describe", f"{LEAF}/holder").stdout
        self.assertRegex(described, r"memory +\d+.* MiB")
        self.assertRegex(described, r"open files +\d+")
        self.assertEqual(self.world.cli("top", "nobody").returncode, 4)


if __name__ == "__main__":
    unittest.main()
