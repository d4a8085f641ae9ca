"""root <- relay <- relay <- leaf: targets appear, end, come back; children are let in or not."""

import os
import signal
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, alive, free_port, wait_for  # noqa: E402

API = "dc1/rack1/web-1/api"
QUIET = 1.0  # seconds in which nothing more may happen


def flat(node):
    """All nodes and targets of a nested tree, by path."""
    found = {node["path"]: node, **{target["path"]: target for target in node["targets"]}}
    for child in node["children"]:
        found.update(flat(child))
    return found


class Targets(TreeTest):
    def test_the_target_is_in_the_tree_with_its_state(self):
        self.world.chain({"api": SLEEPER}, labels={"env": "test"})
        target = self.world.wait_target(API, "running")
        tree = flat(self.world.rest.get("/api/v1/tree"))
        self.assertEqual(sorted(tree), ["/", "dc1", "dc1/rack1", "dc1/rack1/web-1", API])
        self.assertEqual({**tree[API], "health": 0}, {**target, "health": 0})
        self.assertEqual(tree[API]["state"], "running")
        self.assertEqual(tree[API]["restarts"], 0)
        self.assertTrue(alive(tree[API]["pid"]))
        self.assertEqual([tree[path]["role"] for path in ("/", "dc1", "dc1/rack1")],
                         ["root", "relay", "relay"])
        status = self.world.rest.status()
        self.assertEqual((status["nodes"]["total"], status["nodes"]["up"]), (3, 3))
        self.assertEqual((status["targets"]["total"], status["targets"]["running"]), (1, 1))

    def test_a_killed_target_comes_back_and_one_event_tells(self):
        self.world.chain({"api": SLEEPER})
        before = self.world.wait_target(API, "running")
        stream = self.world.rest.stream(topics="events,targets")
        self.addCleanup(stream.close)
        killed = time.monotonic()
        os.kill(before["pid"], signal.SIGKILL)
        item, when = stream.wait("the exited event", lambda topic, item: topic == "events"
                                 and item["kind"] == "exited" and item["path"] == API)
        self.tell(f"from kill -9 to the line of the stream {1000 * (when - killed):.1f} ms")
        self.assertEqual((item["data"]["signal"], item["data"]["code"]), ("KILL", None))
        after = wait_for("the new process", lambda: self.restarted(before))
        self.assertNotEqual(after["pid"], before["pid"])
        self.assertTrue(alive(after["pid"]))
        self.assertEqual((after["restarts"], after["generation"]), (1, before["generation"] + 1))
        self.assertEqual(after["last_exit"]["signal"], "KILL")
        ended = self.world.events(API, "exited")
        self.assertEqual(len(ended), 1, ended)
        self.assertEqual({**ended[0], "seq": 0}, {**item, "seq": 0})
        told = [item for topic, item, _ in stream.seen
                if topic == "events" and item["kind"] == "exited"]
        self.assertEqual(len(told), 1, told)

    def restarted(self, before):
        now = self.world.target(API)
        return now if now["state"] == "running" and now["pid"] != before["pid"] else None

    def test_never_shows_exited_and_its_code(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {
            "fine": {"command": ["true"], "restart": "never"},
            "bad": {"command": ["sh", "-c", "exit 7"], "restart": "never"},
            "once": {"command": ["sh", "-c", "exit 0"], "restart": "on-failure"},
            "shot": {"command": ["sh", "-c", "kill -USR1 $$"], "restart": "never"}})
        for name, code, signal_name in (("fine", 0, None), ("bad", 7, None), ("once", 0, None),
                                        ("shot", None, "USR1")):
            with self.subTest(name):
                target = self.world.wait_target(f"web-1/{name}", "exited")
                self.assertEqual((target["last_exit"]["code"], target["last_exit"]["signal"]),
                                 (code, signal_name))
                self.assertEqual((target["restarts"], target["pid"]), (0, None))
                ended = wait_for("the event, which may come behind the fact",
                                 lambda name=name: self.world.events(f"web-1/{name}", "exited"))
                self.assertEqual([event["data"]["code"] for event in ended], [code])

    def test_a_missing_program_fails_without_a_storm(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {
            "ghost": "/nowhere/ghost --flag", "folder": "/tmp",
            "lost": {"command": SLEEPER, "cwd": "/nowhere"}})
        for name, words in (("ghost", "ENOENT"), ("folder", "EACCES"), ("lost", "ENOENT")):
            target = self.world.wait_target(f"web-1/{name}", "failed")
            self.assertIn(words, target["error"])
            self.assertEqual((target["generation"], target["restarts"]), (1, 0))
        begun = time.monotonic()
        wait_for("some quiet time", lambda: time.monotonic() > begun + QUIET)
        ghost = self.world.target("web-1/ghost")
        self.assertEqual((ghost["generation"], ghost["state"]), (1, "failed"))
        self.assertEqual(len(self.world.events("web-1/ghost")), 1)

    def test_a_crash_loop_backs_off(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {
            "loop": {"command": "false", "backoff": "10s..20s"}})
        target = self.world.wait_target("web-1/loop", "backing_off")
        self.assertLessEqual(target["restarts"], 3)
        self.assertEqual(target["last_exit"]["code"], 1)
        self.assertTrue(target["next_try"])


