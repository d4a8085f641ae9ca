"""What the demo asks the root by REST."""

import http.client
import json
import urllib.request

PATIENCE = 5.0  # seconds for one answer


class NoAnswer(Exception):
    """The root did not answer, or not with JSON."""


class Rest:
    def __init__(self, url):
        self.url = url

    def text(self, path, body=None, patience=PATIENCE):
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(self.url + path, body, headers)
        try:
            # No proxy: the root is on this host, whatever the environment says.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(request, timeout=patience) as answer:
                return answer.read().decode()
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(f"{request.get_method()} {self.url}{path}: {error}") from error

    def get(self, path):
        return self._json(path, self.text(path))

    def post(self, path, value):
        return self._json(path, self.text(path, json.dumps(value).encode(), 3 * PATIENCE))

    def _json(self, path, text):
        try:
            return json.loads(text)
        except ValueError as error:
            raise NoAnswer(f"{self.url}{path}: {error}") from error

    def tree(self):
        """All nodes below the root and all targets, each as {path: item}."""
        nodes, targets = {}, {}
        todo = [self.get("/api/v1/tree")]
        while todo:
            node = todo.pop()
            if node["path"] != "/":
                nodes[node["path"]] = node
            targets.update({target["path"]: target for target in node.get("targets", [])})
            todo += node.get("children", [])
        return nodes, targets
