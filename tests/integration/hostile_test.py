"""Strangers at every port: the daemon lives on, and others are served."""

import os
import random
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import zmtp  # noqa: E402
from daemons import SLEEPER, TreeTest, wait_for  # noqa: E402
from rest import NoAnswer  # noqa: E402


class TreePort(TreeTest):
    def setUp(self):
        super().setUp()
        self.root = self.world.root()
        self.relay = self.world.relay("dc1", self.root)
        self.world.leaf("web-1", self.relay, {"api": SLEEPER})
        self.target = self.world.wait_target("dc1/web-1/api", "running")

    def send(self, parts, connect=zmtp.connect):
        """Each of them on a connection of its own, at both ports."""
        for daemon in (self.root, self.relay):
            for part in parts:
                link = connect(daemon.port)
                self.addCleanup(link.close)
                try:
                    link.sendall(part)
                except OSError:
                    pass  # it hung up: as it may

    def check_served(self):
        """Commands and beats go through as before; nobody else has joined."""
        done = self.world.rest.command("signal", "**/api", args={"signal": "CONT"})
        self.assertEqual(done["counts"]["done"], 1)
        nodes = {node["path"]: node["state"] for node in self.world.rest.items("/api/v1/nodes")}
        self.assertEqual(nodes, {"dc1": "up", "dc1/web-1": "up"})
        self.assertEqual(self.world.target("dc1/web-1/api")["pid"], self.target["pid"])
        self.assertTrue(self.root.running() and self.relay.running())
        self.assertEqual(self.world.rest.items("/api/v1/events", kind="lost"), [])

    def test_what_is_not_zmtp(self):
        noise = random.Random(1)
        self.send([noise.randbytes(noise.randrange(1, 2000)) for _ in range(50)])
        self.send([b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\xff" * 64, b"\0" * 64, b""])
        self.check_served()

    def test_handshakes_that_go_wrong(self):
        greet = zmtp.GREETING
        curve = greet.replace(b"NULL", b"CURV")
        self.send([greet[:n] for n in (1, 10, 11, 12, 40)])
        self.send([curve, greet + zmtp.command(b"READY", b"\xff" * 40),
                   greet + zmtp.command(b"ERROR", b"\x05wrong"), greet + b"\x04\x00",
                   greet + zmtp.command(b"READY", zmtp.socket_type(b"PUB")),
                   greet + zmtp.READY + zmtp.command(b"PING", b"\0\0" + b"x" * 300)])
        self.check_served()

    def test_frames_that_are_none(self):
        noise, frames = random.Random(2), []
        for _ in range(200):
            frames.append(zmtp.frame(noise.randbytes(noise.randrange(0, 600))))
        huge = b"\x02" + b"\x7f" + b"\xff" * 7  # 2^63 bytes are announced
        for tail in (b"".join(frames), huge, zmtp.frame(b"x" * 300_000),
                     zmtp.frame(b"a", zmtp.MORE) + zmtp.frame(b"b", zmtp.MORE) + zmtp.frame(b"c"),
                     zmtp.frame(zmtp.hello() + b"\xff\xff"),
                     zmtp.frame(zmtp.field(10, zmtp.field(100, b"\x0a" * 5000)))):
            self.send([tail], zmtp.peer)
        self.check_served()

    def test_frames_of_no_session(self):
        """Every kind there is, without a session and with an invented one."""
        frames = []
        for kind in [11, 12, 13, 20, 21, 22, 23, 24, 25, 30, 31, 32, 33, 34, 35, 36, 37, 38, 40]:
            for session in (0, 77):
                head = zmtp.fixed64(1, session) + zmtp.field(2, 1) if session else b""
                frames.append(zmtp.frame(head + zmtp.field(kind, b"")))
        self.send([b"".join(frames)], zmtp.peer)
        self.check_served()

    def test_a_hello_that_is_refused_is_told_why(self):
        cases = {"bad_hello": {"name": "../../etc"}, "version": {"protocol_min": 9,
                                                                 "protocol_max": 9},
                 "interval": {"beat_interval_ms": 60_000}, "too_deep": {"depth_below": 99},
                 "duplicate_name": {"name": "dc1"}}
        for reason, fields in cases.items():
            with self.subTest(reason):
                link = zmtp.peer(self.root.port)
                self.addCleanup(link.close)
                link.sendall(zmtp.frame(zmtp.hello(**fields)))
                self.assertIn(reason.encode(), zmtp.received(link, 1.0))
        for fields in ({"role": "root"}, {"instance": "short"}, {"name": "x" * 5000},
                       {"host": "h" * 5000}):
            link = zmtp.peer(self.root.port)
            self.addCleanup(link.close)
            link.sendall(zmtp.frame(zmtp.hello(**fields)))
            self.assertIn(b"bad_hello", zmtp.received(link, 1.0))
        self.check_served()

    def test_a_child_that_lies_is_put_out(self):
        link = zmtp.peer(self.root.port)
        self.addCleanup(link.close)
        link.sendall(zmtp.frame(zmtp.hello()))
        wait_for("it to be known", lambda: self.world.node("stranger"))
        link.sendall(zmtp.frame(zmtp.field(21, zmtp.field(1, 1))))  # a beat of no session
        link.close()
        self.world.wait_node("stranger", "lost")
        done = self.world.rest.command("signal", "**/api", args={"signal": "CONT"})
        self.assertEqual(done["counts"]["done"], 1)
        self.assertEqual(self.world.node("dc1")["state"], "up")

    def test_connections_that_say_nothing(self):
        for daemon in (self.root, self.relay):
            for _ in range(150):
                self.addCleanup(zmtp.peer(daemon.port).close)
        self.check_served()
        late = self.world.leaf("late", self.relay, {"api": SLEEPER})
        self.world.wait_up("dc1/late")
        self.assertTrue(late.running())


class Http(TreeTest):
    def setUp(self):
        super().setUp()
        self.root = self.world.root()
        self.port = self.root.settings["http_port"]
        self.host = f"Host: 127.0.0.1:{self.port}\r\n"

    def say(self, data, seconds=12.0):
        """One connection: what it gets for these bytes, up to the first head and what is there."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as link:
            try:
                link.sendall(data if isinstance(data, bytes) else data.encode())
            except OSError:
                pass
            got, end = b"", time.monotonic() + seconds
            link.settimeout(seconds)
            try:
                while b"\r\n\r\n" not in got and time.monotonic() < end:
                    data = link.recv(65536)
                    if not data:
                        break
                    got += data
            except OSError:
                pass
            return got

    def status(self, *words, **options):
        line = self.say(*words, **options).split(b"\r\n", 1)[0].split()
        return int(line[1]) if len(line) > 1 else 0

    def check_served(self):
        self.assertEqual(self.world.rest.ask("GET", "/livez").status, 200)
        self.assertEqual(self.world.rest.status()["name"], "root")
        self.assertTrue(self.root.running())

    def test_what_is_not_http(self):
        noise = random.Random(3)
        for _ in range(40):
            self.say(noise.randbytes(noise.randrange(1, 2000)) + b"\r\n\r\n", seconds=1.0)
        self.assertEqual(self.status("NONSENSE\r\n\r\n"), 400)
        self.assertEqual(self.status("GET / HTTP/1.1\r\n\r\n"), 400)
        self.assertEqual(self.status(f"GET /%zz HTTP/1.1\r\n{self.host}\r\n"), 400)
        self.assertEqual(self.status(f"GET /../../etc/passwd HTTP/1.1\r\n{self.host}\r\n"), 404)
        self.assertEqual(self.status(f"BREW /livez HTTP/1.1\r\n{self.host}\r\n"), 405)
        self.check_served()

    def test_too_large(self):
        head = f"POST /api/v1/commands HTTP/1.1\r\n{self.host}"
        self.assertEqual(self.status(f"{head}Content-Length: {2 << 20}\r\n\r\n"), 413)
        chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
        chunked = (head + "Transfer-Encoding: chunked\r\n\r\n").encode() + chunk * 32
        self.assertEqual(self.status(chunked), 413)
        self.assertEqual(self.status(f"GET / HTTP/1.1\r\n{self.host}X: {'x' * 40000}\r\n\r\n"), 431)
        many = "".join(f"X-{n}: y\r\n" for n in range(4000))
        self.assertEqual(self.status(f"GET / HTTP/1.1\r\n{self.host}{many}\r\n"), 431)
        self.check_served()

    def test_an_unknown_host_and_a_foreign_origin(self):
        ask = "GET /api/v1/status HTTP/1.1\r\n"
        for host in ("evil.example", "127.0.0.1.evil.example", "10.0.0.1"):
            self.assertEqual(self.status(f"{ask}Host: {host}\r\n\r\n"), 421)
        for host in ("localhost", f"localhost:{self.port}", "[::1]"):
            self.assertEqual(self.status(f"{ask}Host: {host}\r\n\r\n"), 200)
        for origin in ("http://evil.example", "null", f"http://127.0.0.1:{self.port + 1}"):
            self.assertEqual(self.status(f"{ask}{self.host}Origin: {origin}\r\n\r\n"), 403)
        own = f"http://127.0.0.1:{self.port}"
        self.assertEqual(self.status(f"{ask}{self.host}Origin: {own}\r\n\r\n"), 200)

    def test_nothing_happens_on_get(self):
        answer = self.world.rest.ask("GET", "/api/v1/commands?verb=stop&select=**")
        self.assertEqual(answer.status, 400)
        answer = self.world.rest.ask("GET", "/api/v1/statuss")
        self.assertEqual(answer.status, 404)
        self.assertIn("/api/v1/status", answer.json()["hint"])
        for path in ("/", "/livez", "/nowhere", "/api/v1/tree"):
            policy = self.world.rest.ask("GET", path).headers["content-security-policy"]
            self.assertIn("default-src", policy)

    def test_300_idle_connections(self):
        idle = [socket.create_connection(("127.0.0.1", self.port), 10) for _ in range(300)]
        for link in idle:
            self.addCleanup(link.close)
        self.assertIn(self.status(f"GET /livez HTTP/1.1\r\n{self.host}\r\n"), (200, 503))
        for link in idle[:150]:
            link.close()
        wait_for("an answer", self.is_served)
        self.check_served()

    def is_served(self):
        try:
            return self.world.rest.ask("GET", "/livez").status == 200
        except NoAnswer:
            return False

    def test_slow_ones_are_cut_off(self):
        begun, slow = time.monotonic(), []
        for _ in range(20):
            link = socket.create_connection(("127.0.0.1", self.port), 10)
            self.addCleanup(link.close)
            link.sendall(b"GET / HT")
            slow.append(link)
        self.check_served()
        readers = [threading.Thread(target=zmtp.received, args=(link, 20.0)) for link in slow]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(25)
        took = time.monotonic() - begun
        self.tell(f"cut off after {took:.1f} s")
        self.assertLess(took, 18)
        self.check_served()

    def test_subscribers_that_read_nothing(self):
        self.world.leaf("web-1", self.root, {"api": SLEEPER})
        self.world.wait_target("web-1/api", "running")
        for _ in range(30):
            link = socket.create_connection(("127.0.0.1", self.port), 10)
            self.addCleanup(link.close)
            link.sendall(f"GET /api/v1/stream?snapshot=1 HTTP/1.1\r\n{self.host}\r\n".encode())
        for _ in range(10):
            done = self.world.rest.command("restart", "web-1/api")
            self.assertEqual(done["counts"]["done"], 1)
        self.check_served()


if __name__ == "__main__":
    unittest.main()
