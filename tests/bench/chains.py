"""A chain root <- relay <- relay <- leaf beside the same made of nothing but ZeroMQ forwarders."""
import os
import signal
import statistics
import subprocess
import time

import figures
from daemons import SLEEPER, World, wait_for

COMMAND = '{"verb": "signal", "select": "%s", "args": {"signal": "CONT"}}'


class Floor:
    """top <- forwarders <- leaf."""

    def __init__(self, folder, relays):
        program = os.path.join(folder, "chain_floor")
        self.top = figures.Lines(program, "top")
        self.programs = [self.top]
        port = self.top.line()
        for _ in range(relays):
            self.programs.append(figures.Lines(program, "forward", port))
            port = self.programs[-1].line()
        self.leaf = figures.Lines(program, "leaf", port)
        self.programs.append(self.leaf)
        if self.top.line() != "ready":
            raise RuntimeError("the floor did not begin")

    def deaths(self, rounds):
        found = []
        for _ in range(rounds):
            target = subprocess.Popen(SLEEPER)
            self.leaf.say(str(target.pid))
            self.leaf.line()
            time.sleep(0.02)  # nothing else is going on
            found += self.top.numbers(f"kill {target.pid}")
            target.wait()
        return found

    def questions(self, rounds):
        return self.top.numbers(f"ask {rounds}", rounds)

    def end(self):
        for program in self.programs:
            program.end()


class Chain:
    """The same as daemons."""

    def __init__(self, folder, relays, leaves=1):
        self.world = World()
        self.world.settings = {"hb_interval": 0.2, "timeout": 1.0}
        self.root = self.world.root()
        parent, path = self.root, []
        for number in range(relays):
            parent = self.world.relay(f"relay{number}", parent)
            path.append(parent.name)
        targets = {"api": {"command": SLEEPER, "backoff": "10ms..10ms", "restart": "always"}}
        self.leaves = {}
        for number in range(leaves):
            leaf = self.world.leaf(f"web-{number}", parent, targets)
            self.leaves["/".join([*path, leaf.name])] = leaf
        for leaf in self.leaves:
            self.world.wait_target(leaf + "/api", "running")
        self.world.wait_up(*self.leaves)
        self.probe = figures.Lines(os.path.join(folder, "stream_probe"),
                                   self.root.settings["http_port"], "events")
        self.probe.line()

    @property
    def target(self):
        return next(iter(self.leaves)) + "/api"

    def running(self, path, not_pid):
        def there():
            target = self.world.target(path)
            return target if target.get("state") == "running" and target["pid"] != not_pid else None

        return wait_for(f"{path} to run", there)["pid"]

    def deaths(self, rounds):
        found, last = [], 0
        for _ in range(rounds):
            last = self.running(self.target, last)
            time.sleep(0.02)  # nothing else is going on
            found += self.probe.numbers(f"kill {last} \"exited\" \"{self.target}\"")
            # A target that lives too short is given more time each round.
        return found

    def questions(self, rounds):
        return self.probe.numbers(f"command {rounds} " + COMMAND % self.target, rounds)

    def agents(self, rounds):
        """SIGKILL to a leaf, until the root says that it is suspect."""
        found, wanted = [], list(self.leaves.items())
        for _ in range(rounds):
            for path, leaf in wanted:
                found += self.probe.numbers(f"kill {leaf.pid} \"suspect\" \"{path}\"")
                leaf.process.wait()
            for path, leaf in wanted:
                leaf.start()
            self.world.wait_up(*self.leaves)
        return found

    def frozen(self):
        """SIGSTOP to each leaf at another point of its interval; seconds until it is lost."""
        stream = self.world.rest.stream(topics="events")
        found, begun = [], {}
        for path, leaf in self.leaves.items():
            begun[path] = time.monotonic()
            leaf.signal(signal.SIGSTOP)
            time.sleep(0.037)
        for path, stopped in begun.items():
            def lost(topic, item, path=path):
                return topic == "events" and item["kind"] == "lost" and item["path"] == path

            found.append(stream.wait(f"{path} lost", lost)[1] - stopped)
        stream.close()
        for leaf in self.leaves.values():
            leaf.signal(signal.SIGCONT)
        self.world.wait_up(*self.leaves)
        return found

    def end(self):
        self.probe.end()
        wrong = self.world.close()
        if wrong:
            raise RuntimeError("; ".join(wrong))


def measured(chain, how, *arguments):
    try:
        return how(chain, *arguments)
    finally:
        chain.end()


def deaths(options, table):
    floor = measured(Floor(options.bin, 2), Floor.deaths, options.rounds)
    chain = measured(Chain(options.bin, 2), Chain.deaths, options.rounds)
    for part, wanted in ((0.5, "< 1, <= 2x"), (0.99, "< 10, <= 2x")):
        table.add(f"target SIGKILL to its event at the root, 2 relays, p{part * 100:.0f}",
                  figures.percentile(chain, part) / 1000, unit="ms",
                  floor=figures.percentile(floor, part) / 1000, wanted=wanted)


def commands(options, table):
    """What a hop costs: the slope between no relay and two."""
    rounds = options.rounds * 5
    ends = {}
    for kind in (Floor, Chain):
        for relays in (0, 2):
            ends[kind, relays] = statistics.median(
                measured(kind(options.bin, relays), kind.questions, rounds))
    hop = {kind: (ends[kind, 2] - ends[kind, 0]) / 2000 for kind in (Floor, Chain)}
    table.add("command round trip, for each hop more", hop[Chain], unit="ms", floor=hop[Floor],
              wanted="<= 1.5x")
    table.add("command round trip without a relay", ends[Chain, 0] / 1000, unit="ms",
              floor=ends[Floor, 0] / 1000)


def agents(options, table):
    chain = Chain(options.bin, 2, leaves=10)
    try:
        suspect = chain.agents(max(1, options.rounds // 10))
        frozen = chain.frozen()
    finally:
        chain.end()
    for part, wanted in ((0.5, None), (0.99, "< 20")):
        more = {"wanted": wanted} if wanted else {}
        table.add(f"agent SIGKILL to suspect at the root, 2 relays, p{part * 100:.0f}",
                  figures.percentile(suspect, part) / 1000, unit="ms", **more)
    table.add("agent SIGSTOP to lost at the root, the slowest", max(frozen), unit="s",
              wanted="<= 1.2 (timeout + 1 interval)")
