"""USR2 replaces a daemon's program in the same process: targets do not notice, nothing is lost."""

import glob
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, TreeTest, alive, wait_for  # noqa: E402
from rest import UnixRest  # noqa: E402

ROUNDS = 10
WRITERS = 20
COUNTER = ("i=0; while [ $i -lt 1000000 ]; do echo $i; i=$((i+1)); "
           "[ $((i % 50)) -eq 0 ] && sleep 0.02; done")


def same(target):
    return [target[key] for key in ("pid", "generation", "restarts")]


class UpgradeTest(TreeTest):
    def begin(self, targets, **settings):
        """A root and a leaf whose program can be replaced."""
        self.root = self.world.root()
        self.leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                            "parent_port": self.root.port, **settings}, targets)
        self.link = self.world.path("banyan-leaf")
        self.use(os.path.join(BIN, "banyan-leaf"))
        self.leaf.program = self.link
        self.leaf.start()

    def use(self, program):
        """From now on this is what stands where the leaf's program stood."""
        os.symlink(program, self.link + ".new")
        os.rename(self.link + ".new", self.link)

    def running(self, name):
        return self.world.wait_target(f"web-1/{name}", "running")

    def upgrades(self, path="web-1"):
        return self.world.events(path, "upgraded")

    def upgrade(self, then=lambda: None):
        before = len(self.upgrades())
        self.leaf.signal(signal.SIGUSR2)
        then()
        wait_for("the upgrade", lambda: len(self.upgrades()) > before)

    def refused(self, why):
        """USR2; returns when the root has heard that nothing was changed."""
        def told():
            return self.world.events("web-1", "upgrade_refused")

        before = len(told())
        self.leaf.signal(signal.SIGUSR2)
        wait_for("the refusal", lambda: len(told()) > before)
        self.assertIn(why, told()[-1]["text"])
        self.leaf.waits_for("upgrade refused, nothing has changed: .*" + why)

    def logged(self, name):
        parts = []
        pattern = os.path.join(self.leaf.state_dir, "logs", name, "stdout.*.log")
        for path in sorted(glob.glob(pattern)):
            with open(path, "rb") as file:
                parts.append(file.read())
        return b"".join(parts)

    def exits(self, name):
        return self.world.events(f"web-1/{name}", "exited")


