"""Starts the real daemons for a test, and ends them without a trace.

A World is one temporary directory with daemons in it. Every port is a free one: a parent tells
its own in its first log line. When a test fails, what its daemons logged is printed. When it is
over, every daemon has to leave properly, and no process of any target may be left.
BANYAN_BIN names the folder of the programs.
"""

import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

from rest import NoAnswer, Rest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.path.abspath(os.environ.get("BANYAN_BIN", os.path.join(TOP, "build", "dev", "bin")))
DEADLINE = 20.0  # for what should be there at once: generous, the machine may be busy
POLL = 0.01
LOG_SHOWN = 40  # lines of each daemon when a test fails
PR_SET_PDEATHSIG = 1
SLEEPER = ["sleep", "100000"]


def wait_for(what, condition, deadline=DEADLINE):
    """The first true value of `condition`; the only place that sleeps."""
    end, why = time.monotonic() + deadline, ""
    while True:
        try:
            value = condition()
            if value:
                return value
        except NoAnswer as error:
            why = f" ({error})"
        if time.monotonic() >= end:
            raise AssertionError(f"not within {deadline:.0f} s: {what}{why}")
        time.sleep(POLL)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def alive(pid):
    """Is there such a process, not yet dead? One that nobody waits for is dead."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def marked(instance):
    """Pids of all living processes that a leaf of this instance has started."""
    wanted, found = f"BANYAN_TARGET={instance}/".encode(), []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                lines = file.read().split(b"\0")
        except OSError:
            continue  # gone meanwhile, or somebody else's
        if any(line.startswith(wanted) for line in lines) and alive(int(name)):
            found.append(int(name))
    return found


def keepers(state_dir):
    """Pids of all living keepers of a leaf."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"banyan-keeper", state_dir.encode()] and alive(int(name)):
            found.append(int(name))
    return found


def group_of(instance):
    """The control group (v2) that a leaf of this instance makes for its targets, as it starts in
    the group of this process; empty where there is none."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        mounts = [line.split()[4] for line in file if " - cgroup2 " in line]
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        own = [line.rstrip("\n")[3:] for line in file if line.startswith("0::/")]
    if not (mounts and own and instance):
        return ""
    return os.path.join(mounts[0], own[0].lstrip("/"), "banyan-" + instance)


def remove_group(instance):
    """Of a leaf that was killed. The kernel needs a moment after the last process."""
    top = group_of(instance)

    def gone():
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                pass
        return not os.path.exists(top)

    if top:
        wait_for(f"the end of {top}", gone)


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    return json.dumps(value)


def plain_environment():
    """Without settings from outside."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("BANYAN_")}
    return {**kept, "NO_COLOR": "1", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Daemon:
    """One daemon. It can be killed and started again where it was."""

    def __init__(self, folder, role, settings, targets):
        self.role = role
        self.name = settings["name"]
        self.state_dir = os.path.join(folder, self.name)
        self.log_file = os.path.join(folder, f"{self.name}.log")
        self.config_file = os.path.join(folder, f"{self.name}.toml")
        self.settings = {"state_dir": self.state_dir, **settings}
        self.targets = targets
        self.program = os.path.join(BIN, f"banyan-{role}")
        self.prefix = []  # words before the program; they end in execve, or the pid is another's
        self.environment = {}  # beside the plain one
        self.process = None
        self.begun = 0  # of this run, in the log

    def write_config(self):
        lines = [f"{key} = {toml(value)}" for key, value in self.settings.items()]
        for name, target in self.targets.items():
            if not isinstance(target, dict):
                target = {"command": target}
            lines += ["[[targets]]", f"name = {toml(name)}"]
            lines += [f"{key} = {toml(value)}" for key, value in target.items()]
        with open(self.config_file, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")

    def start(self, wait=True):
        self.write_config()
        with open(self.log_file, "ab") as log:
            self.begun = log.tell()
            self.process = subprocess.Popen(
                [*self.prefix, self.program, "--config", self.config_file],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**plain_environment(), **self.environment}, preexec_fn=die_with_parent)
        if wait:
            self.wait_ready()
        return self

    def log(self):
        """What this run has logged."""
        with open(self.log_file, encoding="utf-8", errors="replace") as file:
            file.seek(self.begun)
            return file.read()

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}")
            return re.search(r"name=\S+ (?:address=\S+?:(\d+)|targets=)(.*)\n", self.log())

        found = wait_for(f"the first log line of {self.name}", ready)
        if found.group(1):
            self.settings["port"] = int(found.group(1))
        page = re.search(r"page=http://\S+?:(\d+)", found.group(2))
        if page:
            self.settings["http_port"] = int(page.group(1))

    @property
    def port(self):
        return self.settings["port"]

    @property
    def pid(self):
        return self.process.pid

    @property
    def instance(self):
        try:
            with open(os.path.join(self.state_dir, "instance"), encoding="utf-8") as file:
                return file.read().strip()
        except OSError:
            return ""

    def running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def leave(self):
        """TERM; its exit code."""
        self.process.terminate()
        return self.process.wait(DEADLINE)

    def waits_for(self, pattern):
        return wait_for(f"/{pattern}/ in the log of {self.name}",
                        lambda: re.search(pattern, self.log()))


