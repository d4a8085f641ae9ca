"""scripts/bench supervisor: supervising, side by side with a C floor and the peers installed.

restart   ms from kill -9 to the next copy running (median of --rounds, in one supervisor of 10)
start     ms until --many copies run        stop   ms until all of them are gone
memory    KiB of private dirty memory of the supervisor's own processes, with 1 and --many copies
idle      CPU ms and context switches of the supervisor's own processes in --idle seconds at 100
Ratios are to the floor of the same run; medians of --repeats runs, all peers taking turns.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import tempfile
import time

import peers


class Listener:
    """Hears the copies say that they run."""

    def __init__(self, place):
        self.path = str(pathlib.Path(place) / "heard")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(120)
        os.environ["BENCH_SOCKET"] = self.path

    def next(self):
        pid, stamp = self.socket.recv(64).split()
        return int(pid), int(stamp)

    def close(self):
        self.socket.close()


def private_dirty_kib(pids):
    total = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines()
                      if line.startswith("Private_Dirty"))
    return total


def cpu_ms_and_switches(pids):
    ticks, switches = 0, 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
            for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
                switches += sum(int(line.split()[1]) for line in status.read_text().splitlines()
                                if "ctxt_switches" in line)
        except OSError:
            continue
    return ticks * 1000 / os.sysconf("SC_CLK_TCK"), switches


class Run:
    """One peer with some copies, in a folder of its own."""

    def __init__(self, kind, program, count):
        self.folder = tempfile.TemporaryDirectory(prefix="banyan-bench-",
                                                  ignore_cleanup_errors=True)
        self.listener = Listener(self.folder.name)
        self.peer = kind(self.folder.name, program, count)
        self.began = time.monotonic_ns()
        self.peer.start()
        self.copies = dict(self.listener.next() for _ in range(count))

    def start_ms(self):
        return (max(self.copies.values()) - self.began) / 1e6

    def restart_ms(self):
        pid = next(iter(self.copies))
        del self.copies[pid]
        killed = time.monotonic_ns()
        os.kill(pid, signal.SIGKILL)
        new, stamp = self.listener.next()
        self.copies[new] = stamp
        return (stamp - killed) / 1e6

    def stop_ms(self):
        waits = [os.pidfd_open(pid) for pid in self.copies]
        began = time.monotonic_ns()
        self.peer.stop()
        for fd in waits:
            signal_wait(fd)
        took = (time.monotonic_ns() - began) / 1e6
        self.peer.wait()
        self.listener.close()
        self.folder.cleanup()
        return took


def signal_wait(fd):
    import select
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(120_000)
    os.close(fd)


def measure(kind, program, options):
    result = {}
    run = Run(kind, program, 10)
    time.sleep(options.settle)
    rounds = []
    for _ in range(options.rounds):
        rounds.append(run.restart_ms())
        time.sleep(options.pause)
    result["restart_ms"] = statistics.median(rounds)
    run.stop_ms()
    run = Run(kind, program, 1)
    time.sleep(options.settle)
    result["memory_1_kib"] = private_dirty_kib(run.peer.pids())
    run.stop_ms()
    run = Run(kind, program, 100)
    time.sleep(options.settle)
    before = cpu_ms_and_switches(run.peer.pids())
    time.sleep(options.idle)
    behind = cpu_ms_and_switches(run.peer.pids())
    result["idle_cpu_ms"], result["idle_switches"] = (b - a for a, b in zip(before, behind))
    run.stop_ms()
    run = Run(kind, program, options.many)
    result["start_ms"] = run.start_ms()
    time.sleep(options.settle)
    result["memory_many_kib"] = private_dirty_kib(run.peer.pids())
    result["stop_ms"] = run.stop_ms()
    return result


COLUMNS = ["restart_ms", "start_ms", "stop_ms", "memory_1_kib", "memory_many_kib", "idle_cpu_ms",
           "idle_switches"]


def table(results):
    lines = ["".join(["peer".ljust(13)] + [column.rjust(18) for column in COLUMNS])]
    floor = results.get("floor", {})
    for name, values in results.items():
        cells = []
        for column in COLUMNS:
            text = f"{values[column]:.2f}"
            if column in COLUMNS[:3] and floor.get(column):
                text += f" ({values[column] / floor[column]:.2f}x)"
            cells.append(text.rjust(18))
        lines.append(name.ljust(13) + "".join(cells))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--peers", help="comma-separated; default: all that are installed")
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--many", type=int, default=500)
    parser.add_argument("--idle", type=float, default=30)
    parser.add_argument("--settle", type=float, default=1.5)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two kills")
    options = parser.parse_args()
    program = str(pathlib.Path(options.bin).resolve() / "bench_target")
    kinds = peers.installed(options.peers.split(",") if options.peers else None)
    runs = {kind.name: [] for kind in kinds}
    for _ in range(options.repeats):
        for kind in kinds:
            runs[kind.name].append(measure(kind, program, options))
    results = {name: {column: statistics.median(run[column] for run in many)
                      for column in COLUMNS} for name, many in runs.items()}
    print(table(results))
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
