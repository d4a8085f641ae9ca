"""scripts/bench logs: keeping and reading logs, side by side with floors and installed peers.

ingest   CPU s per GB to keep 100-byte lines; floor: `cat > file`, which keeps no times
stream   MB/s leaf -> 2 relays -> root -> banyan logs; floor: the same file through as many bare
         ZeroMQ forwarders in 64 KiB messages; memory that each daemon grew by meanwhile
stopped  a reader is stopped for --stopped seconds: memory, the round trips of others, its checksum
flood    round trips and commands of a leaf, and another target's log, while one target floods
grep     a rare string in all leaves' logs: time, and bytes that came to the root
Medians of --repeats runs. Run it on a machine that does nothing else.
"""
import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
LINE = 100
GB = 1_000_000_000
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid, what="VmRSS"):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+) kB", text).group(1)) / 1024


def forget_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def checksum(stream, crc=0):
    """crc, bytes of all that comes, and the seconds it took."""
    began, total = time.monotonic(), 0
    while True:
        block = os.read(stream.fileno(), 1 << 20)
        if not block:
            return crc, total, time.monotonic() - began
        crc = zlib.crc32(block, crc)
        total += len(block)


def p99(values):
    return sorted(values)[int(len(values) * 0.99)] if values else float("nan")


class Bench:
    def __init__(self, options):
        import daemons
        self.daemons = daemons
        self.options = options
        self.bin = pathlib.Path(options.bin).resolve()

    def lines(self, count, gate=""):
        return [str(self.bin / "bench_lines"), str(count)] + ([gate] if gate else [])

    def world(self):
        return self.daemons.World()

    def kept(self, leaf, target):
        """Bytes of stdout up to the end of the last segment, which is never compressed."""
        files = sorted(pathlib.Path(leaf.state_dir, "logs", target).glob("stdout.*.log"))
        return int(files[-1].name.split(".")[1]) + files[-1].stat().st_size if files else 0

    def target(self, count, gate="", **log):
        return {"command": self.lines(count, gate), "restart": "never",
                "log": {"max_size": "256MiB", "max_files": 200, "compress": False, **log}}

    # ---- ingest

    def ingest_floor(self, words):
        """CPU s per GB of a program that reads lines from stdin."""
        count = int(self.options.gb * GB / LINE)
        with subprocess.Popen(self.lines(count), stdout=subprocess.PIPE) as writer:
            with subprocess.Popen(words, stdin=writer.stdout, shell=isinstance(words, str)) as sink:
                writer.stdout.close()
                _, _, used = os.wait4(sink.pid, 0)
                sink.returncode = 0
        return (used.ru_utime + used.ru_stime) / self.options.gb

    def ingest_banyan(self, **log):
        world = self.world()
        try:
            gate, count = world.path("gate"), int(self.options.gb * GB / LINE)
            leaf = world.add("leaf", {"name": "web-1"}, {"t": self.target(count, gate, **log)})
            leaf.start()
            pids = [leaf.pid, *self.daemons.keepers(leaf.state_dir)]
            before = [cpu_seconds(pid) for pid in pids]
            pathlib.Path(gate).touch()
            self.daemons.wait_for("all lines", lambda: self.kept(leaf, "t") >= count * LINE, 300)
            return sum(cpu_seconds(pid) - old
                       for pid, old in zip(pids, before)) / self.options.gb
        finally:
            world.close()

    def ingest(self):
        place = self.world()
        try:
            out = place.path("floor")
            kinds = {"cat > file": lambda: self.ingest_floor(f"exec cat > {out}"),
                     "banyan": self.ingest_banyan,
                     "banyan, compress": lambda: self.ingest_banyan(compress=True)}
            for name, words in (("s6-log, stamps", ["s6-log", "t", "n40", "s99999999"]),
                                ("svlogd -tt", ["svlogd", "-tt"])):
                if self.daemons.shutil.which(words[0]):
                    folder = place.path(words[0])
                    os.mkdir(folder)
                    kinds[name] = lambda words=words, folder=folder: self.ingest_floor(
                        [*words, folder])
            runs = {name: [] for name in kinds}
            for _ in range(self.options.repeats):
                for name, measure in kinds.items():
                    runs[name].append(measure())
        finally:
            place.close()
        medians = {name: statistics.median(values) for name, values in runs.items()}
        return {name: {"cpu_s_per_gb": value, "ratio": value / medians["cat > file"]}
                for name, value in medians.items()}

    # ---- stream

    def reader(self, world, path, *words, **more):
        return subprocess.Popen([str(self.bin / "banyan"), "--url", world.rest.url, "logs", path,
                                 "-o", "raw", *words], stdout=subprocess.PIPE,
                                env=self.daemons.plain_environment(), **more)

    def filled(self, world, count):
        """A tree of root, two relays and a leaf with so many lines kept."""
        tree = world.chain({"t": self.target(count)})
        leaf = tree[3]
        self.daemons.wait_for("all lines", lambda: self.kept(leaf, "t") == count * LINE, 300)
        world.wait_target("dc1/rack1/web-1/t", "exited")
        return tree

    def stream_floor(self, file):
        chain = str(self.bin / "bench_chain")
        ports = [str(self.daemons.free_port()) for _ in range(4)]
        sink = subprocess.Popen([chain, "sink", ports[3]], stdout=subprocess.PIPE)
        rest = [subprocess.Popen([chain, "forward", *ports[i:i + 2]]) for i in range(3)]
        time.sleep(0.3)
        rest.append(subprocess.Popen([chain, "source", ports[0], file]))
        crc, total, took = checksum(sink.stdout)
        for process in [sink, *rest]:
            process.wait()
        sink.stdout.close()
        return crc, total / took / 1e6

    def stream(self):
        count = int(self.options.gb * GB / LINE)
        world = self.world()
        try:
            tree = self.filled(world, count)
            file = world.path("lines")
            with open(file, "wb") as out:
                subprocess.run(self.lines(count), stdout=out, check=True)
            rates, floors, grown = [], [], {daemon.name: 0.0 for daemon in tree}
            for _ in range(self.options.repeats):
                floor_crc, floor = self.stream_floor(file)
                floors.append(floor)
                rest = {daemon: resident_mib(daemon.pid) for daemon in tree}
                for daemon in tree:
                    forget_peak(daemon.pid)
                with self.reader(world, "dc1/rack1/web-1/t") as reader:
                    crc, total, took = checksum(reader.stdout)
                if (crc, total) != (floor_crc, count * LINE):
                    raise AssertionError(f"another checksum: {total} bytes of {count * LINE}")
                rates.append(total / took / 1e6)
                for daemon in tree:
                    more = resident_mib(daemon.pid, "VmHWM") - rest[daemon]
                    grown[daemon.name] = max(grown[daemon.name], more)
        finally:
            world.close()
        rate, floor = statistics.median(rates), statistics.median(floors)
        return {"mb_per_s": rate, "floor_mb_per_s": floor, "ratio": rate / floor,
                "grown_mib": grown}

    # ---- others are not hurt

    def round_trips(self, world, path, stop):
        """ms of a command each, until `stop` is set."""
        found = []
        while not stop.is_set():
            began = time.monotonic()
            done = world.rest.command("signal", path, args={"signal": "CONT"})
            found.append((time.monotonic() - began) * 1000)
            if done["counts"]["done"] != 1:
                raise AssertionError(f"a command failed: {done['counts']}")
            stop.wait(0.02)
        return found

    def measured_beside(self, world, path, work):
        stop, found = threading.Event(), []
        thread = threading.Thread(target=lambda: found.extend(
            self.round_trips(world, path, stop)))
        thread.start()
        try:
            return work(), found
        finally:
            stop.set()
            thread.join()

    def stopped(self):
        count = int(0.3 * GB / LINE)
        world = self.world()
        try:
            tree = self.filled(world, count)
            world.leaf("web-2", tree[2], {"other": self.daemons.SLEEPER})
            world.wait_target("dc1/rack1/web-2/other", "running")
            rest = {daemon: resident_mib(daemon.pid) for daemon in tree}
            for daemon in tree:
                forget_peak(daemon.pid)

            def work():
                slow = self.reader(world, "dc1/rack1/web-1/t")
                begun = os.read(slow.stdout.fileno(), 1 << 16)
                slow.send_signal(signal.SIGSTOP)
                with self.reader(world, "dc1/rack1/web-1/t") as other:
                    crc, total, took = checksum(other.stdout)
                time.sleep(max(0.0, self.options.stopped - took))
                slow.send_signal(signal.SIGCONT)
                with slow:
                    slow_crc, slow_total, _ = checksum(slow.stdout, zlib.crc32(begun))
                return (crc, total), (slow_crc, slow_total + len(begun)), took

            (quick, slow, took), trips = self.measured_beside(
                world, "dc1/rack1/web-2/other", work)
            if quick != slow or quick[1] != count * LINE:
                raise AssertionError(f"not the same bytes: (crc, bytes) {quick} and {slow}")
            grown = {d.name: resident_mib(d.pid, "VmHWM") - rest[d] for d in tree}
            suspects = len(world.rest.items("/api/v1/events", kind="suspect"))
        finally:
            world.close()
        return {"other_reader_s": took, "round_trip_p99_ms": p99(trips), "grown_mib": grown,
                "suspects": suspects}

    def flood(self):
        seconds = self.options.flood
        quiet = ["sh", "-c", "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done;"
                 " exec sleep 100000"]
        world = self.world()
        try:
            tree = world.chain({"other": quiet, "flood": {
                "command": self.lines(10 ** 12, world.path("gate")),
                "log": {"max_size": "64MiB", "max_files": 4}}})
            path = "dc1/rack1/web-1/other"
            world.wait_target(path, "running")
            _, calm = self.measured_beside(world, path, lambda: time.sleep(seconds))
            pathlib.Path(world.path("gate")).touch()
            before = cpu_seconds(tree[3].pid)
            _, trips = self.measured_beside(world, path, lambda: time.sleep(seconds))
            used = cpu_seconds(tree[3].pid) - before
            lines = world.cli("logs", path, "-o", "raw").stdout.splitlines()
            if lines != [f"line {i}" for i in range(2000)]:
                raise AssertionError(f"the other log is not complete: {len(lines)} lines")
            suspects = len(world.rest.items("/api/v1/events", kind="suspect"))
        finally:
            world.close()
        return {"calm_p99_ms": p99(calm), "flood_p99_ms": p99(trips), "suspects": suspects,
                "leaf_cpu_share": used / seconds}

    # ---- search

    def received(self, port):
        """Bytes that came in by the connections of this listening port."""
        text = subprocess.run(["ss", "-tinH", f"sport = :{port}"], text=True, check=True,
                              capture_output=True).stdout
        return sum(int(number) for number in re.findall(r"bytes_received:(\d+)", text))

    def grep(self):
        count = int(self.options.grep_mb * 1_000_000 / LINE)
        rare = f"{count // 2:012d}"
        world = self.world()
        try:
            root = world.root()
            relays = [world.relay(f"r{i}", root) for i in range(2)]
            leaves = [world.leaf(f"l{i:02}", relays[i % 2], {"t": self.target(count)})
                      for i in range(self.options.grep_leaves)]
            for leaf in leaves:
                self.daemons.wait_for("all lines", lambda leaf=leaf:
                                      self.kept(leaf, "t") == count * LINE, 600)
            before, began = self.received(root.port), time.monotonic()
            found = world.cli("logs", "**", "--grep", rare).stdout.splitlines()
            took, came = time.monotonic() - began, self.received(root.port) - before
            if len(found) != len(leaves):
                raise AssertionError(f"{len(found)} lines of {len(leaves)} found")
        finally:
            world.close()
        data = len(leaves) * count * LINE
        return {"s": took, "data_mb": data / 1e6, "crossed_bytes": came,
                "share": came / data}


WHAT = ["ingest", "stream", "stopped", "flood", "grep"]


def table(results):
    lines = []
    for name, values in results.items():
        lines.append(name)
        for key, value in values.items():
            if isinstance(value, dict):
                value = "  ".join(f"{k} {v:.2f}" for k, v in value.items())
            elif isinstance(value, float):
                value = f"{value:.4g}"
            lines.append(f"  {key:18} {value}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, help="folder of the programs")
    parser.add_argument("--json", help="write the figures to this file")
    parser.add_argument("--only", default=",".join(WHAT), help="comma-separated")
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--stopped", type=float, default=30)
    parser.add_argument("--flood", type=float, default=10)
    parser.add_argument("--grep-leaves", type=int, default=50)
    parser.add_argument("--grep-mb", type=float, default=100)
    options = parser.parse_args()
    os.environ["BANYAN_BIN"] = options.bin
    bench = Bench(options)
    results = {}
    for name in options.only.split(","):
        results[name] = getattr(bench, name)()
        print(table({name: results[name]}), flush=True)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
