"""A new host joins by one line, once; whatever is wrong with the line is told on both sides."""

import os
import re
import signal
import stat
import subprocess
import sys
import tomllib
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, plain_environment, wait_for  # noqa: E402
from keyed_world import KeyedTest, run  # noqa: E402

EXIT_DENIED = 6


def typed(line, *words):
    """In a shell, as a person would."""
    environment = plain_environment()
    environment["PATH"] = BIN + ":" + environment["PATH"]
    return subprocess.run(["sh", "-c", " ".join([line, *words])], env=environment, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)


class Enroll(KeyedTest):
    def setUp(self):
        super().setUp()
        self.root = self.keyed_root()

    def line(self, name, parent=None, *words):
        parent = parent or self.root
        made = run("banyan", "enroll", name, "--config", parent.config_file, "--address",
                   f"127.0.0.1:{parent.port}", *words)
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(len(made.stdout.splitlines()), 1)
        return made.stdout.strip()

    def join(self, line, host):
        return typed(line, "--dir", self.world.path(host))

    def joined(self, line, host, role="leaf"):
        """The settings that it wrote."""
        done = self.join(line, host)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.world.path(host, f"{role}.toml"), "rb") as file:
            return tomllib.load(file)

    def refused(self, line, host, reason, *words):
        listed = self.listed("root")
        denied = self.join(line, host)
        self.assertEqual(denied.returncode, EXIT_DENIED, denied.stderr)
        self.assertIn(f"the parent refused: {reason}: ", denied.stderr)
        for word in words:
            self.assertIn(word, denied.stderr)
        self.root.waits_for(f"event=enrol_refused {reason}: ")
        self.assertEqual(self.listed("root"), listed)

    def test_a_host_joins_by_one_line(self):
        line = self.line("web-1")
        settings = self.joined(line, "new")
        key_file = self.world.path("new", "web-1.key")
        self.assertEqual(stat.S_IMODE(os.stat(key_file).st_mode), 0o600)
        with open(key_file, encoding="utf-8") as file:
            secret = re.search(r"secret ([0-9a-f]{64})", file.read()).group(1)
        self.assertNotIn(secret, line)
        (key, name, role), = self.listed("root")
        self.assertEqual((name, role), ("web-1", "leaf"))
        settings["hb_interval"] = 0.2
        leaf = self.world.add("leaf", settings, {"api": SLEEPER}).start()
        self.world.wait_up("web-1")
        self.world.wait_target("web-1/api", "running")
        self.assertEqual(settings["security"]["enrolled"], "web-1")
        self.assertEqual(settings["security"]["command_keys"], [self.command_keys["root"]])
        done = self.world.rest.command("restart", "web-1/api")
        self.assertEqual(done["counts"]["done"], 1)
        event, = self.world.rest.items("/api/v1/events", kind="enrolled")
        self.assertIn(key[:16], event["text"])
        self.root.leave()
        self.root.start()
        leaf.waits_for("state=up(.|\n)*state=down(.|\n)*state=up")
        for name in ("new/leaf.toml", "root.keys", "root.keys.tokens", "root.log"):
            with open(self.world.path(name), encoding="utf-8") as file:
                self.assertNotIn(secret, file.read())
        token = re.search(r"TOKEN=(\S+)", line).group(1)
        for name in ("new/leaf.toml", "root.keys.tokens", "root.log", "root/http.sock"):
            if os.path.isfile(self.world.path(name)):
                with open(self.world.path(name), encoding="utf-8") as file:
                    self.assertNotIn(token, file.read())

    def test_below_a_relay_the_line_carries_the_path_and_the_roots_command_key(self):
        relay = self.joined(self.line("dc1", None, "--role", "relay"), "dc1-host", "relay")
        relay.update({"port": 0, "hb_interval": 0.2})
        relay["security"]["authorized_keys"] = self.world.path("dc1-host", "authorized_keys")
        dc1 = self.world.add("relay", relay).start()
        self.world.wait_up("dc1")
        settings = self.joined(self.line("web-1", dc1), "new")
        self.assertEqual(settings["security"]["enrolled"], "dc1/web-1")
        settings["hb_interval"] = 0.2
        self.world.add("leaf", settings, {"api": SLEEPER}).start()
        self.world.wait_up("dc1/web-1")
        self.world.wait_target("dc1/web-1/api", "running")
        done = self.world.rest.command("restart", "**/api")
        self.assertEqual(done["counts"]["done"], 1)
        with open(relay["security"]["authorized_keys"], encoding="utf-8") as file:
            self.assertIn(" web-1 leaf\n", file.read())

    def test_a_token_works_once(self):
        line = self.line("web-1")
        self.joined(line, "new")
        self.refused(line, "thief", "used", "was used already")
        self.assertEqual(self.join(line, "new").returncode, 0, "its own answer may have been lost")

    def test_a_token_ends(self):
        line = self.line("web-1")
        file = self.world.path("root.keys.tokens")
        with open(file, encoding="utf-8") as old:
            words = old.read().split()
        with open(file, "w", encoding="utf-8") as new:
            new.write(" ".join([*words[:4], str(int(words[4]) - 3_660_000)]) + "\n")
        self.refused(line, "new", "expired", "ended 1m")

    def test_a_token_is_for_one_name(self):
        line = self.line("web-1")
        self.refused(line.replace("web-1", "web-2"), "new", "name", "for web-1, not for web-2")

    def test_a_key_that_is_listed_is_not_listed_twice(self):
        self.joined(self.line("web-1"), "new")
        line = self.line("web-2")
        os.rename(self.world.path("new", "web-1.key"), self.world.path("new", "web-2.key"))
        self.refused(line, "new", "key", "is the one of web-1 already")

    def test_a_name_that_has_a_key_gets_no_token(self):
        self.joined(self.line("web-1"), "new")
        again = run("banyan", "enroll", "web-1", "--config", self.root.config_file, "--address",
                    f"127.0.0.1:{self.root.port}")
        self.assertEqual((again.returncode, again.stdout), (1, ""))
        self.assertIn("web-1 has a key already", again.stderr)

    def test_a_token_of_nobody_is_refused_in_the_handshake(self):
        line = re.sub(r"TOKEN=\S+", "TOKEN=" + "5" * 64, self.line("web-1"))
        denied = self.join(line, "new")
        self.assertEqual(denied.returncode, EXIT_DENIED, denied.stderr)
        self.assertIn("the parent does not know this token", denied.stderr)
        self.root.waits_for("state=refused .* is not in ")

    def test_a_token_cannot_pass_for_a_child(self):
        secret = re.search(r"TOKEN=(\S+)", self.line("web-1")).group(1)
        with open(self.world.path("token.key"), "w", encoding="utf-8") as file:
            file.write(f"secret {secret}\n")
        os.chmod(file.name, 0o600)
        leaf = self.world.leaf("web-1", self.root, {"api": SLEEPER}, security={
            "key_file": file.name, "parent_key": self.keys["root"]})
        self.root.waits_for("event=enrol_refused bad_ask: ")
        leaf.waits_for("link=parent state=unreachable")
        self.assertEqual(self.world.rest.items("/api/v1/nodes"), [])
        self.assertTrue(self.root.running())

    def test_a_list_with_a_mistake_admits_nobody(self):
        line = self.line("web-1")
        with open(self.world.path("root.keys"), "a", encoding="utf-8") as file:
            file.write("nonsense\n")
        denied = self.join(line, "new")
        self.assertEqual(denied.returncode, EXIT_DENIED, denied.stderr)
        self.assertIn("list of keys has a mistake", denied.stderr)

    def test_hands_that_edit_the_list_and_hosts_that_join_do_not_disturb_each_other(self):
        self.joined(self.line("web-1"), "new")
        with open(self.world.path("root.keys"), "a", encoding="utf-8") as file:
            file.write("# by hand\n")
        self.joined(self.line("web-2"), "other")
        with open(self.world.path("root.keys"), encoding="utf-8") as file:
            text = file.read()
        self.assertRegex(text, r"^# who may join\n\S+ web-1 leaf\n# by hand\n\S+ web-2 leaf\n$")
        self.root.signal(signal.SIGHUP)
        self.root.waits_for("event=keys_reloaded .*admits=2 hung_up=0")

    def test_a_parent_that_is_away_is_tried_again(self):
        line = self.line("web-1")
        port = self.root.port
        self.root.leave()
        words = line.replace("banyan join", f"{BIN}/banyan join")
        with subprocess.Popen(["sh", "-c", f"{words} --dir {self.world.path('new')}"], text=True,
                              env=plain_environment(), stderr=subprocess.PIPE) as join:
            said = join.stderr.readline()
            self.assertIn("trying again", said)
            self.root.settings["port"] = port
            self.root.start()
            self.assertEqual(join.wait(60), 0)
            join.stderr.read()
        wait_for("its line", lambda: self.listed("root"))


if __name__ == "__main__":
    unittest.main()
