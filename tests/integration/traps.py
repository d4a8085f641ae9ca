"""What the tests of the traps share: one leaf under one root."""

from daemons import TreeTest, wait_for


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


class TrapTest(TreeTest):
    def begin(self, targets, **settings):
        self.root = self.world.root()
        self.leaf = self.world.leaf("web-1", self.root, targets, **settings)

    def running(self, name):
        return self.world.wait_target("web-1/" + name, "running")

    def target(self, name):
        return self.world.target("web-1/" + name)

    def logged(self, name):
        answer = self.world.rest.ask("GET", f"/api/v1/logs?select=web-1/{name}&format=text")
        return answer.body if answer.status == 200 else b""

    def lines(self, name, count):
        wait_for(f"{count} lines of {name}", lambda: self.logged(name).count(b"\n") >= count)
        return self.logged(name).decode().splitlines()
