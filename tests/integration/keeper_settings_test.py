"""What is configured of a target holds when its keeper launches it, and over the agent's death."""

import glob
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from checks_test import NOTIFY, python  # noqa: E402
from daemons import TreeTest, alive, wait_for  # noqa: E402

# Tells all that a process can find out about what it was given.
TELL = """import ctypes, json, os, resource, sys
with open("/proc/self/status") as file:
    status = dict(line.split(":", 1) for line in file)
facts = {name: status[name].split() for name in
         ("Uid", "Gid", "Groups", "NoNewPrivs", "Umask", "SigBlk", "SigIgn", "CapEff")}
for name in ("NOFILE", "CORE", "AS", "CPU", "NPROC", "FSIZE", "MEMLOCK", "STACK"):
    facts[name] = resource.getrlimit(getattr(resource, "RLIMIT_" + name))
facts["nice"] = os.getpriority(os.PRIO_PROCESS, 0)
facts["io"] = ctypes.CDLL(None).syscall(252, 1, 0)  # ioprio_get
with open("/proc/self/oom_score_adj") as file:
    facts["oom"] = file.read().strip()
facts["stdin"] = sys.stdin.read()
facts["open"] = [fd for fd in range(100) if os.path.exists(f"/proc/self/fd/{fd}")]
facts["watchdog"] = os.environ["WATCHDOG_PID"] == str(os.getpid())
facts["token"] = os.environ["TOKEN"]
facts["leads"] = os.getsid(0) == os.getpid()
facts["cwd"], facts["argv"] = os.getcwd(), sys.argv
os.write(5, b"ready" + b"\\n")
with open(f"/proc/{os.getppid()}/cmdline") as file:
    facts["parent"] = os.path.basename(file.read().split("\\0")[0])
print(json.dumps(facts))
"""


