"""The demo's tree: which daemons, on which ports, and when it is complete."""

import os
import socket
import time

from rest import NoAnswer, Rest

START_DEADLINE = 60.0  # seconds; a cold, busy machine needs some, a good one about two
POLL = 0.1

# name of the configuration: (program, name of the parent's configuration)
DAEMONS = {
    "root": ("banyan-root", None),
    "dc1": ("banyan-relay", "root"),
    "dc1-rack1": ("banyan-relay", "dc1"),
    "web-1": ("banyan-leaf", "dc1-rack1"),
    "cache-1": ("banyan-leaf", "dc1-rack1"),
    "worker-1": ("banyan-leaf", "dc1"),
    "batch-1": ("banyan-leaf", "root"),
}
NODES = {
    "dc1",
    "dc1/rack1",
    "dc1/rack1/web-1",
    "dc1/rack1/cache-1",
    "dc1/worker-1",
    "batch-1",
}
WANTED = {
    "dc1/rack1/web-1/http": "running",
    "dc1/rack1/web-1/ticker": "running",
    "dc1/rack1/cache-1/cache": "running",
    "dc1/worker-1/ticker": "running",
    "dc1/worker-1/crashy": "running",
    "batch-1/report": "exited",
}


class Failed(Exception):
    """The demo cannot go on; the text says what, and what to look at."""


def free_ports(count):
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Stage:
    def __init__(self, top, bin_folder, temporary):
        self.configs = os.path.join(top, "configs", "demo")
        self.bin = bin_folder
        self.temporary = temporary
        parents = ["root", "dc1", "dc1-rack1"]
        ports = free_ports(len(parents) + 3)
        self.tree_ports = dict(zip(parents, ports))
        self.http_port, self.web_port, self.cache_port = ports[len(parents) :]
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.rest = Rest(self.url)

    def environment(self):
        return {"DEMO_WEB_PORT": str(self.web_port), "DEMO_CACHE_PORT": str(self.cache_port)}

    def command(self, name):
        program, parent = DAEMONS[name]
        settings = {"state_dir": os.path.join(self.temporary, name)}
        if name in self.tree_ports:
            settings["port"] = self.tree_ports[name]
        if parent:
            settings["parent_port"] = self.tree_ports[parent]
        else:
            settings["http_port"] = self.http_port
        config = os.path.join(self.configs, f"{name}.toml")
        command = [os.path.join(self.bin, program), "--config", config]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        return command

    def missing(self):
        """What is not as it should be yet: a list of words; empty = all up."""
        nodes, targets = self.rest.tree()
        late = [path for path in sorted(NODES) if nodes.get(path, {}).get("state") != "up"]
        for path, state in sorted(WANTED.items()):
            now = targets.get(path, {}).get("state", "not there")
            if now != state:
                late.append(f"{path} ({now})")
        return late

    def wait_complete(self, daemons):
        """Returns the seconds it took; raises Failed when a daemon ends or time runs out."""
        begun, why = time.monotonic(), "nothing was heard yet"
        while time.monotonic() < begun + START_DEADLINE:
            gone = daemons.ended()
            if gone:
                name, code = gone
                raise Failed(
                    "\n  ".join([f"{name} ended with exit code {code}:", *daemons.last_lines(name)])
                )
            try:
                late = self.missing()
            except NoAnswer as error:
                why = str(error)
            else:
                if not late:
                    return time.monotonic() - begun
                why = "not up yet: " + ", ".join(late)
            time.sleep(POLL)
        lines = [f"the tree is not complete after {START_DEADLINE:.0f} s; {why}"]
        for name in DAEMONS:
            lines += [f"last lines of {name}:", *("  " + x for x in daemons.last_lines(name, 3))]
        raise Failed("\n  ".join(lines))
