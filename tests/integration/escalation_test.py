"""Giving up climbs: event, stream, outage and health at the root, over two relays."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, wait_for  # noqa: E402

LEAF = "dc1/rack1/web-1"
CRASH = ["sh", "-c", "exit 3"]


class Escalation(TreeTest):
    def generation(self, name):
        return self.world.target(f"{LEAF}/{name}").get("generation")

    def test_giving_up_is_told_with_its_figures(self):
        self.world.chain({"bad": {"command": CRASH, "max_restarts": "2/10m",
                                  "backoff": "0ms..0ms"}})
        failed = self.world.wait_target(f"{LEAF}/bad", "failed")
        self.assertEqual(failed["error"], "restarted 2 times within 10m; last exit=3")
        self.assertEqual(failed["restarts"], 2)
        self.assertEqual(failed["health"], "unhealthy")
        event = wait_for("the event", lambda: self.world.events(f"{LEAF}/bad", "gave_up"))[0]
        self.assertEqual(event["text"], failed["error"])
        self.assertEqual(event["data"], {"generation": 3, "restarts": 2, "period_ms": 600000,
                                         "code": 3, "signal": None})
        self.assertEqual(len(self.world.events(f"{LEAF}/bad", "exited")), 3)

    def test_it_opens_an_outage_and_makes_every_node_above_unhealthy(self):
        self.world.chain({"bad": {"command": CRASH, "max_restarts": "1/10m",
                                  "backoff": "0ms..0ms", "autostart": False}, "good": SLEEPER})
        self.world.wait_target(f"{LEAF}/good", "running")
        wait_for("health", lambda: self.world.node("dc1")["health"] == "healthy")
        self.assertEqual(self.world.rest.items("/api/v1/outages"), [])
        stream = self.world.rest.stream(topics="events,outages")
        self.addCleanup(stream.close)
        self.world.rest.command("start", f"{LEAF}/bad", wait="")
        stream.wait("gave_up in the stream", lambda topic, item: topic == "events"
                    and item["kind"] == "gave_up" and item["path"] == f"{LEAF}/bad")
        stream.wait("the outage in the stream", lambda topic, item: topic == "outages"
                    and item["kind"] == "target_failed")
        outage = self.world.rest.items("/api/v1/outages")[0]
        self.assertEqual((outage["root_cause"], outage["kind"]), (f"{LEAF}/bad", "target_failed"))
        self.assertIn("restarted 1 times within 10m; last exit=3", outage["evidence"])
        for path in ("dc1", "dc1/rack1", LEAF):
            wait_for(f"{path} to be unhealthy",
                     lambda path=path: self.world.node(path)["health"] == "unhealthy")
        self.assertEqual(self.world.rest.status()["health"], "unhealthy")
        self.assertEqual(self.world.cli("status").returncode, 3)

    def test_a_person_may_try_again_and_the_outage_closes(self):
        gate = self.world.path("gate")
        self.world.chain({"bad": {
            "command": ["sh", "-c", f"test -e {gate} && exec sleep 100000; exit 3"],
            "max_restarts": "1/10m", "backoff": "0ms..0ms"}})
        self.world.wait_target(f"{LEAF}/bad", "failed")
        open(gate, "w", encoding="utf-8").close()
        started = self.world.rest.command("start", f"{LEAF}/bad")
        self.assertEqual(started["counts"]["done"], 1, started)
        wait_for("no outage", lambda: not self.world.rest.items("/api/v1/outages"))

    def test_a_failing_member_takes_its_group_along_but_giving_up_touches_nobody(self):
        gate = self.world.path("gate")
        crash = ["sh", "-c", f"until test -e {gate}; do sleep 0.02; done; rm {gate}; exit 3"]
        self.world.chain({
            "first": {"command": SLEEPER, "strategy_group": "g"},
            "second": {"command": crash, "strategy": "rest-for-one", "strategy_group": "g",
                       "max_restarts": "1/10m", "backoff": "0ms..0ms"},
            "third": {"command": SLEEPER, "strategy_group": "g"},
            "apart": SLEEPER})
        for name in ("first", "second", "third", "apart"):
            self.world.wait_target(f"{LEAF}/{name}", "running")
        open(gate, "w", encoding="utf-8").close()
        wait_for("third along with second", lambda: self.generation("third") == 2)
        self.world.wait_target(f"{LEAF}/third", "running")
        self.assertEqual((self.generation("first"), self.generation("apart")), (1, 1))
        wait_for("second again", lambda: self.generation("second") == 2
                 and self.world.target(f"{LEAF}/second")["state"] == "running")
        open(gate, "w", encoding="utf-8").close()
        self.world.wait_target(f"{LEAF}/second", "failed")
        wait_for("the event", lambda: self.world.events(f"{LEAF}/second", "gave_up"))
        self.assertEqual(self.generation("third"), 2)

    def test_the_facts_of_an_end_are_seen_at_the_root(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": {"command": [
            sys.executable, "-c", "b = b'x' * (32 << 20)\nimport time; time.sleep(100000)"],
            "restart": "never"}}, keeper=False)
        pid = self.world.wait_target("web-1/api", "running")["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_for("its end", lambda: self.world.target("web-1/api").get("last_exit"))
        last = self.world.target("web-1/api")["last_exit"]
        self.assertEqual((last["signal"], last["code"]), ("KILL", None))
        self.assertEqual((last["core"], last["oom"], last["unknown"]), (False, False, False))
        self.assertGreater(last["max_rss_bytes"], 1 << 20)
        self.assertGreaterEqual(last["user_ms"] + last["system_ms"], 0)
        self.assertGreater(last["ran_ms"], 0)
        described = self.world.cli("describe", "web-1/api").stdout
        self.assertRegex(described, r"last exit +signal KILL, .* ago, ran .*, at most .*MiB")


if __name__ == "__main__":
    unittest.main()
