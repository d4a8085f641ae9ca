"""docs/rest.md lists exactly what a root serves, and a root serves the page it has embedded."""

import os
import re
import unittest
from urllib.parse import urljoin

from daemons import TOP, TreeTest


def documented():
    with open(os.path.join(TOP, "docs", "rest.md"), encoding="utf-8") as file:
        rows = re.findall(r"^\| ([A-Z]+) \| `([^`]+)` \|([^|]*)\|", file.read(), re.M)
    return {(method, path): set(re.findall(r"`(\w+)`", names)) for method, path, names in rows}


def served(openapi):
    found = {}
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            names = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
            found[(method.upper(), path)] = names
    return found


class RestDocTest(TreeTest):
    def test_every_route_and_parameter_is_written_down_and_no_other(self):
        self.world.root()
        self.assertEqual(documented(), served(self.world.rest.get("/openapi.json")))

    def test_every_route_takes_its_method(self):
        self.world.root()
        for (method, path), names in documented().items():
            if path == "/api/v1/stream":
                continue  # never ends
            with self.subTest(method=method, path=path):
                path = path.replace("{path}", "none").replace("{id}", "0" * 32)
                path += "?limit=1" if "limit" in names else ""
                answer = self.world.rest.ask(method, path)
                self.assertNotEqual(answer.status, 405, answer.body)
                self.assertLess(answer.status, 500, answer.body)

    def test_the_page_and_all_it_refers_to_are_served(self):
        self.world.root()
        seen, waiting = set(), ["/"]
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            answer = self.world.rest.ask("GET", path)
            self.assertEqual(answer.status, 200, path)
            self.assertIn("default-src", answer.headers["content-security-policy"])
            text = answer.body.decode()
            links = re.findall(r'(?:href|src)="(/[^"]*)"', text) if path == "/" else []
            links += re.findall(r'from "(\.[^"]*)"', text) if path.endswith(".js") else []
            waiting += [urljoin(path, link) for link in links]
        self.assertLessEqual({"/", "/app.js", "/style.css", "/model.js"}, seen)


if __name__ == "__main__":
    unittest.main()
