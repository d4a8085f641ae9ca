"""A relay in wrong hands, with a key that is listed: it can be silent, and that is all."""

import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, wait_for  # noqa: E402
from keyed_world import KeyedTest, run  # noqa: E402


class HostileRelay(KeyedTest):
    """root <- dc1 (hostile) <- web-1, web-2; root <- dc2 <- web-3."""

    def setUp(self):
        super().setUp()
        self.keygen("dc1", "dc2", "web-1", "web-2", "web-3")
        self.root = self.keyed_root("dc1", "dc2")
        self.admit("dc1", "web-1", "web-2")
        self.admit("dc2", "web-3")
        self.dc1 = self.add_relay("dc1")
        self.dc1.program = os.path.join(BIN, "hostile_relay")
        self.dc1.start()
        self.dc2 = self.add_relay("dc2").start()
        self.leaves = {name: self.add_leaf(name, relay) for name, relay in
                       (("web-1", self.dc1), ("web-2", self.dc1), ("web-3", self.dc2))}
        paths = ("dc1/web-1", "dc1/web-2", "dc2/web-3")
        self.world.wait_up(*paths)
        for path in paths:
            self.world.wait_target(path + "/api", "running")
            self.world.wait_target(path + "/db", "running")
        self.runs = self.pids()

    def add_relay(self, name):
        return self.world.add("relay", {
            "name": name, "port": 0, "parent_host": "127.0.0.1", "parent_port": self.root.port,
            "security": {**self.dials(name, "root", name), **self.listens(name)}})

    def add_leaf(self, name, relay):
        return self.world.leaf(name, relay, {"api": SLEEPER, "db": SLEEPER},
                               security=self.dials(name, relay.name, f"{relay.name}/{name}"))

    def tamper(self, *words):
        with open(os.path.join(self.dc1.state_dir, "tamper.new"), "w", encoding="utf-8") as file:
            file.write(" ".join(words) + "\n")
        os.rename(file.name, os.path.join(self.dc1.state_dir, "tamper"))

    def pids(self):
        return {target["path"]: (target["pid"], target["state"])
                for target in self.world.rest.items("/api/v1/targets")}

    def command(self, select, verb="restart", **more):
        done = self.world.rest.command(verb, select, **more)
        return done["results"][0] if done["results"] else done

    def do_no_harm(self):
        """A true command that changes nothing."""
        done = self.command("dc1/web-1/api", "signal", args={"signal": "CONT"})
        self.assertEqual(done["outcome"], "done")

    def refused(self, mode, select="dc1/web-1/api", told_at="dc1/web-1"):
        """This command is tampered with: nothing happens, and its leaf tells why."""
        before = len(self.told("command_refused", told_at))
        self.tamper(*mode)
        result = self.command(select, ttl_ms=1500)
        self.tamper("honest")
        texts = wait_for("the event at the root",
                         lambda: self.told("command_refused", told_at)[before:])
        self.assertEqual(self.pids(), self.runs, mode)
        self.tell(f"{' '.join(mode)}: {texts[-1]}")
        return result, texts[-1]

    def first_told(self, kind):
        found = wait_for(f"an event {kind}",
                         lambda: self.world.rest.items("/api/v1/events", kind=kind))
        self.tell(found[-1]["text"])
        return found[-1]["text"]

    def test_what_it_leaves_alone_is_done(self):
        self.assertEqual(self.command("dc1/web-1/api")["outcome"], "done")
        self.assertNotEqual(self.pids()["dc1/web-1/api"], self.runs["dc1/web-1/api"])
        self.assertEqual(self.told("command_refused", "dc1/web-1"), [])

    def test_commands_in_batches_are_obeyed_though_each_batch_is_signed_anew(self):
        done = self.world.rest.command("restart", "**", max_parallel=2)
        self.assertEqual(done["counts"]["done"], len(self.runs), done)
        for path in ("dc1/web-1", "dc1/web-2", "dc2/web-3"):
            self.assertEqual(self.told("command_refused", path), [])

    def test_forged_commands_do_nothing_and_are_told(self):
        for mode, words in ((["unsigned"], "it is not signed"),
                            (["forged"], "not among command_keys")):
            result, text = self.refused(mode)
            self.assertEqual(result["outcome"], "rejected")
            self.assertIn(words, result["reason"])
            self.assertIn(words, text)

    def test_altered_commands_do_nothing_and_are_told(self):
        for mode, words in ((["altered"], "altered on its way"),
                            (["altered-inside"], "forged or altered")):
            result, text = self.refused(mode)
            self.assertEqual(result["outcome"], "rejected")
            self.assertIn(words, text)
        self.do_no_harm()

    def test_redirected_commands_do_nothing_and_are_told(self):
        _, text = self.refused(["redirect", "web-1", "db"], told_at="dc1/web-1/db")
        self.assertIn("does not name it", text)
        _, text = self.refused(["redirect", "web-2", "api"], told_at="dc1/web-2/api")
        self.assertIn("does not name it", text)

    def test_a_repeated_command_does_nothing_more_and_is_told(self):
        self.assertEqual(self.command("dc1/web-1/api")["outcome"], "done")
        self.runs = self.pids()
        _, text = self.refused(["replay"])
        self.assertIn("it came again", text)
        self.do_no_harm()
        _, text = self.refused(["replay"])
        self.assertIn("older than one that was taken", text)

    def test_a_repeated_command_does_nothing_after_a_restart_of_the_leaf_either(self):
        self.do_no_harm()
        self.assertEqual(self.command("dc1/web-1/api")["outcome"], "done")
        leaf = self.leaves["web-1"]
        leaf.kill()
        leaf.start()
        self.world.wait_up("dc1/web-1")
        self.world.wait_target("dc1/web-1/api", "running")
        self.runs = self.pids()
        _, text = self.refused(["replay"])
        self.assertIn("older than one that was taken", text)

    def test_the_key_of_a_relay_is_obeyed_where_it_is_listed_only(self):
        socket = "unix://" + os.path.join(self.dc2.state_dir, "http.sock")
        before = self.pids()
        words = ("banyan", "--url", socket, "restart", "web-3/api", "--yes")
        told = run(*words)
        self.assertEqual(told.returncode, 1, told.stdout + told.stderr)
        self.assertIn("not among command_keys", told.stdout + told.stderr)
        self.assertEqual(self.pids(), before)
        leaf = self.leaves["web-3"]
        leaf.leave()
        keys = [self.command_keys["root"], self.command_keys["dc2"] + " dc2"]
        leaf.settings["security"] = self.dials("web-3", "dc2", "dc2/web-3", command_keys=keys)
        leaf.start()
        self.world.wait_up("dc2/web-3")
        self.world.wait_target("dc2/web-3/api", "running")
        before = self.pids()
        told = run(*words)
        self.assertEqual(told.returncode, 0, told.stdout + told.stderr)
        self.assertNotEqual(self.pids()["dc2/web-3/api"], before["dc2/web-3/api"])

    def test_facts_beside_its_branch_are_refused_and_told(self):
        nodes = {node["path"] for node in self.world.rest.items("/api/v1/nodes")}
        self.tamper("foreign-facts")
        text = self.first_told("protocol_error")
        self.assertIn(self.keys["dc1"][:16], text)
        self.assertEqual(nodes, {node["path"] for node in self.world.rest.items("/api/v1/nodes")})
        self.world.wait_up("dc1", "dc2/web-3")

    def test_events_of_another_branch_are_refused_and_told(self):
        web_3 = self.world.node("dc2/web-3")["instance_id"]
        self.tamper("foreign-events", web_3, "1", "1")
        text = self.first_told("foreign_events")
        self.assertIn("stands at dc2/web-3", text)
        events = self.world.rest.items("/api/v1/events")
        self.assertNotIn("invented", [each["data"].get("target") for each in events])
        self.assertFalse([each for each in events if "invented" in each["path"]])

    def test_a_child_of_another_branch_stays_there_and_the_claim_is_told(self):
        web_3 = self.world.node("dc2/web-3")["instance_id"]
        self.tamper("foreign-instance", web_3)
        text = self.first_told("contested")
        self.assertIn("dc1/web-9", text)
        self.assertIn("dc2/web-3", text)
        self.world.wait_up("dc2/web-3")
        wait_for("the claim to be gone", lambda: not self.world.node("dc1/web-9"))
        self.assertEqual(self.pids(), self.runs)

    def test_the_name_of_another_is_refused_and_told(self):
        self.tamper("foreign-name", "dc2")
        self.dc1.signal(signal.SIGSTOP)
        self.world.wait_node("dc1", "lost")
        self.dc1.signal(signal.SIGCONT)
        text = self.first_told("refused")
        self.assertIn(f"key {self.keys['dc1'][:16]} is the one of dc1, not of dc2", text)
        self.assertEqual(self.world.node("dc2")["state"], "up")


if __name__ == "__main__":
    unittest.main()