class Children(TreeTest):
    def test_child_before_parent(self):
        port = free_port()
        leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                       "parent_port": port}, {"api": SLEEPER}).start()
        leaf.waits_for("target=api state=running")
        self.world.root(port=port)
        target = self.world.wait_target("web-1/api", "running")
        self.assertEqual(target["restarts"], 0)
        self.world.wait_up("web-1")

    def test_two_of_one_name(self):
        root = self.world.root()
        first = self.world.leaf("web-1", root, {"api": SLEEPER})
        self.world.wait_up("web-1")
        second = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                         "parent_port": root.port}, {"other": SLEEPER})
        for name in ("state_dir", "log_file", "config_file"):
            setattr(second, name, getattr(first, name) + "-second")
        second.settings["state_dir"] = second.state_dir
        second.start()
        second.waits_for(f"state=refused .*duplicate_name.*web-1 is held .*{first.instance}")
        root.waits_for(f"child=web-1 state=refused .*duplicate_name.*{second.instance}")
        refused = wait_for("its event", lambda: self.world.events("web-1", "refused"))
        self.assertEqual(len(refused), 1)
        for instance in (first.instance, second.instance):
            self.assertIn(instance, refused[0]["text"])
        self.assertEqual(self.world.node("web-1")["state"], "up")
        self.assertEqual([target["name"] for target in self.world.rest.items("/api/v1/targets")],
                         ["api"])

    def test_an_interval_not_below_the_parents_timeout(self):
        root = self.world.root(timeout=0.5)
        slow = self.world.leaf("slow", root, hb_interval=0.5, timeout=5.0)
        for log in (slow, root):
            log.waits_for(r"refused .*interval.* 500 ms.* 500 ms")
        self.assertEqual(self.world.node("slow"), {})

    def test_a_leaf_that_leaves_has_left(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {"api": SLEEPER})
        target = self.world.wait_target("web-1/api", "running")
        self.assertEqual(leaf.leave(), 0)
        self.world.wait_node("web-1", "left")
        self.assertFalse(alive(target["pid"]))
        self.assertEqual(self.world.rest.items("/api/v1/targets", select="**"), [])
        self.assertEqual(len(self.world.rest.items("/api/v1/nodes", select="@left")), 1)
        leaf.start()
        self.world.wait_target("web-1/api", "running")
        self.world.wait_up("web-1")

    def test_a_reboot_of_the_root_forgets_nothing_below(self):
        root, _, _, _ = self.world.chain({"api": SLEEPER})
        before = self.world.wait_target(API, "running")
        root.kill()
        root.start()
        after = self.world.wait_target(API, "running")
        self.world.wait_up("dc1", "dc1/rack1", "dc1/rack1/web-1")
        self.assertEqual((after["pid"], after["restarts"]), (before["pid"], before["restarts"]))


if __name__ == "__main__":
    unittest.main()
