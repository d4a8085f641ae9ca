"""The classic traps of supervising processes, each driven from outside with real processes. The
numbers are those of the table in docs/testing.md."""

import collections
import os
import shutil
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import SLEEPER, alive, keepers, marked, wait_for  # noqa: E402
from traps import TrapTest, read, state_of  # noqa: E402

CROWD = 40
HERD = 500
RATE = 50  # restarts a second that a leaf allows, and as many at once
# A copy that cannot have the lock says so: another one is alive.
ONLY_ONE = 'exec 9>>"$0/lock"; flock -n 9 || echo double >> "$0/double"; echo up >> "$0/ups"; '
TERMINAL = """
import fcntl, os, pty, sys, termios
ours, theirs = pty.openpty()
fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
os.close(os.open("/dev/tty", os.O_RDWR))  # this session has one now
for fd in (ours, theirs):
    os.set_inheritable(fd, True)
os.execv(sys.argv[1], sys.argv[1:])
"""
NO_TERMINAL = ("readlink /proc/self/fd/0; cut -d ' ' -f 7 /proc/$$/stat; "
               "(: < /dev/tty) 2> /dev/null && echo has one || echo has none; exec sleep 100000")


class Deaths(TrapTest):
    def many_deaths(self, keeper):
        gate = self.world.path("gate")
        os.mkfifo(gate)
        holder = os.open(gate, os.O_RDWR)
        self.begin({f"t{n}": {"command": ["sh", "-c", f"read _ < {gate}; exit {n}"],
                              "restart": "never"} for n in range(CROWD)}, keeper=keeper)
        pids = {name: self.running(name)["pid"] for name in self.leaf.targets}
        wait_for("all at the gate", lambda: all(
            os.readlink(f"/proc/{pid}/fd/0") == gate for pid in pids.values()))
        parents = [self.leaf.pid, *keepers(self.leaf.state_dir)]
        for pid in parents:
            os.kill(pid, signal.SIGSTOP)
        os.close(holder)  # end of file: all end at once
        wait_for("their deaths", lambda: not any(alive(pid) for pid in pids.values()))
        for pid in reversed(parents):
            os.kill(pid, signal.SIGCONT)
        for number in range(CROWD):
            ended = self.world.wait_target(f"web-1/t{number}", "exited")
            self.assertEqual((ended["last_exit"]["code"], ended["last_exit"]["signal"]),
                             (number, None))
        wait_for("no zombie", lambda: not any(state_of(pid) for pid in pids.values()))
        told = collections.Counter(event["path"] for event in
                                   self.world.rest.items("/api/v1/events", kind="exited"))
        self.assertEqual(set(told.values()), {1})

    def test_trap_01_deaths_that_fall_into_one_signal_are_told_one_by_one(self):
        self.many_deaths(keeper=True)

    def test_trap_01_the_same_without_a_keeper(self):
        self.many_deaths(keeper=False)

    def no_double(self, keeper):
        folder = self.world.path("seen")
        os.mkdir(folder)
        self.begin({"api": ["sh", "-c", ONLY_ONE + "exec sleep 100000", folder]}, keeper=keeper)
        for _ in range(3):
            before = self.running("api")
            self.leaf.kill()
            self.assertTrue(alive(before["pid"]))
            self.leaf.start()
            wait_for("an event of the new agent", lambda: self.world.node("web-1")["state"] == "up")
            after = wait_for("the target", lambda: self.once_more(before, keeper))
            self.assertEqual(after["pid"] == before["pid"], keeper)
            self.assertEqual(alive(before["pid"]), keeper)
            self.assertEqual(marked(self.leaf.instance), [after["pid"]])
        self.assertEqual(read(os.path.join(folder, "double")), "")
        self.assertEqual(read(os.path.join(folder, "ups")).count("up"), 1 if keeper else 4)

    def once_more(self, before, keeper):
        """The target as the new agent tells it."""
        target = self.target("api")
        told = self.world.events("web-1/api", "adopted" if keeper else "started")
        fresh = [event for event in told if event["data"]["pid"] == target.get("pid")]
        settled = target.get("state") == "running" and not target["presumed"] and fresh
        return target if settled and (keeper or target["pid"] != before["pid"]) else None

    def test_trap_08_no_second_copy_beside_the_orphan_of_a_killed_agent(self):
        self.no_double(keeper=True)

    def test_trap_08_without_a_keeper_the_orphan_ends_before_the_next_begins(self):
        self.no_double(keeper=False)

    def test_trap_20_a_program_that_is_not_there_is_no_crash_and_no_storm(self):
        self.begin({"api": {"command": ["/no/such/program"], "backoff": 0}, "other": SLEEPER})
        failed = self.world.wait_target("web-1/api", "failed")
        self.assertIn("exec /no/such/program: No such file or directory (ENOENT)", failed["error"])
        self.running("other")
        self.assertEqual((failed["restarts"], failed["generation"]), (0, 1))
        parents = {str(pid) for pid in (self.leaf.pid, *keepers(self.leaf.state_dir))}
        zombies = [name for name in filter(str.isdigit, os.listdir("/proc"))
                   if state_of(name) == "Z" and
                   read(f"/proc/{name}/stat").rsplit(")", 1)[1].split()[1] in parents]
        self.assertEqual(zombies, [])

    def test_trap_22_a_target_has_no_terminal_though_its_agent_has(self):
        self.root = self.world.root()
        self.leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                            "parent_port": self.root.port},
                                   {"api": ["sh", "-c", NO_TERMINAL]})
        self.leaf.prefix = [sys.executable, "-c", TERMINAL]
        self.leaf.start()
        terminal = read(f"/proc/{self.leaf.pid}/stat").rsplit(")", 1)[1].split()[4]
        self.assertNotEqual(terminal, "0", "the agent has none itself: nothing is shown")
        self.assertEqual(self.lines("api", 3), ["/dev/null", "0", "has none"])


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("fsfreeze") and shutil.which("mkfs.ext4"),
                     "takes root, fsfreeze and mkfs.ext4")
