"""Targets outlive their agent: nothing is lost, nothing is doubled, everything is told once."""

import glob
import json
import os
import signal
import socket
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, TreeTest, alive, keepers, marked, wait_for  # noqa: E402

KILLS = 5
FAST = 1_500_000  # lines at full speed
FAMILY = ("import os, time\n"
          "os.fork() or os.fork() or os.setsid()\n"
          "time.sleep(100000)")


def counter(lines, pause):
    """A command that writes numbered lines, then waits."""
    block = 1000 if pause == 0 else 1
    text = (f"import sys, time\nfor i in range(0, {lines}, {block}):\n"
            f"    sys.stdout.write(''.join('%d\\n' % n for n in range(i, i + {block})))\n"
            f"    sys.stdout.flush()\n    time.sleep({pause})\ntime.sleep(100000)")
    return {"command": [sys.executable, "-c", text], "log": {"max_size": "1GiB"}}


def numbers(count):
    return b"".join(b"%d\n" % i for i in range(count))


def same(target):
    return [target[key] for key in ("pid", "generation", "restarts")]


class KeeperTest(TreeTest):
    def begin(self, targets, **settings):
        self.root = self.world.root()
        self.leaf = self.world.leaf("web-1", self.root, targets, **settings)
        return {name: self.running(name) for name in targets}

    def running(self, name):
        return self.world.wait_target(f"web-1/{name}", "running")

    def again(self, *adopted):
        """Starts the leaf; returns when the root has heard of these adoptions, and so of all."""
        def told(name):
            return len(self.world.events(f"web-1/{name}", "adopted"))

        before = {name: told(name) for name in adopted}
        self.leaf.start()
        for name in adopted:
            wait_for(f"the adoption of {name}", lambda name=name: told(name) > before[name])

    def keeper(self):
        def one():
            found = keepers(self.leaf.state_dir)
            return found[0] if len(found) == 1 else None

        return wait_for("one keeper", one)

    def kill_keeper(self):
        """Returns when a new one holds everything."""
        old = self.keeper()
        os.kill(old, signal.SIGKILL)
        new = wait_for("a new keeper", lambda: [pid for pid in keepers(self.leaf.state_dir)
                                                if pid != old])
        self.assertEqual(len(new), 1)
        self.leaf.waits_for(rf"a new one \(pid {new[0]}\) holds them")

    def logged(self, name, stream="stdout"):
        pattern = os.path.join(self.leaf.state_dir, "logs", name, f"{stream}.*.log")
        parts = []
        for path in sorted(glob.glob(pattern)):
            with open(path, "rb") as file:
                parts.append(file.read())
        return b"".join(parts)

    def size(self, name):
        pattern = os.path.join(self.leaf.state_dir, "logs", name, "stdout.*.log")
        return sum(os.path.getsize(path) for path in glob.glob(pattern))

    def spilled(self):
        pattern = os.path.join(self.leaf.state_dir, "spill", "*@*")
        return sum(os.path.getsize(path) for path in glob.glob(pattern)
                   if not path.endswith(".idx"))

    def exits(self, name):
        return self.world.events(f"web-1/{name}", "exited")

    def wait_exits(self, name, count):
        wait_for(f"{count} exits of {name}", lambda: len(self.exits(name)) >= count)
        return self.exits(name)


