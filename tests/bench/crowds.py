"""Thousands of simulated children: what a relay with 10,000 of them costs, and a root with a
million leaves below 100 relays. Processor time stands beside a bare ROUTER that sends the same
beats back."""
import os
import time

import figures
from daemons import World, wait_for

AT_REST = 15  # seconds that are measured
SETTLED = 6


class Crowd:
    """Children in some processes; with BELOW leaves each, or as echoed connections."""

    def __init__(self, folder, port, shares, below):
        program, first = os.path.join(folder, "crowd"), 0
        self.programs = []
        for share in shares:
            self.programs.append(figures.Lines(program, port, first, share, below))
            first += share
        for each in self.programs:
            if each.line() != "ready":
                raise RuntimeError("the crowd did not begin")

    def traffic(self):
        """Frames and bytes, up and down, since the last question."""
        sums = [0, 0, 0, 0]
        for each in self.programs:
            each.say("traffic")
            sums = [a + int(b) for a, b in zip(sums, each.line().split())]
        return sums

    def end(self):
        for each in self.programs:
            each.end()


def at_rest(pid, crowd):
    """Cores in use, and bytes per second, while nothing happens but beats."""
    time.sleep(SETTLED)
    crowd.traffic()
    cpu, begun = figures.cpu_ms(pid), time.monotonic()
    time.sleep(AT_REST)
    took = time.monotonic() - begun
    traffic = crowd.traffic()
    return (figures.cpu_ms(pid) - cpu) / 1000 / took, [number / took for number in traffic]


def shares_of(children):
    most = 1000
    return [min(most, children - first) for first in range(0, children, most)]


def beats(options, table):
    children = options.children
    floor = figures.Lines(os.path.join(options.bin, "chain_floor"), "echo")
    crowd = None
    try:
        crowd = Crowd(options.bin, floor.line(), shares_of(children), "echo")
        bare, _ = at_rest(floor.pid, crowd)
    finally:
        if crowd:
            crowd.end()
        floor.end()
    world, crowd = World(), None
    world.settings = {"hb_interval": 1.0, "timeout": 5.0}
    try:
        root = world.root()
        relay = world.relay("dc1", root)
        world.wait_up("dc1")
        before = figures.resident_kib(relay.pid)
        crowd = Crowd(options.bin, relay.port, shares_of(children), 0)
        wait_for("all to be up", lambda: world.rest.status()["nodes"]["up"] == children + 1, 60)
        cores, traffic = at_rest(relay.pid, crowd)
        memory = (figures.resident_kib(relay.pid) - before) / children
    finally:
        if crowd:
            crowd.end()
        world.close()
    table.add(f"a relay with {children} children at 1 s: processor", 100 * cores, unit="%",
              floor=100 * bare, wanted="<= 1.5x")
    table.add("its memory for each child", memory, unit="KiB", wanted="<= 60")
    table.add("beats it heard", traffic[0], unit="/s")


def rest_of(options, below):
    """Bytes per second at a root with 100 relays of so many leaves each."""
    world, crowd = World(), None
    world.settings = {"hb_interval": 1.0, "timeout": 5.0}
    try:
        root = world.root()
        crowd = Crowd(options.bin, root.port, [100], below)
        wait_for("all to be up",
                 lambda: world.rest.status()["nodes"]["up"] == 100 * (below + 1), 120)
        return sum(at_rest(root.pid, crowd)[1][1::2])
    finally:
        if crowd:
            crowd.end()
        world.close()


def leaves(options, table):
    small, large = (rest_of(options, below) for below in (10, 1000))
    table.add("bytes per second at a root with 1,000 leaves below 100 relays", small, unit="B/s")
    table.add("the same with 100,000 leaves", large, unit="B/s", floor=small, wanted="within 5 %")
    below = options.below
    total = 100 * (below + 1)
    world, crowd = World(), None
    world.settings = {"hb_interval": 1.0, "timeout": 5.0}
    try:
        root = world.root()
        before = figures.resident_kib(root.pid)
        begun = time.monotonic()
        crowd = Crowd(options.bin, root.port, [100], below)
        all_up = lambda: world.rest.status()["nodes"]["up"] == total  # noqa: E731
        wait_for("all to be up", all_up, 600)
        table.add(f"a root with {100 * below} leaves: until all are up", time.monotonic() - begun,
                  unit="s")
        cores, _ = at_rest(root.pid, crowd)
        memory = 1024 * (figures.resident_kib(root.pid) - before) / (100 * below)
        table.add("its memory for each leaf", memory, unit="B", wanted="<= 500")
        table.add("its processor at rest", 100 * cores, unit="%", wanted="<= 1")
        restart(world, root, table, all_up)
    finally:
        if crowd:
            crowd.end()
        world.close()


def restart(world, root, table, all_up):
    root.kill()
    begun = time.monotonic()
    root.start(wait=False)
    wait_for("the picture to be there", lambda: "picture=restored" in root.log(), 300)
    loaded = time.monotonic()
    root.wait_ready()
    world.rest.port = root.settings["http_port"]
    wait_for("all to be confirmed", all_up, 120)
    table.add("restart: loading the picture", loaded - begun, unit="s")
    table.add("from there until the whole tree is confirmed", time.monotonic() - loaded, unit="s",
              wanted="<= 2 (beats)")
