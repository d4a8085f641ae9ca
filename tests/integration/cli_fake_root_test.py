"""The banyan command against a scripted root: exit codes, streams, pipes, colours."""

import hashlib
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_fake_root import TARGETS, FakeRoot  # noqa: E402

BANYAN = os.path.join(os.environ.get("BANYAN_BIN", "build/release/bin"), "banyan")
DEADLINE = 30


class Cli(unittest.TestCase):
    def setUp(self):
        self.root = FakeRoot()
        self.addCleanup(self.root.close)

    def environment(self, **more):
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("BANYAN", "LC_", "LANG"))}
        return {**plain, "BANYAN_URL": self.root.url, "LANG": "C.UTF-8", **more}

    def run_cli(self, *words, **more):
        return subprocess.run([BANYAN, *words], env=self.environment(**more), timeout=DEADLINE,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)

    def start_cli(self, *words, **more):
        process = subprocess.Popen([BANYAN, *words], env=self.environment(**more),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait(DEADLINE)
        process.stdout.close()
        process.stderr.close()

    def route(self, method, path, function):
        self.root.routes[(method, path)] = function


class Looking(Cli):
    def test_an_open_outage_is_exit_3(self):
        done = self.run_cli("status")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("✗ 1 outage: 2 of 3 nodes up", done.stdout)
        self.assertIn("silent for 5 s", done.stdout)

    def test_a_selection_that_runs_is_exit_0(self):
        self.assertEqual(self.run_cli("status", "dc1/web-1/api").returncode, 0)

    def test_a_selection_that_does_not_all_run_is_exit_3(self):
        done = self.run_cli("status", "dc1/web-1")
        self.assertEqual(done.returncode, 3)
        self.assertIn("backing off", done.stdout)

    def test_an_ambiguous_name_is_exit_4_with_the_candidates(self):
        done = self.run_cli("describe", "api")
        self.assertEqual(done.returncode, 4)
        self.assertIn('"api" is not unique: 2', done.stderr)
        self.assertIn("banyan describe dc1/web-1/api", done.stderr)
        self.assertIn("banyan describe '**/api'", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_a_wrong_name_is_exit_4_with_a_suggestion(self):
        done = self.run_cli("restart", "apy")
        self.assertEqual(done.returncode, 4)
        self.assertIn('nothing is called "apy"\n  did you mean  dc1/web-1/api', done.stderr)
        self.assertEqual(self.root.commands, [])

    def test_an_empty_list_leads_to_what_is_near(self):
        near = {"title": "no such node", "candidates": ["dc1/web-1/api"]}
        self.route("GET", "/api/v1/nodes/dc1/web-1/apy", lambda h, q, b: h.answer(near, 404))
        done = self.run_cli("logs", "dc1/web-1/apy")
        self.assertEqual(done.returncode, 4)
        self.assertIn("nothing matches dc1/web-1/apy\n  did you mean  dc1/web-1/api", done.stderr)

    def test_a_node_without_targets_leads_to_those_below(self):
        self.route("GET", "/api/v1/nodes/dc1/web-9", lambda h, q, b: h.answer({"path": "x"}))
        done = self.run_cli("stop", "dc1/web-9")
        self.assertEqual(done.returncode, 4)
        self.assertIn("those below it  banyan stop 'dc1/web-9/**'", done.stderr)

    def test_a_root_that_is_not_there_is_exit_5(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = "http://127.0.0.1:%d" % free.getsockname()[1]
            done = self.run_cli("status", BANYAN_URL=url)
        self.assertEqual(done.returncode, 5)
        self.assertIn("cannot reach the root at %s: connection refused" % url, done.stderr)

    def test_a_root_that_does_not_answer_is_exit_5(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = "http://127.0.0.1:%d" % silent.getsockname()[1]
            done = self.run_cli("status", "--url", url, "--timeout", "300ms")
        self.assertEqual(done.returncode, 5)

    def test_a_refusal_is_exit_6_and_the_token_is_sent(self):
        refusal = {"title": "denied", "detail": 'token "ops-2" may act on iad/** only'}
        self.route("GET", "/api/v1/status", lambda h, q, b: h.answer(refusal, 403))
        done = self.run_cli("status", BANYAN_TOKEN="secret")
        self.assertEqual(done.returncode, 6)
        self.assertIn('banyan: denied: token "ops-2" may act on iad/** only', done.stderr)
        self.assertEqual(self.root.requests[-1][4]["Authorization"], "Bearer secret")

    def test_usage_is_exit_2_with_a_suggestion(self):
        done = self.run_cli("restrat", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did you mean  banyan restart", done.stderr)

    def test_get_gives_names_json_and_a_plain_table(self):
        paths = [item["path"] for item in TARGETS]
        self.assertEqual(self.run_cli("get", "targets", "-o", "name").stdout.split(), paths)
        listed = json.loads(self.run_cli("get", "targets", "-o", "json").stdout)
        self.assertEqual([item["path"] for item in listed["items"]], paths)
        table = self.run_cli("get", "targets").stdout
        self.assertRegex(table.splitlines()[0], r"^PATH +STATE +HEALTH +FOR +RESTARTS +PID$")
        self.assertNotIn("●", table)

    def test_lists_are_read_page_by_page(self):
        def page(handler, query, _):
            at = int(query.get("continue", 0))
            handler.answer({"items": [TARGETS[at]],
                            "continue": str(at + 1) if at + 1 < len(TARGETS) else None})
        self.route("GET", "/api/v1/targets", page)
        self.assertEqual(len(self.run_cli("get", "targets", "-o", "name").stdout.split()), 3)

    def test_colour_is_for_terminals_and_for_who_asks(self):
        self.assertNotIn("\x1b", self.run_cli("status").stdout)
        self.assertIn("\x1b[1;31m", self.run_cli("status", "--color=always").stdout)
        coloured, plain = self.on_terminal("status"), self.on_terminal("status", NO_COLOR="1")
        self.assertIn("\x1b[1;31m", coloured)
        self.assertNotIn("\x1b", plain)
        self.assertIn("✗ 1 outage", plain)

    def on_terminal(self, *words, **more):
        ours, theirs = pty.openpty()
        process = subprocess.Popen([BANYAN, *words], stdin=theirs, stdout=theirs, stderr=theirs,
                                   env=self.environment(TERM="xterm", **more))
        os.close(theirs)
        out = b""
        try:
            while piece := os.read(ours, 65536):
                out += piece
        except OSError:
            pass  # the other side is closed
        os.close(ours)
        process.wait(DEADLINE)
        return out.decode()


class Local(unittest.TestCase):
    def test_a_unix_socket_works_like_an_address(self):
        with tempfile.TemporaryDirectory() as folder:
            root = FakeRoot(os.path.join(folder, "http.sock"))
            self.addCleanup(root.close)
            done = subprocess.run([BANYAN, "--url", root.url, "get", "nodes", "-o", "name"],
                                  capture_output=True, text=True, timeout=DEADLINE)
            self.assertEqual((done.returncode, len(done.stdout.split())), (0, 3), done.stderr)


class Acting(Cli):
    def test_one_target_is_acted_on_without_a_question(self):
        done = self.run_cli("restart", "dc1/web-1/api")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^✓ dc1/web-1/api  done +\d+\.\d\ds  "
                                      r"generation 2 -> 3, pid 12240, because\n$")
        sent = self.root.commands[0]
        self.assertEqual((sent["verb"], sent["select"], sent["ttl_ms"]),
                         ("restart", "dc1/web-1/api", 30000))
        self.assertRegex(sent["id"], r"^[0-9a-f]{32}$")

    def test_many_without_a_terminal_need_yes(self):
        done = self.run_cli("stop", "**")
        self.assertEqual(done.returncode, 2)
        self.assertIn("stop **: 3 targets on 2 nodes\n", done.stderr)
        self.assertIn("--yes", done.stderr)
        self.assertEqual((self.root.commands, done.stdout), ([], ""))

    def test_dry_run_only_looks(self):
        done = self.run_cli("stop", "**", "--dry-run")
        self.assertEqual((done.returncode, self.root.commands), (0, []))
        self.assertIn("1 unreachable  dc1/web-2/api", done.stderr)

    def test_a_failure_is_exit_1_and_is_told_last(self):
        self.root.outcomes = {"dc1/web-1/db": "failed", "dc1/web-2/api": "unknown"}
        done = self.run_cli("stop", "**", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stdout.splitlines()), 3)
        self.assertIn("✗ dc1/web-1/db   failed", done.stdout)
        self.assertIn("3 targets: 1 done, 1 failed, 1 unknown in", done.stderr)
        self.assertIn("again: banyan stop dc1/web-1/db", done.stderr)

    def test_an_unknown_outcome_is_exit_7(self):
        self.root.outcomes = {"dc1/web-1/api": "unknown"}
        self.assertEqual(self.run_cli("restart", "dc1/web-1/api").returncode, 7)

    def test_a_lost_answer_is_asked_for_again_with_the_same_id(self):
        ids = []

        def drop(handler, _, body):
            ids.append(body["id"])
            if len(ids) > 1:
                self.root.command(handler, {}, body)
            handler.close_connection = True
        self.route("POST", "/api/v1/commands", drop)
        self.assertEqual(self.run_cli("restart", "dc1/web-1/api").returncode, 0)
        self.assertEqual(ids, [ids[0]] * 2)

    def test_an_answer_that_stays_lost_is_exit_7(self):
        def drop(handler, *_):
            handler.close_connection = True
        self.route("POST", "/api/v1/commands", drop)
        self.assertEqual(self.run_cli("restart", "dc1/web-1/api").returncode, 7)

    def test_signals_lose_their_sig(self):
        self.run_cli("signal", "sighup", "dc1/web-1/api")
        self.assertEqual(self.root.commands[0]["args"], {"signal": "HUP"})

    def test_labels_and_states_go_into_the_selector(self):
        self.run_cli("get", "targets", "dc1/**", "@down", "-l", "tier=web")
        self.assertEqual(self.root.requests[-1][2]["select"], "dc1/**,@down -l tier=web")

    def test_no_wait_prints_the_id(self):
        done = self.run_cli("stop", "dc1/web-1/api", "--no-wait")
        self.assertEqual(done.stdout.strip(), self.root.commands[0]["id"])
        self.assertNotIn("wait", self.root.requests[-1][2])


class Waiting(Cli):
    def test_not_reached_is_exit_3(self):
        done = self.run_cli("wait", "dc1/web-1/db", "--timeout", "300ms")
        self.assertEqual(done.returncode, 3)
        self.assertIn("✗ 1 of 1 not running", done.stdout)

    def test_it_ends_when_the_state_is_reached(self):
        looks = []

        def later(handler, *_):
            looks.append(1)
            state = "running" if len(looks) > 2 else "starting"
            handler.answer({"items": [dict(TARGETS[0], state=state)], "continue": None})
        self.route("GET", "/api/v1/targets", later)
        done = self.run_cli("wait", "dc1/web-1/api", "--for", "running")
        self.assertEqual((done.returncode, len(looks)), (0, 3), done.stderr)

    def test_a_name_that_never_comes_is_exit_4(self):
        self.assertEqual(self.run_cli("wait", "nobody", "--timeout", "0.1").returncode, 4)


class Following(Cli):
    def test_the_bytes_of_one_target_are_exact(self):
        data = bytes(range(256)) * 4096 + b"no newline at the end"

        def text(handler, *_):
            handler.begin_stream("text/plain")
            for at in range(0, len(data), 5000):
                handler.chunk(data[at:at + 5000])
            handler.end_stream()
        self.route("GET", "/api/v1/logs", text)
        done = subprocess.run([BANYAN, "logs", "dc1/web-1/api"], env=self.environment(),
                              timeout=DEADLINE, stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(hashlib.sha256(done.stdout).digest(), hashlib.sha256(data).digest())

    def test_a_log_that_breaks_off_is_exit_5(self):
        def text(handler, *_):
            handler.begin_stream("text/plain")
            handler.chunk(b"half\n")
            handler.close_connection = True
        self.route("GET", "/api/v1/logs", text)
        done = self.run_cli("logs", "dc1/web-1/api")
        self.assertEqual((done.returncode, done.stdout), (5, "half\n"))

    def test_several_targets_get_names_and_times(self):
        lines = [("dc1/web-1/api", "12:00:01", "first"), ("dc1/web-1/db", "12:00:02", "second")]

        def ndjson(handler, *_):
            handler.begin_stream("application/x-ndjson")
            for path, time, text in lines:
                handler.chunk(json.dumps({"path": path, "stream": "stdout", "offset": 0,
                                          "time": "2026-03-01T%sZ" % time,
                                          "line": text}).encode() + b"\n")
            handler.end_stream()
        self.route("GET", "/api/v1/logs", ndjson)
        done = self.run_cli("logs", "dc1/web-1", "--utc")
        self.assertEqual(done.stdout, "api  12:00:01.000 first\ndb   12:00:02.000 second\n")

    def test_a_target_that_cannot_be_read_is_exit_1(self):
        def ndjson(handler, *_):
            handler.begin_stream("application/x-ndjson")
            handler.chunk(b'{"path":"dc1/web-1/db","error":"web-1 is lost"}\n')
            handler.end_stream()
        self.route("GET", "/api/v1/logs", ndjson)
        done = self.run_cli("logs", "dc1/web-1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("banyan: dc1/web-1/db: web-1 is lost\n", done.stderr)

    def test_a_followed_log_survives_a_dropped_connection(self):
        def ndjson(handler, query, _):
            handler.begin_stream("application/x-ndjson")
            first = int(query.get("offset", 0))
            for offset in range(first, first + 20, 10):
                line = {"path": "dc1/web-1/api", "stream": "stdout", "offset": offset,
                        "time": "2026-03-01T12:00:00Z", "line": "at %d" % offset}
                handler.chunk(json.dumps(line).encode() + b"\n")
            handler.close_connection = True  # without the last chunk
        self.route("GET", "/api/v1/logs", ndjson)
        process = self.start_cli("logs", "-f", "dc1/web-1/api", "--stream", "stdout")
        seen = [process.stdout.readline() for _ in range(4)]
        self.assertEqual(seen, ["at %d\n" % offset for offset in (0, 10, 20, 30)])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(DEADLINE), 130)

    def test_followed_events_resume_without_doubles(self):
        def event(seq):
            return {"seq": seq, "time": "2026-03-01T12:00:00Z", "path": "dc1", "kind": "exited",
                    "text": "run %d" % seq}

        def stream(handler, *_):
            handler.begin_stream("text/event-stream")
            after = int(handler.headers.get("Last-Event-ID") or 2)
            for seq in (after, after + 1):
                data = ": hello\r\nevent: events\r\ndata: %s\r\nid: %d\r\n\r\n"
                handler.chunk((data % (json.dumps(event(seq)), seq)).encode())
            handler.close_connection = True
        self.route("GET", "/api/v1/stream", stream)
        listed = {"items": [event(2), event(1)], "continue": None}
        self.route("GET", "/api/v1/events", lambda h, q, b: h.answer(
            {"items": [], "continue": None} if "after" in q else listed))
        process = self.start_cli("events", "-f", "-o", "ndjson")
        seen = [json.loads(process.stdout.readline())["seq"] for _ in range(5)]
        self.assertEqual(seen, [1, 2, 3, 4, 5])

    def test_a_reader_that_leaves_ends_it_quietly(self):
        def text(handler, *_):
            handler.begin_stream("text/plain")
            for _ in range(1000):
                handler.chunk(b"x" * 65535 + b"\n")
            handler.end_stream()
        self.route("GET", "/api/v1/logs", text)
        process = self.start_cli("logs", "dc1/web-1/api")
        process.stdout.read(10)
        process.stdout.close()
        self.assertEqual(process.wait(DEADLINE), 0)
        self.assertEqual(process.stderr.read(), "")


class WithoutRoot(unittest.TestCase):
    def test_a_daemon_verb_becomes_the_program_beside_it(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = os.path.join(folder, "banyan")
            shutil.copy(BANYAN, copy)
            daemon = os.path.join(folder, "banyan-leaf")
            with open(daemon, "w") as script:
                script.write('#!/bin/sh\necho "$@"\nexit 78\n')
            os.chmod(daemon, 0o755)
            for words, said in ((["leaf", "-c", "x"], "-c x\n"),
                                (["config", "check", "leaf.toml"], "--config leaf.toml --check\n")):
                done = subprocess.run([copy, *words], capture_output=True, text=True,
                                      timeout=DEADLINE)
                self.assertEqual((done.returncode, done.stdout), (78, said))


if __name__ == "__main__":
    unittest.main()
