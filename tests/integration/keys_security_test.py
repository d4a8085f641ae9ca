"""A tree with keys: who is on the list joins, works and is put out again; nobody else is heard."""

import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zmtp  # noqa: E402
from daemons import BIN, SLEEPER, TreeTest, plain_environment, wait_for  # noqa: E402

CURVE = b"\xff" + b"\0" * 8 + b"\x7f" + b"\x03\x00" + b"CURVE".ljust(20, b"\0") + b"\0" * 32
EXIT_CONFIGURATION = 78
WRONG_KEY = "0" * 63 + "9"


def run(*words):
    return subprocess.run([os.path.join(BIN, words[0]), *words[1:]], env=plain_environment(),
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=60,
                          check=False)


def resident(pid):
    """MiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024


class KeyTest(TreeTest):
    def keygen(self, name):
        """The public key; the file is NAME.key in the world's folder."""
        made = run("banyan", "keygen", self.world.path(f"{name}.key"))
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.strip()

    def admit(self, parent, *lines):
        with open(self.world.path(f"{parent}.keys"), "w", encoding="utf-8") as file:
            file.write("# who may join\n" + "".join(line + "\n" for line in lines))

    def security(self, name, parent_key=None, listens=True):
        found = {"key_file": self.world.path(f"{name}.key")}
        if listens:
            found["authorized_keys"] = self.world.path(f"{name}.keys")
        if parent_key:
            found["parent_key"] = parent_key
        return found

    def tree(self):
        """root <- dc1 <- web-1 with keys, all up."""
        self.keys = {name: self.keygen(name) for name in ("root", "dc1", "web-1")}
        self.admit("root", f"{self.keys['dc1']} dc1 relay")
        self.admit("dc1", f"{self.keys['web-1']}\tweb-1 leaf  # rack 7")
        self.root = self.world.root(security=self.security("root"))
        self.relay = self.world.relay("dc1", self.root,
                                      security=self.security("dc1", self.keys["root"]))
        self.leaf = self.world.leaf("web-1", self.relay, {"api": SLEEPER},
                                    security=self.security("web-1", self.keys["dc1"], False))
        self.world.wait_up("dc1", "dc1/web-1")

    def nodes(self):
        return {node["path"]: node["state"] for node in self.world.rest.items("/api/v1/nodes")}


class Tree(KeyTest):
    def test_a_tree_with_keys_works(self):
        self.tree()
        self.world.wait_target("dc1/web-1/api", "running")
        done = self.world.rest.command("signal", "**/api", args={"signal": "CONT"})
        self.assertEqual(done["counts"]["done"], 1)
        talker = self.world.leaf("talker", self.relay, {"t": ["echo", "said"]},
                                 security=self.security("web-1", self.keys["dc1"], False))
        talker.waits_for("state=refused.*reason=key: .*web-1.*talker")
        self.relay.waits_for("child=talker state=refused reason=key: ")
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})

    def test_logs_come_through_links_with_keys(self):
        self.tree()
        talk = self.keygen("talker")
        self.admit("dc1", f"{self.keys['web-1']} web-1", f"{talk} talker")
        self.relay.signal(signal.SIGHUP)
        self.relay.waits_for("event=keys_reloaded .*admits=2 hung_up=0")
        self.world.leaf("talker", self.relay,
                        {"t": {"command": ["sh", "-c", "seq 20000"], "restart": "never"}},
                        security=self.security("talker", self.keys["dc1"], False))
        self.world.wait_target("dc1/talker/t", "exited")
        read = self.world.cli("logs", "dc1/talker/t", "-o", "raw")
        self.assertEqual(read.stdout.split(), [str(n) for n in range(1, 20001)])
        seen = self.world.cli("peers", "dc1", "--keys", self.world.path("dc1.keys"))
        self.assertRegex(seen.stdout, f"talker +{talk[:16]} +leaf +up")

    def test_a_key_that_is_struck_off_is_hung_up_on_at_once(self):
        self.tree()
        self.admit("dc1")
        self.relay.signal(signal.SIGHUP)
        begun = time.monotonic()
        self.world.wait_node("dc1/web-1", "suspect", "lost")
        self.tell(f"not up any more {time.monotonic() - begun:.3f} s after HUP")
        self.relay.waits_for(f"key {self.keys['web-1'][:16]} of web-1 was struck off")
        self.leaf.waits_for("link=parent state=down was=up reason=connection closed")
        self.leaf.waits_for(f"does not admit our key.*own key {self.keys['web-1'][:16]}")
        self.world.wait_node("dc1/web-1", "lost")
        self.admit("dc1", f"{self.keys['web-1']} web-1")
        self.relay.signal(signal.SIGHUP)
        self.world.wait_up("dc1/web-1")

    def test_a_list_with_mistakes_changes_nothing(self):
        self.tree()
        for lines, word in ((["nonsense web-1"], "64 hex digits"),
                            ([f"{self.keys['web-1']} web-1", f"{WRONG_KEY} web-1"], "has a key"),
                            ([f"{self.keys['dc1']} a", f"{self.keys['dc1']} b"], "is the one of"),
                            ([f"{self.keys['web-1']} web-1 king"], "neither leaf nor relay")):
            self.admit("dc1", *lines)
            self.relay.signal(signal.SIGHUP)
            self.relay.waits_for(f"reload_refused: nothing was changed: .*dc1.keys:.*{word}")
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})