class Unkillable(TrapTest):
    """A process in uninterruptible sleep: it writes to a file system that is frozen."""

    def begin_frozen(self, targets):
        image, folder = self.world.path("image"), self.world.path("disk")
        os.mkdir(folder)
        with open(image, "wb") as file:
            file.truncate(8 << 20)
        subprocess.run(["mkfs.ext4", "-q", image], check=True, capture_output=True)
        mount = ["unshare", "--mount", "sh", "-c",
                 f'mount -o loop {image} {folder} && exec "$@"', "sh"]
        if subprocess.run([*mount, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("no loop devices here")
        self.root = self.world.root()
        self.leaf = self.world.add("leaf", {"name": "web-1", "parent_host": "127.0.0.1",
                                            "parent_port": self.root.port}, targets)
        self.leaf.prefix = mount
        self.leaf.start()
        # It thaws at the end of its input, also when this test is killed.
        inside = ["nsenter", f"--mount=/proc/{self.leaf.pid}/ns/mnt"]
        script = f"fsfreeze -f {folder} && echo frozen && cat > /dev/null; fsfreeze -u {folder}"
        self.freezer = subprocess.Popen([*inside, "sh", "-c", script], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.thaw)
        self.assertEqual(self.freezer.stdout.readline(), "frozen\n")

    def thaw(self):
        if not self.freezer.stdin.closed:
            self.freezer.stdin.close()
            self.freezer.wait(20)
            self.freezer.stdout.close()

    def end_world(self):
        self.thaw()
        super().end_world()

    def test_trap_10_what_not_even_kill_ends_is_reported_and_not_doubled(self):
        path = self.world.path("disk", "file")
        self.begin_frozen({"api": {"command": ["sh", "-c", f"echo x > {path}; exec sleep 100000"],
                                   "stop_timeout": 0.2, "autostart": False}, "other": SLEEPER})
        self.world.wait_target("web-1/api", "stopped")
        self.world.rest.command("start", "web-1/api")
        pid = self.running("api")["pid"]
        wait_for("uninterruptible sleep", lambda: state_of(pid) == "D")
        stop = self.world.rest.command("stop", "web-1/api")
        self.assertEqual(stop["results"][0]["outcome"], "failed")
        failed = self.world.wait_target("web-1/api", "failed")
        self.assertIn("1 process of generation 1 cannot be killed", failed["error"])
        start = self.world.rest.command("start", "web-1/api")
        self.assertEqual(start["results"][0]["outcome"], "rejected")
        self.assertEqual((state_of(pid), marked(self.leaf.instance).count(pid)), ("D", 1))
        self.assertEqual(len(marked(self.leaf.instance)), 2)
        self.running("other")
        self.thaw()
        wait_for("its late exit", lambda: self.world.events("web-1/api", "exited"))
        start = self.world.rest.command("start", "web-1/api")
        self.assertEqual(start["results"][0]["outcome"], "done")
        self.assertNotEqual(self.running("api")["pid"], pid)



class Orders(TrapTest):
    def test_trap_24_a_stop_during_back_off_stays_a_stop(self):
        self.begin({"api": {"command": ["sh", "-c", "echo up; exit 1"], "backoff": "300ms..300ms"}})
        self.world.wait_target("web-1/api", "backing_off")
        stop = self.world.rest.command("stop", "web-1/api")
        self.assertEqual(stop["results"][0]["outcome"], "done")
        stopped = self.target("api")
        self.assertEqual((stopped["state"], stopped["next_try"]), ("stopped", None))
        ups = len(self.logged("api"))
        again = self.world.rest.command("stop", "web-1/api")
        self.assertEqual(again["results"][0]["outcome"], "done")
        # The back-off would long be over when something that began later has backed off twice.
        self.leaf.targets["clock"] = {"command": ["false"], "backoff": "300ms..300ms"}
        self.leaf.write_config()
        self.leaf.signal(signal.SIGHUP)
        wait_for("the time of the back-off", lambda: self.target("clock").get("restarts", 0) >= 4)
        self.assertEqual((self.target("api")["state"], len(self.logged("api"))), ("stopped", ups))

    def test_trap_24_orders_that_cross_leave_one_process_and_one_answer_each(self):
        folder = self.world.path("seen")
        os.mkdir(folder)
        slow = ("trap 'sleep 0.3; exit 0' TERM; echo up; while :; do sleep 0.01 9>&-; done")
        self.begin({"api": ["sh", "-c", ONLY_ONE + slow, folder]})
        self.running("api")
        answers = []

        def ask(verb):
            answers.append(self.world.rest.command(verb, "web-1/api")["results"][0]["outcome"])

        for verbs in (("restart", "restart", "stop", "start"), ("stop", "restart", "stop"),
                      ("start", "restart", "start")):
            threads = [threading.Thread(target=ask, args=(verb,)) for verb in verbs]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        self.assertEqual(len(answers), 10)
        self.assertLessEqual(set(answers), {"done", "rejected"})
        self.world.rest.command("start", "web-1/api")
        before = self.running("api")
        restart = self.world.rest.command("restart", "web-1/api")
        self.assertEqual(restart["results"][0]["outcome"], "done")
        self.assertEqual(self.running("api")["generation"], before["generation"] + 1)
        self.assertEqual(read(os.path.join(folder, "double")), "")


class Herd(TrapTest):
    def test_trap_25_hundreds_that_fail_together_do_not_come_back_in_lockstep(self):
        ups = self.world.path("ups")
        script = f"date +%s.%N >> {ups}; exec sleep 100000"
        self.begin({"api": {"command": ["sh", "-c", script], "instances": HERD}})
        wait_for("all of them", lambda: read(ups).count("\n") == HERD, 60)
        wait_for("all known", lambda: len(self.world.rest.items(
            "/api/v1/targets", state="running")) == HERD, 60)
        pids = marked(self.leaf.instance)
        self.assertEqual(len(pids), HERD)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        wait_for("all again", lambda: read(ups).count("\n") == 2 * HERD, 60)
        times = sorted(map(float, read(ups).split()))[HERD:]
        most = max(sum(begin <= time < begin + 1 for time in times) for begin in times)
        self.tell(f"{HERD} came back within {times[-1] - times[0]:.1f} s, at most {most} a second")
        # As many at once as in one second, then one after the other; a busy machine bunches a few.
        self.assertLessEqual(most, 2 * RATE + RATE // 2)
        self.assertGreater(times[-1] - times[0], 0.9 * (HERD - RATE) / RATE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
