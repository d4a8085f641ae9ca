"""Configuration: canopy's keys work in TOML, and a bad file starts nothing."""

import os
import re
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, TreeTest, free_port, plain_environment, wait_for  # noqa: E402
from rest import Rest  # noqa: E402

EXIT_CONFIGURATION = 78
PROGRAMS = ("root", "relay", "leaf")


class Keys(TreeTest):
    """What canopy's README lists, one file per role, nothing else set but name and state_dir."""

    def test_canopy_keys_make_a_tree(self):
        tree_port, http_port, relay_port = free_port(), free_port(), free_port()
        common = {"host": "127.0.0.1", "hb_interval": 0.2, "timeout": 1.0, "silent": False}
        root = self.world.add("root", {**common, "name": "root", "port": tree_port,
                                       "is_leaf": False, "http_port": http_port})
        relay = self.world.add("relay", {**common, "name": "dc1", "port": relay_port,
                                         "is_leaf": False, "parent_host": "127.0.0.1",
                                         "parent_port": tree_port, "bufsize": 4096})
        leaf = self.world.add("leaf", {
            **common, "name": "web-1", "port": free_port(), "parent_host": "127.0.0.1",
            "parent_port": relay_port, "is_leaf": True, "app_name": "api", "bufsize": 2,
            "target": "sh -c 'echo one; echo two; echo three; exec sleep 100000'"})
        for daemon in (root, relay, leaf):
            daemon.start()
        self.assertEqual((root.port, relay.port), (tree_port, relay_port))
        self.world.rest = self.rest_at(http_port)
        target = self.world.wait_target("dc1/web-1/api", "running")
        self.assertEqual(target["command"], leaf.settings["target"].replace("'", ""))
        self.assertEqual(target["bufsize"], 2)
        logs = lambda: self.world.rest.ask("GET", "/api/v1/logs?select=api&format=text").body
        wait_for("the last two lines", lambda: logs() == b"two\nthree\n")

    def rest_at(self, port):
        return Rest("127.0.0.1", port)

    def test_hb_interval_and_timeout_are_seconds(self):
        root = self.world.root(timeout=0.6)
        leaf = self.world.leaf("web-1", root, hb_interval=0.1)
        self.world.wait_up("web-1")
        leaf.kill()
        lost = self.world.wait_node("web-1", "lost")
        self.assertIn("within 0.1 s of grace", lost["evidence"][-1])

    def test_silent_logs_warnings_only(self):
        port = free_port()
        loud = self.world.root(name="loud")
        quiet = self.world.add("root", {"name": "quiet", "port": port, "http_port": free_port(),
                                        "silent": True}).start(wait=False)
        rest = self.rest_at(quiet.settings["http_port"])
        wait_for("its HTTP", lambda: rest.ask("GET", "/livez").status == 200)
        self.assertIn("address=", loud.log())
        self.assertEqual(quiet.log(), "")

    def test_app_name_defaults_to_the_program(self):
        root = self.world.root()
        self.world.leaf("web-1", root, target="/bin/sleep 100000")
        self.world.wait_target("web-1/sleep", "running")

    def test_a_key_can_come_by_set_and_environment(self):
        command = [os.path.join(BIN, "banyan-root"), "--check", "--set", "hb_intervall=1"]
        run = subprocess.run(command, env=plain_environment(), capture_output=True, text=True,
                             timeout=20, check=False)
        self.assertEqual(run.returncode, EXIT_CONFIGURATION)
        self.assertIn("--set hb_intervall", run.stderr)
        environment = {**plain_environment(), "BANYAN_PORT": "many"}
        run = subprocess.run(command[:2], env=environment, capture_output=True, text=True,
                             timeout=20, check=False)
        self.assertEqual(run.returncode, EXIT_CONFIGURATION)
        self.assertIn("BANYAN_PORT", run.stderr)


