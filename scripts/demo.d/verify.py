"""scripts/demo --check: kills one target and sees it come back, counted, by REST alone."""

import os
import signal
import time

from rest import NoAnswer
from stage import POLL, Failed

VICTIM = "dc1/rack1/web-1/http"
DEADLINE = 20.0


def wait_for(what, condition):
    """The first true value of `condition`, within the deadline."""
    end, last = time.monotonic() + DEADLINE, None
    while time.monotonic() < end:
        try:
            value = condition()
            if value:
                return value
        except NoAnswer as error:
            last = error
        time.sleep(POLL)
    raise Failed(f"{what}: not seen within {DEADLINE:.0f} s" + (f" ({last})" if last else ""))


def verify(stage, say):
    rest = stage.rest
    nodes, targets = rest.tree()
    say(f"{len(nodes)} nodes up, {len(targets)} targets as wanted")

    before = targets[VICTIM]
    os.kill(before["pid"], signal.SIGKILL)

    def back():
        now = rest.tree()[1].get(VICTIM, {})
        fresh = now.get("pid") not in (None, 0, before["pid"])
        return now if fresh and now.get("state") == "running" else None

    after = wait_for(f"restart of {VICTIM}", back)
    if after["restarts"] != before["restarts"] + 1:
        raise Failed(f"{VICTIM}: restarts {before['restarts']} -> {after['restarts']}, expected +1")
    if (after.get("last_exit") or {}).get("signal") != "KILL":
        raise Failed(f"{VICTIM}: last_exit is {after.get('last_exit')}, expected signal KILL")
    say(f"{VICTIM}: killed pid {before['pid']}, now pid {after['pid']}, 1 restart counted")

    def told():
        events = rest.get(f"/api/v1/events?select={VICTIM}&kind=exited")["items"]
        return [event for event in events if event["path"] == VICTIM]

    events = wait_for(f"event of {VICTIM}", told)
    if len(events) != 1:
        raise Failed(f"{VICTIM}: {len(events)} exited events for one exit")
    say("exactly one exited event tells of it")
    verify_command(rest, say)


def verify_command(rest, say):
    if "<title>banyan</title>" not in rest.text("/"):
        raise Failed("the page is not served at /")
    body = {"verb": "restart", "select": VICTIM}
    counts = rest.post("/api/v1/commands?wait=10s", body)["counts"]
    if counts["done"] != 1:
        raise Failed(f"restart of {VICTIM}: {counts}")
    say(f"the page is served; {VICTIM}: restarted by a command")
