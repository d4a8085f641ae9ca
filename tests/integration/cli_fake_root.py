"""A root that is none: answers the REST API from a script, so that the command line can be tested
against every answer and every way a connection can break. Used by cli_fake_root_test.py."""

import http.server
import json
import socketserver
import threading
import urllib.parse

NODES = [
    {"path": "dc1", "name": "dc1", "role": "relay", "state": "up", "health": "healthy"},
    {"path": "dc1/web-1", "name": "web-1", "role": "leaf", "state": "up", "health": "healthy"},
    {"path": "dc1/web-2", "name": "web-2", "role": "leaf", "state": "lost", "health": "unknown",
     "evidence": ["silent for 5 s"]},
]


def target(path, state="running", **more):
    node, name = path.rsplit("/", 1)
    item = {"path": path, "node": node, "name": name, "state": state, "health": "healthy",
            "since": "2026-03-01T12:00:00.000Z", "generation": 2, "pid": 100, "restarts": 1}
    item.update(more)
    return item


TARGETS = [
    target("dc1/web-1/api"),
    target("dc1/web-1/db", "backing_off", last_exit={"code": 1, "signal": None}, pid=0),
    target("dc1/web-2/api", presumed=True),
]
STATUS = {
    "name": "root", "version": "0.1.0", "revision": 7,
    "nodes": {"total": 3, "up": 2, "suspect": 0, "lost": 1, "left": 0, "unreachable": 0},
    "targets": {"total": 3, "running": 1, "backing_off": 1, "presumed": 1},
    "outages": [{"id": "o-1", "root_cause": "dc1/web-2", "kind": "node_lost",
                 "opened": "2026-03-01T12:00:00.000Z", "closed": None,
                 "affected": {"nodes": 0, "targets": 1}, "evidence": ["silent for 5 s"]}],
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self, kind):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n")
        self.wfile.flush()

    def end_stream(self):
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def dispatch(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        root = self.server.root
        root.requests.append((self.command, parts.path, query, body, dict(self.headers)))
        route = root.routes.get((self.command, parts.path))
        if route is None:
            self.answer({"title": "no such route"}, 404)
            return
        try:
            route(self, query, body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = dispatch


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class FakeRoot:
    """routes: (method, path) -> function(handler, query, body). Override what a test needs."""

    def __init__(self, unix_path=None):
        self.requests = []
        self.commands = []
        self.outcomes = {}
        self.routes = {
            ("GET", "/version"): lambda h, q, b: h.answer({"version": "9.9.9"}),
            ("GET", "/api/v1/status"): lambda h, q, b: h.answer(STATUS),
            ("GET", "/api/v1/nodes"): lambda h, q, b: self.listed(h, q, NODES),
            ("GET", "/api/v1/targets"): lambda h, q, b: self.listed(h, q, TARGETS),
            ("POST", "/api/v1/commands"): self.command,
        }
        if unix_path:
            self.server = UnixServer(unix_path, Handler)
            self.url = "unix://" + unix_path
        else:
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            self.url = "http://127.0.0.1:%d" % self.server.server_address[1]
        self.server.daemon_threads = True
        self.server.root = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def listed(self, handler, query, items):
        """Knows whole paths, `**`, `**/NAME` and short names: enough of the selector grammar."""
        select = query.get("select", "**")
        if select.startswith("**/"):
            found = [i for i in items if i["name"] == select[3:]]
        elif select == "**":
            found = items
        elif "/" in select:
            found = [i for i in items if select in (i["path"], i.get("node"))]
        else:
            found = [i for i in items if i["name"] == select]
            named = [i for i in NODES + TARGETS if i["name"] == select]
            if len(named) != 1:
                near = named or [TARGETS[0]]
                handler.answer({"title": "not found", "status": 404, "hint": "did you mean",
                                "candidates": [i["path"] for i in near]}, 404)
                return
        handler.answer({"items": found, "continue": None})

    def command(self, handler, query, body):
        self.commands.append(body)
        paths = [i["path"] for i in TARGETS if body["select"] in ("**", i["path"])]
        results = [{"path": p, "outcome": self.outcomes.get(p, "done"), "reason": "because",
                    "generation": 3, "pid": 12240} for p in paths]
        counts = {o: sum(r["outcome"] == o for r in results)
                  for o in ("done", "failed", "rejected", "unreachable", "expired", "unknown")}
        handler.answer({"id": body["id"], "verb": body["verb"], "select": body["select"],
                        "state": "finished", "targets": len(results), "counts": counts,
                        "results": results})