class Strangers(KeyTest):
    def setUp(self):
        super().setUp()
        self.tree()

    def test_a_child_without_a_key(self):
        child = self.world.leaf("web-2", self.relay, {"api": SLEEPER})
        # Who reads first knows, and may hang up before the other one has read anything.
        known = "one side has keys and the other has none"
        hung_up = "the peer hung up during the handshake: it has no keys"
        child.waits_for(f"{known}|{hung_up}")
        self.relay.waits_for(f"state=refused own_key.*({known}|{hung_up})")
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})

    def test_who_hangs_up_during_the_handshake_is_told_of(self):
        with zmtp.connect(self.relay.port) as link:
            link.sendall(CURVE[:10])
            self.assertTrue(link.recv(1))
        self.relay.waits_for("state=refused own_key.* the peer hung up during the handshake")

    def test_a_key_that_is_not_listed(self):
        key = self.keygen("web-2")
        child = self.world.leaf("web-2", self.relay, {"api": SLEEPER},
                                security=self.security("web-2", self.keys["dc1"], False))
        child.waits_for(f"does not admit our key.*own key {key[:16]}")
        self.relay.waits_for(f"key {key[:16]} from 127.0.0.1 is not in .*\"{key} NAME\"")
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})

    def test_a_parent_with_another_key(self):
        key = self.keygen("web-2")
        self.admit("dc1", f"{self.keys['web-1']} web-1", f"{key} web-2")
        self.relay.signal(signal.SIGHUP)
        self.relay.waits_for("keys_reloaded")
        child = self.world.leaf("web-2", self.relay, {"api": SLEEPER},
                                security=self.security("web-2", WRONG_KEY, False))
        child.waits_for(f"own key {key[:16]}, expected key of the parent {WRONG_KEY[:16]}")
        self.relay.waits_for(f"own_key={self.keys['dc1'][:16]} reason=key: .*does not fit our key")
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})

    def attack(self, connections, parts, hold):
        """How much the relay has grown at most, in MiB."""
        before = resident(self.relay.pid)
        most, links = before, []
        for _ in range(connections):
            link = zmtp.connect(self.relay.port)
            links.append(link)
            try:
                for part in parts:
                    link.sendall(part)
            except OSError:
                pass  # hung up, as it may
            if len(links) % 100 == 0:
                most = max(most, resident(self.relay.pid))
        end = time.monotonic() + hold
        wait_for("the attack to have lasted", lambda: time.monotonic() >= end)
        most = max(most, resident(self.relay.pid))
        for link in links:
            link.close()
        return most - before

    def check_served(self):
        done = self.world.rest.command("signal", "**/api", args={"signal": "CONT"})
        self.assertEqual(done["counts"]["done"], 1)
        self.assertEqual(self.nodes(), {"dc1": "up", "dc1/web-1": "up"})
        self.assertEqual(self.world.rest.items("/api/v1/events", kind="lost"), [])

    def test_half_open_connections(self):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 6000), hard))
        for words, parts in (("silent", []), ("one byte", [b"\xff"]), ("greeting", [CURVE])):
            grown = self.attack(5000, parts, 0.5)
            self.tell(f"5000 connections, {words}: grown by {grown:.1f} MiB")
            self.assertLess(grown, 10)
        self.check_served()

    def test_a_handshake_of_huge_commands(self):
        huge = zmtp.frame(b"\x05HELLO" + b"x" * 250_000, zmtp.COMMAND)[:-1]
        grown = self.attack(300, [CURVE, huge], 0.5)
        self.tell(f"300 handshakes of 250 kB: grown by {grown:.1f} MiB")
        self.assertLess(grown, 30)  # of 75 that were sent
        self.check_served()

    def test_endless_messages(self):
        part = zmtp.frame(b"x" * 60_000, zmtp.MORE)
        before, most = resident(self.relay.pid), 0
        for head in (CURVE, zmtp.GREETING + zmtp.READY):
            link = zmtp.connect(self.relay.port)
            self.addCleanup(link.close)
            sent, end = 0, time.monotonic() + 1.0
            try:
                link.sendall(head)
                while time.monotonic() < end:
                    link.sendall(part)
                    sent += len(part)
                    most = max(most, resident(self.relay.pid))
            except OSError:
                pass  # hung up
            self.tell(f"{sent / 1e6:.1f} MB were sent, grown by {most - before:.1f} MiB")
            self.assertLess(most - before, 10)
        self.check_served()


