"""More and fewer instances of real targets, asked for at the root over two relays."""

import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, alive, wait_for  # noqa: E402

LEAF = "dc1/rack1/web-1"


class Scale(TreeTest):
    def chain(self, targets):
        self.leaf = self.world.chain(targets)[3]

    def run_of(self, name):
        return self.world.wait_target(f"{LEAF}/{name}", "running")["pid"]

    def names(self, select=""):
        items = self.world.rest.items("/api/v1/targets", select=select or f"{LEAF}/**")
        return sorted(item["name"] for item in items)

    def scale(self, name, instances, outcome="done"):
        command = self.world.rest.command("scale", f"{LEAF}/{name}",
                                          args={"instances": instances})
        results = command["results"]
        self.assertEqual([result["outcome"] for result in results], [outcome], command)
        self.assertEqual(results[0]["path"], f"{LEAF}/{name}")
        return results[0]["reason"]

    def test_grows_and_shrinks_without_touching_the_others(self):
        self.chain({"api": {"command": SLEEPER, "instances": 2}, "other": SLEEPER})
        pids = {name: self.run_of(name) for name in ("api.1", "api.2", "other")}
        self.assertEqual(self.scale("api", 4), "2 -> 4 instances")
        self.assertEqual(self.names(), ["api.1", "api.2", "api.3", "api.4", "other"])
        fourth = self.run_of("api.4")
        self.assertEqual(self.scale("api", 1), "4 -> 1 instances")
        self.assertEqual(self.names(), ["api.1", "other"])
        self.assertFalse(alive(fourth) or alive(pids["api.2"]))
        self.assertEqual(self.run_of("api.1"), pids["api.1"])
        self.assertEqual(self.run_of("other"), pids["other"])
        kinds = [event["data"] for event in self.world.events(f"{LEAF}/api", "scaled")]
        self.assertEqual(kinds, [{"before": 2, "instances": 4}, {"before": 4, "instances": 1}])

    def test_a_single_target_keeps_its_name_and_runs_on(self):
        self.chain({"api": SLEEPER})
        pid = self.run_of("api")
        self.scale("api", 3)
        self.assertEqual(self.names(), ["api", "api.2", "api.3"])
        self.assertEqual(self.run_of("api"), pid)
        self.assertEqual(self.names("api"), ["api", "api.2", "api.3"])
        stopped = self.world.rest.command("stop", "api")
        self.assertEqual(stopped["counts"]["done"], 3, stopped)

    def test_to_zero_and_back(self):
        self.chain({"api": {"command": SLEEPER, "instances": 2}})
        pids = [self.run_of("api.1"), self.run_of("api.2")]
        self.assertIn("api.1 is kept, stopped", self.scale("api", 0))
        self.assertFalse(any(alive(pid) for pid in pids))
        self.assertEqual(self.names(), ["api.1"])
        self.assertEqual(self.world.target(f"{LEAF}/api.1")["state"], "stopped")
        self.assertFalse(self.world.target(f"{LEAF}/api.1")["wanted"])
        self.scale("api", 2)
        self.run_of("api.1")
        self.run_of("api.2")

    def test_outlives_the_agent_and_a_reload_but_not_a_changed_file(self):
        self.chain({"api": {"command": SLEEPER, "instances": 2}})
        self.scale("api", 3)
        pids = {name: self.run_of(name) for name in ("api.1", "api.2", "api.3")}
        self.leaf.kill()
        self.leaf.start()
        for name, pid in pids.items():
            wait_for(f"{name} as it was", lambda name=name, pid=pid: self.world.target(
                f"{LEAF}/{name}").get("pid") == pid)
        self.leaf.signal(signal.SIGHUP)
        self.leaf.waits_for("event=reloaded added=0 removed=0 restarted=0")
        self.assertEqual(self.names(), ["api.1", "api.2", "api.3"])
        self.leaf.targets["api"]["instances"] = 1
        self.leaf.write_config()
        self.leaf.signal(signal.SIGHUP)
        wait_for("one instance, as the file says", lambda: self.names() == ["api"])

    def test_what_depends_on_the_group_waits_for_its_new_instances(self):
        gate = self.world.path("gate")
        self.chain({"api": {"command": SLEEPER, "instances": 1, "ready": {
            "exec": ["test", "-e", gate], "every": "20ms"}},
                    "web": {"command": SLEEPER, "depends": ["api"]}})
        open(gate, "w", encoding="utf-8").close()
        web = self.run_of("web")
        os.remove(gate)
        posted = self.world.rest.command("scale", f"{LEAF}/api", wait="",
                                         args={"instances": 2})
        self.world.wait_target(f"{LEAF}/api.2", "starting")
        self.assertEqual(self.run_of("web"), web, "what runs is not touched")
        self.world.rest.command("restart", f"{LEAF}/web", wait="")
        waiting = self.world.wait_target(f"{LEAF}/web", "pending")
        self.assertEqual(waiting["error"], "waits for api.2")
        open(gate, "w", encoding="utf-8").close()
        self.run_of("web")
        wait_for("the outcome", lambda: self.world.rest.get(
            f"/api/v1/commands/{posted['id']}")["counts"]["done"] == 1)

    def test_new_instances_belong_to_the_strategy_group(self):
        self.chain({"api": {"command": SLEEPER, "instances": 1, "strategy": "all-for-one"}})
        first = self.run_of("api")
        self.scale("api", 2)
        second = self.run_of("api.2")
        os.kill(second, signal.SIGKILL)
        wait_for("both anew", lambda: self.run_of("api") != first
                 and self.run_of("api.2") != second)

    def test_says_why_it_is_refused_or_failed(self):
        self.chain({"api": SLEEPER, "api.2": SLEEPER,
                    "bad": {"command": ["sh", "-c", "exit 3"], "restart": "never",
                            "autostart": False, "ready": {"exec": ["false"]}}})
        self.assertIn("1 -> 2 instances; bad.2: ended before it was ready: exit=3",
                      self.scale("bad", 2, "failed"))
        self.scale("bad", 1)
        self.assertIn("api.2 is another target", self.scale("api", 3, "rejected"))
        answer = self.world.rest.ask("POST", "/api/v1/commands", json.dumps(
            {"verb": "scale", "select": "**", "args": {"instances": 1001}}),
            {"content-type": "application/json"})
        self.assertEqual(answer.status, 400)
        self.assertIn("args.instances", answer.body.decode())
        self.assertEqual(self.names(), ["api", "api.2", "bad"])

    def test_from_the_command_line(self):
        self.chain({"api": {"command": SLEEPER, "instances": 2}})
        self.run_of("api.2")
        scaled = self.world.cli("scale", "api=3")
        self.assertEqual(scaled.returncode, 0, scaled.stderr)
        self.assertRegex(scaled.stdout, rf"{LEAF}/api +done .*2 -> 3 instances")
        self.assertEqual(self.names(), ["api.1", "api.2", "api.3"])
        self.assertEqual(self.world.cli("scale", "api").returncode, 2)
        self.assertEqual(self.world.cli("scale", "api=many").returncode, 2)
        self.assertEqual(self.world.cli("scale", "nobody=3").returncode, 4)


if __name__ == "__main__":
    unittest.main()