class World:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="banyan-test-")
        self.daemons = []
        self.settings = {"hb_interval": 0.2, "timeout": 1.0}
        self.rest = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def add(self, role, settings, targets=None):
        """Not started yet."""
        daemon = Daemon(self.folder, role, {**self.settings, **settings}, targets or {})
        self.daemons.append(daemon)
        return daemon

    def root(self, **settings):
        root = self.add("root", {"name": "root", "port": 0, "http_port": 0, **settings}).start()
        self.rest = Rest("127.0.0.1", root.settings["http_port"])
        return root

    def relay(self, name, parent, **settings):
        return self.add("relay", {"name": name, "port": 0, "parent_host": "127.0.0.1",
                                  "parent_port": parent.port, **settings}).start()

    def leaf(self, name, parent, targets=None, **settings):
        return self.add("leaf", {"name": name, "parent_host": "127.0.0.1",
                                 "parent_port": parent.port, **settings}, targets).start()

    def chain(self, targets, **settings):
        """root <- dc1 <- rack1 <- web-1; the four daemons."""
        root = self.root(**settings)
        dc1 = self.relay("dc1", root, **settings)
        rack1 = self.relay("rack1", dc1, **settings)
        leaf = self.leaf("web-1", rack1, targets, **settings)
        self.wait_up("dc1", "dc1/rack1", "dc1/rack1/web-1")
        return root, dc1, rack1, leaf

    def cli(self, *words, text=True):
        return subprocess.run([os.path.join(BIN, "banyan"), "--url", self.rest.url, *words],
                              env=plain_environment(), stdin=subprocess.DEVNULL, text=text,
                              capture_output=True, timeout=60, check=False)

    def node(self, path):
        return self.rest.find("/api/v1/nodes/" + path)

    def target(self, path):
        return self.rest.find("/api/v1/targets/" + path)

    def wait_node(self, path, *states):
        def there():
            node = self.node(path)
            return node if node.get("state") in states else None

        return wait_for(f"{path} to be {' or '.join(states)}", there)

    def wait_up(self, *paths):
        for path in paths:
            wait_for(f"{path} to be up", lambda path=path: self.node(path).get("state") == "up")

    def wait_target(self, path, *states):
        def there():
            target = self.target(path)
            return target if target.get("state") in states and not target["presumed"] else None

        return wait_for(f"{path} to be {' or '.join(states)}", there)

    def events(self, path, kind=""):
        """Those of one path, oldest first."""
        found = self.rest.items("/api/v1/events", select=path, **({"kind": kind} if kind else {}))
        return [event for event in reversed(found) if event["path"] == path]

    def print_logs(self):
        for daemon in self.daemons:
            if not os.path.exists(daemon.log_file):
                continue
            with open(daemon.log_file, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
            print(f"---- {daemon.role} {daemon.name}: {len(lines)} lines", file=sys.stderr)
            for line in lines[-LOG_SHOWN:]:
                print("  " + line[:300], file=sys.stderr)

    def close(self):
        """Leaves first, each properly. Returns what went wrong on the way, as words."""
        wrong, killed = [], [d for d in self.daemons if d.role == "leaf" and not d.running()]
        going = [daemon for daemon in reversed(self.daemons) if daemon.running()]
        for daemon in going:
            daemon.signal(signal.SIGCONT)
            daemon.signal(signal.SIGTERM)
        for daemon in going:
            try:
                code = daemon.process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                daemon.kill()
                code = "no end"
            if code != 0:
                wrong.append(f"{daemon.name} ended with {code} on TERM")
        for daemon in self.daemons:
            left = marked(daemon.instance) if daemon.instance else []
            if left and daemon not in killed:
                wrong.append(f"{daemon.name} left processes of its targets behind: {left}")
            if daemon not in killed and os.path.exists(group_of(daemon.instance)):
                wrong.append(f"{daemon.name} left its control group behind")
            end_all(daemon.instance)
            remove_group(daemon.instance)
        shutil.rmtree(self.folder)
        for daemon in self.daemons:
            wait_for(f"the end of the keeper of {daemon.name}",
                     lambda daemon=daemon: not keepers(daemon.state_dir))
        return wrong


def end_all(instance):
    def none_left():
        left = marked(instance)
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return not left

    if instance:
        wait_for(f"the end of all processes of {instance}", none_left)


class TreeTest(unittest.TestCase):
    """A test with a World of its own."""

    def setUp(self):
        self.world = World()
        self.addCleanup(self.end_world)

    def end_world(self):
        if self.failed():
            self.world.print_logs()
        wrong = self.world.close()
        if wrong:
            self.fail("; ".join(wrong))

    def failed(self):
        result = self._outcome.result
        return any(self in (test, getattr(test, "test_case", None))
                   for test, _ in result.failures + result.errors)

    def tell(self, text):
        """A measured figure, for whoever reads the output."""
        print(f"{self.id().split('.', 1)[1]}: {text}", file=sys.stderr, flush=True)