class Output(KeeperTest):
    def test_no_line_is_lost_or_doubled_over_five_kills(self):
        names = {"fast": counter(FAST, 0), "a": counter(100_000, 0.002),
                 "b": counter(100_000, 0.003)}
        before = self.begin(names)
        for _ in range(KILLS):
            done = {name: self.size(name) for name in names}
            wait_for("more output", lambda: all(self.size(n) > done[n] for n in ("a", "b")))
            self.leaf.kill()
            wait_for("spilled output", lambda: self.spilled() > 20)
            self.again(*names)
        for name, target in before.items():
            self.assertEqual(same(self.running(name)), same(target))
        wait_for("all of the fast one", lambda: self.size("fast") >= len(numbers(FAST)), 60)
        self.assertTrue(self.logged("fast") == numbers(FAST), "not the lines as written")
        for name in ("a", "b"):
            text = self.logged(name)
            lines = text.count(b"\n")
            self.assertEqual(text[:text.rfind(b"\n") + 1], numbers(lines))
        for name in names:
            self.assertEqual(len(self.world.events(f"web-1/{name}", "started")), 1)
            self.assertEqual(len(self.world.events(f"web-1/{name}", "adopted")), KILLS)
            self.assertEqual(self.exits(name), [])

    def test_beyond_its_cap_the_spill_becomes_a_gap(self):
        gates = [self.world.path(name) for name in ("begin", "all-written")]
        for gate in gates:
            os.mkfifo(gate)
        script = (f"read _ < {gates[0]}; seq 0 99999; read _ < {gates[1]}; echo end; "
                  "exec sleep 100000")
        self.begin({"api": {"command": ["/bin/sh", "-c", script], "log": {"compress": False}}},
                   spill_max="64KiB")
        self.leaf.kill()
        for gate in gates:  # opened when the target waits there
            with open(gate, "w", encoding="utf-8") as file:
                file.write("go\n")
        wait_for("the cap", lambda: self.spilled() == 64 << 10)
        self.again("api")
        self.leaf.waits_for("dropped_bytes=[1-9]")
        self.world.wait_up("web-1")
        answer = self.world.rest.ask("GET", "/api/v1/logs?select=web-1/api&format=ndjson")
        records = [json.loads(line) for line in answer.body.splitlines()]
        gap = sum(record.get("gap_bytes", 0) for record in records)
        all_bytes = len(numbers(100_000)) + len("end\n")
        wait_for("the rest", lambda: self.size("api") + gap >= all_bytes)
        self.assertEqual(self.size("api") + gap, all_bytes)
        self.assertTrue(numbers(100_000).startswith(self.logged("api")[: 64 << 10]))

    def test_the_last_words_of_a_target_that_died_alone_are_kept(self):
        gate = self.world.path("gate")
        os.mkfifo(gate)
        script = f"read _ < {gate}; echo last words; exit 3"
        self.begin({"api": {"command": ["/bin/sh", "-c", script], "restart": "never"}})
        self.leaf.kill()
        with open(gate, "w", encoding="utf-8") as file:
            file.write("go\n")
        wait_for("its end", lambda: not marked(self.leaf.instance))
        self.again("api")
        target = self.world.wait_target("web-1/api", "exited")
        self.assertEqual(target["last_exit"]["code"], 3)
        self.assertEqual(self.logged("api"), b"last words\n")


class Launches(KeeperTest):
    def test_a_large_environment_reaches_the_target(self):
        """It does not fit into the packet of a launch."""
        large = {"LARGE": "x" * 60_000}
        command = ["/bin/sh", "-c", "echo ${#LARGE}; exec sleep 100000"]
        target = self.begin({"api": {"command": command, "env": large}})["api"]
        wait_for("its line", lambda: self.logged("api") == b"60000\n")
        os.kill(target["pid"], signal.SIGKILL)
        wait_for("its next line", lambda: self.logged("api") == b"60000\n60000\n")
        self.assertEqual(len(self.wait_exits("api", 1)), 1)


