"""Commands through two relays: one outcome for each target, by REST and by the command line."""

import json
import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, alive, marked, wait_for  # noqa: E402

WEB = "dc1/rack1/web-1"
API = WEB + "/api"
ID = "0123456789abcdef0123456789abcdef"
# Says its HUPs; ends on TERM.
HEARER = ["sh", "-c", "trap 'echo heard' HUP; while :; do sleep 0.05; done"]
# A child that hears no TERM in a session of its own, with a child in another one.
STUBBORN = [sys.executable, "-c", """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(2):
    if os.fork() == 0:
        os.setsid()
print("ready", flush=True)
time.sleep(100000)
"""]


def outcomes(command):
    return {result["path"]: result["outcome"] for result in command["results"]}


class ByRest(TreeTest):
    def test_every_verb_through_two_relays(self):
        self.world.chain({"api": HEARER})
        first = self.world.wait_target(API, "running")
        command = self.world.rest.command("restart", API)
        self.assertEqual((command["state"], command["targets"]), ("finished", 1))
        self.assertEqual(command["counts"], {"done": 1, "failed": 0, "rejected": 0,
                                             "unreachable": 0, "expired": 0, "unknown": 0})
        result = command["results"][0]
        self.assertEqual((result["path"], result["outcome"], result["generation"]),
                         (API, "done", first["generation"] + 1))
        # Whoever hears of an outcome finds its facts there.
        second = self.world.target(API)
        self.assertEqual((second["pid"], second["state"]), (result["pid"], "running"))
        self.assertFalse(alive(first["pid"]))
        self.assertEqual(outcomes(self.world.rest.command("stop", API)), {API: "done"})
        self.assertEqual(self.world.target(API)["state"], "stopped")
        self.assertFalse(alive(second["pid"]))
        rejected = self.world.rest.command("signal", API, args={"signal": "HUP"})
        self.assertEqual(outcomes(rejected), {API: "rejected"})
        self.assertEqual(outcomes(self.world.rest.command("start", API)), {API: "done"})
        self.assertEqual(self.world.target(API)["state"], "running")
        self.check_signal()

    def check_signal(self):
        logs = lambda: self.world.rest.ask("GET", f"/api/v1/logs?select={API}&format=text").body
        done = self.world.rest.command("signal", API, args={"signal": "HUP"})
        self.assertEqual(outcomes(done), {API: "done"})
        wait_for("the target to hear it", lambda: b"heard\n" in logs())

    def test_everything_answers_for_each_of_20(self):
        targets = {f"t{n}": SLEEPER for n in range(10)}
        _, dc1, _, _ = self.world.chain(targets)
        self.world.leaf("web-2", dc1, targets)
        paths = [f"{node}/{name}" for node in (WEB, "dc1/web-2") for name in targets]
        before = {path: self.world.wait_target(path, "running") for path in paths}
        begun = time.monotonic()
        command = self.world.rest.command("restart", "**")
        self.tell(f"20 targets restarted in {time.monotonic() - begun:.2f} s")
        self.assertEqual(outcomes(command), {path: "done" for path in paths})
        for result in command["results"]:
            self.assertNotEqual(result["pid"], before[result["path"]]["pid"])
            self.assertEqual(self.world.target(result["path"])["pid"], result["pid"])

    def test_the_same_id_never_acts_twice(self):
        self.world.chain({"api": SLEEPER})
        self.world.wait_target(API, "running")
        first = self.world.rest.command("restart", API, id=ID)
        again = self.world.rest.command("restart", API, id=ID)
        self.assertEqual(again, first)
        self.assertEqual(self.world.rest.get("/api/v1/commands/" + ID), first)
        self.assertEqual(self.world.target(API)["generation"], first["results"][0]["generation"])
        other = self.world.rest.ask("POST", "/api/v1/commands", json.dumps(
            {"verb": "stop", "select": API, "id": ID}), {"content-type": "application/json"})
        self.assertIn(other.status, (200, 202, 409))
        self.assertEqual(self.world.target(API)["state"], "running")

    def test_a_failed_start_says_why(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"ghost": "/nowhere/ghost"})
        self.world.wait_target("web-1/ghost", "failed")
        command = self.world.rest.command("start", "web-1/ghost")
        self.assertEqual(outcomes(command), {"web-1/ghost": "failed"})
        self.assertIn("ENOENT", command["results"][0]["reason"])

    def test_behind_a_dead_relay_it_is_unreachable_at_once(self):
        _, dc1, rack1, _ = self.world.chain({"api": SLEEPER})
        self.world.leaf("near", dc1, {"api": SLEEPER})
        self.world.wait_target(API, "running")
        self.world.wait_target("dc1/near/api", "running")
        rack1.kill()
        self.world.wait_node("dc1/rack1", "lost")
        begun = time.monotonic()
        command = self.world.rest.command("restart", "**/api")
        took = time.monotonic() - begun
        self.assertEqual(outcomes(command), {API: "unreachable", "dc1/near/api": "done"})
        reasons = {result["path"]: result["reason"] for result in command["results"]}
        self.assertIn("dc1/rack1 is lost", reasons[API])
        self.tell(f"answered after {took:.3f} s")
        begun = time.monotonic()
        command = self.world.rest.command("restart", API)
        self.assertEqual((command["state"], outcomes(command)), ("finished", {API: "unreachable"}))
        self.assertLess(time.monotonic() - begun, 2.0)

    def test_stopped_by_hand_stays_stopped(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {"api": SLEEPER, "job": SLEEPER})
        for name in ("api", "job"):
            self.world.wait_target(f"web-1/{name}", "running")
        self.assertEqual(outcomes(self.world.rest.command("stop", "web-1/api")),
                         {"web-1/api": "done"})
        for end in (leaf.leave, leaf.kill):
            end()
            leaf.start()
            leaf.waits_for("link=parent state=up")
            pid = wait_for("the one process", lambda: marked(leaf.instance))
            wait_for("its pid at the root",
                     lambda pid=pid: [self.world.target("web-1/job").get("pid")] == pid)
            self.assertEqual(self.world.target("web-1/api")["state"], "stopped")
        self.assertEqual(outcomes(self.world.rest.command("start", "web-1/api")),
                         {"web-1/api": "done"})
        self.assertEqual(self.world.target("web-1/api")["state"], "running")

    def test_nothing_outlives_a_stop(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {
            "bad": {"command": STUBBORN, "stop_timeout": "300ms"}})
        wait_for("all four processes", lambda: len(marked(leaf.instance)) == 4)
        pids = marked(leaf.instance)
        self.world.wait_target("web-1/bad", "running")
        command = self.world.rest.command("stop", "web-1/bad")
        self.assertEqual(outcomes(command), {"web-1/bad": "done"})
        self.assertEqual([pid for pid in pids if alive(pid)], [])
        ended = self.world.events("web-1/bad", "exited")
        self.assertEqual([event["data"]["signal"] for event in ended], ["KILL"])

    def test_a_time_to_live_that_is_over(self):
        root = self.world.root(timeout=30.0)
        leaf = self.world.leaf("web-1", root, {"api": SLEEPER})
        self.world.wait_target("web-1/api", "running")
        leaf.signal(signal.SIGSTOP)
        command = self.world.rest.command("restart", "web-1/api", ttl_ms=300)
        leaf.signal(signal.SIGCONT)
        self.assertEqual(command["state"], "finished")
        self.assertIn(outcomes(command)["web-1/api"], ("unknown", "expired"))