class BadFiles(TreeTest):
    """Refused with file:line:column and exit 78; nothing is half-started."""

    def run_with(self, role, text, *more):
        file = self.world.path("bad.toml")
        state_dir = self.world.path("state")
        with open(file, "w", encoding="utf-8") as out:
            out.write(f'state_dir = "{state_dir}"\n' + text)
        run = subprocess.run([os.path.join(BIN, f"banyan-{role}"), "-c", file, *more],
                             env=plain_environment(), capture_output=True, text=True, timeout=20,
                             stdin=subprocess.DEVNULL, check=False)
        self.assertFalse(os.path.exists(state_dir), "a state_dir was made")
        return run

    def refused(self, role, text, *words, place="2:1"):
        for more in ((), ("--check",)):
            run = self.run_with(role, text, *more)
            with self.subTest(role=role, text=text, more=more, said=run.stderr):
                self.assertEqual(run.returncode, EXIT_CONFIGURATION)
                self.assertIn(f"bad.toml:{place}: ", run.stderr)
                for word in words:
                    self.assertIn(word, run.stderr)

    def test_unknown_keys_get_a_suggestion(self):
        for role in PROGRAMS:
            self.refused(role, "hb_intervall = 1\n", "hb_intervall", "did you mean",
                         "hb_interval")
        self.refused("leaf", '[[targets]]\nname = "a"\ncommand = "b"\nrestrat = "never"\n',
                     "restrat", "restart", place="5:1")

    def test_wrong_types_say_what_is_expected(self):
        self.refused("root", 'port = "many"\n', "port", "integer", place="2:8")
        self.refused("relay", "port = 70000\n", "65535", place="2:8")
        self.refused("relay", "parent_host = 7\n", "parent_host", place="2:15")
        self.refused("leaf", 'silent = "yes"\n', "silent", place="2:10")
        self.refused("leaf", 'hb_interval = "soon"\n', "hb_interval", place="2:15")
        self.refused("leaf", "target = 'sh -c \"x'\n", "target", place="2:10")

    def test_broken_toml(self):
        self.refused("root", "port = \n", place="2:8")

    def test_every_problem_is_told_at_once(self):
        run = self.run_with("leaf", 'prot = 1\nsilent = 3\napp_name = "x"\n')
        self.assertEqual(run.returncode, EXIT_CONFIGURATION)
        places = re.findall(r"bad\.toml:(\d+):", run.stderr)
        self.assertEqual(places, ["2", "3", "4"], run.stderr)

    def test_is_leaf_that_contradicts_the_program(self):
        self.refused("leaf", "is_leaf = false\n", "is_leaf", "banyan-relay")
        self.refused("relay", "is_leaf = true\n", "is_leaf", "banyan-leaf")
        self.refused("root", "is_leaf = true\n", "is_leaf", "banyan-leaf")

    def test_an_open_address_without_keys(self):
        for role in ("root", "relay"):
            self.refused(role, 'host = "0.0.0.0"\n', "not a loopback address", "127.0.0.1")
        self.refused("root", 'http_host = "::"\n', "not a loopback address", "127.0.0.1")

    def test_an_interval_not_below_the_own_timeout(self):
        self.refused("root", "hb_interval = 2.0\ntimeout = 2.0\n", "timeout", place="3:1")

    def test_keys_of_another_program(self):
        self.refused("root", 'target = "x"\n', "banyan-leaf")
        self.refused("leaf", "http_port = 1\n", "banyan-root")

    def test_a_file_that_is_not_there(self):
        run = subprocess.run([os.path.join(BIN, "banyan-root"), "-c", self.world.path("none")],
                             env=plain_environment(), capture_output=True, text=True, timeout=20,
                             check=False)
        self.assertEqual(run.returncode, EXIT_CONFIGURATION)
        self.assertIn("No such file", run.stderr)

    def test_check_of_a_good_file(self):
        run = self.run_with("leaf", 'target = "sleep 1"\n', "--check")
        self.assertEqual((run.returncode, run.stderr), (0, ""))

    def test_the_command_checks_files_too(self):
        file = self.world.path("leaf.toml")
        with open(file, "w", encoding="utf-8") as out:
            out.write("hb_intervall = 1\n")
        run = subprocess.run([os.path.join(BIN, "banyan"), "config", "check", file],
                             env=plain_environment(), capture_output=True, text=True, timeout=20,
                             check=False)
        self.assertEqual(run.returncode, EXIT_CONFIGURATION, run.stderr)
        self.assertIn("leaf.toml:1:1: ", run.stdout + run.stderr)

    def test_usage(self):
        for words in (["--nonsense"], ["--set"], ["word"]):
            run = subprocess.run([os.path.join(BIN, "banyan-relay"), *words], timeout=20,
                                 env=plain_environment(), capture_output=True, check=False)
            self.assertEqual(run.returncode, 2, words)


class StateDirectory(TreeTest):
    def test_a_second_agent_names_the_holder(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {"api": SLEEPER})
        target = self.world.wait_target("web-1/api", "running")
        for daemon in (root, leaf):
            run = subprocess.run([os.path.join(BIN, f"banyan-{daemon.role}"), "--config",
                                  daemon.config_file], env=plain_environment(), timeout=20,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 check=False)
            self.assertEqual(run.returncode, 1)
            self.assertIn(f"in use by pid {daemon.pid}", run.stderr)
        self.assertEqual(self.world.target("web-1/api")["pid"], target["pid"])

    def test_a_port_in_use_is_told(self):
        root = self.world.root()
        run = subprocess.run([os.path.join(BIN, "banyan-relay"), "--set", f"port={root.port}",
                              "--set", f"state_dir={self.world.path('other')}"], timeout=20,
                             env=plain_environment(), capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 1)
        self.assertIn(str(root.port), run.stderr)


if __name__ == "__main__":
    unittest.main()