class Exits(KeeperTest):
    def test_an_exit_while_the_agent_was_away_is_told_once_with_its_code(self):
        gate = self.world.path("gate")
        os.mkfifo(gate)
        script = f"read code < {gate}; exit $code"
        before = self.begin({"api": ["/bin/sh", "-c", script]})["api"]
        self.leaf.kill()
        with open(gate, "w", encoding="utf-8") as file:
            file.write("42\n")
        wait_for("its end", lambda: not alive(before["pid"]))
        self.again("api")
        told = self.wait_exits("api", 1)
        self.assertEqual((told[0]["data"]["code"], told[0]["data"]["signal"]), (42, None))
        wait_for("the next run", lambda: self.running("api")["pid"] != before["pid"])
        after = self.running("api")
        self.assertEqual(after["generation"], before["generation"] + 1)
        self.assertEqual(after["restarts"], 1)
        self.leaf.kill()
        self.again("api")
        again = self.running("api")
        self.assertEqual(same(again), same(after))
        self.assertEqual(len(self.exits("api")), 1)

    def test_on_agent_death_kill_ends_the_subtree_two_seconds_later(self):
        family = {"command": [sys.executable, "-c", FAMILY], "on_agent_death": "kill"}
        before = self.begin({"bound": family, "free": SLEEPER})
        wait_for("the family", lambda: len(marked(self.leaf.instance)) == 4)
        self.leaf.kill()
        killed = time.monotonic()
        wait_for("the end of the family", lambda: len(marked(self.leaf.instance)) == 1)
        took = time.monotonic() - killed
        self.tell(f"ended {took:.2f} s after the agent")
        self.assertGreater(took, 1.5)
        self.assertTrue(alive(before["free"]["pid"]))
        self.again("bound", "free")
        self.assertEqual(self.wait_exits("bound", 1)[0]["data"]["signal"], "KILL")
        wait_for("another one", lambda: self.running("bound")["pid"] != before["bound"]["pid"])
        self.assertEqual(self.running("free")["pid"], before["free"]["pid"])

    def test_an_agent_that_returns_in_time_keeps_them(self):
        before = self.begin({"api": {"command": SLEEPER, "on_agent_death": "kill"}})["api"]
        self.leaf.kill()
        self.again("api")
        returned = time.monotonic()
        wait_for("three seconds", lambda: time.monotonic() > returned + 2.5)
        self.assertEqual(same(self.running("api")), same(before))