class UnderLoad:
    """Once with a keeper, once without."""

    keeper = True

    def kill_around(self, turn):
        """Kills the victim shortly before, during or shortly after the upgrade."""
        victim = self.running("victim")["pid"]
        introductions = self.leaf.log().count(" targets=")

        def kill():
            if turn % 3 == 1:
                self.leaf.waits_for("(?s)" + "upgrading: asked to.*" * (turn + 1))
            if turn % 3 == 2:
                wait_for("the new program",
                         lambda: self.leaf.log().count(" targets=") > introductions)
            os.kill(victim, signal.SIGKILL)

        self.upgrade(kill)
        wait_for("its exit", lambda: len(self.exits("victim")) > turn)
        wait_for("the next one", lambda: self.running("victim")["pid"] != victim)

    def test_no_target_notices_ten_upgrades(self):
        writers = {f"w{i}": ["sh", "-c", COUNTER] for i in range(WRITERS)}
        victim = {"command": SLEEPER, "backoff": "0"}
        self.begin({**writers, "victim": victim}, keeper=self.keeper)
        before = {name: self.running(name) for name in writers}
        pid = self.leaf.pid
        for turn in range(ROUNDS):
            self.kill_around(turn)
        self.assertEqual((self.leaf.pid, self.leaf.running()), (pid, True))
        for name, target in before.items():
            self.assertEqual(same(self.running(name)), same(target))
            self.assertEqual(len(self.world.events(f"web-1/{name}", "started")), 1)
            self.assertEqual(self.exits(name), [])
            text = self.logged(name)
            whole = text[:text.rfind(b"\n") + 1]
            count = whole.count(b"\n")
            self.assertTrue(whole == b"".join(b"%d\n" % i for i in range(count)), name)
            self.assertGreater(count, ROUNDS)
        exits = self.exits("victim")
        self.assertEqual([event["data"]["signal"] for event in exits], ["KILL"] * ROUNDS)
        self.assertEqual(len({event["data"]["generation"] for event in exits}), ROUNDS)
        self.assertEqual(self.running("victim")["restarts"], ROUNDS)
        states = [event["kind"] for event in self.world.events("web-1") if event["kind"] == "left"]
        self.assertEqual(states, [])

    def test_many_signals_at_once_do_no_harm(self):
        self.begin({"api": SLEEPER}, keeper=self.keeper)
        before = self.running("api")
        for _ in range(200):
            self.leaf.signal(signal.SIGUSR2)
        wait_for("an upgrade", self.upgrades)
        self.upgrade()
        self.assertTrue(self.leaf.running())
        self.assertEqual(same(self.running("api")), same(before))

    def test_what_does_not_run_stays_as_it_was(self):
        self.begin({"broken": {"command": ["false"], "max_restarts": "1/1m", "backoff": "0"},
                    "once": {"command": ["true"], "restart": "never"},
                    "halted": SLEEPER}, keeper=self.keeper)
        self.running("halted")
        self.world.rest.command("stop", "web-1/halted")
        states = {"broken": "failed", "once": "exited", "halted": "stopped"}
        before = {name: self.world.wait_target(f"web-1/{name}", state)
                  for name, state in states.items()}
        started = {name: len(self.world.events(f"web-1/{name}", "started")) for name in states}
        self.upgrade()
        for name, state in states.items():
            after = self.world.wait_target(f"web-1/{name}", state)
            for key in ("generation", "restarts", "last_exit", "since"):
                self.assertEqual(after[key], before[name][key], (name, key))
            self.assertEqual(len(self.world.events(f"web-1/{name}", "started")), started[name])

    def test_events_that_nobody_has_heard_yet_are_not_lost(self):
        self.begin({"api": {"command": SLEEPER, "backoff": "0"}}, keeper=self.keeper)
        first = self.running("api")["pid"]
        self.root.kill()
        os.kill(first, signal.SIGKILL)
        self.leaf.waits_for(r"target=api state=running was=starting (?s:.*)"
                            r"target=api state=running was=starting")
        self.leaf.signal(signal.SIGUSR2)
        self.leaf.waits_for("event=upgraded")
        self.root.start()
        wait_for("both events", lambda: self.exits("api") and self.upgrades())
        self.assertEqual([event["data"]["signal"] for event in self.exits("api")], ["KILL"])
        self.assertEqual(self.running("api")["restarts"], 1)

    def test_who_was_told_to_leave_leaves(self):
        self.begin({"api": {"command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
                            "stop_timeout": "1s"}}, keeper=self.keeper)
        api = self.running("api")["pid"]
        self.leaf.signal(signal.SIGUSR2)
        self.leaf.signal(signal.SIGTERM)
        self.leaf.signal(signal.SIGUSR2)
        self.assertEqual(self.leaf.process.wait(20), 0)
        self.assertFalse(alive(api))

    def test_a_target_that_is_not_ready_yet_may_still_say_so(self):
        gate = self.world.path("gate")
        os.mkfifo(gate)
        script = f"read _ < {gate}; echo ready >&3; echo said; exec sleep 100000"
        self.begin({"api": {"command": ["sh", "-c", script], "ready": {"fd": 3}}},
                   keeper=self.keeper)
        pid = wait_for("its pid", lambda: self.world.target("web-1/api").get("pid"))
        self.upgrade()
        self.assertEqual(self.world.wait_target("web-1/api", "starting")["pid"], pid)
        with open(gate, "w", encoding="utf-8") as file:
            file.write("go\n")
        wait_for("its word", lambda: self.logged("api") == b"said\n")
        self.assertEqual(self.running("api")["pid"], pid)

    def test_what_targets_say_meanwhile_is_heard(self):
        script = ("import os, socket, time\n"
                  "one = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                  "one.connect(os.environ['BANYAN_SOCKET'].replace('@', chr(0), 1))\n"
                  "for i in range(1000000):\n"
                  "    one.send(b'STATUS=%d' % i)\n"
                  "    time.sleep(0.05)\n")
        self.begin({"api": {"command": [sys.executable, "-c", script], "restart": "never"}},
                   keeper=self.keeper)
        self.running("api")

        def said():
            return int(self.world.target("web-1/api").get("status_text") or 0)

        for _ in range(3):
            before = wait_for("its status", said)
            self.upgrade()
            wait_for("a later status", lambda before=before: said() > before)
        self.assertEqual(self.exits("api"), [])

    def test_a_command_that_comes_again_is_not_performed_again(self):
        self.begin({"api": SLEEPER}, keeper=self.keeper)
        self.running("api")
        rest = UnixRest(os.path.join(self.leaf.state_dir, "http.sock"))
        number = "0123456789abcdef" * 2
        first = rest.command("restart", "api", id=number)["results"]
        self.upgrade()
        again = rest.command("restart", "api", id=number)["results"]
        self.assertEqual([first[0][key] for key in ("outcome", "generation", "pid")],
                         [again[0][key] for key in ("outcome", "generation", "pid")])
        self.assertEqual(self.running("api")["generation"], 2)