class Configuration(KeyTest):
    def refused(self, role, security, *words, host="127.0.0.1"):
        file = self.world.path("bad.toml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(f'name = "bad"\nhost = "{host}"\nstate_dir = "{self.world.path("bad")}"\n')
            if role != "root":
                out.write('parent_host = "127.0.0.1"\n')
            out.write("[security]\n" + "".join(f'{key} = "{value}"\n'
                                               for key, value in security.items()))
        said = run(f"banyan-{role}", "-c", file)
        self.assertEqual(said.returncode, EXIT_CONFIGURATION, said.stderr)
        for word in words:
            self.assertIn(word, said.stderr)

    def test_an_open_address_without_keys_is_refused_with_the_line_to_type(self):
        for role in ("root", "relay"):
            self.refused(role, {}, "not a loopback address", "banyan keygen bad.key",
                         "security.authorized_keys", host="0.0.0.0")

    def test_keys_without_a_list_are_refused(self):
        self.keygen("bad")
        key = {"key_file": self.world.path("bad.key")}
        for role in ("root", "relay"):
            self.refused(role, key, "any key would be let in", "authorized_keys")
        self.refused("root", {"authorized_keys": self.world.path("bad.key")}, "banyan keygen")

    def test_a_child_must_know_the_key_of_its_parent(self):
        self.keygen("bad")
        key = {"key_file": self.world.path("bad.key")}
        self.refused("leaf", key, "anybody could pass for the parent", "parent_key")
        self.refused("leaf", {**key, "parent_key": "zz"}, "64 hex digits")
        self.refused("leaf", {"parent_key": WRONG_KEY}, "banyan keygen bad.key")

    def test_a_secret_that_others_can_read_is_refused(self):
        self.keygen("bad")
        file = self.world.path("bad.key")
        self.assertEqual(os.stat(file).st_mode & 0o777, 0o600)
        os.chmod(file, 0o644)
        self.refused("leaf", {"key_file": file, "parent_key": WRONG_KEY}, "chmod 600")

    def test_keygen_overwrites_nothing(self):
        self.keygen("one")
        with open(self.world.path("one.key"), encoding="utf-8") as file:
            before = file.read()
        again = run("banyan", "keygen", self.world.path("one.key"))
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertIn("never overwritten", again.stderr)
        with open(self.world.path("one.key"), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)

    def test_an_open_address_with_keys_is_taken(self):
        self.keygen("root")
        self.admit("root")
        root = self.world.root(host="0.0.0.0", security=self.security("root"))
        with socket.create_connection(("127.0.0.1", root.port), 10):
            self.assertTrue(root.running())


if __name__ == "__main__":
    unittest.main()
