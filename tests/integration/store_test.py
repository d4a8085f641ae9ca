"""What a root keeps on disk: every event once and in order over any death, and its history.

BANYAN_STORE_EVENTS: about so many events are produced while daemons are killed (1000).
"""

import glob
import os
import random
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from daemons import DEADLINE, SLEEPER, TreeTest, wait_for  # noqa: E402
from rest import Rest  # noqa: E402

EVENTS = int(os.environ.get("BANYAN_STORE_EVENTS", "1000"))
ROUNDS = 20
TARGETS = 5
RUN_PATIENCE = 0.1  # seconds for one run, of all targets together
# Files of this process may not grow beyond so many KiB; a signal would end it.
SMALL_FILES = ["sh", "-c", 'trap "" XFSZ; ulimit -S -f 600; exec "$0" "$@"']


def rows(root, query):
    path = os.path.join(root.state_dir, "store.sqlite")
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as store:
        return store.execute(query).fetchall()


class StoreTest(TreeTest):
    def busy(self, seconds="0.05"):
        """Targets that end all the time, each saying so in a file of its own."""
        def target(number):
            return {"command": ["sh", "-c", f"echo >> {self.runs_file(number)}; sleep {seconds}"],
                    "backoff": "0s..0s"}

        return {f"t{number}": target(number) for number in range(TARGETS)}

    def runs_file(self, number):
        return self.world.path(f"runs-{number}")

    def runs(self):
        files = [self.runs_file(number) for number in range(TARGETS)]
        return sum(os.path.getsize(file) for file in files if os.path.exists(file))

    def wait_runs(self, more):
        goal = self.runs() + more
        wait_for(f"{goal} runs", lambda: self.runs() >= goal, DEADLINE + more * RUN_PATIENCE)

    def quiet(self, path):
        """Stops all targets and waits until the store has heard of every run's end."""
        self.world.rest.command("stop", path + "/*")
        for number in range(TARGETS):
            name = f"{path}/t{number}"
            generation = self.world.wait_target(name, "stopped")["generation"]
            wait_for(f"the end of the last run of {name}",
                     lambda name=name, last=generation: self.exits(name)[:1] == [last])

    def exits(self, target):
        """Generations, the newest first."""
        items = self.world.rest.items("/api/v1/events", select=target, kind="exited", limit=1)
        return [item["data"]["generation"] for item in items]

    def listed(self, **query):
        """All events, page by page, the newest first."""
        found, token = [], None
        while True:
            more = {"continue": token} if token else {}
            page = self.world.rest.get("/api/v1/events", limit=300, **query, **more)
            found += page["items"]
            token = page["continue"]
            if not token:
                return found

    def check_store(self, root):
        wait_for("an idle store", lambda: self.waiting() == 0)
        numbers = {}
        for stream, number in rows(root, "SELECT stream, number FROM events ORDER BY seq"):
            numbers.setdefault(stream, []).append(number)
        for stream, found in numbers.items():
            self.assertEqual(found, list(range(1, len(found) + 1)), f"stream {stream}")
        for stream, stored in rows(root, "SELECT id, stored FROM streams"):
            self.assertEqual(stored, len(numbers.get(stream, [])))
        stored = [seq for (seq,) in rows(root, "SELECT seq FROM events ORDER BY seq DESC")]
        self.assertEqual([event["seq"] for event in self.listed()], stored)
        self.assertEqual(self.listed(kind="gap"), [])

    def waiting(self):
        text = self.world.rest.ask("GET", "/metrics").body.decode()
        line = next(line for line in text.splitlines()
                    if line.startswith("banyan_store_rows_waiting "))
        return int(line.split()[1])

    def check_exits(self, path):
        found = self.listed(kind="exited")
        for number in range(TARGETS):
            name = f"{path}/t{number}"
            ends = [event["data"]["generation"] for event in reversed(found)
                    if event["path"] == name]
            self.assertEqual(ends, list(range(1, len(ends) + 1)), name)
        return len(found)

    def test_every_event_is_stored_once_and_in_order_over_any_death(self):
        root = self.world.root()
        relay = self.world.relay("dc1", root)
        leaf = self.world.leaf("web-1", relay, self.busy())
        chance = random.Random(7)
        for turn in range(ROUNDS):
            victims = [[root], [relay], [root, relay], [leaf], [root, leaf, relay]][turn % 5]
            self.wait_runs(chance.randrange(1, max(2, EVENTS // ROUNDS // 4)))
            for victim in victims:
                victim.kill()
            if leaf not in victims:
                self.wait_runs(chance.randrange(1, max(2, EVENTS // ROUNDS // 4)))
            for victim in victims:
                victim.start()
        self.wait_runs(max(1, EVENTS // 2 - self.runs()))
        self.world.wait_up("dc1", "dc1/web-1")
        self.quiet("dc1/web-1")
        ends = self.check_exits("dc1/web-1")
        self.check_store(root)
        events = rows(root, "SELECT count(*) FROM events")[0][0]
        self.assertGreaterEqual(events, EVENTS)
        self.tell(f"{events} events, {ends} ends of runs, {ROUNDS} rounds of kill -9")

    def test_a_root_serves_its_history_after_a_restart(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": SLEEPER, "job": SLEEPER})
        self.world.wait_target("web-1/api", "running")
        first = self.world.rest.command("restart", "web-1/api")
        self.assertEqual(first["counts"]["done"], 1)
        wait_for("the end of the run", lambda: self.world.events("web-1/api", "exited"))
        wait_for("an idle store", lambda: self.waiting() == 0)
        before = self.listed()
        root.kill()
        root.start()
        after = self.listed()
        self.assertEqual([event for event in after if event["seq"] <= before[0]["seq"]], before)
        ended = self.world.events("web-1/api", "exited")
        self.assertEqual(len(ended), 1)
        seq = ended[0]["seq"]
        older = self.world.rest.items("/api/v1/events", after=seq - 2, limit=2, select="web-1/*")
        self.assertTrue(older)
        newest = self.world.rest.get("/api/v1/events", limit=1, kind="started")
        self.assertEqual(len(newest["items"]), 1)
        self.assertIsNotNone(newest["continue"])
        nothing = self.world.rest.items("/api/v1/events", since="2100-01-01T00:00:00Z")
        self.assertEqual(nothing, [])
        self.assertEqual(self.world.rest.get(f"/api/v1/commands/{first['id']}"), first)
        self.world.wait_up("web-1")
        generation = self.world.target("web-1/api")["generation"]
        again = self.world.rest.command("restart", "web-1/api", id=first["id"])
        self.assertEqual(again, first)
        self.assertEqual(self.world.target("web-1/api")["generation"], generation)
        wait_for("news", lambda: self.listed()[0]["seq"] > before[0]["seq"])

    def test_an_upgrade_of_a_root_keeps_its_history_and_its_numbers(self):
        root = self.world.root()
        self.world.leaf("web-1", root, {"api": SLEEPER})
        self.world.wait_target("web-1/api", "running")
        before = self.listed()
        pid = root.pid
        root.signal(signal.SIGUSR2)
        wait_for("the upgrade", lambda: self.listed(kind="upgraded"))
        self.world.wait_up("web-1")
        self.assertEqual(root.pid, pid)
        after = self.listed()
        self.assertEqual(after[-len(before):], before)
        self.assertLess(after[0]["seq"], before[0]["seq"] + 100, "no leap after a proper end")

    def test_a_damaged_store_is_put_aside(self):
        root = self.world.root()
        root.kill()
        store = os.path.join(root.state_dir, "store.sqlite")
        for path in glob.glob(store + "*"):
            os.unlink(path)
        with open(store, "w", encoding="utf-8") as file:
            file.write("this is no database\n" * 1000)
        root.start()
        wait_for("the word of it", lambda: self.listed(kind="store_replaced"))
        root.waits_for("event=store_replaced")
        self.assertEqual(len(glob.glob(store + ".damaged-*")), 1)
        self.world.leaf("web-1", root, {"api": SLEEPER})
        wait_for("an event", lambda: self.listed(kind="started"))
        wait_for("an idle store", lambda: self.waiting() == 0)

    def test_a_disk_that_is_full_loses_nothing_of_others(self):
        root = self.world.add("root", {"name": "root", "port": 0, "http_port": 0})
        root.prefix = SMALL_FILES
        root.start()
        self.world.rest = Rest("127.0.0.1", root.settings["http_port"])
        leaf = self.world.leaf("web-1", root, self.busy())
        wait_for("the word of it", lambda: self.listed(kind="store_failed"))
        root.waits_for("event=store_failed")
        self.world.wait_up("web-1")
        self.assertEqual(self.world.rest.command("restart", "web-1/t0")["counts"]["done"], 1)
        self.wait_runs(50)
        subprocess.run(["prlimit", "--pid", str(root.pid), "--fsize=unlimited"], check=True)
        wait_for("the recovery", lambda: self.listed(kind="store_recovered"))
        self.assertTrue(leaf.running())
        self.quiet("web-1")
        self.check_exits("web-1")
        self.check_store(root)

    def test_what_is_beyond_the_bounds_goes_and_is_counted(self):
        root = self.world.root(store={"keep_events": 20})
        self.world.leaf("web-1", root, self.busy())
        self.wait_runs(40)
        wait_for("an idle store", lambda: rows(root, "SELECT count(*) FROM events")[0][0] > 40)
        self.quiet("web-1")
        root.signal(signal.SIGTERM)
        root.process.wait()
        root.start()  # it looks for what may go when it starts
        wait_for("the rest to go", lambda: rows(root, "SELECT count(*) FROM events")[0][0] <= 30)


if __name__ == "__main__":
    unittest.main()
