"""What targets write comes back through two relays, byte for byte."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import BIN, SLEEPER, TreeTest, alive, plain_environment, wait_for  # noqa: E402
from rest import Stream  # noqa: E402

MEGABYTES = 200 if os.environ.get("BANYAN_LONG") == "1" else 40
PATH = "dc1/rack1/web-1/writer"
# Random bytes with line ends among them, and no line end at the end; less of it on stderr.
SOURCE = """
import random, sys

def block(stream, number):
    return random.Random(f"{stream}/{number}").randbytes(1 << 20)

def write(megabytes):
    for number in range(megabytes):
        sys.stdout.buffer.write(block("out", number))
        if number % 10 == 0:
            sys.stderr.buffer.write(block("err", number))
    sys.stdout.flush()
    sys.stderr.flush()
"""
WRITER = SOURCE + """
import time
write(int(sys.argv[1]))
open(sys.argv[2], "w").close()
time.sleep(100000)
"""
COUNTER = ["sh", "-c", "n=0; while :; do n=$((n+1)); echo run $$ line $n; sleep 0.02; done"]
exec(SOURCE)  # the same bytes on both sides


def digest_of(stream, numbers):
    sha = hashlib.sha256()
    for number in numbers:
        sha.update(block(stream, number))  # noqa: F821
    return sha.hexdigest()


class Bytes(TreeTest):
    def write(self, megabytes):
        done = self.world.path("done")
        command = [sys.executable, "-c", WRITER, str(megabytes), done]
        self.world.chain({"writer": {"command": command,
                                     "log": {"max_size": "32MiB", "max_files": 16}}})
        wait_for("the end of writing", lambda: os.path.exists(done), 60)
        self.wanted = {"stdout": digest_of("out", range(megabytes)),
                       "stderr": digest_of("err", range(0, megabytes, 10))}

    def by_command(self, *words):
        command = [os.path.join(BIN, "banyan"), "--url", self.world.rest.url, "logs", PATH, *words]
        sha, size = hashlib.sha256(), 0
        with subprocess.Popen(command, env=plain_environment(), stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as process:
            while data := process.stdout.read(1 << 20):
                sha.update(data)
                size += len(data)
        self.assertEqual(process.returncode, 0)
        return sha.hexdigest(), size

    def by_rest(self, query):
        connection = http.client.HTTPConnection(self.world.rest.host, self.world.rest.port,
                                                timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", f"/api/v1/logs?select={PATH}&{query}")
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200)
        sha = hashlib.sha256()
        while data := answer.read(1 << 20):
            sha.update(data)
        return sha.hexdigest()

    def test_all_comes_back_equal(self):
        self.write(MEGABYTES)
        for stream in ("stdout", "stderr"):
            begun = time.monotonic()
            got, size = self.by_command("--stream", stream, "-o", "raw")
            took = time.monotonic() - begun
            self.tell(f"{size / 1e6:.0f} MB of {stream} by the command: "
                      f"{size / 1e6 / took:.1f} MB/s")
            self.assertEqual(got, self.wanted[stream], stream)
            got = self.by_rest(f"stream={stream}&format=text")
            self.assertEqual(got, self.wanted[stream], f"{stream} by REST")
        got, _ = self.by_command("--stream", "stderr")
        self.assertEqual(got, self.wanted["stderr"], "as text")
        for kind in ("suspect", "lost"):
            blamed = self.world.rest.items("/api/v1/events", kind=kind)
            self.assertEqual(blamed, [])

    def test_a_reader_that_does_not_read_harms_nobody(self):
        self.write(20)
        stream = Stream(self.world.rest, f"/api/v1/logs?select={PATH}&stream=stdout&format=text")
        self.addCleanup(stream.close)
        self.assertEqual(self.by_rest("stream=stdout&format=text"), self.wanted["stdout"])
        begun = time.monotonic()
        wait_for("some time", lambda: time.monotonic() > begun + 2.0)
        self.assertEqual(self.world.rest.status()["nodes"]["up"], 3)
        self.assertEqual(self.world.rest.items("/api/v1/events", kind="lost"), [])
        sha, size, end = hashlib.sha256(), 0, time.monotonic() + 60
        while size < 20 << 20:
            data = stream.read(end)
            size += len(data)
            sha.update(data)
        self.assertEqual(sha.hexdigest(), self.wanted["stdout"])


class Lines(TreeTest):
    def start(self, text, path="web-1/api"):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": ["sh", "-c", text + "; exec sleep 100000"]})
        self.world.wait_target(path, "running")

    def text(self, **query):
        return self.world.rest.ask("GET", "/api/v1/logs?select=web-1/api&" + "&".join(
            f"{key}={value}" for key, value in query.items())).body

    def ndjson(self, **query):
        lines = self.text(format="ndjson", **query).splitlines()
        return [json.loads(line) for line in lines]

    def test_streams_are_apart_and_narrowed(self):
        self.start("for n in 1 2 3 4 5; do echo out $n; echo err $n >&2; done")
        wait_for("all lines", lambda: len(self.ndjson()) == 10)
        out = b"".join(b"out %d\n" % n for n in range(1, 6))
        self.assertEqual(self.text(format="text", stream="stdout"), out)
        self.assertEqual(self.text(format="text", stream="stderr"), out.replace(b"out", b"err"))
        self.assertEqual(self.text(format="text", stream="stdout", tail=2), b"out 4\nout 5\n")
        self.assertEqual(self.text(format="text", grep="out%20[24]"), b"out 2\nout 4\n")
        self.assertEqual(self.text(format="text", tail=0), b"")
        cli = self.world.cli("logs", "web-1/api", "--grep", "err [135]", "-n", "2")
        self.assertEqual((cli.returncode, cli.stdout), (0, "err 3\nerr 5\n"), cli.stderr)
        self.assertEqual(self.world.cli("logs", "web-1/api", "--stream", "stdout").stdout.encode(),
                         out)

    def test_offsets_are_contiguous(self):
        self.start("for n in $(seq 500); do echo line $n; echo other $n >&2; done")
        wait_for("all lines", lambda: len(self.ndjson()) == 1000)
        for stream, word in (("stdout", "line"), ("stderr", "other")):
            at, number = 0, 0
            for line in self.ndjson(stream=stream):
                number += 1
                self.assertEqual((line["path"], line["stream"], line["offset"], line["line"]),
                                 ("web-1/api", stream, at, f"{word} {number}"))
                at += len(line["line"]) + 1
            self.assertEqual(number, 500)
        later = self.ndjson(stream="stdout", offset=line_offset(250))
        self.assertEqual(later[0]["line"], "line 251")

    def test_what_is_not_utf8_is_kept(self):
        self.start(r"printf 'a\377b\nlast without end'")
        wait_for("both lines", lambda: len(self.ndjson()) == 2)
        self.assertEqual(self.text(format="text"), b"a\xffb\nlast without end")
        self.assertEqual(self.ndjson()[0]["line_b64"], "Yf9i")

    def test_bad_questions(self):
        self.start("echo one")
        for query in ("grep=(", "tail=many", "stream=stdin", "format=xml", "since=yesterday",
                      "nonsense=1"):
            answer = self.world.rest.ask("GET", "/api/v1/logs?select=web-1/api&" + query)
            self.assertEqual((query, answer.status), (query, 400))
            self.assertTrue(answer.json()["hint"] or answer.json()["detail"], query)
        self.assertEqual(self.world.rest.ask("GET", "/api/v1/logs?select=nobody").status, 404)
        self.assertEqual(self.world.cli("logs", "nobody/here").returncode, 4)
        self.assertEqual(self.world.cli("logs", "web-1/api", "--grep", "(").returncode, 2)
        self.assertEqual(self.world.node("web-1")["state"], "up")

    def test_rotation_tells_the_gap(self):
        text = "for n in $(seq 3000); do echo a line of some forty characters $n; done"
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": {
            "command": ["sh", "-c", text + "; exec sleep 100000"],
            "log": {"max_size": 16384, "max_files": 2}}})
        self.world.wait_target("web-1/api", "running")
        wait_for("the last line", lambda: self.text(format="text", tail=1).endswith(b" 3000\n"))
        kept = self.ndjson(stream="stdout")
        self.assertGreater(kept[0]["offset"], 0)
        gap, first = self.ndjson(stream="stdout", offset=0)[:2]
        self.assertEqual(gap["gap_bytes"], kept[0]["offset"])
        self.assertEqual(first, kept[0])

    def test_a_level_and_the_run_before_are_chosen_at_the_leaf(self):
        root = self.world.root()
        leaf = self.world.leaf("web-1", root, {"api": {
            "command": ["sh", "-c", "echo run $$; echo ERROR bad; echo '  more';"
                                    " exec sleep 100000"]}})
        self.world.wait_target("web-1/api", "running")
        wait_for("the first run", lambda: self.text(format="text").endswith(b"more\n"))
        none = self.world.cli("logs", "web-1/api", "--previous")
        self.assertNotEqual(none.returncode, 0)
        self.assertIn("no run before", none.stderr)
        self.assertEqual(self.world.cli("logs", "web-1/api", "--level", "error").stdout,
                         "ERROR bad\n  more\n")
        self.world.rest.command("restart", "web-1/api")
        wait_for("the second run", lambda: self.text(format="text").count(b"more\n") == 2)
        before = self.world.cli("logs", "web-1/api", "--previous").stdout
        self.assertEqual(before.count("more"), 1)
        self.assertTrue(self.text(format="text").decode().startswith(before))
        dump = subprocess.run([os.path.join(BIN, "banyan-leaf"), "--dump-log",
                               os.path.join(leaf.state_dir, "logs", "api")],
                              env=plain_environment(), capture_output=True, text=True, check=True)
        lines = [line.split(" ", 3) for line in dump.stdout.splitlines()]
        self.assertEqual("\n".join(line[3] for line in lines) + "\n",
                         self.text(format="text").decode())
        self.assertEqual({line[1] for line in lines}, {"stdout"})
        self.assertEqual([line[2] for line in lines][:2], ["0", str(len(lines[0][3]) + 1)])


def line_offset(lines):
    return sum(len(f"line {n}\n") for n in range(1, lines + 1))


class Following(TreeTest):
    def follow(self, *words):
        command = [os.path.join(BIN, "banyan"), "--url", self.world.rest.url, "logs", "-f", *words]
        process = subprocess.Popen(command, env=plain_environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lines = []
        reader = threading.Thread(target=collect, args=(process.stdout, lines))
        reader.start()

        def end():
            process.terminate()
            process.wait(20)
            reader.join(20)
            process.stdout.close()

        self.addCleanup(end)
        return lines

    def check_contiguous(self, lines):
        """Nothing twice, nothing left out: every run counts from 1 (the last line may be cut)."""
        runs = {}
        for line in lines[:-1]:
            _, pid, _, number = line.split()
            runs.setdefault(pid, []).append(int(number))
        for numbers in runs.values():
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
        return list(runs)

    def test_it_goes_on_over_a_restart_of_the_target(self):
        self.world.chain({"writer": COUNTER})
        first = self.world.wait_target(PATH, "running")
        lines = self.follow(PATH)
        wait_for("the first run", lambda: len(lines) > 10)
        self.world.rest.command("restart", PATH)
        second = self.world.target(PATH)
        wait_for("the second run", lambda: f"run {second['pid']} line 20\n" in lines)
        runs = self.check_contiguous(list(lines))
        self.assertEqual(runs, [str(first["pid"]), str(second["pid"])])

    def test_it_goes_on_over_a_killed_relay(self):
        _, _, rack1, _ = self.world.chain({"writer": COUNTER})
        target = self.world.wait_target(PATH, "running")
        lines = self.follow(PATH, "--stream", "stdout")
        wait_for("the first lines", lambda: len(lines) > 10)
        rack1.kill()
        self.world.wait_node("dc1/rack1", "lost")
        before = len(lines)
        rack1.start()
        self.world.wait_target(PATH, "running")
        wait_for("more lines", lambda: len(lines) > before + 50)
        self.assertEqual(self.check_contiguous(list(lines)), [str(target["pid"])])

    def test_several_are_followed_with_their_names(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"a": COUNTER, "b": COUNTER, "mute": SLEEPER})
        self.world.wait_target("web-1/mute", "running")
        lines = self.follow("**")
        for name in ("a", "b"):
            wait_for(f"lines of {name}",
                     lambda name=name: sum(line.startswith(name) for line in list(lines)) > 10)

    def test_a_follower_that_goes_is_forgotten(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"a": COUNTER})
        target = self.world.wait_target("web-1/a", "running")
        for _ in range(80):  # more than may be open at one time
            stream = Stream(self.world.rest, "/api/v1/logs?select=web-1/a&follow=1&format=ndjson")
            stream.close()
        answered = lambda: self.world.rest.ask("GET", "/api/v1/logs?select=web-1/a&tail=1")
        wait_for("an answer", lambda: answered().status == 200)
        self.assertTrue(alive(target["pid"]))


def collect(file, lines):
    for line in file:
        lines.append(line)


if __name__ == "__main__":
    unittest.main()
