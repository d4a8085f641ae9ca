"""Dependencies, instances, strategies, stop sequences, schedules and reload, with real targets."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, alive, wait_for  # noqa: E402


def outcomes(command):
    return {result["path"]: result["outcome"] for result in command["results"]}


class Supervising(TreeTest):
    def leaf(self, targets):
        return self.world.leaf("web-1", self.world.root(), targets)

    def target(self, name):
        return self.world.target("web-1/" + name)

    def running(self, *names):
        return [self.world.wait_target("web-1/" + name, "running")["pid"] for name in names]

    def gated(self, gate):
        return {"command": ["sh", "-c", f"until [ -e {gate} ]; do sleep 0.01; done; echo ready; "
                                        "exec sleep 100000"], "ready": {"log": "^ready$"}}

    def test_starts_in_order_and_stops_in_reverse(self):
        gate, order = self.world.path("gate"), self.world.path("order")

        def says_its_end(name):
            return ["sh", "-c", f"trap 'sleep 0.2; echo {name} >> {order}; exit 0' TERM; "
                                "echo ready; while :; do sleep 0.02; done"]

        self.leaf({"api": {"command": says_its_end("api"), "depends": ["cache"],
                           "ready": {"log": "ready"}},
                   "cache": {"command": says_its_end("cache"), "depends": "db",
                             "ready": {"log": "ready"}},
                   "db": self.gated(gate)})
        self.world.wait_target("web-1/db", "starting")
        pending = self.world.wait_target("web-1/api", "pending")
        self.assertEqual((pending["error"], pending["pid"]), ("waits for cache", None))
        self.assertEqual(self.target("cache")["error"], "waits for db")
        with open(gate, "w", encoding="utf-8"):
            pass
        self.running("db", "cache", "api")
        stopped = self.world.rest.command("stop", "web-1/*")
        self.assertEqual(set(outcomes(stopped).values()), {"done"})
        with open(order, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["api", "cache"])
        self.assertEqual(set(outcomes(self.world.rest.command("start", "web-1/*")).values()),
                         {"done"})

    def test_instances_are_selected_together(self):
        self.leaf({"api": {"command": SLEEPER, "instances": 3}})
        names = ["api.1", "api.2", "api.3"]
        before = self.running(*names)
        command = self.world.rest.command("restart", "api")
        self.assertEqual(outcomes(command), {f"web-1/{name}": "done" for name in names})
        self.assertEqual(len({*before, *self.running(*names)}), 6)

    def test_all_for_one_restarts_the_group(self):
        self.leaf({"a": {"command": SLEEPER, "strategy": "all-for-one", "strategy_group": "g"},
                   "b": {"command": SLEEPER, "strategy_group": "g"}, "c": SLEEPER})
        pids = dict(zip("abc", self.running("a", "b", "c")))
        os.kill(pids["a"], signal.SIGKILL)
        wait_for("b to be another", lambda: self.target("b")["pid"] not in (None, pids["b"]))
        self.assertEqual(self.running("c"), [pids["c"]])
        wait_for("the event", lambda: self.world.events("web-1/b", "restarted_along"))

    def test_a_stop_goes_through_its_signals(self):
        heard = self.world.path("heard")
        self.leaf({"api": {
            "command": ["sh", "-c", f"trap 'echo INT >> {heard}' INT; "
                                    f"trap 'echo TERM >> {heard}; exit 0' TERM; echo ready; "
                                    "while :; do sleep 0.01; done"],
            "ready": {"log": "ready"}, "stop_signal": ["INT", "100ms", "TERM"]}})
        self.running("api")
        self.assertEqual(outcomes(self.world.rest.command("stop", "api")), {"web-1/api": "done"})
        with open(heard, encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["INT", "TERM"])

    def test_a_stopped_process_hears_its_end(self):
        # SIGSTOP first: without CONT it would take stop_timeout (10 s).
        self.leaf({"api": ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.01; done"]})
        pid = self.running("api")[0]
        os.kill(pid, signal.SIGSTOP)
        self.world.rest.command("stop", "api")
        ended = self.world.events("web-1/api", "exited")[-1]
        self.assertEqual((ended["data"]["code"], alive(pid)), (3, False))

    def test_a_scheduled_target_rests_until_its_time(self):
        self.leaf({"job": {"command": ["true"], "schedule": "0 0 1 1 *"}})
        job = self.world.wait_target("web-1/job", "pending")
        self.assertEqual((job["health"], job["wanted"], job["generation"]), ("healthy", False, 0))
        self.assertTrue(job["next_try"].endswith("Z"))
        self.world.rest.command("start", "job")
        job = self.world.wait_target("web-1/job", "exited")
        self.assertEqual((job["last_exit"]["code"], job["health"]), (0, "healthy"))
        self.assertTrue(job["next_try"])


class Reload(TreeTest):
    def begin(self, targets):
        self.root = self.world.root()
        self.leaf = self.world.leaf("web-1", self.root, targets)
        return {name: self.world.wait_target("web-1/" + name, "running") for name in targets}

    def reload(self, targets):
        count = len(self.reloads())
        self.leaf.targets = targets
        self.leaf.write_config()
        self.leaf.signal(signal.SIGHUP)
        return wait_for("the event", lambda: self.reloads()[count:])[0]

    def reloads(self):
        return self.world.events("web-1", "reloaded")

    def pid(self, name):
        return self.world.target("web-1/" + name).get("pid")

    def test_each_target_is_compared_by_itself(self):
        before = self.begin({"same": SLEEPER, "policy": SLEEPER, "changed": SLEEPER,
                             "gone": SLEEPER})
        event = self.reload({
            "same": SLEEPER,
            "policy": {"command": SLEEPER, "restart": "never", "stop_timeout": 3},
            "changed": {"command": SLEEPER, "env": {"A": "1"}},
            "new": SLEEPER})
        self.assertEqual(event["data"], {"added": 1, "removed": 1, "restarted": 1, "changed": 1})
        wait_for("gone to be gone", lambda: not self.world.target("web-1/gone"))
        self.world.wait_target("web-1/new", "running")
        wait_for("changed to be another",
                 lambda: self.pid("changed") not in (None, before["changed"]["pid"]))
        self.assertEqual((self.pid("same"), self.pid("policy")),
                         (before["same"]["pid"], before["policy"]["pid"]))
        self.assertFalse(alive(before["gone"]["pid"]))
        os.kill(self.pid("policy"), signal.SIGKILL)
        self.world.wait_target("web-1/policy", "exited")

    def test_a_bad_file_changes_nothing(self):
        before = self.begin({"api": SLEEPER})
        with open(self.leaf.config_file, "a", encoding="utf-8") as file:
            file.write('[[targets]]\nname = "web"\ncomand = "x"\n')
        self.leaf.signal(signal.SIGHUP)
        self.leaf.waits_for('unknown key "comand"')
        self.leaf.waits_for("event=reload_refused")
        self.assertEqual(self.pid("api"), before["api"]["pid"])
        self.assertEqual(self.reloads(), [])

    def test_a_target_stopped_by_hand_stays_stopped(self):
        self.begin({"api": SLEEPER})
        self.world.rest.command("stop", "api")
        self.reload({"api": {"command": SLEEPER, "env": {"A": "1"}}})
        self.assertEqual(self.world.target("web-1/api")["state"], "stopped")


if __name__ == "__main__":
    unittest.main(verbosity=2)
