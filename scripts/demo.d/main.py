"""Starts the demo's tree, shows it, and leaves nothing behind. Called by scripts/demo."""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from processes import Daemons
from rest import NoAnswer
from stage import DAEMONS, Failed, Stage
from verify import verify

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ABSENCE = 10.0  # seconds that a killed daemon stays away: long enough to look at the tree
TALK = """
page       {url}/
try        {banyan} logs -f dc1/rack1/web-1/ticker
           {banyan} restart dc1/worker-1/crashy
           {banyan} get targets
           kill -9 {relay}   # the relay rack1; it comes back after {absence:.0f} s
state      {temporary}
           Ctrl-C ends everything and removes it
"""


class Stop(Exception):
    """A signal asks the demo to end."""


def say(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/demo", description="A whole tree on this host.")
    parser.add_argument("--check", action="store_true", help="verify the tree by REST and exit")
    parser.add_argument("--bin", help="use these programs instead of building them")
    return parser.parse_args()


def heed_signals():
    def stop(number, _frame):
        raise Stop(signal.Signals(number).name)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


def ignore_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def show_tree(stage):
    command = [os.path.join(stage.bin, "banyan"), "--url", stage.url, "tree"]
    sys.stdout.flush()
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise Failed(f"banyan tree ended with exit code {code}")


def watch(stage, daemons):
    """Until a signal comes. A daemon that ends comes back after a while."""
    back = {}
    while True:
        for name, code in daemons.all_ended():
            if name not in back:
                back[name] = time.monotonic() + ABSENCE
                say(f"{name} ended ({code}); it comes back in {ABSENCE:.0f} s")
            elif time.monotonic() >= back[name]:
                del back[name]
                daemons.start(name, stage.command(name))
                say(f"{name} is started again")
        time.sleep(0.2)


def play(stage, daemons, check):
    say(f"starting {len(DAEMONS)} daemons")
    for name in DAEMONS:
        daemons.start(name, stage.command(name))
    say(f"all up after {stage.wait_complete(daemons):.1f} s")
    show_tree(stage)
    if check:
        verify(stage, say)
        return
    banyan = f"{shlex.quote(stage.bin)}/banyan --url {stage.url}"
    relay = daemons.running["dc1-rack1"].pid
    facts = {"relay": relay, "absence": ABSENCE, "temporary": stage.temporary}
    print(TALK.format(url=stage.url, banyan=banyan, **facts), flush=True)
    watch(stage, daemons)


def main():
    args = arguments()
    os.chdir(TOP)
    bin_folder = os.path.abspath(args.bin or os.path.join("build", "release", "bin"))
    heed_signals()
    temporary, daemons, code = None, None, 0
    try:
        temporary = tempfile.mkdtemp(prefix="banyan-demo-")
        stage = Stage(TOP, bin_folder, temporary)
        daemons = Daemons(temporary, stage.environment())
        play(stage, daemons, args.check)
    except Stop as stop:
        say(f"{stop}: ending the tree")
        code = 130 if args.check else 0
    except (Failed, NoAnswer, OSError) as error:
        say(f"failed: {error}")
        code = 1
    finally:
        ignore_signals()
        killed = daemons.stop() if daemons else 0
        if temporary:
            shutil.rmtree(temporary)
    if killed:
        say(f"{killed} processes had outlived their leaf and were killed")
        code = code or 1
    elif code == 0:
        say("no process and no file is left")
    return code


if __name__ == "__main__":
    sys.exit(main())
