"""`banyan run -- COMMAND`: one command, supervised without a file; also as the first process of a
pid namespace, as in a container."""

import glob
import os
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, DEADLINE, alive, plain_environment, wait_for  # noqa: E402

BANYAN = os.path.join(BIN, "banyan")


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="banyan-test-")
        self.addCleanup(self.folder.cleanup)
        self.environment = {**plain_environment(), "TMPDIR": self.folder.name}
        self.addCleanup(self.nothing_left)

    def nothing_left(self):
        self.assertEqual(glob.glob(os.path.join(self.folder.name, "banyan-run-*")), [])

    def run_words(self, *words, text=""):
        return subprocess.run([BANYAN, "run", *words], env=self.environment, input=text, text=True,
                              capture_output=True, timeout=DEADLINE, check=False)

    def start(self, *words, before=()):
        process = subprocess.Popen([*before, BANYAN, "run", *words], env=self.environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def test_passes_input_output_and_exit_code(self):
        run = self.run_words("--restart", "never", "--", "sh", "-c",
                             "cat; echo 'to \"err\"' >&2; exit 7", text="said\n")
        self.assertEqual((run.stdout, run.stderr, run.returncode), ("said\n", 'to "err"\n', 7))

    def test_restarts_until_it_ends_well(self):
        flag = os.path.join(self.folder.name, "flag")
        run = self.run_words("--backoff", "0", "sh", "-c",
                             f"echo try; test -e {flag} || {{ touch {flag}; exit 1; }}")
        self.assertEqual((run.stdout, run.returncode), ("try\ntry\n", 0))

    def test_gives_up_with_the_last_code(self):
        run = self.run_words("--backoff", "0", "--max-restarts", "2/1m", "--", "sh", "-c",
                             "echo try; exit 9")
        self.assertEqual((run.stdout, run.returncode), ("try\ntry\ntry\n", 9))

    def test_missing_program_is_127_and_one_not_executable_126(self):
        self.assertEqual(self.run_words("--", "/no/such").returncode, 127)
        self.assertEqual(self.run_words("--", "/etc/passwd").returncode, 126)

    def test_wrong_use_is_2(self):
        self.assertEqual(self.run_words().returncode, 2)
        self.assertEqual(self.run_words("--no-such-option", "--", "true").returncode, 2)

    def test_term_stops_the_command_and_all_it_started(self):
        process = self.start("--", "sh", "-c", "setsid sleep 100000 & echo $!; exec sleep 100000")
        child = int(process.stdout.readline())
        process.terminate()
        self.assertEqual(process.wait(DEADLINE), 128 + signal.SIGTERM)
        wait_for("the end of the child", lambda: not alive(child))

    def test_other_signals_reach_the_command(self):
        process = self.start("--restart", "never", "--", "sh", "-c",
                             "trap 'exit 21' USR1; trap 'echo hup' HUP; echo ready; "
                             "while :; do sleep 0.01; done")
        self.assertEqual(process.stdout.readline(), "ready\n")
        process.send_signal(signal.SIGHUP)
        self.assertEqual(process.stdout.readline(), "hup\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(DEADLINE), 21)

    def test_as_the_first_process_it_reaps_orphans(self):
        namespace = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        able = subprocess.run([*namespace, "true"], capture_output=True, check=False)
        if able.returncode != 0:
            self.skipTest("no pid namespaces here")
        # The orphan ends after its parent: only the first process can reap it.
        script = ("sh -c 'sh -c \"echo \\$\\$\" & ' ; cat /proc/1/comm; i=0; "
                  "while [ $i -lt 500 ]; do i=$((i+1)); "
                  "grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null || exit 5; sleep 0.01; done")
        process = self.start("--restart", "never", "--", "sh", "-c", script, before=namespace)
        self.assertEqual(process.wait(DEADLINE), 5)
        self.assertIn("banyan-leaf", process.stdout.read())


if __name__ == "__main__":
    unittest.main()