class WithKeeper(UnderLoad, UpgradeTest):
    pass


class WithoutKeeper(UnderLoad, UpgradeTest):
    keeper = False


class Program(UpgradeTest):
    def wrapper(self, first="true"):
        """A program that does this, says so, and is the leaf then."""
        script = self.world.path("new-version")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{first}\necho the new version $* >&2\n"
                       f"exec {os.path.join(BIN, 'banyan-leaf')} \"$@\"\n")
        os.chmod(script, 0o755)
        return script

    def test_what_stands_there_now_is_run(self):
        self.begin({"api": SLEEPER})
        before = self.running("api")
        self.use(self.wrapper())
        self.upgrade()
        self.leaf.waits_for(f"the new version --config {self.leaf.config_file}\n")
        self.assertEqual(same(self.running("api")), same(before))
        data = self.upgrades()[-1]["data"]
        self.assertEqual(data["old_version"], data["new_version"])

    def test_a_program_that_does_not_work_changes_nothing(self):
        self.begin({"api": SLEEPER})
        before = self.running("api")
        self.use("/bin/false")
        self.refused("exit 1")
        os.unlink(self.link)
        self.refused("ENOENT")
        os.symlink("/etc/passwd", self.link)
        self.refused("EACCES")
        self.use(os.path.join(BIN, "banyan-leaf"))
        self.leaf.settings["hb_intervall"] = 1
        self.leaf.write_config()
        self.refused("hb_intervall")
        self.assertTrue(self.leaf.running())
        self.assertEqual(same(self.running("api")), same(before))
        del self.leaf.settings["hb_intervall"]
        self.leaf.write_config()
        self.upgrade()
        self.assertEqual(same(self.running("api")), same(before))

    def test_it_reads_the_configuration_of_now(self):
        self.begin({"api": SLEEPER, "old": SLEEPER})
        old, api = self.running("old")["pid"], self.running("api")
        del self.leaf.targets["old"]
        self.leaf.targets["new"] = SLEEPER
        self.leaf.write_config()
        self.upgrade()
        self.running("new")
        wait_for("the end of the old one", lambda: not alive(old))
        self.assertEqual(same(self.running("api")), same(api))

    def test_nobody_takes_its_state_directory_meanwhile(self):
        self.begin({"api": SLEEPER})
        lock = os.path.join(self.leaf.state_dir, "lock")
        self.use(self.wrapper(f"flock -n {lock} echo it was free >&2"))
        self.upgrade()
        self.leaf.waits_for("the new version")
        self.assertNotIn("it was free", self.leaf.log())


class Nodes(TreeTest):
    def test_relay_and_root_keep_their_process_and_their_ports(self):
        root, dc1, _, _ = self.world.chain({"one": SLEEPER})
        one = "dc1/rack1/web-1/one"
        before = self.world.wait_target(one, "running")
        for daemon, path in ((dc1, "dc1"), (root, "/")):
            daemon.signal(signal.SIGUSR2)
            wait_for("its event", lambda path=path: self.world.events(path, "upgraded"))
            self.world.wait_up("dc1", "dc1/rack1", "dc1/rack1/web-1")
            after = self.world.wait_target(one, "running")
            self.assertEqual(same(after), same(before))
            self.assertTrue(daemon.running())
        done = self.world.rest.command("restart", one)
        self.assertEqual(done["counts"]["done"], 1)


if __name__ == "__main__":
    unittest.main()