class Keepers(KeeperTest):
    def test_a_killed_keeper_is_replaced_and_the_targets_live_on(self):
        before = self.begin({"api": SLEEPER, "job": SLEEPER})
        self.kill_keeper()
        for name, target in before.items():
            self.assertEqual(same(self.running(name)), same(target))
        os.kill(before["api"]["pid"], signal.SIGTERM)
        self.assertEqual(self.wait_exits("api", 1)[0]["data"]["signal"], "TERM")
        self.leaf.kill()
        self.again("api", "job")
        self.assertEqual(self.running("job")["pid"], before["job"]["pid"])
        os.kill(before["job"]["pid"], signal.SIGTERM)
        told = self.wait_exits("job", 1)
        self.tell(f"of a target that belongs to nobody: {told[0]['text']}")
        wait_for("another job", lambda: self.running("job")["pid"] != before["job"]["pid"])

    def test_a_keeper_killed_while_the_agent_works_loses_no_line(self):
        self.begin({"api": counter(20_000, 0.0002)})
        for _ in range(3):
            done = self.size("api")
            wait_for("more output", lambda done=done: self.size("api") > done + 100)
            self.kill_keeper()
        self.leaf.kill()
        wait_for("spilled output", lambda: self.spilled() > 0)
        self.again("api")
        wait_for("all lines", lambda: self.size("api") >= len(numbers(20_000)), 60)
        self.assertTrue(self.logged("api") == numbers(20_000))

    def test_nobody_takes_over_from_a_living_agent(self):
        before = self.begin({"api": SLEEPER})["api"]
        path = os.path.join(self.leaf.state_dir, "keeper.sock")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as other:
            other.settimeout(10)
            other.connect(path)
            self.assertNotEqual(other.recv(4096), b"")
            self.assertEqual(other.recv(4096), b"")
        second = self.world.add("leaf", {"name": "web-2", "state_dir": self.leaf.state_dir})
        second.start(wait=False)
        self.assertNotEqual(second.process.wait(20), 0)
        self.assertIn(str(self.leaf.pid), second.log())
        self.world.daemons.remove(second)
        self.assertEqual(same(self.running("api")), same(before))

    def test_nothing_piles_up(self):
        self.begin({"api": SLEEPER, "crash": {"command": ["/bin/false"], "backoff": "50ms..100ms"}})
        keeper = self.keeper()

        def descriptors():
            return [len(os.listdir(f"/proc/{pid}/fd")) for pid in (keeper, self.leaf.pid)]

        def zombies():
            found = []
            for name in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                        fields = file.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if fields[0] == "Z" and int(fields[1]) in (keeper, self.leaf.pid):
                    found.append(name)
            return found

        self.wait_exits("crash", 3)
        begun = descriptors()
        self.wait_exits("crash", 15)
        wait_for("no more descriptors than before",
                 lambda: all(now <= then + 2 for now, then in zip(descriptors(), begun)))
        wait_for("no zombie", lambda: not zombies())

    def test_a_leaf_that_leaves_takes_its_keeper_along(self):
        self.begin({"api": SLEEPER})
        self.keeper()
        self.assertEqual(self.leaf.leave(), 0)
        wait_for("no keeper", lambda: not keepers(self.leaf.state_dir))
        self.assertEqual(marked(self.leaf.instance), [])

    def test_keep_targets_outlive_a_proper_end(self):
        before = self.begin({"api": SLEEPER, "bound": {"command": SLEEPER,
                                                       "on_agent_death": "kill"}},
                            keep_targets=True)
        self.assertEqual(self.leaf.leave(), 0)
        left = time.monotonic()
        wait_for("three seconds", lambda: time.monotonic() > left + 2.5)
        self.again(*before)
        for name, target in before.items():
            self.assertEqual(same(self.running(name)), same(target))
        self.leaf.settings["keep_targets"] = False
        self.leaf.kill()
        self.again(*before)


class Configuration(KeeperTest):
    def test_what_changed_is_run_anew_and_what_is_gone_is_ended(self):
        before = self.begin({"same": SLEEPER, "changed": SLEEPER, "gone": SLEEPER})
        self.leaf.kill()
        self.leaf.targets = {"same": SLEEPER, "changed": {"command": SLEEPER,
                                                          "env": {"A": "1"}}}
        self.again("same", "changed")
        self.assertEqual(same(self.running("same")), same(before["same"]))

        def anew():
            target = self.world.target("web-1/changed")
            return target["state"] == "running" and target["pid"] != before["changed"]["pid"]

        wait_for("the new one", anew)
        self.assertFalse(alive(before["changed"]["pid"]))
        self.assertFalse(alive(before["gone"]["pid"]))
        self.assertEqual(len(marked(self.leaf.instance)), 2)
        self.assertGreater(self.running("changed")["generation"], before["changed"]["generation"])

    def test_a_stop_after_adoption_ends_the_whole_subtree(self):
        self.begin({"api": [sys.executable, "-c", FAMILY]})
        wait_for("the family", lambda: len(marked(self.leaf.instance)) == 3)
        self.leaf.kill()
        self.again("api")
        self.running("api")
        done = self.world.rest.command("stop", "web-1/api")
        self.assertEqual(done["counts"]["done"], 1)
        self.assertEqual(marked(self.leaf.instance), [])

    def test_keeper_false_sends_an_old_keeper_away(self):
        before = self.begin({"api": SLEEPER})["api"]
        self.keeper()
        self.leaf.kill()
        self.leaf.settings["keeper"] = False
        self.leaf.start()
        wait_for("another process", lambda: self.running("api")["pid"] != before["pid"])
        self.assertFalse(alive(before["pid"]))
        wait_for("no keeper", lambda: not keepers(self.leaf.state_dir))


if __name__ == "__main__":
    unittest.main()
