"""Readiness, health, notifications, hooks and secrets of real targets under a real leaf."""

import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import TreeTest, alive, free_port, wait_for  # noqa: E402

NOTIFY = """import os, socket, sys, time
address = os.environ["NOTIFY_SOCKET"]
address = "\\0" + address[1:] if address[0] == "@" else address
to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(text): to.sendto(text.encode(), address)
def wait_for(path):
    while not os.path.exists(path): time.sleep(0.01)
"""


def python(script):
    return [sys.executable, "-c", script]


class Checks(TreeTest):
    def leaf(self, targets):
        self.root = self.world.root()
        return self.world.leaf("web-1", self.root, targets)

    def state(self, name):
        return self.world.target("web-1/" + name).get("state")

    def gate(self, name="gate"):
        path = self.world.path(name)
        return path, lambda: open(path, "w", encoding="utf-8").close()

    def becomes_ready(self, target):
        """It is starting until the gate file is there, then running."""
        gate, open_gate = self.gate()
        command, ready = target(gate)
        self.leaf({"api": {"command": command, "ready": ready}})
        self.world.wait_target("web-1/api", "starting")
        wait_for("its process", lambda: self.world.target("web-1/api").get("pid"))
        self.assertEqual(self.state("api"), "starting")
        open_gate()
        self.world.wait_target("web-1/api", "running")

    def test_ready_by_notify(self):
        self.becomes_ready(lambda gate: (
            python(NOTIFY + f"wait_for({gate!r}); say('READY=1'); time.sleep(100000)"),
            {"notify": True}))

    def test_ready_by_descriptor(self):
        self.becomes_ready(lambda gate: (
            ["sh", "-c", f"until [ -e {gate} ]; do sleep 0.01; done; echo >&4; exec sleep 100000"],
            {"fd": 4}))

    def test_ready_by_log_line(self):
        self.becomes_ready(lambda gate: (
            ["sh", "-c", f"echo starting; until [ -e {gate} ]; do sleep 0.01; done; "
             "echo listening on 80 >&2; exec sleep 100000"], {"log": "^listening on"}))

    def test_ready_by_exec(self):
        self.becomes_ready(lambda gate: (
            ["sleep", "100000"], {"exec": ["test", "-e", gate], "every": "20ms"}))

    def test_ready_by_http(self):
        port = free_port()
        self.becomes_ready(lambda gate: (
            python(NOTIFY.split("address")[0] +
                   f"import http.server\nwhile not os.path.exists({gate!r}): time.sleep(0.01)\n"
                   f"http.server.test(http.server.SimpleHTTPRequestHandler, port={port}, "
                   "bind='127.0.0.1')"),
            {"http": f"http://127.0.0.1:{port}/", "every": "20ms"}))

    def test_health_by_exec(self):
        gate, open_gate = self.gate()
        self.leaf({"api": {"command": ["sleep", "100000"], "health": {
            "exec": ["sh", "-c", f"echo disk is full; test ! -e {gate} || exit 2"],
            "every": "20ms", "failures": 2}}})
        healthy = lambda word: wait_for(
            f"health {word}", lambda: self.world.target("web-1/api").get("health") == word)
        healthy("healthy")
        open_gate()
        healthy("unhealthy")
        self.assertEqual(self.state("api"), "running")
        os.remove(gate)
        healthy("healthy")

    def test_watchdog_restarts_a_silent_target(self):
        gate, open_gate = self.gate()
        self.leaf({"api": {"watchdog": "1s", "command": python(
            NOTIFY + f"while not os.path.exists({gate!r}): say('WATCHDOG=1'); time.sleep(0.05)\n"
            f"os.remove({gate!r}); time.sleep(100000)")}})
        first = self.world.wait_target("web-1/api", "running")
        open_gate()
        wait_for("a second run", lambda: self.world.target("web-1/api").get("generation")
                 > first["generation"])

    def test_hooks_hear_of_start_and_exit(self):
        out = self.world.path("heard")
        hook = ["sh", "-c", f"line=$(cat); echo \"$BANYAN_EVENT $line\" >> {out}"]
        self.leaf({"api": {"command": ["sh", "-c", "exit 3"], "restart": "never",
                           "on_start": hook, "on_exit": hook}})
        def heard():
            if not os.path.exists(out):
                return None
            with open(out, encoding="utf-8") as file:
                lines = sorted(line.split(" ", 1) for line in file.read().splitlines())
            return lines if len(lines) == 2 else None

        (end, end_line), (begin, begin_line) = wait_for("both hooks", heard)
        self.assertEqual((begin, end), ("start", "exit"))
        self.assertEqual(json.loads(begin_line)["target"], "api")
        exit_line = json.loads(end_line)
        self.assertEqual((exit_line["code"], exit_line["signal"]), (3, None))

    def test_slow_exit_hook_does_not_hold_up_the_restart(self):
        pid_file = self.world.path("hook")
        slow = f"test ! -e {pid_file} || exit 0; echo $$ > {pid_file}; exec sleep 100000"
        self.leaf({"api": {"command": ["sleep", "100000"], "on_exit": ["sh", "-c", slow]}})
        first = self.world.wait_target("web-1/api", "running")
        os.kill(first["pid"], 9)
        wait_for("the next run", lambda: self.world.target("web-1/api").get("pid")
                 not in (None, 0, first["pid"]))

        def read():
            if not os.path.exists(pid_file):
                return None
            with open(pid_file, encoding="utf-8") as file:
                return file.read().strip()

        hook = int(wait_for("the hook", read))
        self.assertTrue(alive(hook))
        os.kill(hook, 9)

    def test_exit_hook_of_a_leaving_leaf_is_let_finish(self):
        done = self.world.path("done")
        leaf = self.leaf({"api": {"command": ["sleep", "100000"], "on_exit": [
            "sh", "-c", f"sleep 0.3; echo over > {done}"]}})
        self.world.wait_target("web-1/api", "running")
        self.assertEqual(leaf.leave(), 0)
        self.assertTrue(os.path.exists(done))

    def test_secrets_are_shown_nowhere(self):
        secrets = self.world.path("secrets")
        with open(secrets, "w", encoding="utf-8") as file:
            file.write("TOKEN=hunter2hunter2\n")
        leaf = self.leaf({"api": {"command": ["sleep", "100000"], "env_file": secrets}})
        pid = self.world.wait_target("web-1/api", "running")["pid"]
        with open(f"/proc/{pid}/environ", "rb") as file:
            self.assertIn(b"TOKEN=hunter2hunter2", file.read())
        with open(secrets, "w", encoding="utf-8") as file:
            file.write("hunter2hunter2 is no setting\n")
        os.kill(pid, 9)
        failed = self.world.wait_target("web-1/api", "failed")
        self.assertIn("line 1 is not KEY=VALUE", failed["error"])
        shown = json.dumps([self.world.target("web-1/api"), self.world.events("web-1/api")])
        self.assertNotIn("hunter2", shown + leaf.log())


if __name__ == "__main__":
    unittest.main()
