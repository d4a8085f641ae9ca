"""The supervisors that are measured: each starts COUNT copies of one program and ends them.

A peer is a folder, a command and the pids that belong to it. Those that are not installed are left
out. Everything runs below one temporary folder; nothing is installed or left behind.
"""
import os
import pathlib
import shutil
import subprocess


class Peer:
    name = ""

    def __init__(self, place, program, count):
        self.place = pathlib.Path(place) / self.name
        self.place.mkdir()
        self.program = program
        self.count = count
        self.process = None

    @classmethod
    def is_installed(cls):
        return True

    def command(self):
        raise NotImplementedError

    def prepare(self):
        """Writes the files that the command needs."""

    def start(self):
        self.prepare()
        self.process = subprocess.Popen(self.command(), cwd=self.place,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()

    def wait(self):
        self.process.wait(timeout=120)

    def pids(self):
        """The supervisor's own processes: itself and those below it that are not the program."""
        found = [self.process.pid]
        for pid in found:
            found += children_of(pid)
        return [pid for pid in found if executable_of(pid) != self.program]


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            pass
    return found


def executable_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


class Floor(Peer):
    name = "floor"

    def command(self):
        return [str(pathlib.Path(self.program).parent / "bench_floor"), str(self.count),
                self.program]


class Banyan(Peer):
    name = "banyan"
    backoff = "0ms..0ms"

    def prepare(self):
        lines = ['name = "bench"', f'state_dir = "{self.place}/state"', "silent = true"]
        for number in range(self.count):
            lines += ["[[targets]]", f'name = "t{number}"', f'command = ["{self.program}"]',
                      f'backoff = "{self.backoff}"']
        (self.place / "leaf.toml").write_text("\n".join(lines) + "\n")

    def command(self):
        return [str(pathlib.Path(self.program).parent / "banyan-leaf"), "--config", "leaf.toml"]


class Scanned(Peer):
    """s6 and runit: a folder of services, one process each."""
    program_name = ""

    @classmethod
    def is_installed(cls):
        return shutil.which(cls.program_name) is not None

    def prepare(self):
        for number in range(self.count):
            service = self.place / "services" / f"t{number}"
            service.mkdir(parents=True)
            (service / "run").symlink_to(self.program)

    def pids(self):
        return [pid for pid in super().pids() if executable_of(pid) != self.program]


class S6(Scanned):
    name = "s6"
    program_name = "s6-svscan"

    def command(self):
        return ["s6-svscan", "-c", "1000", "services"]


class Runit(Scanned):
    name = "runit"
    program_name = "runsvdir"

    def command(self):
        return ["runsvdir", "services"]

    def stop(self):
        self.process.send_signal(1)  # HUP: end the services too


class Supervisord(Peer):
    name = "supervisord"

    @classmethod
    def is_installed(cls):
        return shutil.which("supervisord") is not None

    def prepare(self):
        lines = ["[supervisord]", "nodaemon=true", "logfile=/dev/null", "logfile_maxbytes=0",
                 f"pidfile={self.place}/pid", "minfds=10000", "minprocs=2000"]
        for number in range(self.count):
            lines += [f"[program:t{number}]", f"command={self.program}", "startsecs=0",
                      "autorestart=true", "stdout_logfile=NONE", "stderr_logfile=NONE"]
        (self.place / "supervisord.conf").write_text("\n".join(lines) + "\n")

    def command(self):
        return ["supervisord", "-c", "supervisord.conf"]


ALL = [Floor, Banyan, Runit, S6, Supervisord]


def installed(names=None):
    chosen = [peer for peer in ALL if names is None or peer.name in names]
    return [peer for peer in chosen if peer.is_installed()]