class Settings(TreeTest):
    def setUp(self):
        super().setUp()
        self.root = self.world.root()

    def file(self, name, text):
        path = self.world.path(name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def told(self, leaf):
        """What TELL has written below this leaf."""
        self.world.wait_target(leaf.name + "/api", "exited")
        with open(glob.glob(os.path.join(leaf.state_dir, "logs/api/stdout.*.log"))[0],
                  encoding="utf-8") as file:
            return json.load(file)

    def everything(self):
        # One that every user may run.
        command = ["/usr/bin/python3", "-c", TELL, "a word", ""]
        target = {"command": command, "restart": "never", "cwd": "/tmp", "umask": "031",
                  "stdin": self.file("input", "from a file"), "no_new_privs": True, "nice": 7,
                  "env_file": self.file("secrets", "TOKEN=hunter2\n"), "watchdog": "60s",
                  "limits": {"nofile": 777, "core": 0, "stack": "3MiB", "fsize": "1GiB"},
                  "io_class": "idle", "oom_score_adj": 333, "ready": {"fd": 5}}
        if os.geteuid() == 0:
            target.update(user="nobody", group="daemon", groups=["bin", "sys"])
        return {"api": target}

    def test_everything_is_as_without_a_keeper(self):
        kept = self.told(self.world.leaf("kept", self.root, self.everything()))
        direct = self.told(self.world.leaf("direct", self.root, self.everything(), keeper=False))
        self.assertEqual((kept.pop("parent"), direct.pop("parent")),
                         ("banyan-keeper", "banyan-leaf"))
        self.assertEqual(kept, direct)
        for name, value in {"NoNewPrivs": ["1"], "Umask": ["0031"], "nice": 7, "io": 3 << 13,
                            "oom": "333", "stdin": "from a file", "NOFILE": [777, 777],
                            "open": [0, 1, 2, 5], "watchdog": True, "token": "hunter2"}.items():
            self.assertEqual(kept[name], value, name)
        if os.geteuid() == 0:
            self.assertNotEqual(kept["Uid"][0], "0")
            self.assertTrue({"2", "3"} <= set(kept["Groups"]), kept["Groups"])

    def test_what_a_run_used_is_told_as_without_a_keeper(self):
        burn = ("import os, time\ndata = b'x' * (64 << 20)\n"
                "while time.process_time() < 0.3: pass\nos._exit(4)")
        target = {"command": [sys.executable, "-c", burn], "restart": "never"}
        for name, keeper in (("kept", True), ("direct", False)):
            self.world.leaf(name, self.root, {"api": target}, keeper=keeper)
            data = wait_for("its exit", lambda name=name: self.world.events(
                f"{name}/api", "exited"))[0]["data"]
            self.assertEqual(data["code"], 4)
            self.assertGreaterEqual(data["user_ms"] + data["system_ms"], 250, name)
            self.assertGreater(data["max_rss_bytes"], 64 << 20, name)

    def test_what_the_kernel_refuses_has_its_name(self):
        self.world.leaf("kept", self.root, {"api": {
            "command": ["sleep", "100000"], "limits": {"core": 0, "nofile": 2_000_000_000}}})
        refused = wait_for("an error", lambda: self.world.target("kept/api").get("error"))
        self.assertIn("limits.nofile", refused)

    def test_relative_paths_begin_where_the_leaf_was_started(self):
        folder = os.path.relpath(self.world.folder)
        script = "import os, json; print(json.dumps(os.getcwd()))"
        for number, keeper in enumerate((True, False)):
            for cwd, wanted in ((None, os.getcwd()), (folder, os.path.realpath(folder))):
                target = {"command": ["/usr/bin/python3", "-c", script], "restart": "never"}
                target.update({"cwd": cwd} if cwd else {})
                name = f"leaf-{number}-{'some' if cwd else 'none'}"
                leaf = self.world.leaf(name, self.root, {"api": target}, keeper=keeper)
                self.assertEqual(os.path.realpath(self.told(leaf)), wanted)


class Adoption(TreeTest):
    def begin(self, target):
        self.leaf = self.world.leaf("web-1", self.world.root(), {"api": target})

    def again(self):
        self.leaf.kill()
        self.leaf.start()
        self.leaf.waits_for("processes=1")

    def gate(self):
        path = self.world.path("gate")
        return path, lambda: open(path, "w", encoding="utf-8").close()

    def target(self):
        return self.world.target("web-1/api")

    def test_being_ready_while_nobody_listens_ends_no_target(self):
        gate, open_gate = self.gate()
        done = self.world.path("done")
        self.begin({"ready": {"fd": 4}, "command": [
            "sh", "-c", f"until [ -e {gate} ]; do sleep 0.01; done; echo >&4; echo > {done}; "
            "exec sleep 100000"]})
        pid = wait_for("its process", lambda: self.target().get("pid"))
        self.leaf.kill()
        open_gate()
        wait_for("its word", lambda: os.path.exists(done))
        self.leaf.start()
        self.assertEqual(self.world.wait_target("web-1/api", "running")["pid"], pid)
        self.assertTrue(alive(pid))

    def test_an_adopted_target_is_heard_and_its_hooks_hear_once(self):
        gate, open_gate = self.gate()
        out = self.world.path("heard")
        hook = ["sh", "-c", f"echo $BANYAN_EVENT $BANYAN_GENERATION >> {out}"]
        self.begin({"ready": {"notify": True}, "on_start": hook, "on_exit": hook,
                    "command": python(NOTIFY + f"say('READY=1'); wait_for({gate!r})\n"
                                      "say('STATUS=seen'); time.sleep(100000)")})
        first = self.world.wait_target("web-1/api", "running")

        def heard():
            if not os.path.exists(out):
                return []
            with open(out, encoding="utf-8") as file:
                return sorted(file.read().splitlines())

        wait_for("its start", heard)
        self.again()
        self.assertEqual(self.world.wait_target("web-1/api", "running")["pid"], first["pid"])
        open_gate()
        wait_for("its status", lambda: self.target().get("status_text") == "seen")
        self.assertEqual(heard(), ["start 1"])
        os.kill(first["pid"], 9)
        wait_for("all hooks", lambda: heard() == ["exit 1", "start 1", "start 2"])

    def test_health_goes_on_and_a_check_of_the_dead_agent_is_ended(self):
        pids, (gate, open_gate) = self.world.path("pids"), self.gate()
        self.begin({"command": ["sleep", "100000"], "health": {
            "every": "20ms", "timeout": "1000s", "exec": [
                "sh", "-c", f"test ! -e {gate} || exit 2; echo $$ >> {pids}; exec sleep 100000"]}})

        def checks():
            if not os.path.exists(pids):
                return []
            with open(pids, encoding="utf-8") as file:
                return file.read().split()

        first = int(wait_for("a check", checks)[0])
        open_gate()
        self.again()
        wait_for("its end", lambda: not alive(first))
        wait_for("a new check", lambda: self.target().get("health") == "unhealthy")


if __name__ == "__main__":
    unittest.main()
