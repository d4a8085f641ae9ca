"""Many real leaf processes below two relays: how soon they are there, do as told, and are gone."""
import os
import signal
import subprocess
import time

import figures
from daemons import World, plain_environment, wait_for

FIRST = 500  # below the relay that dies


class Herd:
    def __init__(self, options):
        self.options = options
        self.world = World()
        self.world.settings = {"hb_interval": 1.0, "timeout": 5.0}
        self.root = self.world.root()
        self.relays = [self.world.relay(name, self.root) for name in ("first", "second")]
        self.world.wait_up("first", "second")
        self.leaves = []

    def write(self):
        """Everything that is there before the clock runs."""
        target = os.path.join(self.options.bin, "bench_target")
        for number in range(self.options.leaves):
            relay = self.relays[0 if number < FIRST else 1]
            folder = self.world.path(f"leaf-{number:04}")
            with open(folder + ".toml", "w", encoding="utf-8") as file:
                file.write(f'name = "web-{number:04}"\nstate_dir = "{folder}"\n'
                           f'parent_host = "127.0.0.1"\nparent_port = {relay.port}\n'
                           f'hb_interval = 1.0\ntimeout = 5.0\n'
                           f'[[targets]]\nname = "api"\ncommand = ["{target}"]\n')

    def start(self):
        program = os.path.join(self.options.bin, "banyan-leaf")
        with open(self.world.path("leaves.log"), "ab") as log:
            for number in range(self.options.leaves):
                config = self.world.path(f"leaf-{number:04}.toml")
                self.leaves.append(subprocess.Popen(
                    [program, "--config", config], stdin=subprocess.DEVNULL, stdout=log,
                    stderr=log, env=plain_environment(), close_fds=False))

    def status(self):
        return self.world.rest.status()

    def all_up(self):
        status = self.status()
        return (status["nodes"]["up"] == self.options.leaves + 2
                and status["targets"]["running"] == self.options.leaves)

    def counts(self, command):
        return command["counts"]["done"], command["targets"]

    def newest_event(self):
        return self.world.rest.items("/api/v1/events", limit=1)[0]["seq"]

    def kill_relay(self):
        """What the root says of a relay's death, once nothing more is said of it."""
        before = self.newest_event()
        begun = time.monotonic()
        self.relays[0].kill()
        wait_for("the relay to be lost", lambda: self.world.node("first")["state"] == "lost")
        lost = time.monotonic() - begun
        time.sleep(1.0)  # what would be a storm
        nodes = self.status()["nodes"]
        events = self.world.rest.items("/api/v1/events", after=before, limit=10000)
        outages = self.world.rest.items("/api/v1/outages")
        return lost, nodes, events, outages

    def end(self):
        """Seconds until every leaf and every target is gone, and how many ended badly."""
        begun = time.monotonic()
        for leaf in self.leaves:
            leaf.send_signal(signal.SIGTERM)
        bad = sum(leaf.wait(60) != 0 for leaf in self.leaves)
        took = time.monotonic() - begun
        left = int(subprocess.run(["pgrep", "-c", "-f", self.world.folder + "/leaf-"],
                                  capture_output=True, text=True, check=False).stdout)
        return took, bad, left


def herd(options, table):
    herd_ = Herd(options)
    try:
        measure(herd_, options, table)
    finally:
        for leaf in herd_.leaves:
            if leaf.poll() is None:
                leaf.terminate()
        for leaf in herd_.leaves:
            leaf.wait(60)
        herd_.world.close()


def measure(many, options, table):
    many.write()
    begun = time.monotonic()
    many.start()
    wait_for("all to be up", many.all_up, 120)
    table.add(f"{options.leaves} leaf processes, until all are up", time.monotonic() - begun,
              unit="s", wanted="< 15")
    time.sleep(2)
    took = []
    for _ in range(5):
        begun = time.monotonic()
        command = many.world.rest.command("signal", "**", args={"signal": "USR1"})
        took.append(time.monotonic() - begun)
        done, targets = many.counts(command)
        if (done, targets) != (options.leaves, options.leaves):
            raise RuntimeError(f"{done} of {targets} done: {command['counts']}")
    table.add(f"a signal to {options.leaves} targets, every outcome: the median",
              1000 * figures.percentile(took, 0.5), unit="ms", wanted="< 300")
    table.add("the slowest of 5", 1000 * max(took), unit="ms")
    lost, nodes, events, outages = many.kill_relay()
    below = min(FIRST, options.leaves)
    table.add(f"death of a relay with {below} leaves: lost after", lost, unit="s")
    table.add("nodes lost", nodes["lost"], wanted="1")
    table.add("nodes unreachable", nodes["unreachable"], wanted=str(below))
    table.add("events told", len(events), wanted="2: suspect, lost")
    table.add("outages open", len(outages), wanted="1")
    took, bad, left = many.end()
    table.add(f"{options.leaves} leaf processes, from TERM until all are gone", took, unit="s")
    table.add("of them ended badly, processes left behind", bad + left, wanted="0")
