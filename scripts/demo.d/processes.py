"""The demo's processes: started with a mark in their environment, ended without a trace."""

import os
import secrets
import signal
import subprocess
import time

MARK = "DEMO_MARK"  # not BANYAN_...: those are configuration
STOP_PATIENCE = 12.0  # seconds from TERM to KILL: longer than a target's own stop_timeout


class Daemons:
    """Daemons in the order of their start; targets inherit the mark."""

    def __init__(self, folder, environment):
        self.folder = folder
        self.mark = secrets.token_hex(8)
        self.environment = {**os.environ, **environment, MARK: self.mark}
        self.running = {}  # name -> Popen

    def start(self, name, command):
        with open(self.log_of(name), "ab") as log:
            self.running[name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                start_new_session=True,  # Ctrl-C reaches the demo alone, which ends them in order
            )

    def log_of(self, name):
        return os.path.join(self.folder, f"{name}.log")

    def last_lines(self, name, count=8):
        with open(self.log_of(name), encoding="utf-8", errors="replace") as log:
            return log.read().splitlines()[-count:]

    def ended(self):
        """(name, exit code) of a daemon that is gone, or None."""
        return next(iter(self.all_ended()), None)

    def all_ended(self):
        """(name, exit code) of every daemon that is gone."""
        return [(n, p.returncode) for n, p in self.running.items() if p.poll() is not None]

    def stop(self):
        """Leaves first, so that each says goodbye to a parent that is still there. Returns how many
        processes had to be killed."""
        deadline = time.monotonic() + STOP_PATIENCE
        youngest_first = list(reversed(self.running.values()))
        for process in youngest_first:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=0.05)  # most are gone by then; none holds up the others
            except subprocess.TimeoutExpired:
                pass
        for process in youngest_first:
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return self.end_marked()

    def marked(self):
        """Pids of all living processes that carry this demo's mark."""
        wanted = f"{MARK}={self.mark}".encode()
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue  # gone meanwhile, or somebody else's
        return found

    def end_marked(self):
        """Ends what outlived its daemon; how many there were."""
        killed, deadline = set(), time.monotonic() + STOP_PATIENCE
        while time.monotonic() < deadline:
            left = self.marked()
            if not left:
                break
            for pid in left:
                killed.add(pid)
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            time.sleep(0.02)
        return len(killed)
