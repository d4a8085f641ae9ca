"""A root's HTTP as a test needs it: questions, lists, and the event stream."""

import http.client
import json
import select
import socket
import time
from urllib.parse import quote, urlencode

PATIENCE = 20.0  # seconds for one answer


class NoAnswer(Exception):
    """Nothing that is HTTP came back, or not in time."""


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # lower-case names
        self.body = body

    def json(self):
        return json.loads(self.body)


class Rest:
    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.url = f"http://{host}:{port}"

    def connection(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def ask(self, method, path, body=None, headers=None):
        connection = self.connection()
        try:
            connection.request(method, quote(path, safe="/?&=%*,@"), body, headers or {})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def get(self, path, **query):
        answer = self.ask("GET", path + ("?" + urlencode(query) if query else ""))
        if answer.status != 200:
            raise NoAnswer(f"GET {path}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def find(self, path):
        """The thing at this path, or {}."""
        answer = self.ask("GET", path)
        if answer.status == 404:
            return {}
        if answer.status != 200:
            raise NoAnswer(f"GET {path}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def items(self, path, **query):
        return self.get(path, **query)["items"]

    def status(self):
        return self.get("/api/v1/status")

    def command(self, verb, selector, wait="15s", **more):
        """Posts a command; its description as answered."""
        body = json.dumps({"verb": verb, "select": selector, **more})
        path = "/api/v1/commands" + (f"?wait={wait}" if wait else "")
        answer = self.ask("POST", path, body, {"content-type": "application/json"})
        if answer.status not in (200, 202):
            raise NoAnswer(f"POST {path} {body}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def stream(self, **query):
        return EventStream(self, query)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class UnixRest(Rest):
    """The same at a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", 0)
        self.path = path
        self.url = f"unix://{path}"

    def connection(self):
        return UnixConnection(self.path)


class Stream:
    """The body of an endless answer, as it comes."""

    def __init__(self, rest, path):
        self.socket = socket.create_connection((rest.host, rest.port), PATIENCE)
        head = f"GET {path} HTTP/1.1\r\nHost: {rest.host}:{rest.port}\r\n\r\n"
        self.socket.sendall(head.encode())
        self.raw = b""
        end = time.monotonic() + PATIENCE
        while b"\r\n\r\n" not in self.raw:
            self._receive(end)
        head, self.raw = self.raw.split(b"\r\n\r\n", 1)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise NoAnswer(f"{path}: {head!r}")

    def close(self):
        self.socket.close()

    def _receive(self, end):
        if not select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
            raise NoAnswer("nothing more came")
        got = self.socket.recv(1 << 20)
        if not got:
            raise NoAnswer("the stream ended")
        self.raw += got

    def _chunk(self):
        """The next whole chunk, or None."""
        size, line, rest = self.raw.partition(b"\r\n")
        length = int(size, 16) if line else 0
        if not line or len(rest) < length + 2:
            return None
        self.raw = rest[length + 2 :]
        return rest[:length]

    def read(self, end):
        """Some bytes of the body; b"" = it is complete."""
        while (chunk := self._chunk()) is None:
            self._receive(end)
        return chunk


class EventStream(Stream):
    """Server-sent events as they come, each with the time of its arrival."""

    def __init__(self, rest, query):
        super().__init__(rest, "/api/v1/stream?" + urlencode(query))
        self.pending = b""
        self.seen = []  # (event, data, seconds)
        self.take(time.monotonic() + PATIENCE)  # the first line: it is subscribed now

    def take(self, end):
        self.pending += self.read(end)
        now = time.monotonic()
        *blocks, self.pending = self.pending.split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(": ", 1) for line in block.decode().splitlines())
            if "data" in fields:
                self.seen.append((fields.get("event"), json.loads(fields["data"]), now))

    def wait(self, what, matches, patience=PATIENCE):
        """The first item for which matches(topic, item), and when it came."""
        end, at = time.monotonic() + patience, 0
        while True:
            for topic, item, when in self.seen[at:]:
                at += 1
                if matches(topic, item):
                    return item, when
            try:
                self.take(end)
            except NoAnswer as error:
                raise AssertionError(f"{what}: {error}") from error
