"""As the first process of a container: reaps what nobody else waits for, passes signals on."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, DEADLINE, plain_environment, wait_for  # noqa: E402

NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
ORPHANS = 20
# Each inner shell is orphaned at once and ends a little later.
FORKS = (f"for i in $(seq {ORPHANS}); do sh -c 'sleep 0.1 & sleep 0.1 &' ; done; "
         "exec sleep 100000")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "gone"


class FirstProcess(unittest.TestCase):
    def setUp(self):
        able = subprocess.run([*NAMESPACE, "true"], capture_output=True, check=False)
        if able.returncode != 0:
            self.skipTest("no pid namespaces here: " + able.stderr.decode().strip())
        self.folder = tempfile.TemporaryDirectory(prefix="banyan-test-")
        self.addCleanup(self.folder.cleanup)
        self.environment = {**plain_environment(), "TMPDIR": self.folder.name}

    def start(self, *words):
        """The process outside; first() is the one that is number 1 within."""
        log = open(self.path("log"), "wb")  # pylint: disable=consider-using-with
        self.addCleanup(log.close)
        process = subprocess.Popen([*NAMESPACE, *words], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=log, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def run_command(self, *words):
        return self.start(os.path.join(BIN, "banyan"), "run", *words)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def log(self):
        with open(self.path("log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def first(self, process):
        return wait_for("the first process", lambda: children(process.pid))[0]

    def leaf(self, command, keeper):
        with open(self.path("leaf.toml"), "w", encoding="utf-8") as file:
            file.write(f'name = "one"\nstate_dir = "{self.path("state")}"\n'
                       f'keeper = {"true" if keeper else "false"}\n'
                       f'[[targets]]\nname = "api"\ncommand = ["sh", "-c", """{command}"""]\n')
        return self.start(os.path.join(BIN, "banyan-leaf"), "--config", self.path("leaf.toml"))

    def test_it_reaps_what_targets_leave_behind_and_says_so(self):
        process = self.leaf(FORKS, keeper=False)
        first = self.first(process)
        wait_for("all orphans", lambda: f"total={2 * ORPHANS}" in self.log())
        self.assertEqual(len(re.findall(r"orphan reaped pid=\d+ total=", self.log())), 2 * ORPHANS)
        self.assertNotIn("Z", [state(pid) for pid in children(first)])
        os.kill(first, signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_with_a_keeper_no_zombie_stays_either(self):
        process = self.leaf(FORKS + " & wait", keeper=True)
        first = self.first(process)
        wait_for("the target", lambda: "state=running" in self.log())

        def zombies():
            below = children(first)
            return [pid for each in below for pid in [each, *children(each)] if state(pid) == "Z"]

        wait_for("no zombies", lambda: not zombies())
        os.kill(first, signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 0)

    def test_term_stops_the_command_and_its_code_is_passed_on(self):
        process = self.run_command("--", "sh", "-c", "trap 'exit 9' TERM; echo ready; "
                                   "while :; do sleep 0.01; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        os.kill(self.first(process), signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 9)

    def told(self, sent, *options):
        """Which signal the command hears when its supervisor is sent this one."""
        traps = "".join(f"trap 'echo {name}; exit 3' {name}; "
                        for name in ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2"))
        process = self.run_command("--restart", "never", *options, "--", "sh", "-c",
                                   traps + "echo ready; while :; do sleep 0.01; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        os.kill(self.first(process), sent)
        heard = process.stdout.readline().strip()
        self.assertEqual(process.wait(DEADLINE), 3)
        return heard

    def test_signals_are_passed_on(self):
        for name in ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2"):
            wanted = "TERM" if name == "INT" else name
            self.assertEqual(self.told(getattr(signal, "SIG" + name)), wanted, name)

    def test_signals_are_rewritten(self):
        rewrites = ["--rewrite", "TERM:QUIT", "--rewrite", "HUP:USR1", "--rewrite", "USR2:TERM"]
        self.assertEqual(self.told(signal.SIGTERM, *rewrites), "QUIT")
        self.assertEqual(self.told(signal.SIGHUP, *rewrites), "USR1")
        self.assertEqual(self.told(signal.SIGUSR2, *rewrites), "TERM")

    def test_what_is_rewritten_to_nothing_is_dropped(self):
        process = self.run_command("--rewrite", "HUP:0", "--", "sh", "-c",
                                   "trap 'exit 4' HUP; trap 'exit 5' USR1; echo ready; "
                                   "while :; do sleep 0.01; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        first = self.first(process)
        os.kill(first, signal.SIGHUP)
        os.kill(first, signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 128 + signal.SIGTERM)

    def test_a_rewritten_term_ends_it_although_the_command_fails(self):
        process = self.run_command("--rewrite", "TERM:QUIT", "--", "sh", "-c",
                                   "trap 'exit 7' QUIT; echo ready; while :; do sleep 0.01; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        os.kill(self.first(process), signal.SIGTERM)
        self.assertEqual(process.wait(DEADLINE), 7)

    def test_a_bad_rewrite_is_refused(self):
        for wrong in ("TERM", "TERM:NONSENSE", "KILL:TERM"):
            process = self.run_command("--rewrite", wrong, "--", "true")
            self.assertEqual(process.wait(DEADLINE), 78, wrong)
            self.assertIn("rewrite", self.log())


if __name__ == "__main__":
    unittest.main()