class BadBodies(TreeTest):
    def refused(self, body, *words, status=400):
        answer = self.world.rest.ask("POST", "/api/v1/commands", body,
                                     {"content-type": "application/json"})
        with self.subTest(body=body, said=answer.body):
            self.assertEqual(answer.status, status)
            self.assertEqual(answer.headers["content-type"], "application/problem+json")
            said = answer.json()
            self.assertTrue(said["hint"])
            for word in words:
                self.assertIn(word, json.dumps(said))

    def test_each_is_a_problem_with_a_hint(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": SLEEPER})
        before = self.world.wait_target("web-1/api", "running")
        self.refused("")
        self.refused("{")
        self.refused("[]")
        self.refused("\xff".encode("latin-1"))
        self.refused('{"verb":"restart"}', "select")
        self.refused('{"select":"**"}', "verb")
        self.refused('{"verb":"restrat","select":"**"}', "restart")
        self.refused('{"verb":"restart","select":"**","tll_ms":1}', "ttl_ms")
        self.refused('{"verb":"restart","select":"**","ttl_ms":"long"}', "ttl_ms")
        self.refused('{"verb":"restart","select":"**","id":"xyz"}', "32 hex digits")
        self.refused('{"verb":"restart","select":"a[b"}', "select")
        self.refused('{"verb":"signal","select":"**","args":{"signal":"NOISE"}}', "signal")
        self.refused('{"verb":"signal","select":"**"}', "signal")
        self.refused("[" * 100000)
        self.refused('{"verb":"restart","select":"nobody/here"}', status=404)
        self.assertEqual(self.world.target("web-1/api")["pid"], before["pid"])
        self.assertEqual(self.world.rest.items("/api/v1/commands"), [])


class ByCommandLine(TreeTest):
    def test_the_verbs_and_their_exit_codes(self):
        self.world.chain({"api": HEARER, "job": SLEEPER})
        first = self.world.wait_target(API, "running")
        done = self.world.cli("restart", API)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(API, done.stdout)
        self.assertIn("generation 1 -> 2", done.stdout)
        self.assertNotEqual(self.world.target(API)["pid"], first["pid"])
        for words in (("signal", "HUP", API), ("stop", API), ("start", API)):
            done = self.world.cli(*words)
            self.assertEqual((done.returncode, API in done.stdout), (0, True), done.stderr)
        self.assertEqual(self.world.target(API)["state"], "running")
        done = self.world.cli("restart", "**", "--yes", "-o", "ndjson")
        self.assertEqual(done.returncode, 0, done.stderr)
        results = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(outcomes({"results": results}), {API: "done", WEB + "/job": "done"})

    def test_what_is_not_there_is_exit_4(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": SLEEPER})
        self.world.wait_target("web-1/api", "running")
        for words in (("restart", "nobody/*"), ("stop", "apy"), ("logs", "nobody"),
                      ("signal", "HUP", "@failed"), ("get", "targets", "nobody")):
            done = self.world.cli(*words)
            self.assertEqual(done.returncode, 4, f"{words}: {done.stdout}{done.stderr}")
            self.assertTrue(done.stderr)

    def test_many_without_a_terminal_need_yes(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"a": SLEEPER, "b": SLEEPER})
        before = [self.world.wait_target(f"web-1/{name}", "running") for name in "ab"]
        self.assertEqual(self.world.cli("restart", "**").returncode, 2)
        self.assertEqual(self.world.cli("restart", "**", "--dry-run").returncode, 0)
        for target in before:
            self.assertEqual(self.world.target(target["path"])["generation"], 1)

    def test_one_that_fails_is_exit_1(self):
        _, dc1, rack1, _ = self.world.chain({"api": SLEEPER})
        self.world.wait_target(API, "running")
        rack1.kill()
        self.world.wait_node("dc1/rack1", "lost")
        done = self.world.cli("restart", API)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("unreachable", done.stdout)
        self.assertTrue(dc1.running())

    def test_looking(self):
        self.world.chain({"api": SLEEPER})
        self.world.wait_target(API, "running")
        self.assertEqual(self.world.cli("status").returncode, 0)
        self.assertIn("web-1", self.world.cli("tree", "--all").stdout)
        self.assertEqual(self.world.cli("get", "targets", "-o", "name").stdout.split(), [API])
        waited = self.world.cli("wait", API, "--for", "running", "--timeout", "5s")
        self.assertEqual(waited.returncode, 0, waited.stderr)
        waited = self.world.cli("wait", API, "--for", "stopped", "--timeout", "300ms")
        self.assertEqual(waited.returncode, 3, waited.stderr)
        listed = json.loads(self.world.cli("events", "-o", "json").stdout)
        self.assertTrue(listed)
        os.kill(self.world.target(API)["pid"], signal.SIGKILL)
        wait_for("its event", lambda: "KILL" in self.world.cli("events", API).stdout)


if __name__ == "__main__":
    unittest.main()
