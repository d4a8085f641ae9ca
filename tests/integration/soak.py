"""Random kills of targets, of the agent and of its keeper, under output load.

    scripts/soak [SECONDS [SEED]]

All the time: never two main processes of a target, and a target that nobody killed keeps its pid.
At the end: every line of every run is in the log exactly once and in order, no zombie, no growth
of descriptors, no exit told twice.
"""

import glob
import os
import random
import signal
import struct
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import TreeTest, alive, keepers, marked, wait_for  # noqa: E402

SECONDS = float(os.environ.get("BANYAN_SOAK_SECONDS", "600"))
SEED = int(os.environ.get("BANYAN_SOAK_SEED", str(random.SystemRandom().randrange(1 << 30))))
# name: lines in a block, pause after each
PACES = {"slow": (1, 0.01), "steady": (5, 0.002), "fast": (200, 0.004), "bursts": (300, 0.3)}
BLOCK_MAX = 300
SLACK = 4  # descriptors

# Writes "GENERATION NUMBER" and notes, after each block, how many lines it has written.
WRITER = """
import mmap, os, sys, time
lines, pause, folder = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
generation = os.environ['BANYAN_TARGET'].rsplit('#', 1)[1]
name = os.path.join(folder, sys.argv[4] + '.' + generation)
with open(name, 'wb') as file:
    file.write(bytes(8))
file = open(name, 'r+b')
noted = mmap.mmap(file.fileno(), 8)
count = 0
while True:
    block = ''.join(f'{generation} {n}\\n' for n in range(count, count + lines)).encode()
    assert len(block) <= 4096 and os.write(1, block) == len(block)
    count += lines
    noted[:] = count.to_bytes(8, 'little')
    time.sleep(pause)
"""


class Soak(TreeTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.tell(f"{SECONDS:.0f} s, seed {SEED}")
        self.counts = self.world.path("counts")
        os.mkdir(self.counts)
        targets = {name: {"command": [sys.executable, "-c", WRITER, str(lines), str(pause),
                                      self.counts, name],
                          "backoff": "10ms..200ms", "log": {"max_size": "4GiB"}}
                   for name, (lines, pause) in PACES.items()}
        self.leaf = self.world.leaf("web-1", self.world.root(), targets)
        self.killed = {"target": 0, "agent": 0, "keeper": 0}
        self.pids = {}

    def target(self, name):
        return self.world.wait_target(f"web-1/{name}", "running")

    def mains(self):
        """Pids of session leaders, by target."""
        found = {name: [] for name in PACES}
        for pid in marked(self.leaf.instance):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    words = file.read().split(b"\0")
                if os.getsid(pid) != pid or not alive(pid):
                    continue
            except OSError:
                continue
            mark = next(word for word in words if word.startswith(b"BANYAN_TARGET="))
            found[mark.decode().rsplit("/", 1)[1].split("#")[0]].append(pid)
        return found

    def look(self):
        """All run, once each; those that nobody killed are the same as before."""
        for name in PACES:
            pid = self.target(name)["pid"]
            if name in self.pids:
                self.assertEqual(pid, self.pids[name], f"{name} was replaced")
            self.pids[name] = pid
        for name, pids in self.mains().items():
            self.assertLessEqual(len(pids), 1, f"{name} runs more than once")

    def kill_target(self):
        name = self.random.choice(list(PACES))
        pid = self.pids.pop(name, None)
        if pid is None or not alive(pid):
            return
        os.kill(pid, self.random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV]))
        self.killed["target"] += 1
        if self.leaf.running():
            wait_for(f"another {name}", lambda: self.target(name)["pid"] != pid)

    def kill_agent(self):
        self.leaf.kill()
        self.killed["agent"] += 1
        for _ in range(self.random.randrange(3)):
            self.pause(0.2)
            self.kill_target()
        self.pause(0.3)
        self.leaf.start()
        self.settle()

    def kill_keeper(self):
        old = keepers(self.leaf.state_dir)
        for pid in old:
            os.kill(pid, signal.SIGKILL)
            self.killed["keeper"] += 1
        new = wait_for("a new keeper", lambda: [pid for pid in keepers(self.leaf.state_dir)
                                                if pid not in old])
        self.leaf.waits_for(rf"a new one \(pid {new[0]}\) holds them")

    def pause(self, longest):
        end = time.monotonic() + self.random.uniform(0, longest)
        wait_for("a moment", lambda: time.monotonic() >= end)

    def settle(self):
        """The picture at the root is that of this run of the agent."""
        def settled():
            mains = self.mains()
            return all(mains[name] == [self.world.target(f"web-1/{name}")["pid"]]
                       for name in PACES)

        self.world.wait_up("web-1")
        wait_for("every target, once, as the root tells", settled)

    def descriptors(self):
        pids = keepers(self.leaf.state_dir) + [self.leaf.pid]
        return [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]

    def few_descriptors(self, begun):
        now = self.descriptors()
        return all(few <= then + SLACK for few, then in zip(now, begun))

    def zombies(self):
        parents, found = keepers(self.leaf.state_dir) + [self.leaf.pid], []
        for path in glob.glob("/proc/[0-9]*/stat"):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) in parents:
                found.append(path)
        return found

    def test_nothing_is_lost_and_nothing_is_doubled(self):
        self.look()
        wait_for("output of all", lambda: all(self.logs(name) for name in PACES))
        begun = self.descriptors()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            self.pause(0.5)
            self.random.choices([self.kill_target, self.kill_agent, self.kill_keeper],
                                [6, 3, 1])[0]()
            self.settle()
            self.look()
        self.tell("killed " + ", ".join(f"{n} {what}s" for what, n in self.killed.items()))
        wait_for("no zombie", lambda: not self.zombies())
        wait_for(f"no more descriptors than {begun}",
                 lambda: self.few_descriptors(begun))
        self.check_exits()
        self.assertEqual(self.leaf.leave(), 0)
        for name in PACES:
            self.check_lines(name)

    def check_exits(self):
        for name in PACES:
            told = [event["data"]["generation"]
                    for event in self.world.events(f"web-1/{name}", "exited")]
            self.assertEqual(len(told), len(set(told)), f"an exit of {name} was told twice")

    def logs(self, name):
        return sorted(glob.glob(
            os.path.join(self.leaf.state_dir, "logs", name, "stdout.*.log")))

    def check_lines(self, name):
        counted, last = {}, (0, -1)
        for path in self.logs(name):
            with open(path, "rb") as file:
                for line in file:
                    generation, number = map(int, line.split())
                    goes_on = (generation, number - 1) == last
                    begins = generation > last[0] and number == 0
                    self.assertTrue(goes_on or begins, f"{name}: {line!r} after {last}")
                    last = generation, number
                    counted[generation] = number + 1
        for path in glob.glob(os.path.join(self.counts, f"{name}.*")):
            with open(path, "rb") as file:
                raw = file.read()
            written = struct.unpack("<Q", raw)[0] if len(raw) == 8 else 0
            lines = counted.get(int(path.rsplit(".", 1)[1]), 0)
            self.assertGreaterEqual(lines, written, f"{name}: lines of {path} are lost")
            self.assertLessEqual(lines, written + BLOCK_MAX)
        self.tell(f"{name}: {len(counted)} runs, {sum(counted.values())} lines")


if __name__ == "__main__":
    unittest.main()
