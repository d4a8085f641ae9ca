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

    def get(self, path):
        try:
            # No proxy: the root is on this host, whatever the environment says.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(self.url + path, timeout=PATIENCE) as answer:
                return json.load(answer)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NoAnswer(f"GET {self.url}{path}: {error}") from error

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
